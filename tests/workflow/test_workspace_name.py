"""The name that init gives a workspace: from the Git remote, without its credentials."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties import examples
from unleash_gitops.model.workspace import WORKSPACE_NAME_PATTERN
from unleash_gitops.workflow.workspace_name import derive_workspace_name

SECRET = "s3cr3t"


def make_repository(root: Path, config: str, directory: str = "") -> Path:
    """Return a directory in a repository with a configuration."""
    (root / ".git").mkdir(parents=True)
    (root / ".git" / "config").write_text(config, encoding="utf-8")
    (root / directory).mkdir(parents=True, exist_ok=True)
    return root / directory


def remote(url: str, name: str = "origin") -> str:
    return f'[core]\n\tbare = false\n[remote "{name}"]\n\turl = {url}\n\tfetch = +refs/heads/*:refs/remotes/{name}/*\n'


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/acme/shop.git", "acme-shop"),
        ("https://github.com/Acme/Shop", "acme-shop"),
        ("https://github.com/acme/shop/", "acme-shop"),
        ("git@github.com:acme/shop.git", "acme-shop"),
        ("github.com:acme/shop.git", "acme-shop"),
        ("ssh://git@github.com:2222/acme/shop.git", "acme-shop"),
        ("git@gitlab.com:acme/checkout/shop.git", "acme-checkout-shop"),
        (f"https://{SECRET}@github.com/acme/shop.git", "acme-shop"),
        (f"https://user:{SECRET}@github.com/acme/shop.git", "acme-shop"),
        (f"https://user:{SECRET}@github.com/acme/shop.git?token={SECRET}#{SECRET}", "acme-shop"),
        ('"https://github.com/acme/shop.git" ; mirror', "acme-shop"),
    ],
)
def test_the_name_is_organisation_and_repository(url: str, name: str, tmp_path: Path) -> None:
    assert derive_workspace_name(make_repository(tmp_path, remote(url))) == name


@pytest.mark.parametrize(
    "url",
    [
        f"https://user:{SECRET}/x@github.com/acme/shop.git",  # a slash that is not escaped ends the host
        f"https://user:{SECRET}#x@github.com/acme/shop.git",
        f"user:{SECRET}@github.com:acme/shop.git",
        "https://[github.com/acme/shop",
        "/srv/git/acme/shop.git",
        "../shop.git",
        "file:///srv/git/acme/shop.git",
        r"C:\git\acme",
        "git@github.com:shop.git",
        "https://github.com/",
        "",
    ],
)
def test_an_address_without_an_organisation_or_with_a_misplaced_password_gives_no_name(
    url: str, tmp_path: Path
) -> None:
    assert derive_workspace_name(make_repository(tmp_path, remote(url))) is None


def test_the_directory_is_a_part_of_the_name(tmp_path: Path) -> None:
    here = make_repository(tmp_path, remote("git@github.com:acme/shop.git"), "teams/Checkout")
    assert derive_workspace_name(here) == "acme-shop-teams-checkout"
    assert derive_workspace_name(here / "not-yet") == "acme-shop-teams-checkout-not-yet"


def test_one_word_alone_is_no_name(tmp_path: Path) -> None:
    assert derive_workspace_name(make_repository(tmp_path, remote("git@host:flags.git"), "unleash")) == "flags-unleash"
    assert derive_workspace_name(tmp_path) is None


def test_origin_comes_before_other_remotes(tmp_path: Path) -> None:
    config = remote("git@host:fork/shop.git", "mine") + remote("git@host:acme/shop.git")
    assert derive_workspace_name(make_repository(tmp_path, config)) == "acme-shop"
    other = make_repository(tmp_path / "other", remote("git@host:fork/shop.git", "mine") + "[user]\n\turl = x\n")
    assert derive_workspace_name(other) == "fork-shop"


@pytest.mark.parametrize("config", ["", "[core]\n", '[remote "origin"]\n', "[remote\nurl = git@h:a/b\n", "\0\udcff"])
def test_a_configuration_without_a_remote_gives_no_name(config: str, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_bytes(config.encode("utf-8", "surrogateescape"))
    assert derive_workspace_name(tmp_path) is None
    assert derive_workspace_name(tmp_path / "below") is None


def test_without_a_repository_there_is_no_name(tmp_path: Path) -> None:
    assert derive_workspace_name(tmp_path) is None


def test_what_a_name_cannot_hold_becomes_a_hash(tmp_path: Path) -> None:
    long = make_repository(tmp_path, remote("git@host:acme/shop.git"), "d" * 60)
    names = {derive_workspace_name(long / last) for last in ("a", "b")}
    assert len(names) == 2
    assert all(name is not None and re.fullmatch(r"acme-shop-d{33}-[0-9a-f]{6}", name) for name in names)
    same = {derive_workspace_name(tmp_path / last) for last in ("日本", "中国", "a b", "a  b")}
    assert len(same) == 4


def test_a_worktree_has_the_remote_of_its_repository(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", str(tmp_path / "main")]
        subprocess.run([*command, *arguments], check=True, capture_output=True)

    (tmp_path / "main").mkdir()
    git("init", "-q")
    git("remote", "add", "origin", f"https://user:{SECRET}@github.com/acme/shop.git")
    git("commit", "-q", "--allow-empty", "-m", "x")
    git("worktree", "add", "-q", str(tmp_path / "tree"))
    assert derive_workspace_name(tmp_path / "main") == "acme-shop"
    assert derive_workspace_name(tmp_path / "tree" / "flags") == "acme-shop-flags"


@examples(1)
@given(
    url=st.text(max_size=120) | st.text("acme/:@.-_#?%", max_size=80).map(lambda path: f"git@host:{path}"),
    directory=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=30), max_size=3
    ),
)
def test_a_derived_name_is_always_valid(
    url: str, directory: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("repository")
    (root / ".git").mkdir()
    (root / ".git" / "config").write_bytes(remote(url).encode("utf-8", "replace"))
    parts = [part for part in directory if part not in {".", ".."}]
    name = derive_workspace_name(root.joinpath(*parts))
    assert name is None or re.fullmatch(WORKSPACE_NAME_PATTERN, name)
