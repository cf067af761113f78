"""Where a token goes, and from which variable it comes: attacks by files, plans and answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from command_line import CommandResult, inherited_environment, run_here
from document_samples import chart, document, workspace, write
from servers.fake_audit import FakeAudit
from servers.fake_unleash import TOKEN, FakeUnleash
from servers.loopback import QuietHandler, serve
from unleash_gitops.model.plan_file import seal

HOME = "/home/of-a-victim"


@dataclass
class Trap:
    """A server of an attacker. `requests` has the path and the headers of all that it received."""

    url: str = ""
    location: str | None = None
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@pytest.fixture
def trap() -> Iterator[Trap]:
    trap = Trap()

    class Handler(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802 - http.server's name
            trap.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            if trap.location is not None:
                self.reply(307, {"location": trap.location}, b"")
            else:
                self.reply(200, {}, b"{}")

        do_POST = do_PUT = do_GET  # noqa: N815 - http.server's names

    with serve(Handler) as trap.url:
        yield trap


@dataclass
class Checkout:
    """A repository with a workspace in `deploy`, whose file names the instance. Commands run at its top."""

    top: Path
    fake: FakeUnleash
    url: str

    def write_workspace(self, name: str = "payments", directory: str = "deploy", **spec: Any) -> None:
        write(self.top / directory, workspace(name, **{"url": self.url, **spec}))

    def run(self, *arguments: str, **environment: str) -> CommandResult:
        known = {"UNLEASH_AUTH_TOKEN": TOKEN, "HOME": HOME}
        done = run_here(arguments, cwd=self.top, environment={**inherited_environment(), **known, **environment})
        assert TOKEN not in done.out + done.err
        assert "Traceback" not in done.err
        return done

    def forge(self, **changed: Any) -> str:
        """Save a plan, and write another with the fields `changed` and a valid digest. Return its name."""
        assert self.run("plan", "deploy", "--out", "plan.json").code == 0
        self.fake.requests.clear()
        content = json.loads((self.top / "plan.json").read_text(encoding="utf-8"))
        del content["digest"]
        (self.top / "forged.json").write_text(json.dumps(seal({**content, **changed})), encoding="utf-8")
        return "forged.json"


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    fake = FakeUnleash(audit=FakeAudit({TOKEN: "ours", HOME: "home", "*:*.eu": "eu"}))
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    with fake.served() as url:
        checkout = Checkout(tmp_path / "repository", fake, url)
        checkout.write_workspace()
        write(checkout.top / "deploy", chart("errors"), "errors.yaml")
        yield checkout


def instance(url: str) -> dict[str, Any]:
    return {"url": url, "id": "11111111-2222-3333-4444-555555555555", "version": "8.2.0", "edition": "oss"}


def test_a_saved_plan_takes_url_and_variable_from_the_workspace_file(checkout: Checkout) -> None:
    checkout.write_workspace(tokenEnv="UNLEASH_TOKEN_EU")
    eu = {"UNLEASH_AUTH_TOKEN": "", "UNLEASH_TOKEN_EU": "*:*.eu"}
    assert checkout.run("plan", "deploy", "--out", "plan.json", **eu).code == 0
    assert "tokenEnv" not in (checkout.top / "plan.json").read_text(encoding="utf-8")
    done = checkout.run("apply", "plan.json")
    assert (done.code, len(checkout.fake.charts)) == (1, 0)
    assert "no token is set: UNLEASH_TOKEN_EU (spec.tokenEnv) is empty" in done.err
    assert checkout.run("apply", "plan.json", **eu).code == 0
    assert len(checkout.fake.charts) == 1


def test_the_url_in_a_plan_gets_no_token(checkout: Checkout, trap: Trap) -> None:
    forged = checkout.forge(instance=instance(trap.url))
    done = checkout.run("apply", forged)
    assert done.code == 1
    assert f"the plan was made for another instance ({trap.url}), not for {checkout.url}" in done.err
    assert (trap.requests, checkout.fake.writes()) == ([], [])


def test_a_variable_in_a_plan_is_refused(checkout: Checkout) -> None:
    done = checkout.run("apply", checkout.forge(tokenEnv="HOME"))
    assert (done.code, checkout.fake.requests) == (1, [])
    assert "tokenEnv: Extra inputs are not permitted" in done.err


@pytest.mark.parametrize(
    ("parameter", "variable"),
    [("url", "HOME"), ("url", "UNLEASH_AUTH_TOKEN"), ("contentType", "UNLEASH_SECRET_URL")],
)
def test_a_plan_cannot_name_a_variable_that_the_files_could_not(
    checkout: Checkout, parameter: str, variable: str
) -> None:
    secret = {"UNLEASH_SECRET_URL": "https://example.com/s3cr3t"}
    spec = {
        "provider": "webhook",
        "events": ["feature-created"],
        "parameters": {"url": {"fromEnv": next(iter(secret))}},
    }
    write(checkout.top / "deploy", document("Addon", "hook", **spec), "hook.yaml")
    checkout.forge()
    content = json.loads((checkout.top / "plan.json").read_text(encoding="utf-8"))
    (change,) = (change for change in content["changes"] if change["kind"] == "Addon")
    change["after"]["parameters"][parameter] = {"fromEnv": variable}
    done = checkout.run("apply", checkout.forge(changes=content["changes"]), **secret)
    assert (done.code, checkout.fake.writes()) == (1, [])
    assert "Addon/hook: no request can make the object as the plan shows it; nothing was applied" in done.err
    assert checkout.run("apply", "plan.json", **secret).code == 0


def other_name(checkout: Checkout, _outside: Path) -> None:
    checkout.write_workspace("search", "other")


def link_outside(checkout: Checkout, outside: Path) -> None:
    (checkout.top / "link").symlink_to(outside, target_is_directory=True)


def link_inside(checkout: Checkout, _outside: Path) -> None:
    (checkout.top / "link").symlink_to(checkout.top / "deploy", target_is_directory=True)


def link_file(checkout: Checkout, outside: Path) -> None:
    (checkout.top / "linked").mkdir()
    (checkout.top / "linked" / "unleash-gitops.yaml").symlink_to(outside / "unleash-gitops.yaml")


def nest_repository(checkout: Checkout, _outside: Path) -> None:
    checkout.write_workspace(directory="vendor/x")
    (checkout.top / "vendor" / ".git").mkdir()


def nothing(_checkout: Checkout, _outside: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("prepare", "root", "reason"),
    [
        (nothing, "../outside", '"../outside" is not a directory of this checkout'),
        (nothing, "deploy/../../outside", '"deploy/../../outside" is not a directory of this checkout'),
        (nothing, "OUTSIDE", "OUTSIDE is not a directory of this checkout"),
        (nothing, "deploy/", '"deploy/" is not a directory of this checkout'),
        (nothing, "./deploy", '"./deploy" is not a directory of this checkout'),
        (nothing, "deploy/errors.yaml", '"deploy/errors.yaml" is not a directory of this checkout'),
        (nothing, "a\0b", "is not a directory of this checkout"),
        (nothing, "x" * 5000, "is not a directory of this checkout"),
        (nothing, None, "the plan was made outside a Git repository"),
        (nothing, "", "there is no unleash-gitops.yaml in this checkout"),
        (link_outside, "link", '"link" is not a directory of this checkout'),
        (link_inside, "link", '"link" is not a directory of this checkout'),
        (link_file, "linked", "linked/unleash-gitops.yaml is not valid"),
        (nest_repository, "vendor/x", '"vendor/x" is not a directory of this checkout'),
        (other_name, "other", 'other/unleash-gitops.yaml is of the workspace "search"'),
    ],
)
def test_a_plan_cannot_name_a_workspace_file_of_its_own(
    checkout: Checkout,
    trap: Trap,
    prepare: Callable[[Checkout, Path], None],
    root: str | None,
    reason: str,
) -> None:
    outside = checkout.top.parent / "outside"
    write(outside, workspace("payments", url=trap.url, tokenEnv="UNLEASH_TOKEN_EU"))
    prepare(checkout, outside)
    forged = checkout.forge(root=str(outside) if root == "OUTSIDE" else root, instance=instance(trap.url))
    done = checkout.run("apply", forged, UNLEASH_TOKEN_EU="*:*.eu")
    assert done.code == 1
    assert reason.replace("OUTSIDE", f'"{outside}"') in done.err
    assert (trap.requests, checkout.fake.requests) == ([], [])


def test_a_plan_without_its_checkout_names_the_ways_to_name_the_instance(checkout: Checkout) -> None:
    assert checkout.run("plan", "deploy", "--out", "plan.json").code == 0
    elsewhere = checkout.top.parent / "elsewhere"
    elsewhere.mkdir()
    plan = str(checkout.top / "plan.json")

    def apply(*options: str, **environment: str) -> CommandResult:
        known = {"UNLEASH_AUTH_TOKEN": TOKEN, **environment}
        return run_here(("apply", plan, *options), cwd=elsewhere, environment={**inherited_environment(), **known})

    done = apply()
    assert done.code == 1
    assert done.err == (
        "error: no server URL is set for workspace payments: the working directory is not in a Git repository, and no "
        "token is sent to the URL in a plan\n"
        "help: to name the instance, use --url URL or set UNLEASH_URL\n"
        "help: to use spec.url, run the command in the checkout with the unleash-gitops.yaml of the workspace\n"
    )
    assert apply("--url", checkout.url).code == 0
    assert "the server has changed since" in apply(UNLEASH_URL=checkout.url).err


@pytest.mark.parametrize(
    "variable", ["HOME", "AWS_SECRET_ACCESS_KEY", "UNLEASH_SECRET_HOOK", "UNLEASH_", "unleash_token", "XUNLEASH_TOKEN"]
)
def test_a_workspace_file_cannot_name_any_variable(checkout: Checkout, trap: Trap, variable: str) -> None:
    checkout.write_workspace(url=trap.url, tokenEnv=variable)
    done = checkout.run("plan", "deploy", **{variable: "*:*.stolen"})
    assert (done.code, trap.requests) == (1, [])
    assert "deploy/unleash-gitops.yaml:1:" in done.err
    assert "error: spec.tokenEnv: must be the name of the environment variable that holds the token" in done.err
    assert "it begins with UNLEASH_ but not with UNLEASH_SECRET_" in done.err


@pytest.mark.parametrize("command", ["plan", "apply", "accept", "pull"])
def test_every_command_refuses_a_host_that_is_not_allowed(checkout: Checkout, trap: Trap, command: str) -> None:
    checkout.write_workspace(url=trap.url)
    options = ("--yes",) if command == "apply" else ()
    host = trap.url.removeprefix("http://")
    for allowed in ("unleash.example.com", "127.0.0.1:1", "localhost"):
        done = checkout.run(command, "deploy", *options, UNLEASH_ALLOWED_HOSTS=allowed)
        assert (done.code, trap.requests) == (1, [])
        assert (
            f"error: the token is not sent to {trap.url}: UNLEASH_ALLOWED_HOSTS does not list {host}\n"
            "help: if the address is wrong, correct it (--url, UNLEASH_URL or spec.url)\n"
            f"help: to allow the host, add {host} to UNLEASH_ALLOWED_HOSTS\n"
        ) in done.err


def test_the_options_of_a_user_are_limited_too(checkout: Checkout, trap: Trap) -> None:
    limited = {"UNLEASH_ALLOWED_HOSTS": checkout.url.removeprefix("http://")}
    for done in (
        checkout.run("plan", "deploy", "--url", trap.url, **limited),
        checkout.run("plan", "deploy", UNLEASH_URL=trap.url, **limited),
        checkout.run("apply", checkout.forge(instance=instance(trap.url)), "--url", trap.url, **limited),
    ):
        assert (done.code, "UNLEASH_ALLOWED_HOSTS does not list" in done.err) == (1, True)
    assert trap.requests == []
    assert checkout.run("apply", "plan.json", **limited).code == 0


@pytest.mark.parametrize("allowed", ["", "https://unleash.example.com"])
def test_a_list_that_is_empty_or_malformed_allows_nothing(checkout: Checkout, allowed: str) -> None:
    done = checkout.run("plan", "deploy", UNLEASH_ALLOWED_HOSTS=allowed)
    assert (done.code, checkout.fake.requests) == (1, [])
    assert done.err.startswith("error: UNLEASH_ALLOWED_HOSTS")


def test_a_redirect_takes_no_token_to_another_host(checkout: Checkout, trap: Trap) -> None:
    attacker = Trap()

    class Handler(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802 - http.server's name
            attacker.requests.append((self.path, dict(self.headers.items())))
            self.reply(200, {}, b"{}")

    with serve(Handler) as url:
        trap.location = f"{url}/api/admin/ui-config"
        host = trap.url.removeprefix("http://")
        done = checkout.run("plan", "deploy", "--url", trap.url, UNLEASH_ALLOWED_HOSTS=host)
    assert (done.code, "the answer is a redirect to" in done.err) == (1, True)
    assert ([path for path, _ in trap.requests], attacker.requests) == (["/api/admin/ui-config"], [])


def test_a_proxy_does_not_read_the_token_of_an_allowed_host(checkout: Checkout, trap: Trap) -> None:
    proxies = {"HTTP_PROXY": trap.url, "http_proxy": trap.url, "NO_PROXY": "", "no_proxy": ""}
    allowed = checkout.url.removeprefix("http://")
    assert checkout.run("plan", "deploy", UNLEASH_ALLOWED_HOSTS=allowed, **proxies).code == 0
    assert trap.requests == []
    assert checkout.run("plan", "deploy", **proxies).code == 1  # without the list, the proxy of the environment is used
    assert [headers["authorization"] for _, headers in trap.requests] == [TOKEN]


def test_one_workspace_on_a_host_that_is_not_allowed_does_not_stop_the_others(checkout: Checkout, trap: Trap) -> None:
    checkout.write_workspace("search", "search", url=trap.url)
    allowed = checkout.url.removeprefix("http://")
    done = checkout.run("plan", "--all", "--format", "json", UNLEASH_ALLOWED_HOSTS=allowed)
    assert (done.code, trap.requests) == (1, [])
    errors = {entry["workspace"]: entry["error"] for entry in done.json["workspaces"]}
    host = trap.url.removeprefix("http://")
    assert errors == {
        "payments": None,
        "search": f"the token is not sent to {trap.url}: UNLEASH_ALLOWED_HOSTS does not list {host}",
    }
