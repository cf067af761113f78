"""Two applies of one workspace: one waits for the other, and nothing is made twice."""

from __future__ import annotations

import signal
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from acceptance.conftest import Space
from servers.fake_routes import Answer, json_answer
from servers.fake_unleash import FakeUnleash
from servers.instance import Instance
from servers.pairs import (
    CLOCK_ERRORS,
    PLAN_FILE,
    find_duplicates,
    finish,
    finish_saved,
    let_go,
    save_plan,
    start_waiting,
    write_workspace,
)
from unleash_gitops.model.lease_record import LeaseRecord, new_lease_name

LATER = timedelta(seconds=30)


def apply_pair(root: Path, instance: Instance) -> list[str]:
    """Apply a workspace twice at the same moment, on machines with wrong clocks; return what is wrong then."""
    name = f"w{uuid.uuid4().hex[:8]}"
    write_workspace(root / name, name)
    processes = [start_waiting(root / name, instance, error) for error in CLOCK_ERRORS]
    let_go(processes)
    return finish(processes) or find_duplicates(instance, name)


def apply_saved_pair(root: Path, instance: Instance) -> list[str]:
    """Apply a saved plan twice at the same moment, on machines with wrong clocks; return what is wrong then."""
    name = f"w{uuid.uuid4().hex[:8]}"
    write_workspace(root / name, name)
    save_plan(root / name, instance)
    processes = [start_waiting(root / name, instance, error, command=("apply", PLAN_FILE)) for error in CLOCK_ERRORS]
    let_go(processes)
    return finish_saved(processes) or find_duplicates(instance, name)


@pytest.mark.parametrize("pair", [apply_pair, apply_saved_pair])
def test_simultaneous_applies_make_nothing_twice(
    instance: Instance, tmp_path: Path, pair: Callable[[Path, Instance], list[str]]
) -> None:
    assert pair(tmp_path, instance) == []


def lock(instance: Instance, expires_in: timedelta) -> str:
    """Put the lease of another run on the server; return its name."""
    now = datetime.now(UTC)
    record = LeaseRecord(new_lease_name("payments"), "ci-token", now - LATER, now + expires_in, is_held=True)
    instance.make("tag-types", record.name, description=record.to_description("payments"))
    return record.name


def leases(instance: Instance) -> set[str]:
    return {name for name in instance.named("tag-types") if name.startswith("gitops-lock-")}


def test_a_lease_of_another_run_stops_apply_until_unlock(fake_space: Space) -> None:
    name = lock(fake_space.instance, LATER)
    fake_space.flag("f")
    done = fake_space.apply("--lock-timeout", "0")
    assert done.code == 1
    assert "error: workspace payments is locked by ci-token since 20" in done.err
    assert "run: unleash-gitops unlock" in done.err
    assert (leases(fake_space.instance), fake_space.instance.flag("f")) == ({name}, None)
    unlocked = fake_space.run("unlock", "--yes")
    assert unlocked.code == 0
    assert "workspace payments is locked by ci-token since 20" in unlocked.err
    assert fake_space.run("unlock").err == "workspace payments is not locked\n"
    assert fake_space.apply().code == 0
    assert leases(fake_space.instance) == set()


@pytest.mark.parametrize("arguments", [("plan.json",), ("--expect", "plan.json")])
def test_a_reviewed_plan_waits_for_the_lease_as_well(fake_space: Space, arguments: tuple[str, ...]) -> None:
    fake_space.flag("f")
    fake_space.run("plan", "--out", "plan.json")
    lock(fake_space.instance, LATER)
    done = fake_space.run("apply", *arguments, "--lock-timeout", "0")
    assert done.code == 1
    assert "error: workspace payments is locked by ci-token since 20" in done.err
    assert fake_space.instance.flag("f") is None
    assert fake_space.run("unlock", "--yes").code == 0
    assert fake_space.run("apply", *arguments).code == 0
    assert leases(fake_space.instance) == set()


