"""Response shapes: minimal, maximal and future responses, made from the schemas of the pages.

A client that works with each of them relies only on what Flowdock's pages promise.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ..contract.schema_walk import fields_of, variants_of
from ..world.settings import DRIFT, MAXIMAL, MINIMAL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..contract.schema_walk import SchemaPlace
    from ..contract.validation import Check

    Change = Callable[[dict[str, Any], SchemaPlace], dict[str, Any]]


ABOUT = {
    MINIMAL: "responses had only the fields that are always present",
    MAXIMAL: "responses had every documented field, some with made-up values",
    DRIFT: "responses had fields and events that no page documents",
}

NEW_FIELD = "flowdock_added_this_later"
NEW_EVENT = "flowdock-added-this-later"
GROWING = "Message"  # the object whose lists get one more, with a new event

# Never made up, because a client would try to use them.
CREDENTIALS = ("client_id", "client_secret", "refresh_token")
# Made-up values, by the name of the field, or else by its schema.
NAMED = {
    "external_user_name": "Marty",
    "name": "Marty",
    "nick": "Marty",
    "uuid": "bWFkZS11cC1ieS1uby1vbmU",
}
FORMATS = {
    "uri": "https://www.example.com/",
    "email": "marty@example.com",
    "date-time": "2015-01-01T00:00:00.000Z",
}
TITLED = {
    "a date": "2015-02-01",
    "the id of a thread": "made-up-made-up-made-up-mad",
}


def formed(shape: str, body: Any, check: Check, base: str) -> Any:
    """Return a body in a shape that keeps the contract: minimal or maximal.

    Args:
        base: scheme and host of the requested URL.
    """
    changes: dict[str, Change] = {MINIMAL: _promised, MAXIMAL: partial(_filled, base=base)}
    return _changed(body, check.place, changes[shape]) if shape in changes else body


def drifted(body: Any, check: Check) -> Any:
    """Return a body of a future Flowdock: each object has a new field, and a list of messages a new event."""
    return _changed(body, check.place, _grown)


def _changed(value: Any, place: SchemaPlace, change: Change) -> Any:
    """Return a copy of a value in which each object is changed, inner ones first."""
    inside = place.inside(value)
    if isinstance(value, list):
        inner = place.to(inside("") or {})
        if change is _grown and inner.schema.get("title") == GROWING and value:
            value = [*value[:-1], _unknown(value[-1], inner), value[-1]]
        return [_changed(item, inner, change) for item in value]
    if not isinstance(value, dict) or not ({"properties", "additionalProperties"} & place.schema.keys()):
        return value  # a scalar, or an object without a schema
    changed = {name: _changed(item, place.to(inside(name) or {}), change) for name, item in value.items()}
    is_map = isinstance(place.schema.get("additionalProperties"), dict)  # with arbitrary names
    return changed if is_map else change(changed, place)


def _promised(value: dict[str, Any], place: SchemaPlace) -> dict[str, Any]:
    """Return an object with only the fields that are always present."""
    _, always = fields_of(place.schema, value)
    return {name: inner for name, inner in value.items() if name in always}


def _filled(value: dict[str, Any], place: SchemaPlace, base: str) -> dict[str, Any]:
    """Return an object with every documented field."""
    properties, _ = fields_of(place.schema, value)
    missing = (name for name in properties if name not in value and name not in CREDENTIALS)
    return value | {name: _made(name, place.to(properties[name]), value, base) for name in missing}


def _grown(value: dict[str, Any], _: SchemaPlace) -> dict[str, Any]:
    """Return an object with a field that no page documents."""
    return {**value, NEW_FIELD: "clients ignore unknown fields"}


def _unknown(message: Mapping[str, Any], place: SchemaPlace) -> dict[str, Any]:
    """Return the required fields of a message, with an event that no page documents.

    It has the id of the following message, so that pagination by the first or last id is not affected.
    """
    always = place.schema.get("required", ())
    return {**{name: inner for name, inner in message.items() if name in always}, "event": NEW_EVENT}


def _made(name: str, place: SchemaPlace, around: Mapping[str, Any], base: str) -> Any:
    """Return a value for a missing field, the same one each time.

    Args:
        around: the other fields of the object.
        base: scheme and host of the requested URL.
    """
    schema = place.schema
    kinds = schema.get("type")
    kind = kinds[0] if isinstance(kinds, list) else kinds
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if kind == "object":
        made = {variant.field: variant.values[0] for variant in [*variants_of(schema)][:1]}
        missing = {inner: its for inner, its in fields_of(schema, made)[0].items() if inner not in made}
        return made | {inner: _made(inner, place.to(its), around, base) for inner, its in missing.items()}
    if kind == "array":
        return [_made(name, place.to(schema["items"]), around, base)]
    if kind == "integer":
        return schema.get("minimum", 0)
    return False if kind == "boolean" else _text(name, schema, around, base)


def _text(name: str, schema: Mapping[str, Any], around: Mapping[str, Any], base: str) -> str:
    if name == "path" and "path" in around:
        return str(around["path"])  # of a thumbnail, which has the same content
    if name == "url":
        return f"{base}/"
    formats = [schema.get("format"), *(each.get("format") for each in schema.get("anyOf", ()))]
    for known in formats:
        if known in FORMATS:
            return FORMATS[known]
    return TITLED.get(schema.get("title", "")) or NAMED.get(name) or name.replace("_", " ")
