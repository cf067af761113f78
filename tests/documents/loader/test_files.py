"""The files of a workspace: which are read, in which order, and which are refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from document_samples import WORKSPACE, document_text
from unleash_gitops.documents.loader import discovery, find_workspace, load
from unleash_gitops.model.errors import UsageError

FormatProblems = Callable[..., list[str]]


def build_chart(name: str) -> str:
    return document_text("ImpactMetric", name, "{metricName: m, timeRange: day, aggregationMode: rps}")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "unleash-gitops.yaml").write_text(WORKSPACE)
    (root / "z.yaml").write_text(build_chart("z"))
    return root


def test_yaml_files_at_any_depth_are_read_in_order_except_hidden_ones(root: Path) -> None:
    for number, path in enumerate(("b/c/d.yml", "b.yaml", "a b/ü.yaml", "B.yaml")):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(build_chart(f"n{number}"))
    for path in (".hidden.yaml", ".git/x.yaml", "b/.y/x.yaml", "notes.txt", "x.yaml.bak", "x.json", "yaml"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("a: b: c")
    loaded = load(root)
    assert loaded.diagnostics == ()
    assert loaded.files == ("B.yaml", "a b/ü.yaml", "b.yaml", "b/c/d.yml", "unleash-gitops.yaml", "z.yaml")
    assert loaded.documents == 5
    assert {str(resource.position) for resource in loaded.desired.resources.values()} == {
        f"{path}:1" for path in loaded.files if path != "unleash-gitops.yaml"
    }


def test_a_directory_may_have_a_name_that_ends_in_yaml(root: Path) -> None:
    (root / "charts.yaml").mkdir()
    (root / "charts.yaml" / "a.yaml").write_text(build_chart("a"))
    assert load(root).files == ("charts.yaml/a.yaml", "unleash-gitops.yaml", "z.yaml")


def test_a_very_deep_directory_is_read(root: Path) -> None:
    deep = root
    for _ in range(400):
        deep /= "d"
    deep.mkdir(parents=True)
    (deep / "a.yaml").write_text(build_chart("a"))
    assert load(root).documents == 2


def test_a_symlink_to_outside_the_workspace_is_refused_and_never_read(
    root: Path, format_problems: FormatProblems
) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "x.yaml").write_text(build_chart("secret"))
    (root / "file.yaml").symlink_to(outside / "x.yaml")
    (root / "folder").symlink_to(outside)
    (root / "relative.yml").symlink_to("../outside/x.yaml")
    (root / "beside").symlink_to(root.parent / "workspace-2")
    (root.parent / "workspace-2").mkdir()
    (root / "notes.txt").symlink_to(outside / "x.yaml")
    (root / "up").symlink_to("..")
    loaded = load(root)
    problem = "the symlink points outside the workspace [symlink] | copy its target into the workspace"
    links = ("beside", "file.yaml", "folder", "relative.yml", "up")
    assert format_problems(loaded) == [f"{path}:1:1: error: {problem}" for path in links]
    assert loaded.files == ("unleash-gitops.yaml", "z.yaml")


def test_a_broken_symlink_is_refused(root: Path, format_problems: FormatProblems) -> None:
    (root / "a.yaml").symlink_to("missing.yaml")
    (root / "charts").symlink_to("missing")
    (root / "self.yaml").symlink_to("self.yaml")
    (root / ".hidden").symlink_to("missing")
    problem = "the symlink is broken [symlink] | fix or remove it"
    assert format_problems(load(root)) == [
        f"{path}:1:1: error: {problem}" for path in ("a.yaml", "charts", "self.yaml")
    ]


def test_symlinks_inside_the_workspace_are_followed_and_no_file_is_read_twice(
    root: Path, format_problems: FormatProblems
) -> None:
    (root / ".store/deep").mkdir(parents=True)
    (root / ".store/a.yaml").write_text(build_chart("a"))
    (root / ".store/deep/b.yaml").write_text(build_chart("b"))
    (root / "again.yaml").symlink_to("z.yaml")
    (root / "c-store").symlink_to(".store")
    (root / "d-deep").symlink_to(".store/deep")
    (root / "e.yaml").symlink_to(".store/a.yaml")
    (root / "loop").symlink_to(".")
    (root / ".store/loop").symlink_to("..")
    loaded = load(root)
    assert format_problems(loaded) == []
    assert loaded.files == ("c-store/a.yaml", "c-store/deep/b.yaml", "unleash-gitops.yaml", "z.yaml")


def test_files_in_a_kubernetes_volume_are_read(root: Path) -> None:
    (root / "..2026").mkdir()
    (root / "..2026/a.yaml").write_text(build_chart("a"))
    (root / "..data").symlink_to("..2026")
    (root / "a.yaml").symlink_to("..data/a.yaml")
    assert load(root).files == ("a.yaml", "unleash-gitops.yaml", "z.yaml")


def test_the_workspace_file_may_be_a_symlink_inside_the_workspace(root: Path, format_problems: FormatProblems) -> None:
    (root / "unleash-gitops.yaml").rename(root / "production.yaml")
    (root / "unleash-gitops.yaml").symlink_to("production.yaml")
    loaded = load(root)
    assert format_problems(loaded) == []
    assert loaded.workspace is not None
    assert loaded.files == ("unleash-gitops.yaml", "z.yaml")


def test_the_workspace_file_must_not_be_a_symlink_to_outside(root: Path, format_problems: FormatProblems) -> None:
    (root / "unleash-gitops.yaml").rename(root.parent / "production.yaml")
    (root / "unleash-gitops.yaml").symlink_to("../production.yaml")
    loaded = load(root)
    assert [line.split(" | ")[0] for line in format_problems(loaded)] == [
        "unleash-gitops.yaml:1:1: error: the symlink points outside the workspace [symlink]"
    ]
    assert loaded.workspace is None
    assert loaded.documents == 1


@pytest.mark.parametrize("name", ["pipe.yaml", "unleash-gitops.yaml"])
def test_a_pipe_is_never_opened(root: Path, name: str, format_problems: FormatProblems) -> None:
    (root / name).unlink(missing_ok=True)
    os.mkfifo(root / name)
    assert format_problems(load(root)) == [
        f"{name}:1:1: error: not a regular file [not-a-file] | remove it, or give it another name"
    ]


def test_a_pipe_behind_a_symlink_is_never_opened(root: Path, format_problems: FormatProblems) -> None:
    os.mkfifo(root / ".pipe")
    (root / "a.yaml").symlink_to(".pipe")
    assert format_problems(load(root)) == [
        "a.yaml:1:1: error: not a regular file [not-a-file] | remove it, or give it another name"
    ]


def test_reading_does_not_wait_for_a_pipe_that_has_replaced_a_file(root: Path) -> None:
    files, _ = discovery.find_files(root)
    (root / "z.yaml").unlink()
    os.mkfifo(root / "z.yaml")
    assert discovery.read_file(files[-1]) == b""


def test_a_directory_named_as_the_workspace_file_is_refused(root: Path, format_problems: FormatProblems) -> None:
    (root / "unleash-gitops.yaml").unlink()
    (root / "unleash-gitops.yaml").mkdir()
    assert format_problems(load(root)) == [
        "unleash-gitops.yaml:1:1: error: not a regular file [not-a-file] | remove it, or give it another name"
    ]


def test_unreadable_files_and_directories_are_reported_and_the_others_are_checked(
    root: Path, monkeypatch: pytest.MonkeyPatch, format_problems: FormatProblems
) -> None:
    """The system calls are patched to fail, because root can read files without permission."""
    (root / "b.yaml").write_text(build_chart("b"))
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
    assert format_problems(loaded) == [
        "b.yaml:1:1: error: cannot be read: Permission denied [unreadable]",
        "secret:1:1: error: cannot be read: Permission denied [unreadable]",
    ]
    assert loaded.documents == 1


def test_a_file_that_is_deleted_before_it_is_read_is_reported(
    root: Path, monkeypatch: pytest.MonkeyPatch, format_problems: FormatProblems
) -> None:
    result = discovery.find_files(root)
    (root / "z.yaml").unlink()
    monkeypatch.setattr("unleash_gitops.documents.loader.find_files", lambda _: result)
    assert format_problems(load(root)) == ["z.yaml:1:1: error: cannot be read: No such file or directory [unreadable]"]


def test_a_file_name_that_is_not_utf_8_is_shown_with_escapes(root: Path) -> None:
    with open(os.fsencode(root) + b"/caf\xe9.yaml", "wb") as stream:  # noqa: PTH123 - pathlib takes no bytes
        stream.write(b"a: b: c")
    loaded = load(root)
    assert [problem.position.path for problem in loaded.diagnostics] == ["caf\\xe9.yaml"]
    assert "caf\\xe9.yaml" in loaded.files


def test_a_large_file_is_read_up_to_the_limit_only(root: Path, format_problems: FormatProblems) -> None:
    with (root / "z.yaml").open("wb") as stream:
        stream.truncate(1 << 40)  # a sparse file: a terabyte that takes no space
    assert format_problems(load(root)) == [
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


def test_a_workspace_is_found_by_a_broken_symlink_too(root: Path) -> None:
    (root / "unleash-gitops.yaml").unlink()
    (root / "unleash-gitops.yaml").symlink_to("missing")
    assert find_workspace(root) == root


def test_an_error_without_a_workspace_names_the_directory_and_the_solution(tmp_path: Path) -> None:
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
