"""Check the names of fields that a test expects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ..redaction import brief
from ..suggestions import did_you_mean, nearest
from . import errors
from .models import Thread
from .values import Author, Mail, Status

if TYPE_CHECKING:
    from collections.abc import Collection

LISTED = 50  # known names
INNER: dict[str, type[Any]] = {"author": Author, "mail": Mail, "status": Status, "thread": Thread}


def check_names(what: str, expected: Mapping[str, Any], known: Collection[str], within: str = "") -> None:
    """Reject names that no entity can have, because an assertion about them would never fail.

    Raises:
        ValueError: a name is unknown. The message suggests the closest one.
    """
    for name, value in expected.items():
        if name not in known:
            names = sorted(known)
            near = nearest(name, names)
            some = [brief(each) for each in names[:LISTED]] + ["…"] * (len(names) > LISTED)
            hint = did_you_mean(near and within + near, f"; known: {', '.join(some)}")
            raise ValueError(errors.FIELD.format(name=within + brief(name), what=what, hint=hint))
        inner = INNER.get(name)
        if inner is not None and isinstance(value, Mapping):
            check_names(what, value, [field.name for field in fields(inner)], f"{within}{name}.")
