"""Suggestions for misspelled names."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


LONGEST_NAME = 100  # characters; no known name is that long, and comparing takes time


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most similar, or None."""
    near = difflib.get_close_matches(name, list(known), n=1) if len(name) <= LONGEST_NAME else []
    return near[0] if near else None
