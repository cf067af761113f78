"""The kinds of object, one module each. A module registers itself by being here and naming its kind `KIND`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unleash_gitops.resource import Kind

__all__ = ["kinds"]


@cache
def kinds() -> Mapping[str, Kind]:
    """Return every kind by its name, in the order of names."""
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    found = sorted((module.KIND for module in modules), key=lambda kind: kind.name)
    return {kind.name: kind for kind in found}
