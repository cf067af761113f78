"""The format of plan files: JSON with a digest of the whole content. An edited or incomplete file is refused."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from unleash_gitops.model.errors import PlanFileError
from unleash_gitops.model.paths import describe_mismatch

__all__ = ["FORMAT_VERSION", "parse_json", "seal", "unseal", "validate_content"]

FORMAT_VERSION = "2"

_OLDER_FORMATS = {"1"}
_AGAIN = "create it again with: unleash-gitops plan --out FILE"
_OTHER_VERSION = "use the version of unleash-gitops that created it, or create it again with this version"
_Model = TypeVar("_Model", bound=BaseModel)


def parse_json(text: str | bytes, source: str) -> dict[str, Any]:
    """Return the content of a plan file. `source` names the file in errors.

    Raises PlanFileError when the text is not complete JSON, not a plan, or of a format that this version does not read.
    """
    if not text.strip():
        raise PlanFileError(f"{source}: the plan file is empty", _AGAIN)
    try:
        content = json.loads(text, parse_constant=_refuse_constant, parse_float=_parse_finite)
        json.dumps(content, ensure_ascii=False).encode()  # refuses a lone surrogate, which only a forged plan has
    except (ValueError, RecursionError):
        raise PlanFileError(f"{source}: not a plan: the file is not complete JSON", _AGAIN) from None
    if not isinstance(content, dict) or not isinstance(content.get("formatVersion"), str):
        raise PlanFileError(f"{source}: not a plan of unleash-gitops", _AGAIN)
    if content["formatVersion"] != FORMAT_VERSION:
        raise PlanFileError(
            f"{source}: the plan has format {content['formatVersion']}, this version reads format {FORMAT_VERSION}",
            _AGAIN if content["formatVersion"] in _OLDER_FORMATS else _OTHER_VERSION,
        )
    return content


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _parse_finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large")
    return number


def seal(content: dict[str, Any]) -> dict[str, Any]:
    """Return `content` with a digest of the whole content."""
    return {**content, "digest": _digest(content)}


def unseal(content: dict[str, Any], source: str) -> dict[str, Any]:
    """Return `content` without its digest. Raises PlanFileError when the digest does not match."""
    rest = {key: value for key, value in content.items() if key != "digest"}
    if content.get("digest") != _digest(rest):
        raise PlanFileError(f"{source}: the plan was changed after it was created (its digest does not match)", _AGAIN)
    return rest


def validate_content(model: type[_Model], content: dict[str, Any], source: str) -> _Model:
    """Return `content` as a `model`. Raises PlanFileError with the first validation error."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        mismatch = describe_mismatch(error, "the plan")
        raise PlanFileError(f"{source}: not a plan this version can read: {mismatch}", _AGAIN) from None


def _digest(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()
