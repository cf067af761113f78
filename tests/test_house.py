"""The plan of the house: who may import whom, and which library is known to one room only."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import unleash_gitops

SOURCE = Path(unleash_gitops.__file__).parent

# Data walks from the bottom up; imports point down this list only. Rooms of one line are neighbours and do not meet.
ROOMS = [
    ["__main__"],
    ["cli"],
    ["workflow"],
    ["drift"],
    ["documents"],
    ["engine"],
    ["render"],
    ["kinds"],
    ["ci"],
    ["sandbox"],
    ["api"],
    ["model"],
]
FLOOR = {room: floor for floor, rooms in enumerate(reversed(ROOMS)) for room in rooms}
ONE_ROOM_ONLY = {
    "click": "cli",
    "httpx": "api",
    "httpcore": "api",
    "yaml": "documents",
    "deepdiff": "engine",
    "rich": "render",
}
# the console and its bar; waiting for the local server's health; another server than Unleash
ALSO = {("rich", "cli"), ("httpx", "sandbox"), ("httpx", "ci")}


def _room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def _imports(path: Path) -> list[str]:
    """Return the modules that `path` imports when it runs; what only the type checker reads does not count."""
    names = []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for typing_only in [node for node in ast.walk(tree) if isinstance(node, ast.If)]:
        if ast.unparse(typing_only.test) == "TYPE_CHECKING":
            typing_only.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


MODULES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_imports_point_down(path: Path) -> None:
    room = _room(path)
    for name in _imports(path):
        parts = name.split(".")
        if parts[0] == "unleash_gitops" and parts[1] in FLOOR and parts[1] != room:
            assert FLOOR[parts[1]] < FLOOR[room], f"{room} imports {parts[1]}"
        if parts[0] in ONE_ROOM_ONLY:
            assert ONE_ROOM_ONLY[parts[0]] == room or (parts[0], room) in ALSO, f"{room} imports {parts[0]}"


def test_every_room_has_its_place() -> None:
    assert {_room(path) for path in MODULES} == set(FLOOR)


def test_every_public_name_exists() -> None:
    import importlib

    for path in MODULES:
        if path.name == "__main__.py":
            continue
        name = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
        module = importlib.import_module(name)
        missing = [public for public in getattr(module, "__all__", []) if not hasattr(module, public)]
        assert missing == [], name


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_no_module_is_a_mansion(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350


def test_every_kind_has_a_test() -> None:
    kinds = {path.stem for path in (SOURCE / "kinds").glob("*.py") if "\nKIND = " in path.read_text(encoding="utf-8")}
    assert {path.stem.removeprefix("test_") for path in (Path(__file__).parent / "kinds").glob("test_*.py")} - {
        "every_kind"
    } == kinds


PARTICIPLES = {
    "accepted", "connected", "described", "edited", "exported", "found", "limited", "locked", "matched", "moved",
    "planned", "pulled", "resolved", "rewound", "said", "sealed", "settled", "shortened", "shown", "told", "unsealed",
    "validated",
}  # fmt: skip


def _definitions(path: Path) -> list[str]:
    """Return the public names that a module defines itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    exported: set[str] = set()
    defined: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {target.id for target in targets if isinstance(target, ast.Name)}
            defined |= names
            if names == {"__all__"} and isinstance(node.value, ast.List):
                exported = {entry.value for entry in node.value.elts if isinstance(entry, ast.Constant)}
    return sorted(exported & defined)


def test_no_two_modules_export_one_name() -> None:
    homes: dict[str, list[str]] = {}
    for path in MODULES:
        for name in _definitions(path):
            homes.setdefault(name, []).append(path.relative_to(SOURCE).as_posix())
    assert {name: paths for name, paths in homes.items() if len(paths) > 1 and name != "KIND"} == {}


def test_functions_are_not_named_by_participles() -> None:
    functions = [
        f"{path.relative_to(SOURCE).as_posix()}: {node.name}"
        for path in MODULES
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.strip("_") in PARTICIPLES
    ]
    assert functions == []
