"""Values made wrong, in each way in which a schema can be broken, and where it should be noticed.

The schemas are read here once more and in another way than the validators do, so that a validator that overlooks
something is not asked what there is to see.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Schema = Mapping[str, Any]

NEW_NAME = "flowdock_never_had_this"
SAMPLES: dict[str, Any] = {
    "null": None,
    "boolean": True,
    "number": 1.5,
    "string": "zzz zzz",
    "array": ["zzz zzz"],
    "object": {NEW_NAME: 1},
}
NOT_OF_A_FORMAT = {
    "uri": "no uri",
    "email": "nobody",
    "date-time": "2014-02-30T11:05:27.176Z",
    "date": "2014-02-30",
    "regex": "(",
}
NOT_OF_A_PATTERN = (" ", "", "ftp://x.example/", "2014-10-14T11:05:27Z", "zzz zzz", "z" * 32, "\n")


@dataclass(frozen=True)
class Mutation:
    """A value with one thing wrong in it.

    Attributes:
        kind: what was done.
        pointer: where it should be noticed.
    """

    kind: str
    pointer: str
    value: Any = field(repr=False)


class Mutator:
    """Makes values wrong.

    Args:
        schemas: page to the content of its schema file.
        request: whether they are parameters: a null is nothing then, unknown names are let through, and text may stand
            for a number.
    """

    def __init__(self, schemas: Mapping[str, Schema], *, request: bool = False) -> None:
        self._schemas = schemas
        self._request = request

    def mutations(self, value: Any, page: str, anchor: str) -> Iterator[Mutation]:
        """Each way to break one schema, from a value that keeps it."""
        yield from self._broken(value, page, {"$ref": f"#{anchor}"}, "")

    def _resolved(self, page: str, schema: Schema, value: Any) -> tuple[str, Schema]:
        """A schema with its references followed and its cases decided, and the page that it is on."""
        while "$ref" in schema:
            name, _, anchor = schema["$ref"].partition("#")
            page = name.removesuffix(".json") or page
            schema = self._schemas[page]["$defs"][anchor]
        for branch in schema.get("anyOf", ()):
            if "$ref" in branch and isinstance(value, dict):
                return self._resolved(page, branch, value)
            if branch.get("type") == _kind(value):
                return page, {**schema, **branch}
        for case in schema.get("allOf", ()):
            [(name, values)] = case["if"]["properties"].items()
            fits = isinstance(value, dict) and value.get(name) in values["enum"]
            if fits or ("required" not in case["if"] and isinstance(value, dict) and name not in value):
                then = case["then"]
                properties = {n: s for n, s in schema.get("properties", {}).items() if s}
                return page, {
                    **schema,
                    "properties": {**properties, **then["properties"]},
                    "required": [*schema.get("required", ()), *then.get("required", ())],
                    "additionalProperties": then.get("additionalProperties", schema.get("additionalProperties", True)),
                }
        return page, schema

    def _broken(self, value: Any, page: str, unresolved: Schema, pointer: str) -> Iterator[Mutation]:
        for name, sample in SAMPLES.items():
            counts = not (self._request and (name == "null" or (not pointer and name != "object")))
            if counts and not self._takes(page, unresolved, name):
                yield Mutation(f"{name} for another type", pointer, sample)
        page, schema = self._resolved(page, unresolved, value)
        if isinstance(value, str):
            yield from self._texts(schema, pointer)
        elif isinstance(value, int) and not isinstance(value, bool):
            yield from (Mutation("below the minimum", pointer, schema[n] - 1) for n in ("minimum",) if n in schema)
            yield from (Mutation("above the maximum", pointer, schema[n] + 1) for n in ("maximum",) if n in schema)
        elif isinstance(value, list):
            if "minItems" in schema:
                yield Mutation("an empty list", pointer, [])
            for position, item in enumerate(value):
                for inner in self._broken(item, page, schema.get("items", {}), f"{pointer}/{position}"):
                    yield Mutation(inner.kind, inner.pointer, [*value[:position], inner.value, *value[position + 1 :]])
        elif isinstance(value, dict):
            yield from self._objects(value, page, schema, pointer)
        if not isinstance(value, (dict, list)) and ("enum" in schema or "const" in schema):
            yield Mutation("none of the values", pointer, "none of these")

    def _texts(self, schema: Schema, pointer: str) -> Iterator[Mutation]:
        parts = [schema, *schema.get("anyOf", ())]
        for part in parts:
            if part.get("format") in NOT_OF_A_FORMAT:
                yield Mutation("a broken format", pointer, NOT_OF_A_FORMAT[part["format"]])
        if "pattern" in schema:
            pattern = re.sub(r"\$\Z", r"\\Z", schema["pattern"])
            for text in NOT_OF_A_PATTERN:
                if not re.search(pattern, text) and not (self._request and not text and "anyOf" in schema):
                    yield Mutation("a broken pattern", pointer, text)
        if "maxLength" in schema:
            yield Mutation("a text that is too long", pointer, "a" * (schema["maxLength"] + 1))

    def _objects(self, value: dict[str, Any], page: str, schema: Schema, pointer: str) -> Iterator[Mutation]:
        others = schema.get("additionalProperties", True)
        properties = schema.get("properties", {})
        if "minProperties" in schema:
            yield Mutation("an empty object", pointer, {})
        if others is False:
            yield Mutation("one field too many", f"{pointer}/{NEW_NAME}", {**value, NEW_NAME: 1})
        for name in schema.get("required", ()):
            rest = {n: item for n, item in value.items() if n != name}
            yield Mutation("a required field removed", f"{pointer}/{_step(name)}", rest)
        for name, item in value.items():
            inner_schema = properties.get(name) or (others if isinstance(others, dict) else {})
            for inner in self._broken(item, page, inner_schema, f"{pointer}/{_step(name)}"):
                yield Mutation(inner.kind, inner.pointer, {**value, name: inner.value})

    def _takes(self, page: str, schema: Schema, name: str) -> bool:
        """Whether a schema may take values of a type at all."""
        if "$ref" in schema:
            return self._takes(*self._target(page, schema), name)
        types = schema.get("type")
        if types is not None:
            kinds = [types] if isinstance(types, str) else types
            return name in kinds  # 1.5 is no integer
        if "anyOf" in schema:
            return any(self._takes(page, branch, name) for branch in schema["anyOf"])
        values = schema.get("enum", [schema["const"]] if "const" in schema else None)
        return values is None or any(_kind(value) == name for value in values)

    def _target(self, page: str, schema: Schema) -> tuple[str, Schema]:
        name, _, anchor = schema["$ref"].partition("#")
        page = name.removesuffix(".json") or page
        return page, self._schemas[page]["$defs"][anchor]


def _kind(value: Any) -> str:
    kinds = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return kinds.get(type(value), "null")


def _step(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
