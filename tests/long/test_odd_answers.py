"""Long runs of what holds of commands whose server or code host answers oddly."""

from ci.test_odd_answers import (  # noqa: F401
    test_any_answer_ends_in_a_result_or_an_error_of_the_code_host,
    test_any_headers_end_in_a_result_or_an_error_of_the_code_host,
)
from workflow.test_odd_answers import (  # noqa: F401
    server,
    test_a_plan_with_an_odd_answer_ends_with_an_exit_code,
    test_an_apply_whose_writes_get_odd_answers_ends_with_a_report,
)
