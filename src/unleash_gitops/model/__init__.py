"""Frozen data that every other folder uses: plans, resources, workspaces, ownership, diagnostics, errors.

It imports no other folder of the project.
"""
