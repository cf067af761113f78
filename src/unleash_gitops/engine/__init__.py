"""Reads the server, plans changes, orders them and applies them. It knows no kind by name."""
