"""The house: each wing imports from wings below it alone, nothing imports in a circle, and no file grows too long."""

from __future__ import annotations

import ast
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.support.imports import FLOOR_OF, MODULES, PACKAGE, imports, wing_of

pytestmark = pytest.mark.newest_only

LONGEST = 400  # lines of a module
MOST = 12  # modules directly in the package, `py.typed` not counted


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
