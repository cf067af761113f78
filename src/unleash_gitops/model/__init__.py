"""Frozen data that every other folder uses: plans, resources, workspaces, ownership, diagnostics, errors.

It imports nothing of the project outside itself.
"""
