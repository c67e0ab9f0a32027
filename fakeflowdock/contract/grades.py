"""The grade of one parameter or one field: its page may have it on other evidence than the rest of its section."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .json_pointer import at, pointer_to, steps_of

if TYPE_CHECKING:
    from .validation import Check


def grade_at(check: Check, value: Any, pointer: str) -> str | None:
    """The grade of what a schema has at the place of a JSON pointer; None where nothing on the way has one.

    A name that the page does not have is graded as what it is inside of.

    Args:
        check: the schema of a request or of a reply.
        value: what came, which decides where an object has several forms.
        pointer: the place.
    """
    place, grade = check.place, None
    for step in steps_of(pointer):
        schema = place.inside(value)(step) or {}
        grade = schema.get("x-grade", grade)
        place, value = place.to(schema), at(value, pointer_to([step]))
    return grade
