"""The comment endpoints of GitHub and GitLab in memory, with their paging, permissions, limits and error bodies."""

from __future__ import annotations

import io
import json
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from servers.loopback import QuietHandler, serve

TOKEN = "ghs_a-token-of-the-job-0123456789"
MAX_COMMENT = {"github": 65_536, "gitlab": 1_000_000}
BOT = {"id": 41898282, "login": "github-actions[bot]", "type": "Bot"}

WORKFLOW = ".github/workflows/unleash.yaml"

Answer = tuple[int, dict[str, str], Any]


@dataclass
class FakeCodeHost:
    """The comments of one pull request, the oldest first, and the API for them.

    `page` is the largest size of a page. `me` is the user of the token. `counts` measures the length of a comment.
    `strangers` has the credentials that the storage of artifacts received, which must get none.
    """

    host: str = "github"
    page: int = 100
    me: dict[str, Any] = field(default_factory=lambda: dict(BOT))
    comments: list[dict[str, Any]] = field(default_factory=list)
    counts: Callable[[str], int] = len
    artifacts: list[dict[str, Any]] = field(default_factory=list)
    archives: dict[int, bytes] = field(default_factory=dict)
    runs: dict[int, dict[str, Any]] = field(default_factory=dict)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    hook: Callable[[str, str, Callable[[], Answer]], Answer] = lambda _method, _path, go: go()
    requests: list[tuple[str, str]] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def add(self, body: str, author: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """Add a comment of `author`, by default of the token's user."""
        number = 1000 + len(self.comments)
        author_key = "user" if self.host == "github" else "author"
        comment = {"id": number, "body": body, author_key: self.me if author is None else author, **more}
        if self.host == "github":
            comment["html_url"] = f"https://github.com/acme/flags/pull/7#issuecomment-{number}"
        self.comments.append(comment)
        return comment

    def save_artifact(self, number: int, name: str, content: bytes, head: str, **run: Any) -> None:
        """Save an artifact as a run with the number `id` does, by default for the pull request 7 of this repository."""
        ids = {name: run.pop(name, 1) for name in ("id", "repository_id", "head_repository_id")}
        self.runs[ids["id"]] = {
            "id": ids["id"], "event": "pull_request", "path": WORKFLOW, "head_sha": head, "pull_requests": [], **run,
        }  # fmt: skip
        artifact = {"id": number, "name": name, "expired": False, "workflow_run": {**ids, "head_sha": head}}
        self.artifacts.append(artifact)
        self.archives[number] = zipped(content)

    def bodies(self) -> list[str]:
        return [comment["body"] for comment in self.comments]

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a job for this pull request."""
        if self.host == "gitlab":
            return {
                "CI_API_V4_URL": f"{self.url}/api/v4", "CI_PROJECT_ID": "42", "CI_MERGE_REQUEST_IID": "7",
                "CI_PROJECT_URL": "https://gitlab.example/acme/flags", "CI_COMMIT_SHA": "0123456789abcdef",
                "CI_PIPELINE_ID": "900", "CI_JOB_URL": "https://gitlab.example/acme/flags/-/jobs/1",
                "GITLAB_TOKEN": TOKEN, **more,
            }  # fmt: skip
        return {
            "GITHUB_ACTIONS": "true", "GITHUB_API_URL": f"{self.url}/api/v3", "GITHUB_REPOSITORY": "acme/flags",
            "GITHUB_SERVER_URL": "https://github.example", "GITHUB_SHA": "0123456789abcdef",
            "GITHUB_WORKFLOW_REF": f"acme/flags/{WORKFLOW}@refs/heads/main", "GITHUB_REF": "refs/pull/7/merge",
            "GITHUB_RUN_ID": "900", "GITHUB_TOKEN": TOKEN, **more,
        }  # fmt: skip

    @contextmanager
    def served(self) -> Iterator[FakeCodeHost]:
        """Serve on a free port."""
        with serve(_handler(self)) as self.url:
            yield self

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        parts = urlsplit(target)
        with self.lock:
            self.requests.append((method, parts.path))
        if parts.path == "/storage":
            self.strangers += [name for name in headers if name.lower() in {"authorization", "private-token"}]
            return 200, {}, self.archives[int(parse_qs(parts.query)["id"][0])]
        authorized = headers.get("authorization") == f"Bearer {TOKEN}" or headers.get("private-token") == TOKEN
        if not authorized:
            return 401, {}, {"message": "Bad credentials" if self.host == "github" else "401 Unauthorized"}
        content = json.loads(body) if body else {}
        route = self._github if self.host == "github" else self._gitlab

        def go() -> Answer:
            with self.lock:
                return route(method, parts.path, parse_qs(parts.query), content)

        return self.hook(method, parts.path, go)

    def _github(self, method: str, path: str, query: dict[str, list[str]], content: Any) -> Answer:
        path = path.removeprefix("/api/v3")
        if path == "/user":
            if self.me["type"] == "Bot":
                return 403, {}, {"message": "Resource not accessible by integration"}
            return 200, {}, self.me
        if path == "/api/graphql":
            return 200, {}, {"data": {"viewer": {"login": self.me["login"]}}}
        if path == "/repos/acme/flags/issues/7/comments":
            return self._list(query) if method == "GET" else self._create(content)
        comment = re.fullmatch(r"/repos/acme/flags/issues/comments/(\d+)", path)
        if comment and method == "PATCH":
            return self._update(int(comment[1]), content)
        return self._github_runs(path, query)

    def _github_runs(self, path: str, query: dict[str, list[str]]) -> Answer:
        """Answer for pull requests, runs and their artifacts."""
        if path == "/repos/acme/flags/commits/0123456789abcdef/pulls":
            return 200, {}, self.pulls
        if path == "/repos/acme/flags/actions/artifacts":
            named = [artifact for artifact in self.artifacts if artifact["name"] == query["name"][0]]
            page = int(query.get("page", ["1"])[0])
            rest = len(named) > page * self.page
            link = f'<{self.url}{path}?{urlencode({"name": query["name"][0], "page": page + 1})}>; rel="next"'
            some = named[(page - 1) * self.page : page * self.page]
            return 200, {"link": link} if rest else {}, {"total_count": len(named), "artifacts": some}
        run = re.fullmatch(r"/repos/acme/flags/actions/runs/(\d+)", path)
        if run:
            return 200, {}, self.runs[int(run[1])]
        if path == "/repos/acme/flags/pulls":
            assert query["state"] == ["all"]
            owner, _, branch = query["head"][0].partition(":")
            return 200, {}, [pull for pull in self.pulls if (owner, pull["head"].get("ref")) == ("acme", branch)]
        archive = re.fullmatch(r"/repos/acme/flags/actions/artifacts/(\d+)/zip", path)
        if archive:
            return 302, {"location": f"{self.url.replace('127.0.0.1', 'localhost')}/storage?id={archive[1]}"}, None
        return 404, {}, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest"}

    def _gitlab(self, method: str, path: str, query: dict[str, list[str]], content: Any) -> Answer:
        path = path.removeprefix("/api/v4")
        if path == "/user":
            return 200, {}, self.me
        if path == "/projects/42/merge_requests/7/notes":
            return self._list(query) if method == "GET" else self._create(content)
        note = re.fullmatch(r"/projects/42/merge_requests/7/notes/(\d+)", path)
        if note and method == "PUT":
            return self._update(int(note[1]), content)
        return 404, {}, {"message": "404 Not found"}

    def _list(self, query: dict[str, list[str]]) -> Answer:
        """Return a page of comments, with the next page in `Link` (GitHub) or `X-Next-Page` (GitLab)."""
        size = min(self.page, int(query.get("per_page", ["30"])[0]))
        page = int(query.get("page", ["1"])[0])
        rest = len(self.comments) > page * size
        content = self.comments[(page - 1) * size : page * size]
        if self.host == "gitlab":
            return 200, {"x-next-page": str(page + 1) if rest else ""}, content
        next_query = urlencode({"per_page": size, "page": page + 1})
        # GitHub's own links name the repository by its number.
        link = (
            f'<{self.url}/api/v3/repositories/99/issues/7/comments?{next_query}>; rel="next", <{self.url}>; rel="last"'
        )
        return 200, {"link": link} if rest else {}, content

    def _create(self, content: Any) -> Answer:
        return self._refuse(content["body"]) or (201, {}, self.add(content["body"]))

    def _update(self, number: int, content: Any) -> Answer:
        comment = next((comment for comment in self.comments if comment["id"] == number), None)
        if comment is None:
            return 404, {}, {"message": "Not Found"}
        refusal = self._refuse(content["body"])
        if refusal is None:
            comment["body"] = content["body"]
        return refusal or (200, {}, comment)

    def _refuse(self, body: str) -> Answer | None:
        if self.counts(body) <= MAX_COMMENT[self.host]:
            return None
        errors = [{"resource": "IssueComment", "code": "unprocessable", "message": "body is too long"}]
        return 422, {}, {"message": "Validation Failed", "errors": errors}


def zipped(content: bytes, name: str = "plan.json") -> bytes:
    """Return an archive of one file."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr(name, content)
    return archive.getvalue()


def _handler(code_host: FakeCodeHost) -> type[QuietHandler]:
    class Handler(QuietHandler):
        def respond(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                status, more, content = code_host.answer(self.command, self.path, headers, self.body())
            except ConnectionError:
                self.close_connection = True
                return
            text = content if isinstance(content, bytes) else b"" if content is None else json.dumps(content).encode()
            self.reply(status, {"content-type": "application/json", **more}, text)

        do_GET = do_POST = do_PUT = do_PATCH = respond  # noqa: N815 - http.server's names

    return Handler
