"""Which environment variables the user's files may name: one with a token, and those with secrets of integrations.

No other variable of the process can be read through a file, a plan or an answer of the server.
"""

from __future__ import annotations

import re

__all__ = [
    "SECRET_PREFIX",
    "SECRET_VARIABLE",
    "TOKEN_VARIABLE_PATTERN",
    "build_secret_variable",
    "suggest_secret_variable",
]

SECRET_PREFIX = "UNLEASH_SECRET_"  # noqa: S105 - the beginning of a name
SECRET_VARIABLE = f"{SECRET_PREFIX}[A-Z0-9_]+"
"""The names that `fromEnv` may have, as a regular expression for the whole name."""

TOKEN_VARIABLE_PATTERN = f"UNLEASH_(?!{SECRET_PREFIX.removeprefix('UNLEASH_')})[A-Z0-9_]+"
"""The names that `tokenEnv` may have, as a regular expression for the whole name."""

_LOOKS_LIKE_A_NAME = re.compile("[A-Z]+(_[A-Z]+)*|(?=.*_)[A-Z][A-Z0-9_]*")
"""A name as environment variables have it. A key such as AKIA4EXAMPLE has digits and no underscore."""


def build_secret_variable(name: str) -> str:
    """Return the name of a variable for a secret that is called `name`."""
    return SECRET_PREFIX + re.sub("[^A-Z0-9_]", "_", name.upper())


def suggest_secret_variable(name: str) -> str | None:
    """Return the name to use in place of `name`, None when `name` may be a secret, which is never shown."""
    if len(name) > 100 or name.startswith(SECRET_PREFIX) or not _LOOKS_LIKE_A_NAME.fullmatch(name):
        return None
    return SECRET_PREFIX + name
