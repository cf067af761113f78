"""Long runs of two writers at one server, in memory and real."""

from drift.test_interleavings import (  # noqa: F401
    other,
    test_no_edit_of_theirs_is_lost_unnamed,
    test_nor_on_the_real_server,
)
