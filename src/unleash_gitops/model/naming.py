"""Names in sentences: of kinds, and lists of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["list_names", "to_words"]

_MOST_NAMED = 5


def list_names(names: Sequence[str], most: int = _MOST_NAMED) -> str:
    """Return the first names, at most `most`, joined with commas, and the number of the others."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def to_words(kind: str) -> str:
    """Return the name of a kind as words: `FeatureFlag` becomes `feature flag`."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", kind).lower()
