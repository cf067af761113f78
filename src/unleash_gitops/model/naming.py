"""The names of kinds in sentences."""

from __future__ import annotations

import re

__all__ = ["to_words"]


def to_words(kind: str) -> str:
    """Return the name of a kind as words: `FeatureFlag` becomes `feature flag`."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", kind).lower()
