"""How names of kinds read in a sentence."""

from __future__ import annotations

import re

__all__ = ["noun"]


def noun(kind: str) -> str:
    """Return a kind's name as words: `FeatureFlag` becomes `feature flag`."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", kind).lower()
