"""Files are edited only as they were loaded, and all are restored when a step fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from document_samples import WORKSPACE_FILE, document_text
from unleash_gitops.documents.loader import load
from unleash_gitops.documents.yamldoc import Edit
from unleash_gitops.model.errors import UsageError
from unleash_gitops.workflow.accepted_files import AcceptedFiles


def test_a_file_that_has_changed_since_it_was_loaded_stays(tmp_path: Path) -> None:
    (tmp_path / WORKSPACE_FILE).write_text(document_text("Workspace", "payments"))
    first, second = write_text(tmp_path / "a.yaml", "TagType", "one"), write_text(tmp_path / "b.yaml", "TagType", "two")
    loaded = load(tmp_path)
    second.write_text("# a comment\n" + second.read_text())
    before = [first.read_text(), second.read_text()]
    edit = Edit(("spec", "icon"), "T")

    def edit_both() -> None:
        with AcceptedFiles(loaded) as files:
            files.edit({"a.yaml": {"TagType/one": [edit]}})
            assert first.read_text() != before[0]
            files.edit({"b.yaml": {"TagType/two": [edit]}})

    with pytest.raises(UsageError, match=r"b\.yaml: the file has changed since it was loaded"):
        edit_both()
    assert [first.read_text(), second.read_text()] == before


def write_text(file: Path, kind: str, name: str) -> Path:
    file.write_text(document_text(kind, name))
    return file


def test_documents_are_found_by_address(tmp_path: Path) -> None:
    (tmp_path / WORKSPACE_FILE).write_text(document_text("Workspace", "payments"))
    file = tmp_path / "a.yaml"
    file.write_text(document_text("TagType", "one") + "---\n" + document_text("TagType", "two"))
    with AcceptedFiles(load(tmp_path)) as files:
        files.edit({"a.yaml": {"TagType/one": None}})
        files.edit({"a.yaml": {"TagType/two": [Edit(("spec", "icon"), "T")]}})
        assert files.document("a.yaml", "TagType/two")["spec"] == {"icon": "T"}
        with pytest.raises(UsageError, match=r"a\.yaml: the file has changed"):
            files.document("a.yaml", "TagType/one")


def test_a_symlink_to_a_file_without_documents_goes_with_its_target(tmp_path: Path) -> None:
    (tmp_path / WORKSPACE_FILE).write_text(document_text("Workspace", "payments"))
    target, link = tmp_path / ".one", tmp_path / "one.yaml"
    write_text(target, "TagType", "one").chmod(0o600)
    link.symlink_to(".one")
    text = target.read_text()

    def fail_after_an_edit() -> None:
        with AcceptedFiles(load(tmp_path)) as files:
            files.edit({"one.yaml": {"TagType/one": None}})
            assert not target.exists()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_an_edit()
    assert (link.readlink(), target.read_text(), target.stat().st_mode & 0o777) == (Path(".one"), text, 0o600)
    with AcceptedFiles(load(tmp_path)) as files:
        files.edit({"one.yaml": {"TagType/one": None}})
    assert not target.exists()
    assert not link.is_symlink()


def test_what_a_user_edits_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / WORKSPACE_FILE).write_text(document_text("Workspace", "payments"))
    first, second = write_text(tmp_path / "a.yaml", "TagType", "one"), write_text(tmp_path / "b.yaml", "TagType", "two")
    text = second.read_text()

    def fail_after_a_user() -> None:
        with AcceptedFiles(load(tmp_path)) as files:
            edit = Edit(("spec", "icon"), "T")
            files.edit({"a.yaml": {"TagType/one": [edit]}, "b.yaml": {"TagType/two": [edit]}})
            first.write_text("# by a user\n")
            raise ZeroDivisionError

    with pytest.raises(UsageError, match=r"a\.yaml: edited while accept ran; it was not restored"):
        fail_after_a_user()
    assert (first.read_text(), second.read_text()) == ("# by a user\n", text)
