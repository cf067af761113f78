"""The kinds of object, one module each, registered by being here. A name with `_` before it is what kinds share."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unleash_gitops.model.resource import Kind

__all__ = ["kinds"]


@cache
def kinds() -> Mapping[str, Kind]:
    """Return every kind by its name, in the order of names."""
    names = (found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))
    modules = (importlib.import_module(f"{__name__}.{name}") for name in names)
    found = sorted((module.KIND for module in modules), key=lambda kind: kind.name)
    return {kind.name: kind for kind in found}
