"""The names of fields that a test may expect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ..suggestions import nearest
from .models import Author, Mail, Status, Thread

if TYPE_CHECKING:
    from collections.abc import Collection


INNER: dict[str, type[Any]] = {"author": Author, "mail": Mail, "status": Status, "thread": Thread}


def check_names(what: str, expected: Mapping[str, Any], known: Collection[str], within: str = "") -> None:
    """Refuse to look for what nothing can have: nobody would notice that it is never found.

    Raises:
        ValueError: some name is none of those that there are; it says which may have been meant.
    """
    for name, value in expected.items():
        if name not in known:
            near = nearest(name, known)
            hint = f": did you mean {within}{near}?" if near else f", only {', '.join(sorted(known))}"
            raise ValueError(f"{what} has no {within}{name}{hint}")
        inner = INNER.get(name)
        if inner is not None and isinstance(value, Mapping):
            check_names(what, value, [field.name for field in fields(inner)], f"{within}{name}.")
