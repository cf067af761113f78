"""Long runs of what holds of three workspaces of one instance."""

from acceptance.test_ownership_property import (  # noqa: F401
    test_nothing_is_owned_twice_lost_or_deleted_while_it_is_documented,
)
