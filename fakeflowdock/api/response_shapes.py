"""Replies in other shapes than usual: with nothing but what is promised, with all that may come, with what is new.

A client that works with each of them leans on nothing that Flowdock's pages do not promise. The pages themselves, as
schemas, say what a reply may lack and what it may have besides; nothing here knows a single operation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..world.settings import DRIFT, MAXIMAL, MINIMAL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..contract.validation import Check

    Schema = Mapping[str, Any]
    Change = Callable[[dict[str, Any], "FieldPlace"], dict[str, Any]]


ABOUT = {
    MINIMAL: "answers had nothing but what is always there",
    MAXIMAL: "answers had every field that there may be, some of them made up",
    DRIFT: "answers had fields and events that no page knows",
}

NEW_FIELD = "flowdock_added_this_later"
NEW_EVENT = "flowdock-added-this-later"
GROWING = "Message"  # the object of which other sorts may come: lists of it get one more, of an event that is new

# What is never made up: a client would try to use it, and could not.
CREDENTIALS = ("client_id", "client_secret", "refresh_token")
# Values that are made up, by the name of the field, or else by what its schema asks for.
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


@dataclass(frozen=True)
class FieldPlace:
    """A schema on its page, with the references of which it is found on others.

    Attributes:
        check: knows the pages.
        page: the name of the page that the schema stands on.
        base: scheme and host that the client called.
    """

    check: Check
    page: str
    schema: Schema
    base: str

    def at(self, schema: Schema) -> FieldPlace:
        """The place of a schema that stands inside this one, or that one of those in there refers to."""
        page, found = self.page, schema
        while "$ref" in found:
            name, _, anchor = found["$ref"].partition("#")
            page = name.removesuffix(".json") or page
            found = self.check.pages.schemas[page]["$defs"][anchor]
        for branch in found.get("anyOf", ()):
            if "$ref" in branch:  # an object or null
                return self.at(branch)
        return FieldPlace(self.check, page, found, self.base)

    def case(self, value: Mapping[str, Any]) -> Schema:
        """The schema of an object that has these values: its fields may depend on one of them."""
        for case in self.schema.get("allOf", ()):
            [(field, values)] = case["if"]["properties"].items()
            if value.get(field) in values["enum"]:
                then: Schema = case["then"]
                return then
        return self.schema


def formed(shape: str, body: Any, check: Check, base: str) -> Any:
    """A body as one shape has it that still keeps the contract: minimal or maximal.

    Args:
        base: scheme and host that the client called.
    """
    change = {MINIMAL: _promised, MAXIMAL: _filled}.get(shape)
    return body if change is None else _changed(body, _place(check, base), change)


def drifted(body: Any, check: Check) -> Any:
    """A body as a later Flowdock could have it: each object has a new field, and a list of messages a new event."""
    return _changed(body, _place(check, ""), _grown)


def _place(check: Check, base: str) -> FieldPlace:
    return FieldPlace(check, check.page, {}, base).at({"$ref": f"#{check.anchor}"})


def _changed(value: Any, place: FieldPlace, change: Change) -> Any:
    """A value with each object in it changed, those inside it first. The value itself stays as it is."""
    if isinstance(value, list):
        inner = place.at(place.schema.get("items", {}))
        if change is _grown and inner.schema.get("title") == GROWING and value:
            value = [*value[:-1], _unknown(value[-1], inner), value[-1]]
        return [_changed(item, inner, change) for item in value]
    if not isinstance(value, dict):
        return value
    if not ({"properties", "additionalProperties"} & place.schema.keys()):
        return value  # anything at all
    others = place.schema.get("additionalProperties")
    if isinstance(others, dict):  # a map, whose names are anybody's
        return {name: _changed(item, place.at(others), change) for name, item in value.items()}
    known = place.case(value).get("properties", {})
    return change({n: _changed(v, place.at(known.get(n, {})), change) for n, v in value.items()}, place)


def _promised(value: dict[str, Any], place: FieldPlace) -> dict[str, Any]:
    """An object with nothing but what is always there."""
    always = place.case(value).get("required", ())
    return {name: inner for name, inner in value.items() if name in always}


def _filled(value: dict[str, Any], place: FieldPlace) -> dict[str, Any]:
    """An object with every field that its page has for it."""
    properties = place.case(value).get("properties", {})
    missing = (name for name in properties if name not in value and name not in CREDENTIALS)
    return value | {name: _made(name, place.at(properties[name]), value) for name in missing}


def _grown(value: dict[str, Any], _: FieldPlace) -> dict[str, Any]:
    """An object with a field that no page has."""
    return {**value, NEW_FIELD: "a client that does not know this passes over it"}


def _unknown(message: Mapping[str, Any], place: FieldPlace) -> dict[str, Any]:
    """What there is of every message, with an event that no page has.

    It has the number of the message that it stands before: a client that asks for what comes after the last message,
    or before the first, asks for the same as ever.
    """
    always = place.schema.get("required", ())
    return {**{name: inner for name, inner in message.items() if name in always}, "event": NEW_EVENT}


def _made(name: str, place: FieldPlace, around: Mapping[str, Any]) -> Any:
    """A value for a field that is not there, the same one each time.

    Args:
        around: what else the object has, which it agrees with.
    """
    schema = place.schema
    kinds = schema.get("type")
    kind = kinds[0] if isinstance(kinds, list) else kinds
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if kind == "object":
        made = {}
        for case in schema.get("allOf", ())[:1]:
            made = {field: values["enum"][0] for field, values in case["if"]["properties"].items()}
        missing = {inner: its for inner, its in place.case(made)["properties"].items() if inner not in made}
        return made | {inner: _made(inner, place.at(its), around) for inner, its in missing.items()}
    if kind == "array":
        return [_made(name, place.at(schema["items"]), around)]
    if kind == "integer":
        return schema.get("minimum", 0)
    return False if kind == "boolean" else _text(name, place, around)


def _text(name: str, place: FieldPlace, around: Mapping[str, Any]) -> str:
    schema = place.schema
    if name == "path" and "path" in around:
        return str(around["path"])  # of a small picture: it leads to the same bytes
    if name == "url":
        return f"{place.base}/"
    formats = [schema.get("format"), *(each.get("format") for each in schema.get("anyOf", ()))]
    for known in formats:
        if known in FORMATS:
            return FORMATS[known]
    return TITLED.get(schema.get("title", "")) or NAMED.get(name) or name.replace("_", " ")
