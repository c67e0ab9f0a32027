"""Forms, as OpenAPI has them: everything is text, and brackets put a field inside another: names of their own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from openapi_portable import no_other_than
from openapi_schemas import converted, told
from openapi_values import lenient, refined

if TYPE_CHECKING:
    from collections.abc import Iterable

Schema = dict[str, Any]

FILE: Schema = {"type": "string", "contentMediaType": "application/octet-stream"}


class Form:
    """The fields of a form, gathered from those of an object.

    Attributes:
        properties, required: names and schemas; which of them must be there.
        dependent: which must be there where another is, because both are in one object.
        texts: names of lists that may come as one text instead. No field of its own: generators of clients give
            `tags` and `tags[]` the same name.
        patterns: names that there may be besides, which no list of names can tell.
    """

    def __init__(self, *, multipart: bool) -> None:
        self._multipart = multipart
        self.properties: Schema = {}
        self.required: list[str] = []
        self.dependent: dict[str, list[str]] = {}
        self.texts: list[str] = []
        self.patterns: list[str] = []

    def add(self, name: str, schema: Schema, *, required: bool) -> None:
        """Add a field of the object, with all that is inside it."""
        leaves, needed = self._leaves(name, schema, required=required)
        self.properties |= leaves
        if required:
            self.required += needed
            return
        if schema.get("type") in ("object", ["array", "object"]):
            self._tie(leaves, needed)

    def _tie(self, leaves: Iterable[str], needed: Iterable[str]) -> None:
        """Where one of these is there, all that their object needs must be there."""
        for leaf in leaves:
            known = self.dependent.get(leaf, [])
            if others := [name for name in needed if name != leaf and name not in known]:
                self.dependent[leaf] = [*known, *others]

    def _leaves(self, name: str, schema: Schema, *, required: bool) -> tuple[Schema, list[str]]:
        """What is inside a field, by its name in a form; and what of that must be there where anything of it is."""
        kind, words = schema.get("type"), told(schema)
        items = schema.get("items", {})
        if self._multipart and is_upload(schema):
            return {name: {**FILE, **words}}, [name]
        if self._multipart and is_upload(items):
            self.patterns.append(rf"^{re.escape(name)}\[[^\[\]]+\]$")
            return {f"{name}[]": _several(FILE, words)}, [f"{name}[]"]
        if kind == ["array", "object"]:
            self.patterns.append(rf"^{re.escape(name)}\[[^\[\]]+\]\[[a-z_]+\]$")
        if kind == ["array", "string"]:
            self.texts.append(name)
            return {f"{name}[]": _several(converted(items, dict), words)}, [f"{name}[]"]
        if "properties" in items:
            if "allOf" in items:  # which of its fields there are depends on one of them: a list of names cannot say it
                self.patterns.append(rf"^{re.escape(name)}\[\](\[[^\[\]]+\])+$")
                return {}, []
            return self._inside(f"{name}[]", items)
        if "properties" in schema:
            return self._inside(name, schema)
        if kind == "array":
            return {f"{name}[]": _several(converted(items, dict), words)}, [f"{name}[]"]
        return {name: lenient(_without_null(converted(refined(schema), dict)), bounded=True, required=required)}, [name]

    def _inside(self, name: str, schema: Schema) -> tuple[Schema, list[str]]:
        leaves: Schema = {}
        needed: list[str] = []
        for inner, each in schema["properties"].items():
            required = inner in schema.get("required", ())
            more, deeper = self._leaves(f"{name}[{inner}]", each, required=required)
            leaves |= more
            if required:
                needed += deeper
            elif "properties" in each:
                self._tie(more, deeper)
        if name.endswith("[]"):
            self._tie(leaves, needed)
            return leaves, []
        return leaves, needed


def _without_null(schema: Schema) -> Schema:
    """A value as a text says it, which has no null."""
    if "null" not in schema.get("type", ()):
        return schema
    [kind] = [kind for kind in schema["type"] if kind != "null"]
    values = {"enum": [value for value in schema["enum"] if value is not None]} if "enum" in schema else {}
    return {**schema, "type": kind, **values}


def _several(item: Schema, words: Schema) -> Schema:
    """A name that may come several times. Once is a list of one, which no generator must see as a type."""
    once = {name: each for name, each in item.items() if name not in ("type", "contentMediaType")}
    return {"anyOf": [{"type": "array", "items": item}, {**once, **no_other_than("string")}], **words}


def is_upload(schema: Schema) -> bool:
    """Whether a field is a file, which comes as a part of its own in `multipart/form-data`."""
    return "contentEncoding" in schema.get("properties", {}).get("data", {})


def as_form(value: Any, name: str = "") -> dict[str, Any]:
    """A value of JSON as the names and texts of a form."""
    if isinstance(value, dict):
        parts = [as_form(inner, f"{name}[{key}]" if name else key) for key, inner in value.items()]
        return {key: text for part in parts for key, text in part.items()}
    if isinstance(value, list):
        if all(isinstance(item, str) for item in value):
            return {f"{name}[]": value}
        return as_form(value[0], f"{name}[]")
    return {name: str(value).lower() if isinstance(value, bool) else str(value)}
