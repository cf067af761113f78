"""The kinds of object, one module each. A module registers its kind by having a `KIND`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unleash_gitops.kinds.base import Kind

__all__ = ["kinds"]


@cache
def kinds() -> Mapping[str, Kind]:
    """Return every kind by its name, in the order of names."""
    modules = (importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    registered: list[Kind] = [module.KIND for module in modules if hasattr(module, "KIND")]
    return {kind.name: kind for kind in sorted(registered, key=lambda kind: kind.name)}
