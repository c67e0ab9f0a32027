"""Names with brackets, by which a form puts a value inside another. docs/api/general-information.md#parameters.

They are read as Rack reads them, which Flowdock was built on; where there one name undoes another, it is refused here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..contract.errors import Unreadable

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

DEPTH = 100  # levels of JSON and of forms, so that no answer depends on how deep the caller's own stack is
BRACKETED = re.compile(r"[^\[\]]++(?:\[[^\[\]]*+\])++")  # goes back nowhere, so that a long name is no trouble
WORDS: dict[type | None, str] = {dict: "an object", list: "a list", str: "a value"}


def gathered(pairs: Sequence[tuple[str, str | dict[str, str]]]) -> dict[str, Any]:
    """Names and values as one dict. Of one name that comes twice the last counts.

    Args:
        pairs: `thread[title]` is the `title` inside `thread`, `tags[]` is one more in the list `tags`, and
            `fields[][label]` is the `label` of the last object in the list `fields`, or of a new one where the last
            has a `label`. Every other name stands for itself. A value is a text, or a file as a dict.

    Raises:
        Unreadable: a name contradicts another, or is nested too deeply.
    """
    plain: dict[str, Any] = dict(pairs)
    if "[" not in "".join(plain):  # as almost always
        return plain
    files = {id(value) for _, value in pairs if not isinstance(value, str)}
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if "[" in name and BRACKETED.fullmatch(name):
            steps = name[:-1].replace("]", "").split("[")
            if len(steps) + (id(value) in files) > DEPTH:
                raise Unreadable.of(Unreadable.FIELD_TOO_DEEP, field=short(name), depth=DEPTH)
        else:
            steps = [name]
        _put(fields, steps, value, files)
    return fields


def _put(fields: dict[str, Any], steps: list[str], value: Any, files: Collection[int]) -> None:
    """Put a value where the steps lead: each is a name in an object, or empty for a place in a list."""
    held: Any = fields
    for at, step in enumerate(steps[:-1], 1):
        kind: type = dict if steps[at] else list
        if step:
            inner = held.get(step)
            if (other := _kind(inner, files)) not in (kind, None):
                raise _contradiction(steps, at, kind, other)
            if inner is None:
                inner = held[step] = kind()
        else:
            inner = held[-1] if held else None
            if kind is list or _kind(inner, files) is not dict or _has(inner, steps[at:], files):
                inner = kind()
                held.append(inner)
        held = inner
    if isinstance(held, list):
        held.append(value)
    elif (other := _kind(held.get(steps[-1]), files)) in (dict, list):
        raise _contradiction(steps, len(steps), str, other)
    else:
        held[steps[-1]] = value


def _kind(held: Any, files: Collection[int]) -> type | None:
    """Whether it is an object, a list, or a value, as a file is too; None for nothing."""
    if held is None:
        return None
    return str if id(held) in files else type(held)


def _has(held: Any, steps: list[str], files: Collection[int]) -> bool:
    """Whether an object has something already where the steps lead. A list has room for more."""
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
    """A text that somebody sent, cut to what fits into a sentence."""
    return text if len(text) <= 40 else text[:37] + "…"
