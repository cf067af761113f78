"""The base of the data in plan files and reports: frozen, with one JSON form."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

__all__ = ["Data"]


class Data(BaseModel):
    """Frozen data. Its JSON keys are the field names in camel case; other keys are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True
    )

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form, keys in the order of declaration."""
        return self.model_dump(mode="json", by_alias=True)
