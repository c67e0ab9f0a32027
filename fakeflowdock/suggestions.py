"""Suggest similar names."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


LONGEST_NAME = 100  # characters; no known name is similar to a longer one, and comparing takes time
COMPARED = 1_000  # known names


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most similar to an unknown one, or None."""
    if len(name) > LONGEST_NAME:
        return None
    import difflib

    some, words = list(islice(known, COMPARED)), set(name.split("_"))
    with_its_words = [each for each in some if words < set(each.split("_"))] if len(words) > 1 else []
    if len(with_its_words) == 1:  # `external_id` is rather external_thread_id than external_url
        return with_its_words[0]
    near = difflib.get_close_matches(name, some, n=1)
    return near[0] if near else None


def did_you_mean(near: str | None, otherwise: str = "") -> str:
    """Return the end of an error about an unknown name: a question, or `otherwise` if no known name is similar."""
    return f": did you mean {near}?" if near else otherwise


def either(names: Sequence[str]) -> str:
    """Return names as the alternatives in a sentence: `text, json or none`."""
    return f"{', '.join(names[:-1])} or {names[-1]}"


def no_attribute(owner: object, name: str, instead: Mapping[str, str] | None = None) -> AttributeError:
    """Return the error for an unknown attribute, with a suggestion.

    Args:
        owner: the object.
        name: the unknown name.
        instead: names that people expect, and what to use for them.
    """
    kind = type(owner).__name__
    if instead and name in instead:
        return AttributeError(f"{kind!r} has no attribute {name!r}: use {instead[name]}")
    near = None if name.startswith("_") else nearest(name, (each for each in dir(type(owner)) if each[0] != "_"))
    return AttributeError(f"{kind!r} has no attribute {name!r}{did_you_mean(near)}")
