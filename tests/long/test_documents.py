"""Long runs of what holds of documents."""

from documents.loader.test_properties import (  # noqa: F401
    test_a_valid_document_becomes_a_resource_with_its_values,
    test_any_bytes_give_documents_or_problems,
    test_any_values_give_resources_or_problems,
)
from documents.yamldoc.test_dump import (  # noqa: F401
    test_dumped_data_reads_back_as_the_same_data,
)
from documents.yamldoc.test_edit import (  # noqa: F401
    test_an_edit_changes_no_aliased_value_elsewhere,
    test_any_edit_gives_the_expected_values_and_keeps_the_other_text,
)
