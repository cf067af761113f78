"""Long runs of what holds of `pull` on the real server."""

from acceptance.test_pull_property import test_pull_then_plan_is_empty  # noqa: F401
