"""Replacing a file as a whole: no reader and no crash sees a part of it."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

__all__ = ["replace_file"]

_OPEN_FILES = ("/dev/fd/", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/proc/")


def replace_file(path: Path, content: str | bytes, *, private: bool = False) -> None:
    """Write `content` to the file at `path` in one step. Text is written as UTF-8. Raises OSError.

    A file that exists keeps its permissions, a new one gets those of any new file, and only the owner can read a
    `private` one. A symlink stays, and the file that it leads to is replaced. What is no regular file, such as a device
    or a pipe, is written to and never replaced; so is `/dev/stdout`, wherever it leads.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        status: os.stat_result | None = path.stat()
    except FileNotFoundError:
        status = None
    if _is_written_in_place(path, status):
        with path.open("wb") as stream:
            stream.write(data)
        return
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name[:80]}.{secrets.token_hex(8)}.new")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if status is not None and not private:
            temporary.chmod(stat.S_IMODE(status.st_mode))
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _is_written_in_place(path: Path, status: os.stat_result | None) -> bool:
    """Tell whether a path leads to no regular file, or to one that a process has open, by the name of its handle."""
    if status is not None and not stat.S_ISREG(status.st_mode):
        return True
    link = os.path.abspath(path)  # noqa: PTH100 - resolve() would follow the link
    for _ in range(40):  # as many links as the system follows
        if link.startswith(_OPEN_FILES):
            return True
        if not os.path.islink(link):  # noqa: PTH114
            return False
        link = os.path.normpath(os.path.join(os.path.dirname(link), os.readlink(link)))  # noqa: PTH115, PTH118, PTH120
    return False