def test_unlock_asks_first(fake_space: Space) -> None:
    name = lock(fake_space.instance, LATER)
    done = fake_space.run("unlock")
    assert (done.code, leases(fake_space.instance)) == (1, {name})
    assert "use --yes" in done.err


def test_a_waiter_says_once_what_it_waits_for_and_takes_the_expired_lease(fake_space: Space) -> None:
    lock(fake_space.instance, timedelta(seconds=3))
    fake_space.flag("f")
    done = fake_space.apply()
    assert done.code == 0
    assert done.err.count("is locked by ci-token") == 1
    assert "waiting for up to 60 s" in done.err
    assert leases(fake_space.instance) == set()


def test_a_plan_without_requests_and_no_lock_take_no_lease(fake_space: Space) -> None:
    fake = fake_space.instance.fake
    assert fake is not None
    fake_space.flag("f")
    assert fake_space.apply("--no-lock").code == 0
    assert fake_space.apply().code == 0
    assert fake.lease_requests == []


def test_a_lease_without_a_readable_description_never_ends_by_itself(fake_space: Space) -> None:
    name = new_lease_name("payments")
    fake_space.instance.make("tag-types", name, description="edited by hand")
    fake_space.flag("f")
    done = fake_space.apply("--lock-timeout", "0")
    assert done.code == 1
    assert f"the description of tag type {name} is not that of a lease" in done.err


def test_a_lost_lease_stops_apply_within_a_second(fake_space: Space) -> None:
    fake = fake_space.instance.fake
    assert fake is not None
    for number in range(60):
        fake_space.flag(f"f{number}")
    writes: list[float] = []

    def unlock_at_first_flag(method: str, path: str, go: Callable[[], Answer]) -> Answer:
        answer = go()
        if method != "GET" and "features" in path:
            writes.append(time.monotonic())
            time.sleep(0.05)  # a slow server, for which 60 flags take several seconds
            remove_leases(fake)
        return answer

    fake.hook = unlock_at_first_flag
    done = fake_space.apply("--concurrency", "1")
    assert done.code == 3
    assert "the lease of workspace payments was lost: another run or user removed it" in done.out
    assert writes[-1] - writes[0] < 1.5
    assert len(fake.flags["default"]) < 50


def test_a_lease_that_was_lost_during_the_last_request_is_in_the_report(fake_space: Space) -> None:
    fake = fake_space.instance.fake
    assert fake is not None
    fake_space.write("Segment", "beta")

    def unlock_at_segment(method: str, path: str, go: Callable[[], Answer]) -> Answer:
        answer = go()
        if (method, path) == ("POST", "/api/admin/segments"):
            remove_leases(fake)
        return answer

    fake.hook = unlock_at_segment
    done = fake_space.apply()
    assert done.code == 3
    assert "Applied 1, failed 0, skipped 0, blocked 0." in done.out
    assert "the lease of workspace payments was lost: another run or user removed it" in done.out


def remove_leases(fake: FakeUnleash) -> None:
    for name in leases_of(fake):
        del fake.named["tag-types"][name]


def leases_of(fake: FakeUnleash) -> list[str]:
    return [name for name in fake.named["tag-types"] if name.startswith("gitops-lock-")]


def test_a_token_without_the_permission_is_refused(fake_space: Space) -> None:
    fake = fake_space.instance.fake
    assert fake is not None
    permissions = [{"permission": "CREATE_TAG_TYPE"}, {"permission": "UPDATE_TAG_TYPE", "project": "default"}]

    def answer_user(_method: str, path: str, go: Callable[[], Answer]) -> Answer:
        if path == "/api/admin/user":
            return json_answer(200, {"user": {"id": 5, "username": "ann"}, "permissions": permissions})
        return go()

    fake.hook = answer_user
    fake_space.flag("f")
    done = fake_space.apply()
    assert done.code == 1
    assert (
        "the token may not take the lease of workspace payments: it lacks UPDATE_TAG_TYPE, DELETE_TAG_TYPE" in done.err
    )
    assert (fake.writes(), fake.lease_requests) == ([], [])
    assert fake_space.apply("--no-lock").code == 0


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_server_that_refuses_to_write_the_lease_names_the_permissions(fake_space: Space, method: str) -> None:
    fake = fake_space.instance.fake
    assert fake is not None

    def refuse(sent: str, path: str, go: Callable[[], Answer]) -> Answer:
        is_lease = path.startswith("/api/admin/tag-types") and (sent == "POST" or "gitops-lock-" in path)
        return json_answer(403, {"message": "You lack a permission."}) if sent == method and is_lease else go()

    fake.hook = refuse
    fake_space.write("Segment", "beta")
    done = fake_space.apply()
    assert done.code == 1
    assert "error: the token may not take the lease of workspace payments: " in done.err
    assert "CREATE_TAG_TYPE, UPDATE_TAG_TYPE, DELETE_TAG_TYPE" in done.err
    assert "--no-lock" in done.err
    assert (fake.writes(), leases(fake_space.instance)) == ([], set())


