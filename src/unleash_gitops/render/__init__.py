"""Renders plans, reports, diagnostics and errors as text, Markdown, JSON and workflow commands.

Pure: values in, text out. Only this room has colours, and it escapes every string from YAML or a server.
"""
