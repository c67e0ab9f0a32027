"""What no generator of clients compiles, said in other words of JSON Schema, with the same meaning.

Generators take a type from `type`, `anyOf` and `$ref`, and ignore `if`, `not` and `patternProperties`. So what a client
is to see stands in the former, and the rest of the truth in the latter:

* a list, or something else: the list is the type. openapi-generator takes an alternative without a type for null, and
  gives the field the type of the list; of a list among alternatives it makes Java and Go that do not compile.
* only null: a text or null.
* a text of one format, or another: a text.
* any object: `additionalProperties`, without which openapi-typescript makes an object that has no fields.
"""

from __future__ import annotations

from typing import Any

from kinds import BLANK

Schema = dict[str, Any]

TYPES = ("array", "boolean", "null", "number", "object", "string")
LARGEST_INT = 2**31 - 1
VALUES = ("const", "default", "enum", "example", "examples")  # where no schema stands
# Alternatives of a text, by the second: which condition asks for the first.
EITHER = {
    str({"maxLength": 0}): {"minLength": 1},
    str({"pattern": f"^[{BLANK}]*$"}): {"pattern": f"[^{BLANK}]"},
    str({"format": "date-time"}): {"maxLength": len("2013-01-01")},
}


def portable(part: Any) -> Any:
    """A document, or a part of it, as generators of clients read it."""
    if isinstance(part, list):
        return [portable(each) for each in part]
    if not isinstance(part, dict):
        return part
    result = {name: each if name in (*VALUES, "not") else portable(each) for name, each in part.items()}
    for name, each in result.get("properties", {}).items():
        if each.get("type") == "null":
            result["properties"][name] = {**each, "type": ["string", "null"], "not": {"type": "string"}}
    kinds = result.get("type")
    if isinstance(kinds, list) and "array" in kinds and len({*kinds} - {"null"}) > 1:
        return _list_or_else(result)
    if kinds in ("string", ["string", "null"]) and "anyOf" in result:
        return _either_format(result)
    if "integer" in (kinds or ()) and "enum" not in result and result.get("maximum", LARGEST_INT + 1) > LARGEST_INT:
        return {**result, "format": "int64"}
    if (kinds == "object" or (isinstance(kinds, list) and "object" in kinds)) and not (
        {"properties", "additionalProperties", "patternProperties"} & result.keys()
    ):
        return {**result, "additionalProperties": True}
    return result


def no_other_than(*kinds: str) -> Schema:
    """Values of some types, as no generator sees it."""
    return {"not": {"type": [kind for kind in TYPES if kind not in kinds]}}


def _list_or_else(schema: Schema) -> Schema:
    """A list, or a value of other types, which stand in the second alternative."""
    rest = no_other_than(*(kind for kind in schema["type"] if kind != "array"))
    if "additionalProperties" in schema:
        rest["patternProperties"] = {"": schema["additionalProperties"]}
    inside = ("type", "items", "additionalProperties")
    words = {name: each for name, each in schema.items() if name not in inside}
    return {"anyOf": [{"type": "array", "items": schema["items"]}, rest], **words}


def _either_format(schema: Schema) -> Schema:
    """Return the schema of a text in one of two formats. A condition that tells them apart replaces both."""
    first, second = schema["anyOf"]
    words = {name: each for name, each in schema.items() if name != "anyOf"}
    condition = EITHER.get(str(second))
    if condition is None:
        return schema
    return {**words, "if": condition, "then": first, **({"else": second} if "format" in second else {})}
