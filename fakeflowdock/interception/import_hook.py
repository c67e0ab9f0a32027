"""A finder that reports imports of libraries, without importing them itself."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib.abc import Loader, MetaPathFinder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


class Watch(MetaPathFinder):
    """Report modules right after their import. The modules are found by the other finders.

    Args:
        names: the names of the modules.
        report: called with a name.
    """

    def __init__(self, names: Container[str], report: Callable[[str], None]) -> None:
        self._names = names
        self._report = report

    def start(self) -> None:
        """Start reporting imports."""
        # pyfakefs inserts its finder at the front, and later removes whichever is there.
        others = (at for at, finder in enumerate(sys.meta_path) if not type(finder).__module__.startswith("pyfakefs"))
        sys.meta_path.insert(next(others, 0), self)

    def stop(self) -> None:
        """Stop reporting imports."""
        with suppress(ValueError):
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        """Return the spec of the other finders, with a loader that reports the import."""
        if fullname not in self._names:
            return None
        for finder in sys.meta_path:
            find: Any = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find(fullname, path, target) if find and finder is not self else None
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _ReportingLoader(spec.loader, self._report)
                return spec
        return None


class _ReportingLoader(Loader):
    """A loader that wraps another one until the module is executed."""

    def __init__(self, loader: Loader, report: Callable[[str], None]) -> None:
        self._loader = loader
        self._report = report

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._report(module.__name__)
