"""JSON pointers (RFC 6901)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

ABSENT: Any = object()


def steps_of(pointer: str) -> list[str]:
    """Return the names and numbers in a JSON pointer."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def at(value: Any, pointer: str) -> Any:
    """Return the value at a JSON pointer inside another, or ABSENT."""
    for step in steps_of(pointer):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return ABSENT
    return value


def pointer_to(steps: Iterable[str]) -> str:
    """Return the JSON pointer with these names and numbers."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
