"""To be told when a library has been imported, without importing it: a finder, for as long as somebody asks."""

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
    """Tells of each module of some names, right after it was imported. It finds what the other finders find.

    Args:
        names: of modules.
        tell: is given the name.
    """

    def __init__(self, names: Container[str], tell: Callable[[str], None]) -> None:
        self._names = names
        self._tell = tell

    def start(self) -> None:
        """Begin to tell."""
        sys.meta_path.insert(0, self)

    def stop(self) -> None:
        """Tell no more."""
        with suppress(ValueError):
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        """What the other finders find."""
        if fullname not in self._names:
            return None
        for finder in sys.meta_path:
            find: Any = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find(fullname, path, target) if find and finder is not self else None
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Telling(spec.loader, self._tell)
                return spec
        return None


class _Telling(Loader):
    """A loader in another's place, until the module runs."""

    def __init__(self, loader: Loader, tell: Callable[[str], None]) -> None:
        self._loader = loader
        self._tell = tell

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._tell(module.__name__)
