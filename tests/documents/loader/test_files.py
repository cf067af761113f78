"""Which files are read, in which order, and what stands in the way of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from document_samples import WORKSPACE, document_text
from unleash_gitops.documents.loader import discovery as files_room
from unleash_gitops.documents.loader import find_workspace, load
from unleash_gitops.model.errors import UsageError

Said = Callable[..., list[str]]


def chart(name: str) -> str:
    return document_text("ImpactMetric", name, "{metricName: m, timeRange: day, aggregationMode: rps}")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "unleash-gitops.yaml").write_text(WORKSPACE)
    (root / "z.yaml").write_text(chart("z"))
    return root


def test_every_yaml_file_at_any_depth_is_read_in_order_and_hidden_ones_are_not(root: Path) -> None:
    for number, path in enumerate(("b/c/d.yml", "b.yaml", "a b/ü.yaml", "B.yaml")):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(chart(f"n{number}"))
    for path in (".hidden.yaml", ".git/x.yaml", "b/.y/x.yaml", "notes.txt", "x.yaml.bak", "x.json", "yaml"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("a: b: c")
    loaded = load(root)
    assert loaded.diagnostics == ()
    assert loaded.files == ("B.yaml", "a b/ü.yaml", "b.yaml", "b/c/d.yml", "unleash-gitops.yaml", "z.yaml")
    assert loaded.documents == 5
    assert {str(one.position) for one in loaded.desired.resources.values()} == {
        f"{path}:1" for path in loaded.files if path != "unleash-gitops.yaml"
    }


def test_a_directory_may_be_named_as_a_file(root: Path) -> None:
    (root / "charts.yaml").mkdir()
    (root / "charts.yaml" / "a.yaml").write_text(chart("a"))
    assert load(root).files == ("charts.yaml/a.yaml", "unleash-gitops.yaml", "z.yaml")


def test_a_very_deep_directory_is_read(root: Path) -> None:
    deep = root
    for _ in range(400):
        deep /= "d"
    deep.mkdir(parents=True)
    (deep / "a.yaml").write_text(chart("a"))
    assert load(root).documents == 2


def test_a_link_out_of_the_workspace_is_refused_and_never_read(root: Path, said: Said) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "x.yaml").write_text(chart("secret"))
    (root / "file.yaml").symlink_to(outside / "x.yaml")
    (root / "folder").symlink_to(outside)
    (root / "relative.yml").symlink_to("../outside/x.yaml")
    (root / "beside").symlink_to(root.parent / "workspace-2")
    (root.parent / "workspace-2").mkdir()
    (root / "notes.txt").symlink_to(outside / "x.yaml")
    (root / "up").symlink_to("..")
    loaded = load(root)
    way_out = "the symlink leads out of the workspace [symlink] | copy what it leads to into the workspace"
    links = ("beside", "file.yaml", "folder", "relative.yml", "up")
    assert said(loaded) == [f"{path}:1:1: error: {way_out}" for path in links]
    assert loaded.files == ("unleash-gitops.yaml", "z.yaml")


def test_a_link_to_nowhere_is_refused(root: Path, said: Said) -> None:
    (root / "a.yaml").symlink_to("missing.yaml")
    (root / "charts").symlink_to("missing")
    (root / "self.yaml").symlink_to("self.yaml")
    (root / ".hidden").symlink_to("missing")
    nowhere = "the symlink leads nowhere [symlink] | mend or remove it"
    assert said(load(root)) == [f"{path}:1:1: error: {nowhere}" for path in ("a.yaml", "charts", "self.yaml")]


def test_links_within_are_followed_and_nothing_is_read_twice(root: Path, said: Said) -> None:
    (root / ".store/deep").mkdir(parents=True)
    (root / ".store/a.yaml").write_text(chart("a"))
    (root / ".store/deep/b.yaml").write_text(chart("b"))
    (root / "again.yaml").symlink_to("z.yaml")
    (root / "c-store").symlink_to(".store")
    (root / "d-deep").symlink_to(".store/deep")
    (root / "e.yaml").symlink_to(".store/a.yaml")
    (root / "loop").symlink_to(".")
    (root / ".store/loop").symlink_to("..")
    loaded = load(root)
    assert said(loaded) == []
    assert loaded.files == ("c-store/a.yaml", "c-store/deep/b.yaml", "unleash-gitops.yaml", "z.yaml")


def test_files_as_kubernetes_mounts_them_are_read(root: Path) -> None:
    (root / "..2026").mkdir()
    (root / "..2026/a.yaml").write_text(chart("a"))
    (root / "..data").symlink_to("..2026")
    (root / "a.yaml").symlink_to("..data/a.yaml")
    assert load(root).files == ("a.yaml", "unleash-gitops.yaml", "z.yaml")


def test_the_workspace_file_may_be_a_link_within(root: Path, said: Said) -> None:
    (root / "unleash-gitops.yaml").rename(root / "production.yaml")
    (root / "unleash-gitops.yaml").symlink_to("production.yaml")
    loaded = load(root)
    assert said(loaded) == []
    assert loaded.workspace is not None
    assert loaded.files == ("unleash-gitops.yaml", "z.yaml")


def test_the_workspace_file_must_not_be_a_link_out(root: Path, said: Said) -> None:
    (root / "unleash-gitops.yaml").rename(root.parent / "production.yaml")
    (root / "unleash-gitops.yaml").symlink_to("../production.yaml")
    loaded = load(root)
    assert [line.split(" | ")[0] for line in said(loaded)] == [
        "unleash-gitops.yaml:1:1: error: the symlink leads out of the workspace [symlink]"
    ]
    assert loaded.workspace is None
    assert loaded.documents == 1


@pytest.mark.parametrize("name", ["pipe.yaml", "unleash-gitops.yaml"])
def test_a_pipe_is_never_opened(root: Path, name: str, said: Said) -> None:
    (root / name).unlink(missing_ok=True)
    os.mkfifo(root / name)
    assert said(load(root)) == [
        f"{name}:1:1: error: not a regular file [not-a-file] | remove it, or give it another name"
    ]


def test_a_pipe_behind_a_link_is_never_opened(root: Path, said: Said) -> None:
    os.mkfifo(root / ".pipe")
    (root / "a.yaml").symlink_to(".pipe")
    assert said(load(root)) == [
        "a.yaml:1:1: error: not a regular file [not-a-file] | remove it, or give it another name"
    ]


def test_a_pipe_put_in_the_place_of_a_file_is_not_waited_on(root: Path) -> None:
    found, _ = files_room.find_files(root)
    (root / "z.yaml").unlink()
    os.mkfifo(root / "z.yaml")
    assert files_room.read_file(found[-1]) == b""


def test_a_directory_in_the_place_of_the_workspace_file_is_refused(root: Path, said: Said) -> None:
    (root / "unleash-gitops.yaml").unlink()
    (root / "unleash-gitops.yaml").mkdir()
    assert said(load(root)) == [
        "unleash-gitops.yaml:1:1: error: not a regular file [not-a-file] | remove it, or give it another name"
    ]


def test_what_cannot_be_read_is_said_and_the_rest_is_checked(
    root: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    """Permissions mean nothing to root, who runs tests in containers, so the system calls refuse by themselves."""
    (root / "b.yaml").write_text(chart("b"))
    (root / "secret").mkdir()
    real_open, real_scandir = os.open, os.scandir

    def refusing_open(path: str, *rest: int) -> int:
        if str(path).endswith("b.yaml"):
            raise PermissionError(13, "Permission denied", path)
        return real_open(path, *rest)

    def refusing_scandir(path: str) -> object:
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", path)
        return real_scandir(path)

    monkeypatch.setattr(os, "open", refusing_open)
    monkeypatch.setattr(os, "scandir", refusing_scandir)
    loaded = load(root)
    assert said(loaded) == [
        "b.yaml:1:1: error: cannot be read: Permission denied [unreadable]",
        "secret:1:1: error: cannot be read: Permission denied [unreadable]",
    ]
    assert loaded.documents == 1


def test_a_file_that_vanishes_is_said(root: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    found = files_room.find_files(root)
    (root / "z.yaml").unlink()
    monkeypatch.setattr("unleash_gitops.documents.loader.find_files", lambda _: found)
    assert said(load(root)) == ["z.yaml:1:1: error: cannot be read: No such file or directory [unreadable]"]


def test_a_name_that_is_not_utf_8_can_still_be_written(root: Path) -> None:
    with open(os.fsencode(root) + b"/caf\xe9.yaml", "wb") as stream:  # noqa: PTH123 - pathlib takes no bytes
        stream.write(b"a: b: c")
    loaded = load(root)
    assert [found.position.path for found in loaded.diagnostics] == ["caf\\xe9.yaml"]
    assert "caf\\xe9.yaml" in loaded.files


def test_a_large_file_is_read_to_the_bound_only(root: Path, said: Said) -> None:
    with (root / "z.yaml").open("wb") as stream:
        stream.truncate(1 << 40)  # a hole: a terabyte that takes no room
    assert said(load(root)) == [
        "z.yaml:1:1: error: the file is larger than 16 MiB [too-large] | split it into several files"
    ]


def test_the_workspace_is_found_by_walking_up(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "a/b").mkdir(parents=True)
    (root.parent / "link").symlink_to(root / "a/b")
    assert find_workspace(root) == root
    assert find_workspace(root / "a/b") == root
    assert find_workspace(root / "a/..") == root
    assert find_workspace(root.parent / "link") == root
    monkeypatch.chdir(root / "a")
    assert find_workspace(Path()) == root
    assert find_workspace(Path("b")) == root


def test_a_broken_workspace_file_is_found_too(root: Path) -> None:
    (root / "unleash-gitops.yaml").unlink()
    (root / "unleash-gitops.yaml").symlink_to("missing")
    assert find_workspace(root) == root


def test_where_there_is_no_workspace_the_way_out_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        find_workspace(tmp_path)
    assert raised.value.message == f"there is no unleash-gitops.yaml in {tmp_path} or above it"
    assert raised.value.hint == "start a workspace with: unleash-gitops init"
    with pytest.raises(UsageError) as raised:
        find_workspace(tmp_path / "none")
    assert raised.value.message == f"{tmp_path / 'none'} does not exist"
    (tmp_path / "file").touch()
    with pytest.raises(UsageError) as raised:
        find_workspace(tmp_path / "file")
    assert raised.value.message == f"{tmp_path / 'file'} is not a directory"
