"""Suggest similar names."""

from __future__ import annotations

import difflib
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


LONGEST_NAME = 100  # characters; no known name is similar to a longer one, and comparing takes time
COMPARED = 1_000  # known names


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most similar to an unknown one, or None."""
    if len(name) > LONGEST_NAME:
        return None
    near = difflib.get_close_matches(name, list(islice(known, COMPARED)), n=1)
    return near[0] if near else None
