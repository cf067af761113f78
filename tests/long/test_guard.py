"""Long runs of races between an apply and another user."""

from workflow.test_guard import test_what_would_be_lost_fails_and_nothing_else_does  # noqa: F401
