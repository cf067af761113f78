"""Long runs: properties of the suite with thirty times the examples of `ci`, new ones in each run.

`pytest` collects nothing here unless its arguments name this folder.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from properties import COMMON

HERE = Path(__file__).parent

settings.register_profile("long", COMMON, max_examples=1000, derandomize=False, print_blob=True)


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    if not any(Path(argument.split("::")[0]).resolve().is_relative_to(HERE) for argument in config.args):
        return True
    settings.load_profile("long")  # before the modules of the properties are imported, which ask for it
    return None
