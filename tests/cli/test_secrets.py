"""The file of secrets: created before the first, complete after each, and removed without any."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from unleash_gitops.cli import secrets
from unleash_gitops.cli.secrets import Secrets, name_secret
from unleash_gitops.model.errors import UsageError


def test_each_secret_is_written_immediately(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    with Secrets(path) as kept:
        assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("{}\n", 0o600)
        for number in range(3):
            kept.keep(f"ApiToken/t{number}", f"s{number}")
            assert json.loads(path.read_text()) == {f"ApiToken/t{index}": f"s{index}" for index in range(number + 1)}
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://unleash.example.com", "unleash.example.com/pay/ApiToken/a"),
        ("http://Unleash.example.com:4242", "unleash.example.com:4242/pay/ApiToken/a"),
        ("http://[::1]:4242", "[::1]:4242/pay/ApiToken/a"),
        ("https://hosted.example.com/eu", "hosted.example.com/eu/pay/ApiToken/a"),
    ],
)
def test_the_key_of_a_secret_names_instance_workspace_and_object(url: str, key: str) -> None:
    assert name_secret(url, "pay", "ApiToken/a") == key


def test_a_file_without_secrets_is_removed(tmp_path: Path) -> None:
    with Secrets(tmp_path / "out.json"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_refused_also_when_it_is_new_or_a_broken_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="the file already exists"):
        Secrets(tmp_path / "link")
    late = Secrets(tmp_path / "late")
    (tmp_path / "late").write_text("mine")
    with pytest.raises(UsageError, match="the file already exists"), late:
        pass
    assert (tmp_path / "late").read_text() == "mine"


def test_a_failure_to_write_is_printed_and_does_not_stop_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_path: Path, _text: str, *, private: bool) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(secrets, "replace_file", refuse)
    with Secrets(tmp_path / "out.json") as kept:
        kept.keep("ApiToken/a", "s3cr3t")
    printed = capsys.readouterr().err
    assert "out.json: No space left on device" in printed
    assert "secrets not written to a file: ApiToken/a" in printed
    assert "s3cr3t" not in printed


def test_a_vanished_directory_loses_no_secret_silently(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = tmp_path / "gone"
    directory.mkdir()
    with Secrets(directory / "out.json") as kept:
        (directory / "out.json").unlink()
        directory.rmdir()
        kept.keep("ApiToken/a", "s3cr3t")
        assert kept.is_incomplete
    printed = capsys.readouterr().err
    assert "secrets not written to a file: ApiToken/a" in printed
    assert "to read a secret, open API access in Unleash's UI" in printed
    assert "s3cr3t" not in printed


def test_a_later_write_makes_up_for_one_that_failed(tmp_path: Path) -> None:
    directory = tmp_path / "away"
    directory.mkdir()
    with Secrets(directory / "out.json") as kept:
        directory.rename(tmp_path / "moved")
        kept.keep("ApiToken/a", "s1")
        (tmp_path / "moved").rename(directory)
        kept.keep("ApiToken/b", "s2")
        assert not kept.is_incomplete
    assert json.loads((directory / "out.json").read_text()) == {"ApiToken/a": "s1", "ApiToken/b": "s2"}
