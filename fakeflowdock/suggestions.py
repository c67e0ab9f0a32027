"""The name that may have been meant."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


LONGEST_NAME = 100  # characters of a name for which another one is looked for


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The name that may have been meant, or None."""
    if len(name) > LONGEST_NAME:  # no name that is known is long enough to be like it, and to compare takes time
        return None
    near = difflib.get_close_matches(name, list(known), n=1)
    return near[0] if near else None
