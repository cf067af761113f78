"""The property of diagnostics of integrations, with many more examples."""

from documents.loader.test_hide_secrets import test_no_diagnostic_of_a_broken_integration_shows_a_parameter  # noqa: F401