def test_unlock_without_the_permission_says_so_of_itself(fake_space: Space) -> None:
    fake = fake_space.instance.fake
    assert fake is not None
    name = lock(fake_space.instance, LATER)
    fake.hook = lambda method, _path, go: json_answer(403, {"message": "No."}) if method == "DELETE" else go()
    done = fake_space.run("unlock", "--yes")
    assert done.code == 1
    assert "error: the token may not end the lease of workspace payments: " in done.err
    assert ("--no-lock" in done.err, "appl" in done.err, leases(fake_space.instance)) == (False, False, {name})


def test_a_server_without_dates_gives_no_lease(fake_space: Space) -> None:
    fake = fake_space.instance.fake
    assert fake is not None

    def remove_date(_method: str, _path: str, go: Callable[[], Answer]) -> Answer:
        status, headers, content = go()
        return status, {**headers, "date": ""}, content

    fake.hook = remove_date
    fake_space.write("Segment", "beta")
    done = fake_space.apply()
    assert done.code == 1
    assert (
        "cannot take the lease of workspace payments: the answers of the server have no usable header Date" in done.err
    )
    assert "use --no-lock" in done.err
    assert (fake.writes(), fake.lease_requests) == ([], [])
    assert fake_space.apply("--no-lock").code == 0


def test_leases_and_the_tag_type_of_marks_do_not_exist_for_plans(fake_space: Space) -> None:
    names = {lock(fake_space.instance, LATER), "gitops"}
    fake_space.instance.make("tag-types", "gitops", description="managed by unleash-gitops: payments")
    fake_space.workspace(exclusive=[{"kind": "TagType"}])
    plan = fake_space.plan()
    assert (plan["changes"], [entry for entry in plan["unmanaged"] if entry["kind"] == "TagType"]) == ([], [])
    assert "TagType" not in fake_space.run("pull", "--kind", "TagType").out
    assert names <= set(fake_space.instance.named("tag-types"))


def test_an_interrupted_apply_leaves_no_lease(fake_space: Space) -> None:
    fake = fake_space.instance.fake
    assert fake is not None
    begun = threading.Event()

    def delay(method: str, _path: str, go: Callable[[], Answer]) -> Answer:
        if method == "POST" and fake.writes():
            begun.set()
            time.sleep(0.05)
        return go()

    fake.hook = delay
    for number in range(20):
        fake_space.flag(f"f{number}")
    process = fake_space.start("apply", "--yes", "--concurrency", "1")
    assert begun.wait(60)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert leases(fake_space.instance) == set()


def test_a_segment_that_is_there_twice_blocks_its_document(fake_space: Space) -> None:
    fake_space.write("Segment", "beta")
    assert fake_space.apply().code == 0
    fake = fake_space.instance.fake
    assert fake is not None
    segment = fake.named["segments"]["beta"]
    fake.named["segments"]["again"] = {**segment, "id": segment["id"] + 1}
    (change,) = fake_space.plan()["changes"]
    assert (change["action"], change["kind"], change["name"]) == ("blocked", "Segment", "beta")
    assert change["reason"] == "the server has 2 objects of this name: delete all but one of them in Unleash's UI"
