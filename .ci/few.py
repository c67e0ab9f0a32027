"""A plugin for pytest, `-p few`: of a test with many parameters only FEW, the first and the last among them."""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

FEW = int(os.environ["FEW"])  # at least 2


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the others. What the few execute, the whole suite executes too."""
    functions = defaultdict(list)
    for item in items:
        functions[item.nodeid.partition("[")[0]].append(item)
    kept = set()
    for group in functions.values():
        last = len(group) - 1
        kept.update(group[round(number * last / (FEW - 1))] for number in range(FEW))
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]
