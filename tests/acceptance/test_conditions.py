"""Servers that are not what they should be: a clear sentence, exit code 1, and nothing written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from acceptance.conftest import ANY_DELETES, Space
from acceptance.test_life import FLAG, chart_id
from command_line import CommandResult
from servers.fake_unleash import CLIENT_TOKEN, TOKEN, FakeUnleash
from servers.instance import Instance
from servers.loopback import QuietHandler, serve
from servers.maintenance import set_maintenance

COMMANDS = [["plan"], ["apply", "--yes"], ["pull"]]


def refused(space: Space, *words: str, **environment: str) -> None:
    """Run every command that talks to a server; each says `words`, exits with 1 and writes nothing."""
    files = {path: path.read_bytes() for path in space.root.rglob("*") if path.is_file()}
    for command in COMMANDS:
        done = space.run(*command, **environment)
        assert done.code == 1, command
        for word in words:
            assert word in done.err
        assert done.err.count("error: ") == 1
        assert "help: " in done.err
        assert done.out == ""
    assert {path: path.read_bytes() for path in space.root.rglob("*") if path.is_file()} == files
    if space.instance.fake is not None:
        assert space.instance.fake.writes() == []


@pytest.fixture
def charted(fake_space: Space) -> Space:
    fake_space.chart("a")
    fake_space.chart("b", FLAG)
    return fake_space


def test_a_wrong_token(space: Space) -> None:
    refused(
        space, "401 UnauthorizedError: You must log in to use Unleash.", "UNLEASH_AUTH_TOKEN", UNLEASH_AUTH_TOKEN="x"
    )


def test_a_client_token(charted: Space) -> None:
    refused(
        charted,
        "403",
        "expected a different token type",
        "an admin or personal access",
        UNLEASH_AUTH_TOKEN=CLIENT_TOKEN,
    )


def test_a_token_that_no_header_can_hold(charted: Space) -> None:
    refused(charted, "holds characters that no Unleash token has", UNLEASH_AUTH_TOKEN="a\u2713b")


def test_a_server_that_is_away(charted: Space) -> None:
    refused(charted, "http://127.0.0.1:9 does not answer", "is the server up?", UNLEASH_URL="http://127.0.0.1:9")


def test_a_name_that_does_not_resolve(charted: Space) -> None:
    refused(charted, "http://no-such-host.invalid does not answer", UNLEASH_URL="http://no-such-host.invalid")


@pytest.fixture
def website() -> Iterator[str]:
    """Serve a website that answers 200 to everything, and redirects /moved."""

    class Handler(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802 - http.server's name
            if self.path.startswith("/moved"):
                self.reply(302, {"location": "https://login.example.com/?secret=1"}, b"")
            else:
                self.reply(200, {}, b"<html>hello</html>")

    with serve(Handler) as url:
        yield url


def test_a_server_that_is_not_unleash(charted: Space, website: str) -> None:
    refused(charted, "the answer is not JSON", "is the address right?", UNLEASH_URL=website)
    refused(charted, "a redirect to https://login.example.com\n", UNLEASH_URL=f"{website}/moved")


def test_json_that_is_not_unleashs(charted: Space) -> None:
    assert charted.instance.fake is not None
    charted.instance.fake.hook = lambda _method, _path, _go: (200, {}, b'{"hello": "world"}')
    refused(charted, "the answer is not that of an Unleash server")


def test_an_answer_of_another_form(charted: Space) -> None:
    fake = charted.instance.fake
    assert fake is not None
    fake.hook = lambda _method, path, go: (200, {}, b'{"configs": [{"id": 1}]}') if "config" in path[15:] else go()
    for command in (["plan"], ["pull"]):
        done = charted.run(*command)
        assert done.code == 1
        assert "is not of the form that this version knows" in done.err


def test_a_path_that_is_not_the_base_path(space: Space) -> None:
    refused(space, "/api is not", UNLEASH_URL=f"{space.instance.url}/api")


def test_a_server_that_is_too_old(charted: Space) -> None:
    assert charted.instance.fake is not None
    charted.instance.fake.version = "5.12.3"
    refused(charted, "runs Unleash 5.12.3", "or newer is needed")


def test_a_server_without_enterprise(charted: Space) -> None:
    assert charted.instance.fake is not None
    charted.instance.fake.absent.add("/impact-metrics/")
    refused(charted, "needs Unleash Enterprise", "the open-source edition (8.2.0)")


def test_an_enterprise_server_without_the_routes(charted: Space) -> None:
    assert charted.instance.fake is not None
    charted.instance.fake.absent.add("/impact-metrics/")
    charted.instance.fake.enterprise = True
    charted.instance.fake.version = "7.1.0"
    refused(charted, "Unleash Enterprise 7.1.0) has no such route", "a newer Unleash is needed")


def test_maintenance_mode_lets_a_plan_through_and_no_apply(space: Space) -> None:
    space.chart("a")
    _maintain(space.instance, on=True)
    try:
        planned = space.run("plan")
        assert planned.code == 0
        assert "1 to create" in planned.out
        assert "maintenance mode" in planned.err
        done = space.apply()
        assert done.code == 1
        assert "the server is in maintenance mode and refuses changes; nothing was applied" in done.err
    finally:
        _maintain(space.instance, on=False)
    assert space.instance.everything() == {}
    assert space.apply().code == 0


def _maintain(instance: Instance, *, on: bool) -> None:
    if instance.fake is not None:
        instance.fake.maintenance = on
    else:
        set_maintenance(instance.http, on=on)


def test_maintenance_mode_that_begins_after_the_plan(charted: Space) -> None:
    fake = charted.instance.fake
    assert fake is not None

    def hook(method: str, path: str, go: object) -> object:
        fake.maintenance = fake.maintenance or (method == "POST" and "tag-types" not in path)
        return go()  # type: ignore[operator]

    fake.hook = hook  # type: ignore[assignment]
    done = charted.apply()
    assert done.code == 3
    assert "maintenance mode" in done.out
    assert fake.charts == {}


@pytest.mark.parametrize("style", ["7.5", "new"])
def test_both_styles_of_answer_give_an_empty_second_plan(charted: Space, style: str) -> None:
    assert charted.instance.fake is not None
    charted.instance.fake.style = style
    charted.chart("c", source="internal")
    charted.chart("d", title=None, labelSelectors={"b": ["2", "1"], "a": ["*"]})
    assert charted.apply().code == 0
    assert charted.run("plan", "--detailed-exitcode").code == 0
    charted.chart("a", timeRange="week")
    assert charted.apply().code == 0
    assert charted.run("plan", "--detailed-exitcode").code == 0


def test_a_source_that_the_server_does_not_know_is_blocked(charted: Space) -> None:
    assert charted.instance.fake is not None
    charted.instance.fake.style = "7.5"
    assert charted.apply().code == 0
    charted.chart("a", source="external")
    (change,) = charted.plan()["changes"]
    assert (change["action"], change["reason"]) == ("blocked", "this server knows no external source of metrics")


def test_a_base_path_is_part_of_the_address(tmp_path: Path) -> None:
    fake = FakeUnleash(base="/unleash/eu")
    with fake.served() as url:
        space = Space(tmp_path, Instance(url + "/", TOKEN, fake))
        space.chart("a")
        assert space.apply().code == 0
        space.instance.close()
    assert set(fake.charts) == {chart_id("a")}


def test_the_token_file_wins_and_is_never_shown(charted: Space) -> None:
    file = charted.root / "token"
    file.write_text(f"{charted.instance.token}\n")
    done: CommandResult = charted.run("-v", "plan", "--token-file", str(file), UNLEASH_AUTH_TOKEN="wrong")
    assert done.code == 0
    file.write_text("other-secret-token")
    done = charted.run("-v", "plan", "--token-file", str(file))
    assert done.code == 1
    assert "other-secret-token" not in done.err


def test_a_token_that_the_server_echoes_is_not_shown(charted: Space) -> None:
    fake = charted.instance.fake
    assert fake is not None
    body = b'{"name": "Oops", "message": "bad token ' + TOKEN.encode() + b' \\u001b[31m"}'
    fake.hook = lambda _method, _path, _go: (400, {}, body)
    done = charted.run("-v", "plan")
    assert done.code == 1
    assert "bad token ***" in done.err
    assert "\x1b" not in done.err


def test_a_flag_that_is_archived_while_it_is_read_has_no_charts(charted: Space) -> None:
    fake = charted.instance.fake
    assert fake is not None
    charted.file("b").unlink()
    body = b'{"name": "NotFoundError", "message": "Could not find feature flag with name checkout-v2"}'
    fake.hook = lambda _method, path, go: (404, {}, body) if FLAG in path else go()
    assert charted.plan()["summary"]["create"] == 1


def test_a_proxy_of_the_environment_is_used(charted: Space) -> None:
    """The address is one that only a proxy could reach; the fake server stands in for the proxy."""
    fake = charted.instance.fake
    assert fake is not None
    done = charted.run("-v", "plan", UNLEASH_URL="http://unleash.invalid", HTTP_PROXY=charted.instance.url, NO_PROXY="")
    assert done.code == 0, done.err


def test_a_certificate_authority_that_is_not_there(charted: Space) -> None:
    done = charted.run("plan", SSL_CERT_FILE="/no/such/file")
    assert done.code == 1
    assert "SSL_CERT_FILE" in done.err


@pytest.mark.parametrize(
    "path",
    ["segments", "context", "addons", "api-tokens", "strategies", "impact-metrics/config", "tag-types"],
)
@pytest.mark.parametrize("body", [b"<html>x</html>", b"[" * 60 + b"]" * 60])
def test_a_list_that_cannot_be_read_is_never_an_empty_one(fake_space: Space, path: str, body: bytes) -> None:
    fake = fake_space.instance.fake
    assert fake is not None
    file = fake_space.write("Segment", "owned")
    fake_space.chart("a")
    assert fake_space.apply().code == 0
    file.unlink()
    spoilt = f"/api/admin/{path}"
    fake.hook = lambda method, target, go: (200, {}, body) if method == "GET" and target == spoilt else go()
    done = fake_space.run("plan", *ANY_DELETES)
    assert (done.code, f"GET {spoilt}" in done.err) == (1, True), done.out


def test_a_server_without_what_no_file_mentions(fake_space: Space) -> None:
    assert fake_space.instance.fake is not None
    fake_space.chart("a")
    fake_space.instance.fake.absent |= {"/tag-types", "/context", "/segments"}
    refused = fake_space.apply()
    assert refused.code == 1
    assert "error: the server has no tag types, which the lease of workspace payments needs (" in refused.err
    assert fake_space.apply("--no-lock").code == 0
    assert fake_space.plan()["changes"] == []
    fake_space.write("Segment", "s")
    done = fake_space.run("plan")
    assert done.code == 1
    assert "GET /api/admin/segments: 404" in done.err
