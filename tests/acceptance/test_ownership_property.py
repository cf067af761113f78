"""Three workspaces that move, release and adopt objects: none is owned twice, lost, or deleted while documented."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import document_samples
from acceptance.conftest import ANY_DELETES, Space
from properties import examples
from servers.fake_audit import FakeAudit
from servers.fake_routes import Answer
from servers.fake_unleash import TOKEN, FakeUnleash
from servers.instance import Instance
from unleash_gitops.model.ownership import find_id_owner, read_owner_tags, split_mark

WORKSPACES = ("aa", "bb", "cc")
OBJECTS = (("FeatureFlag", "f"), ("FeatureFlag", "g"), ("Segment", "s"), ("TagType", "tt"), ("ImpactMetric", "chart"))
workspaces = st.sampled_from(WORKSPACES)
edits = st.tuples(
    st.sampled_from(["write", "move", "remove", "release", "unmark"]), st.sampled_from(OBJECTS), workspaces
)
steps = st.tuples(st.lists(edits, max_size=4), st.sampled_from([*WORKSPACES, "--all", "--all", "--all", "failing"]))


class World(Space):
    """A repository of three workspaces, and an instance. `place` is the workspace whose files describe an object."""

    def __init__(self, root: Path, instance: Instance, fake: FakeUnleash) -> None:
        self.fake = fake
        self.place: dict[tuple[str, str], str] = {}
        self.released: dict[str, set[str]] = {name: set() for name in WORKSPACES}
        super().__init__(root, instance)
        (root / ".git").mkdir()

    def workspace(self, name: str = "", **spec: object) -> None:
        for each in [name] if name else WORKSPACES:
            document_samples.write(self.root / each, document_samples.workspace(each, **spec))

    def path(self, name: tuple[str, str], workspace: str) -> Path:
        return self.root / workspace / f"{name[0]}-{name[1]}.yaml"

    def edit(self, action: str, name: tuple[str, str], workspace: str) -> None:
        """Edit the files, or remove a mark by hand. What does not fit the files is left out."""
        if action in {"write", "move"} and (action == "write") == (name not in self.place):
            self._describe(name, workspace)
        elif action == "remove" and name in self.place:
            self.path(name, self.place.pop(name)).unlink()
        elif action == "release" and name in self.place:
            owner = self.place.pop(name)
            self.path(name, owner).unlink()
            self.released[owner].add(address(name))
            self.workspace(owner, release=sorted(self.released[owner]))
        elif action == "unmark":
            self._unmark(name)

    def apply_to(self, target: str) -> None:
        """Apply one workspace or all, or let an apply of all fail half-way and apply again."""
        if target == "failing":
            self._fail_then_apply()
        else:
            self._apply(target)

    def _describe(self, name: tuple[str, str], workspace: str) -> None:
        if name in self.place:
            self.path(name, self.place[name]).unlink()
        self.place[name] = workspace
        if address(name) in self.released[workspace]:
            self.released[workspace].remove(address(name))
            self.workspace(workspace, release=sorted(self.released[workspace]))
        metadata = {"project": "default"} if name[0] == "FeatureFlag" else {}
        content = document_samples.document(name[0], name[1], metadata)
        if name[0] == "ImpactMetric":
            content = document_samples.chart(name[1])
        document_samples.write(self.root / workspace, content, self.path(name, workspace).name)

    def _unmark(self, name: tuple[str, str]) -> None:
        """Remove all marks by hand."""
        if name[0] == "FeatureFlag" and name[1] in self.fake.about_flags.known:
            flag = self.fake.about_flags.known[name[1]]
            flag["tags"] = [tag for tag in flag["tags"] if tag["type"] != "gitops"]
        collection = {"Segment": "segments", "TagType": "tag-types"}.get(name[0])
        if collection is not None and name[1] in self.fake.named[collection]:
            self.fake.named[collection][name[1]]["description"] = None

    def _apply(self, *arguments: str) -> None:
        protected = self.protected()
        done = self.run("apply", *arguments, "--yes", *ANY_DELETES)
        assert done.code in {0, 3}, done.err
        self.check(protected)

    def _fail_then_apply(self) -> None:
        """Let every write after the second fail once, then apply again: the second apply converges."""
        writes = 0

        def fail(method: str, _path: str, go: Callable[[], Answer]) -> Answer:
            nonlocal writes
            writes += method != "GET"
            if method != "GET" and writes > 2:
                return 400, {"content-type": "application/json"}, b'{"name": "BadDataError", "message": "no"}'
            return go()

        usual, self.fake.hook = self.fake.hook, fail
        protected = self.protected()
        self.run("apply", "--all", "--yes", *ANY_DELETES)
        self.fake.hook = usual
        self.check(protected)
        self._apply("--all")
        self._apply("--all")

    def live(self) -> set[tuple[str, str]]:
        """Return the objects that exist; an archived flag does not."""
        flags = {("FeatureFlag", name) for name in self.fake.about_flags.active()}
        named = {
            (kind, name)
            for kind, collection in (("Segment", "segments"), ("TagType", "tag-types"))
            for name in self.fake.named[collection]
        }
        charts = {("ImpactMetric", "chart")} if self.fake.charts else set()
        return (flags | named | charts) & set(OBJECTS)

    def protected(self) -> set[tuple[str, str]]:
        """Return the objects that no apply may delete: documented ones, and those that their owner releases."""
        released = {name for name in self.live() if address(name) in self.released.get(self.owner(name), ())}
        return self.live() & (set(self.place) | released)

    def owner(self, name: tuple[str, str]) -> str:
        """Return the workspace that owns a live object, empty for none."""
        if name[0] == "FeatureFlag":
            owners = read_owner_tags(
                [f"{tag['type']}:{tag['value']}" for tag in self.fake.about_flags.flag(name[1])["tags"]]
            )
        elif name[0] == "ImpactMetric":
            owners = tuple(filter(None, [find_id_owner(chart, WORKSPACES) for chart in self.fake.charts]))
        else:
            collection = {"Segment": "segments", "TagType": "tag-types"}[name[0]]
            owners = split_mark(self.fake.named[collection][name[1]]["description"])[1]
        assert len(owners) < 2 or name[0] == "ImpactMetric", (name, owners)
        return owners[0] if len(owners) == 1 else ""

    def check(self, protected: set[tuple[str, str]]) -> None:
        """Check that nothing protected is gone, and that nothing has two owners."""
        assert not protected - self.live()
        for name in self.live():
            self.owner(name)


def address(name: tuple[str, str]) -> str:
    return f"FeatureFlag/default/{name[1]}" if name[0] == "FeatureFlag" else f"{name[0]}/{name[1]}"


@given(st.lists(steps, min_size=2, max_size=6))
@examples(0.7)
def test_nothing_is_owned_twice_lost_or_deleted_while_it_is_documented(
    sequence: list[tuple[list[tuple[str, tuple[str, str], str]], str]],
) -> None:
    fake = FakeUnleash(audit=FakeAudit({TOKEN: "ours"}))
    with fake.served() as url, tempfile.TemporaryDirectory() as directory:
        instance = Instance(url, TOKEN, fake)
        world = World(Path(directory), instance, fake)
        for name in OBJECTS:
            world.edit("write", name, "aa")
        world.apply_to("--all")
        for changes, target in sequence:
            for change in changes:
                world.edit(*change)
            world.apply_to(target)
        world.apply_to("--all")
        world.apply_to("--all")
        last = world.run("plan", "--all", "--format", "json", *ANY_DELETES).json
        assert [change["action"] for entry in last["workspaces"] for change in entry["plan"]["changes"]] == []
        assert set(world.place) <= world.live()
        instance.close()
