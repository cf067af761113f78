"""The program `unleash-gitops` for scripts under test: a small client, whose commands run in the process of the tests.

Bash, pipes, redirections and exit codes are real; what is saved is the half second that every new Python needs.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from command_line import call_main

CLIENT = """\
#!{python} -IS
import json, os, socket, sys
call = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    socket.send_fds(server, [b"-"], [0, 1, 2])
    server.sendall(call)
    server.shutdown(socket.SHUT_WR)
    code = server.recv(4)
sys.exit(int(code))
"""
STREAMS = (("r", "strict"), ("w", "strict"), ("w", "backslashreplace"))


class Program:
    """Runs scripts in whose PATH, first of all, is `directory`, with the program `unleash-gitops` in it."""

    def __init__(self, directory: Path, listener: socket.socket) -> None:
        self.directory = directory
        self._listener = listener

    def run(
        self, command: Sequence[str | Path], *, cwd: Path, env: dict[str, str], merge: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run a script without input; serve its calls of the program meanwhile. `merge` has stderr go to stdout."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            stderr = subprocess.STDOUT if merge else err
            process = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=stderr)
            try:
                self._serve_until_end(process)
            finally:
                process.kill()
                process.wait()
            texts = [stream.seek(0) or stream.read() for stream in (out, err)]
        return subprocess.CompletedProcess(command, process.returncode, *texts)

    def _serve_until_end(self, process: subprocess.Popen[Any]) -> None:
        deadline = time.monotonic() + 600
        while process.poll() is None:
            assert time.monotonic() < deadline, "the script does not end"
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            with connection:
                _serve(connection)


@contextmanager
def served_program(directory: Path) -> Iterator[Program]:
    """Put the program into `directory`, and Python as `python`; give what runs scripts with it."""
    with tempfile.TemporaryDirectory(prefix="ug-", dir="/tmp") as short, socket.socket(socket.AF_UNIX) as listener:
        address = f"{short}/socket"  # the path of a socket may have 107 bytes
        listener.bind(address)
        listener.listen()
        listener.settimeout(0.01)
        program = directory / "unleash-gitops"
        program.write_text(CLIENT.format(python=sys.executable, address=address))
        program.chmod(0o755)
        (directory / "python").symlink_to(sys.executable)
        yield Program(directory, listener)


def _serve(connection: socket.socket) -> None:
    """Run the command that a client asks for, on the client's own streams."""
    connection.settimeout(30)
    _, descriptors, _, _ = socket.recv_fds(connection, 1, len(STREAMS))
    parts = iter(lambda: connection.recv(1 << 16), b"")
    arguments, cwd, environment = json.loads(b"".join(parts))
    with ExitStack() as stack:
        streams = [
            stack.enter_context(os.fdopen(number, mode, encoding="utf-8", errors=errors))
            for number, (mode, errors) in zip(descriptors, STREAMS, strict=True)
        ]
        code = call_main(arguments, Path(cwd), environment, (streams[0], streams[1], streams[2]))
    connection.sendall(str(code).encode())
