"""Names with brackets, which nest values in a form. docs/api/general-information.md#parameters.

They are parsed as by Rack, on which Flowdock was built. Conflicting names, which Rack overwrites, are rejected.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..contract.errors import Unreadable
from .errors import BeyondLimit
from .json_values import MOST

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

DEPTH = 100  # levels of JSON and forms, so that no response depends on the depth of the call stack
BRACKETED = re.compile(r"[^\[\]]++(?:\[[^\[\]]*+\])++")  # no backtracking, so that long names are cheap
WORDS: dict[type | None, str] = {dict: "an object", list: "a list", str: "a value"}


def gathered(pairs: Sequence[tuple[str, str | dict[str, str]]], what: str = "form") -> dict[str, Any]:
    """Return names and values as one dict. Of a repeated name the last value counts.

    Args:
        pairs: `thread[title]` is the `title` in `thread`. `tags[]` appends to the list `tags`. `fields[][label]` is the
            `label` of the last object in the list `fields`, or of a new one if the last has a `label`. Any other name
            is taken literally. A value is a text, or a file as a dict.
        what: the name of the form in errors.

    Raises:
        Unreadable: a name conflicts with another, or is nested too deeply; or there are too many values.
    """
    plain: dict[str, Any] = dict(pairs)
    if "[" not in "".join(plain):  # the usual case
        return plain
    files = {id(value) for _, value in pairs if not isinstance(value, str)}
    fields: dict[str, Any] = {}
    left = MOST
    for name, value in pairs:
        if "[" in name and BRACKETED.fullmatch(name):
            steps = name[:-1].replace("]", "").split("[")
            if len(steps) + (id(value) in files) > DEPTH:
                raise BeyondLimit.of(BeyondLimit.FIELD_TOO_DEEP, field=short(name), depth=DEPTH)
        else:
            steps = [name]
        left -= _put(fields, steps, value, files)
        if left < 0:
            raise BeyondLimit.of(BeyondLimit.TOO_MANY, what=what, limit=MOST)
    return fields


def _put(fields: dict[str, Any], steps: list[str], value: Any, files: Collection[int]) -> int:
    """Put a value at a path of steps. Each is a name in an object, or empty for an item of a list.

    Returns:
        The number of new values, counting objects and lists.
    """
    held: Any = fields
    new = 1
    for at, step in enumerate(steps[:-1], 1):
        kind: type = dict if steps[at] else list
        if step:
            inner = held.get(step)
            if (other := _kind(inner, files)) not in (kind, None):
                raise _contradiction(steps, at, kind, other)
            if inner is None:
                inner = held[step] = kind()
                new += 1
        else:
            inner = held[-1] if held else None
            if kind is list or _kind(inner, files) is not dict or _has(inner, steps[at:], files):
                inner = kind()
                held.append(inner)
                new += 1
        held = inner
    if isinstance(held, list):
        held.append(value)
    elif (other := _kind(held.get(steps[-1]), files)) in (dict, list):
        raise _contradiction(steps, len(steps), str, other)
    else:
        held[steps[-1]] = value
    return new


def _kind(held: Any, files: Collection[int]) -> type | None:
    """Return the kind of a value: object, list or plain, which includes files; None for nothing."""
    if held is None:
        return None
    return str if id(held) in files else type(held)


def _has(held: Any, steps: list[str], files: Collection[int]) -> bool:
    """Return whether an object has a value at a path. A list always has room for more."""
    for step in steps:
        if _kind(held, files) is not dict or step not in held:
            return False
        held = held[step]
    return True


def _contradiction(steps: list[str], at: int, kind: type, other: type | None) -> Unreadable:
    path, name = (steps[0] + "".join(f"[{step}]" for step in some) for some in (steps[1:at], steps[1:]))
    kinds = {"kind": WORDS[kind], "other": WORDS[other]}
    return Unreadable.of(Unreadable.CONTRADICTION, field=short(name), path=short(path), **kinds)


def short(text: str) -> str:
    """Return a text shortened for an error message."""
    return text if len(text) <= 40 else text[:37] + "…"
