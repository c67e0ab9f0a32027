"""Who imports whom: the wings of the package, from the bottom up, and the imports of each module."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "fakeflowdock"

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
    ("pytest_options",),
    ("plugin",),
    ("__main__", "pytest_plugin"),
)
FLOOR_OF = {wing: number for number, wings in enumerate(FLOORS) for wing in wings}


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
