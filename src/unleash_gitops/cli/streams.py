"""Standard input, output and error: open, safe in a CI log, and with errors that say which stream failed."""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from typing import Any, TextIO

from unleash_gitops.model.errors import OutputLost
from unleash_gitops.model.escapes import defuse_commands

__all__ = ["abandon_output", "prepare_streams"]


def prepare_streams() -> None:
    """Open the standard streams that are closed, and set up the others.

    A stream that stays closed would give its number to the next file or connection that is opened. A write to stdout
    that fails raises OutputLost. One to stderr that fails is given up: the exit code still tells how the run ended.
    """
    if sys.stdin is None:
        sys.stdin = _open_closed_stream(os.O_RDONLY, "r")
    if sys.stdout is None:
        sys.stdout = _open_closed_stream(os.O_RDONLY, "w")  # a write fails, as on the closed stream
    if sys.stderr is None:
        sys.stderr = _open_closed_stream(os.O_WRONLY, "w")
    sys.stdout = _wrap(sys.stdout, is_data=True)
    sys.stderr = _wrap(sys.stderr, is_data=False)


def abandon_output() -> None:
    """Drop what stdout could not write, so that the end of the process does not try it again."""
    output = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if isinstance(output, _Output):
        output.is_abandoned = True


def _open_closed_stream(flags: int, mode: str) -> TextIO:
    """Open the null device, which takes the lowest number that is free: that of the closed stream."""
    stream: Any = os.fdopen(os.open(os.devnull, flags), mode, encoding="utf-8")
    return stream  # type: ignore[no-any-return]


def _wrap(stream: TextIO, *, is_data: bool) -> TextIO:
    buffer = getattr(stream, "buffer", None)
    if buffer is None:
        return stream
    writer = io.BufferedWriter(_Output(stream, getattr(buffer, "raw", buffer), is_data=is_data))
    # A console without the character "→" must not fail the run.
    return _Text(
        writer,
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=not is_data or bool(getattr(stream, "line_buffering", False)),
    )


class _Text(io.TextIOWrapper):
    """A text stream that never shows a command of a CI system, wherever in a line the text has one."""

    def write(self, text: str, /) -> int:
        return super().write(defuse_commands(text))


class _Output(io.RawIOBase):
    """The bytes of stdout (`is_data`) or stderr. After a failed write, every other one fails too."""

    def __init__(self, stream: TextIO, target: Any, *, is_data: bool) -> None:
        self._stream = stream  # which would close `target` when nothing refers to it any more
        self._target = target
        self._is_data = is_data
        self._error: OSError | None = None
        self.is_abandoned = False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        number: int = self._target.fileno()
        return number

    def isatty(self) -> bool:
        return bool(self._target.isatty())

    def write(self, content: Any, /) -> int:
        if self._error is None:
            try:
                while (written := self._target.write(content)) is None:  # a pipe that is full and does not block
                    select.select([], [self._target], [])
                self._target.flush()
                return int(written)
            except OSError as error:
                self._error = error
        if self._is_data and not self.is_abandoned:
            reason = self._error.strerror or str(self._error)
            raise OutputLost(reason, is_broken_pipe=self._error.errno == errno.EPIPE) from self._error
        return len(content)
