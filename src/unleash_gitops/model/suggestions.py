"""Alternatives to a wrong word, from the closed set it should belong to. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection

from unleash_gitops.model.naming import list_names

__all__ = ["MAX_ALTERNATIVES", "find_nearest", "list_alternatives", "suggest_alternatives", "suggest_nearest"]

MAX_ALTERNATIVES = 10
_MAX_WORD = 100  # characters; the time of a comparison grows with the square of the length


def find_nearest(word: str, choices: Collection[str]) -> str | None:
    """Return the choice most similar to `word`, in any case; None when none is similar."""
    if len(word) > _MAX_WORD:
        return None
    by_lower_case = {choice.lower(): choice for choice in choices}
    nearest = difflib.get_close_matches(word.lower(), by_lower_case, n=1)
    return by_lower_case[nearest[0]] if nearest else None


def suggest_nearest(word: str, choices: Collection[str]) -> str | None:
    """Return `did you mean "X"?` for the choice most similar to `word`, in any case; None when none is similar."""
    nearest = find_nearest(word, choices)
    return None if nearest is None else f'did you mean "{nearest}"?'


def list_alternatives(choices: Collection[str], word: str | None = None) -> str:
    """Return at most 10 choices, joined with commas, and the number of the others.

    With `word`, the most similar choices come first.
    """
    ordered = list(choices)
    if word is not None and len(word) <= _MAX_WORD:
        ordered.sort(key=_build_similarity(word), reverse=True)
    return list_names(ordered, MAX_ALTERNATIVES)


def suggest_alternatives(word: str, choices: Collection[str], label: str) -> str | None:
    """Return the most similar choice, or else the alternatives after `label`; None when there are no choices."""
    if not choices:
        return None
    return suggest_nearest(word, choices) or f"{label}: {list_alternatives(choices, word)}"


def _build_similarity(word: str) -> Callable[[str], float]:
    """Return a function that measures the similarity of a choice with `word`: 0 to 1, in any case."""
    matcher = difflib.SequenceMatcher(b=word.lower(), autojunk=False)  # analyses `b` once for all choices

    def measure(choice: str) -> float:
        matcher.set_seq1(choice.lower())
        return matcher.ratio()

    return measure
