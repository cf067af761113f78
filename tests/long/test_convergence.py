"""Long runs of what holds of plan and apply in memory."""

from engine.test_convergence import (  # noqa: F401
    _no_waiting,
    test_after_apply_the_plan_is_empty_and_what_is_not_ours_is_untouched,
    test_any_calls_may_fail_and_the_next_apply_converges,
    test_the_order_of_the_servers_answers_means_nothing,
)
