"""Write a file as a whole, so that no reader and no crash sees a part of it; read a file up to a limit."""

from __future__ import annotations

import errno
import os
import secrets
import select
import stat
import time
from contextlib import suppress
from io import FileIO
from pathlib import Path

__all__ = ["create_file", "read_bounded", "replace_file"]

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
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def create_file(path: Path, content: str, *, private: bool = False) -> None:
    """Write a new file in UTF-8; only its owner can read a `private` one. Leaves none behind when it fails.

    Raises OSError with the name of the file, FileExistsError rather than overwrite.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content.encode())
    except BaseException as error:
        with suppress(OSError):
            path.unlink()
        if isinstance(error, OSError):
            error.filename = str(path)
        raise


def read_bounded(path: Path, max_bytes: int, patience: float | None = None) -> bytes:
    """Return the content of a file, or what arrives through a pipe.

    Raises OSError, also for more than `max_bytes`, and when nothing arrives through a pipe for `patience` seconds.
    With None, waits for a pipe without a limit.
    """
    wait = 0 if patience is None else getattr(os, "O_NONBLOCK", 0)
    with FileIO(os.open(path, os.O_RDONLY | wait | getattr(os, "O_BINARY", 0))) as stream:
        is_opened = not wait or not stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)  # by a writer
        deadline = time.monotonic() + (patience or 0)
        content = bytearray()
        while len(content) <= max_bytes:
            chunk = stream.read(min(1 << 20, max_bytes + 1 - len(content)))
            if chunk:
                content += chunk
            elif chunk is not None and (content or is_opened):
                return bytes(content)
            elif select.select([stream], [], [], max(0, deadline - time.monotonic()))[0]:
                is_opened = True
            else:
                raise TimeoutError(errno.ETIMEDOUT, f"nothing arrived through it within {patience:.0f} s")
    raise OSError(errno.EFBIG, f"larger than {max_bytes:,} bytes")


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
