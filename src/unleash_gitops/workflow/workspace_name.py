"""A workspace's name, derived from the Git remote. Reads `.git/config`; runs no program."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from unleash_gitops.documents.loader import find_repository

__all__ = ["derive_workspace_name"]

_LONGEST = 50
_HASH_LENGTH = 6
_SECTION = re.compile(r'\s*\[\s*([\w.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]\s*(.*)')
_URL = re.compile(r"\s*url\s*=\s*(.*)", re.IGNORECASE)
_SCP = re.compile(r"(?:[^@/:]+@)?(?:\[[^\]]*\]|[^@/:]+):(?!/)([^@:]*)")
"""`user@host:path`, the short form of an ssh address."""


def derive_workspace_name(directory: Path) -> str | None:
    """Return a name for the workspace in `directory`: the organisation, the repository and the path inside it.

    It has 2 to 50 characters. None without a remote, or where the remote's address has only one part to give.
    """
    here = directory.resolve()
    repository = find_repository(here)
    if repository is None:
        return None
    remote = _parse_remote_path(_read_remote(repository) or "")
    pieces = [*remote, *here.relative_to(repository).parts]
    return _join(pieces) if len(pieces) > 1 and remote else None


def _join(pieces: list[str]) -> str | None:
    """Return the pieces as one name, None when only one piece has letters. A hash replaces what a name cannot hold."""
    text = "/".join(pieces)
    words = [re.sub(r"[^a-z0-9._-]+", "-", piece.lower()).strip("._-") for piece in pieces]
    words = [word for word in words if word]
    name = "-".join(words)
    if len(words) < 2:
        return None
    is_whole = len(name) <= _LONGEST and name == "-".join(piece.lower() for piece in pieces)
    if is_whole:
        return name
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:_HASH_LENGTH]
    return f"{name[: _LONGEST - _HASH_LENGTH - 1].rstrip('._-')}-{digest}"


def _parse_remote_path(url: str) -> list[str]:
    """Return the parts of the path in a remote's address, never its user, password or host; none for a local path."""
    if "://" in url:
        try:
            parts = urlsplit(url)
        except ValueError:
            return []
        path = parts.path if parts.scheme in {"https", "http", "ssh", "git", "git+ssh"} and parts.hostname else ""
    else:
        match = _SCP.fullmatch(url)
        path = match[1] if match is not None else ""
    if "@" in path or "\\" in path:  # a malformed address, whose password may be in the path, or a path of Windows
        return []
    pieces = [unquote(piece) for piece in path.removesuffix("/").removesuffix(".git").split("/")]
    return [piece for piece in pieces if piece not in {"", ".", "..", "~"}]


def _read_remote(repository: Path) -> str | None:
    """Return the address of the remote `origin`, or of the first remote; None when there is none."""
    config = _find_config(repository)
    try:
        lines = config.read_text(encoding="utf-8", errors="surrogateescape").splitlines() if config else []
    except OSError:
        return None
    urls: dict[str, str] = {}
    remote: str | None = None
    for line in lines:
        section = _SECTION.fullmatch(line)
        if section is not None:
            remote = section[2] if section[1].lower() == "remote" else None
        url = _URL.fullmatch(line if section is None else section[3])
        if remote is not None and url is not None:
            urls.setdefault(remote, _read_value(url[1]))
    return urls.get("origin") or next(iter(urls.values()), None)


def _read_value(text: str) -> str:
    """Return a value of a Git configuration without its quotes and its comment."""
    quoted = re.match(r'"([^"]*)"', text)
    return quoted[1] if quoted is not None else re.split(r"\s[#;]", text)[0].strip()


def _find_config(repository: Path) -> Path | None:
    """Return the configuration of a repository. In a worktree and a submodule, `.git` is a file that names it."""
    git = repository / ".git"
    if git.is_dir():
        return git / "config"
    try:
        target = git.read_text(encoding="utf-8", errors="surrogateescape").strip()
        if not target.startswith("gitdir:"):
            return None
        folder = repository / target.removeprefix("gitdir:").strip()
        common = folder / "commondir"
        if common.is_file():
            folder = folder / common.read_text(encoding="utf-8", errors="surrogateescape").strip()
    except (OSError, ValueError):
        return None
    return folder / "config"
