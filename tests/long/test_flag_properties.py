"""Long runs of what holds of flags on the real server."""

from acceptance.test_flag_properties import (  # noqa: F401
    pytestmark,
    server,
    somebody,
    test_after_apply_a_plan_is_empty_and_what_is_not_said_is_as_it_was,
    test_every_way_of_reading_gives_the_same,
    test_pull_then_plan_is_empty_and_nothing_is_touched,
    test_whatever_somebody_else_made_of_a_flag_can_be_accepted,
)
