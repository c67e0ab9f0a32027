"""The grade of one parameter or one field: its page may have it on other evidence than the rest of its section."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .contracts import parameters_in
from .json_pointer import at, pointer_to, steps_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .validation import Check

Schema = dict[str, Any]


def grade_at(check: Check, value: Any, pointer: str) -> str | None:
    """The grade of what a schema has at the place of a JSON pointer; None where nothing on the way has one.

    A name that the page does not have is graded as what it is inside of.

    Args:
        check: the schema of a request or of a reply.
        value: what came, which decides where an object has several forms.
        pointer: the place.
    """
    page, schema = check.page, check.pages.schemas[check.page]["$defs"][check.anchor]
    grade: str | None = None
    for step in steps_of(pointer):
        page, schema = _object(check, page, schema)
        schema = _inside(schema, value, step)
        grade = schema.get("x-grade", grade)
        value = at(value, pointer_to([step]))
    return grade


def _object(check: Check, page: str, schema: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """What a schema refers to, without its null."""
    if "anyOf" in schema:
        schema = schema["anyOf"][0]
    if "$ref" in schema:
        other, _, anchor = schema["$ref"].partition("#")
        page = other.removesuffix(".json") or page
        schema = check.pages.schemas[page]["$defs"][anchor]
    return page, schema


def _inside(schema: Mapping[str, Any], value: Any, step: str) -> Mapping[str, Any]:
    """The schema of one step further; an empty one where there is none."""
    if "properties" in schema:
        known = parameters_in(schema, value if isinstance(value, dict) else {})
        return known.get(step) or {}
    named = schema.get("items") if isinstance(value, list) else schema.get("additionalProperties")
    return named if isinstance(named, dict) else {}
