"""Long runs of what holds of hostile texts."""

from render.test_escape import (  # noqa: F401
    test_different_long_texts_never_look_the_same,
    test_different_values_never_look_the_same,
)
from render.test_excerpt import (  # noqa: F401
    test_any_line_is_short_enough_and_the_caret_is_within_it,
    test_the_excerpt_of_a_long_line_shows_the_column,
)
from render.test_hostile import (  # noqa: F401
    test_a_hostile_report_is_harmless,
    test_each_annotation_of_a_hostile_plan_is_one_line,
    test_hostile_diagnostics_are_harmless,
    test_hostile_errors_are_harmless,
    test_markdown_of_a_hostile_plan_has_only_the_structure_of_the_renderer,
    test_markdown_of_several_hostile_plans_has_only_the_structure_of_the_renderer,
    test_no_text_ends_its_code_span,
    test_text_of_a_hostile_plan_is_harmless_and_has_the_lines_of_a_harmless_plan,
    test_thousands_of_hostile_strings_are_harmless,
)
from render.test_json import (  # noqa: F401
    test_any_text_survives_the_round_trip,
)
