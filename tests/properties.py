"""How many examples a property gets. Numbers derive from the profile; `pytest tests/long` has thirty times as many.

The profiles `dev` and `ci` draw the same examples in every run. Properties of the real server are the exception: in
`ci` they draw new ones each time.
"""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

# A busy machine must not fail a test: no deadline, and no check of how long drawing takes.
COMMON = settings(
    deadline=None,
    derandomize=True,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def register_profiles() -> None:
    """Register `dev` and `ci`, and load the default."""
    settings.register_profile("dev", COMMON, max_examples=25)
    settings.register_profile("ci", COMMON, max_examples=30, print_blob=True)
    settings.load_profile("dev")


def examples(factor: float, *tolerated: HealthCheck) -> settings:
    """Return settings with `factor` times the examples of the profile; health checks in `tolerated` are off, too."""
    profile = settings.default
    checks = [*profile.suppress_health_check, *tolerated]
    return settings(max_examples=max(1, round(profile.max_examples * factor)), suppress_health_check=checks)


def server_examples(factor: float) -> settings:
    """Return settings for a property of the real server, which all examples share and where shrinking takes minutes."""
    return settings(
        examples(factor, HealthCheck.function_scoped_fixture),
        phases=[Phase.explicit, Phase.generate],
        derandomize=settings.default is settings.get_profile("dev"),
    )
