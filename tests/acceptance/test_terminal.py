"""With a person at a terminal: the question, its answers, and colour."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time

from acceptance.conftest import Space
from acceptance.test_life import chart_id
from acceptance.variants import parametrize_instance


def at_a_terminal(space: Space, answer: bytes, **environment: str) -> tuple[int, str]:
    """Run `apply` on a terminal, answer its question, and return the exit code and all that the terminal showed."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "unleash_gitops", "apply"],
        cwd=space.root,
        env=space.environment(TERM="xterm-256color", **environment),
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    shown = b""
    asked = False
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([leader], [], [], 0.1)[0]:
            if process.poll() is not None:
                break
            continue
        try:
            part = os.read(leader, 4096)
        except OSError:  # how a terminal ends on Linux
            break
        if not part:
            break
        shown += part
        if b"[y/N]" in shown and not asked:
            asked = True
            os.write(leader, answer)
    os.close(leader)
    return process.wait(timeout=30), shown.decode()


@parametrize_instance("case", [(b"y\n", 0, True), (b"n\n", 1, False), (b"\n", 1, False)], real=[(b"y\n", 0, True)])
def test_a_person_is_asked_and_obeyed(space: Space, case: tuple[bytes, int, bool]) -> None:
    answer, code, applied = case
    space.chart("a")
    done, shown = at_a_terminal(space, answer)
    assert done == code, shown
    assert ("Applied 1, " in shown.replace("\x1b[0m\x1b[1m", "")) == applied
    assert ("nothing was applied" in shown) != applied
    assert set(space.instance.everything()) == ({chart_id("a")} if applied else set())


def test_what_moved_while_the_question_stood_is_not_overwritten(fake_space: Space) -> None:
    fake = fake_space.instance.fake
    assert fake is not None
    fake_space.chart("a")
    reads = 0

    def hook(method: str, path: str, go: object) -> object:
        nonlocal reads
        if method == "GET" and path.endswith("/config") and "features" not in path:
            reads += 1
            if reads == 2:  # after the plan, and after the question
                config = {
                    "metricName": "x",
                    "timeRange": "day",
                    "aggregationMode": "avg",
                    "yAxisMin": "auto",
                    "labelSelectors": {},
                }
                fake.charts[chart_id("a")] = (None, config)
        return go()  # type: ignore[operator]

    fake.hook = hook  # type: ignore[assignment]
    done, shown = at_a_terminal(fake_space, b"y\n")
    assert done == 1
    assert "already exists" in shown
    assert fake.writes() == []


def test_colour_only_where_it_is_wanted(fake_space: Space) -> None:
    fake_space.chart("a")
    assert "\x1b[32m" in at_a_terminal(fake_space, b"n\n")[1]
    assert "\x1b[32m" not in at_a_terminal(fake_space, b"n\n", NO_COLOR="1")[1]
    assert "\x1b" not in fake_space.run("plan").out
