"""Long runs of what holds of every kind."""

from drift.test_rubbish import (  # noqa: F401
    test_any_log_is_lived_with,
)
from kinds.test_every_kind import (  # noqa: F401
    test_a_body_is_sent_as_it_is_but_for_its_fills,
    test_normalising_twice_is_normalising_once,
    test_pull_and_accept_write_a_value_in_the_same_way,
    test_what_is_pulled_changes_nothing,
    test_what_is_pulled_is_managed_in_full,
    test_what_is_sent_and_answered_is_what_was_planned,
)
