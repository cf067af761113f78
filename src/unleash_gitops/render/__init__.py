"""Plans, reports, diagnostics and errors to text, Markdown, JSON and workflow commands.

The only room with wording and colour. Pure: values in, text out; what came from YAML or a server is made harmless here.
"""
