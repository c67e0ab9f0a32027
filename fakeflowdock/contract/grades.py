"""The grade of one parameter or field, which may differ from the grade of its section."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .json_pointer import at, pointer_to, steps_of

if TYPE_CHECKING:
    from .validation import Check


def grade_at(check: Check, value: Any, pointer: str) -> str | None:
    """Return the grade of a schema at a JSON pointer, or None if nothing on the path has one.

    An unknown name has the grade of the object that contains it.

    Args:
        check: the schema of a request or response.
        value: the actual value, which selects the variant of an object.
        pointer: the place.
    """
    place, grade = check.place, None
    for step in steps_of(pointer):
        schema = place.inside(value)(step) or {}
        grade = schema.get("x-grade", grade)
        place, value = place.to(schema), at(value, pointer_to([step]))
    return grade
