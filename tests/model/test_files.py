"""Files are replaced as a whole, with their permissions, through links, and never when they are no regular file."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from unleash_gitops.model.files import replace_file


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize(("private", "expected"), [(False, 0o640), (True, 0o600)])
def test_a_new_file_has_the_permissions_of_its_sort(private: bool, expected: int, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    replace_file(path, "one\ntwo é\n", private=private)
    assert (path.read_bytes(), mode(path)) == ("one\ntwo é\n".encode(), expected)
    assert names(tmp_path) == ["plan.json"]


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize(("private", "expected"), [(False, 0o755), (True, 0o600)])
def test_a_file_that_exists_keeps_its_permissions(private: bool, expected: int, tmp_path: Path) -> None:
    path = tmp_path / "flags.yaml"
    path.write_bytes(b"before")
    path.chmod(0o755)
    inode = path.stat().st_ino
    replace_file(path, b"\xff\r\n", private=private)
    assert (path.read_bytes(), mode(path)) == (b"\xff\r\n", expected)
    assert path.stat().st_ino != inode  # a reader that has the old file open still reads all of it


def test_a_symlink_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "flags.yaml"
    target.write_text("before")
    link = tmp_path / "link.yaml"
    link.symlink_to("real/flags.yaml")
    replace_file(link, "after")
    assert (link.is_symlink(), target.read_text()) == (True, "after")
    assert names(tmp_path / "real") == ["flags.yaml"]


def test_a_symlink_that_leads_nowhere_gets_its_target(tmp_path: Path) -> None:
    link = tmp_path / "link.yaml"
    link.symlink_to("new.yaml")
    replace_file(link, "after")
    assert (link.is_symlink(), (tmp_path / "new.yaml").read_text()) == (True, "after")


@pytest.mark.parametrize("linked", [False, True])
def test_a_pipe_is_written_to_and_not_replaced(linked: bool, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    path = pipe
    if linked:
        path = tmp_path / "link"
        path.symlink_to(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    replace_file(path, "content")
    reader.join(30)
    assert read == ["content"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert path.is_symlink() == linked


@pytest.mark.parametrize("linked", [False, True])
def test_standard_output_that_is_a_file_is_written_to_and_not_replaced(linked: bool, tmp_path: Path) -> None:
    path = "/dev/stdout"
    if linked:
        (tmp_path / "link").symlink_to("/dev/stdout")
        path = str(tmp_path / "link")
    script = (
        "import pathlib, sys; from unleash_gitops.model.files import replace_file;"
        "replace_file(pathlib.Path(sys.argv[1]), 'content')"
    )
    output = tmp_path / "output"
    with output.open("wb") as stream:
        inode = output.stat().st_ino
        subprocess.run([sys.executable, "-c", script, path], stdout=stream, check=True)
    assert (output.read_text(), output.stat().st_ino) == ("content", inode)


def test_a_failed_write_leaves_the_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "flags.yaml"
    path.write_text("before")

    def fail(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        replace_file(path, "after")
    assert (path.read_text(), names(tmp_path)) == ("before", ["flags.yaml"])


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        replace_file(tmp_path, "content")
    assert names(tmp_path) == []


def test_text_that_utf_8_cannot_hold_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        replace_file(tmp_path / "plan.json", "\ud800")
    assert names(tmp_path) == []


def test_the_longest_name_that_the_system_takes_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    replace_file(path, "content")
    assert path.read_text() == "content"
