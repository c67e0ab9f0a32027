"""The house: each wing imports from wings below it alone, nothing imports in a circle, and no file grows too long."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

pytestmark = pytest.mark.newest_only

PACKAGE = Path(__file__).resolve().parent.parent / "fakeflowdock"

# From the bottom up. What stands on one floor does not import from each other's wing.
FLOORS = (
    ("version", "redaction", "suggestions", "atomic_file"),
    ("contract",),
    ("world",),
    ("api",),
    ("http",),
    ("interception", "checking"),
    ("testing",),
    ("server",),
    ("runs", "decorator"),
    ("fake",),
    ("cli",),
    ("__init__",),
    ("pytest_options", "pytest_sweep"),
    ("__main__", "pytest_plugin"),
)
FLOOR_OF = {wing: number for number, wings in enumerate(FLOORS) for wing in wings}
LONGEST = 400  # lines of a module
MOST = 12  # modules directly in the package, `py.typed` not counted


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts if len(parts) == 2 else [part for part in parts if part != "__init__"])


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def wing_of(module: str) -> str:
    return module.split(".")[1]


@cache
def imports() -> dict[str, set[str]]:
    """What each module imports of the package: at run time, late, or for types alone."""
    found: dict[str, set[str]] = {}
    for module, path in MODULES.items():
        package = module if path.name == "__init__.py" and module.count(".") != 1 else module.rpartition(".")[0]
        found[module] = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    above = package.split(".")[: len(package.split(".")) - node.level + 1]
                    base = ".".join([*above, *filter(None, [node.module])])
                targets = [f"{base}.{alias.name}" for alias in node.names]
            else:
                continue
            for target in targets:
                while target and target not in MODULES:
                    target = "fakeflowdock.__init__" if target == "fakeflowdock" else target.rpartition(".")[0]
                if target and target != module:
                    found[module].add(target)
    return found


def test_every_module_stands_in_a_wing() -> None:
    assert {wing_of(module) for module in MODULES} == set(FLOOR_OF)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_its_own_wing_and_from_wings_below(module: str) -> None:
    above = {
        target
        for target in imports()[module]
        if wing_of(target) != wing_of(module) and FLOOR_OF[wing_of(target)] >= FLOOR_OF[wing_of(module)]
    }
    assert not above


def test_nothing_imports_in_a_circle() -> None:
    try:
        TopologicalSorter(imports()).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")


def test_the_wings_hold_nearly_everything() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= MOST


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_a_few_screens_long(module: str) -> None:
    assert len(MODULES[module].read_text("utf-8").splitlines()) <= LONGEST


def test_no_two_public_classes_have_the_same_name() -> None:
    homes = defaultdict(list)
    for module, path in MODULES.items():
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(module)
    assert {name: modules for name, modules in homes.items() if len(modules) > 1} == {}


def test_the_imports_are_read() -> None:
    assert "fakeflowdock.api.routing" in imports()["fakeflowdock.api.app"]
    assert "fakeflowdock.http.server" in imports()["fakeflowdock.runs"], "a late import counts"
    assert "fakeflowdock.world.store" in imports()["fakeflowdock.api.operations"], "and one for types"
