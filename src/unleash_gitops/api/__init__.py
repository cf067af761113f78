"""The Unleash Admin API: an HTTP client, and the server's audit log."""
