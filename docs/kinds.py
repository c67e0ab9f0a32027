"""The words of a type cell on the pages, and the JSON Schema that each means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Schema = dict[str, Any]

# Characters that a person cannot see, spelled out: what `\s` means differs from one validator to the next.
BLANK = "\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
HTTP = "^[Hh][Tt][Tt][Pp][Ss]?://(?:[^/?#@]*@)?[^/?#:@]"
# No scheme that a browser runs or opens on its own machine; no fragment, as RFC 6749 has it.
REDIRECT = "^(?!(?:[Jj][Aa][Vv][Aa]|[Vv][Bb])[Ss][Cc]|[Dd][Aa][Tt][Aa]:|[Ff][Ii][Ll][Ee]:|[Bb][Ll][Oo][Bb]:)[^#]+$"
TIMESTAMP = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"

LARGEST = 2**53 - 1  # of what is counted: every reader of JSON can hold it, and one more
COLORS = ["red", "green", "yellow", "cyan", "orange", "grey", "black", "lime", "purple", "blue"]

# The words of a type cell. `title` completes the sentence "… is not a text", which is what a client reads.
TYPES: dict[str, Schema] = {
    "string": {"type": "string", "title": "a string"},
    "text": {"type": "string", "pattern": f"[^{BLANK}]", "title": "a string"},
    "boolean": {"type": "boolean", "title": "a boolean"},
    "integer": {"type": "integer", "title": "an integer"},
    "kept number": {
        "type": "integer",
        "minimum": 1,
        "maximum": LARGEST,
        "title": f"a positive integer up to {LARGEST}",
    },
    "join key": {
        "type": "string",
        "pattern": "^[A-Za-z0-9_-]+$",
        "maxLength": 100,
        "title": "made of letters, digits, underscores and hyphens",
    },
    "positive integer": {"type": "integer", "minimum": 1, "title": "a positive integer"},
    "date-time": {"type": "string", "format": "date-time", "pattern": TIMESTAMP, "title": "a UTC date-time"},
    "date-time in seconds": {
        "type": "string",
        "format": "date-time",
        "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
        "title": "a UTC date-time in whole seconds",
    },
    "uri": {"type": "string", "format": "uri", "title": "a URI"},
    "http uri": {"type": "string", "format": "uri", "pattern": HTTP, "title": "an http or https URL"},
    "date": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "maxLength": 10, "title": "a date"},
    "redirect uri": {
        "type": "string",
        "format": "uri",
        "pattern": REDIRECT,
        "title": "an absolute URI without a fragment that a browser may be led to",
    },
    "parameterized name": {
        "type": "string",
        "pattern": "^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$",
        "title": "a parameterized_name",
    },
    "kept host name": {
        "type": "string",
        "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
        "maxLength": 110,
        "title": "made of at most 110 small letters, digits and hyphens",
    },
    "kept parameterized name": {
        "type": "string",
        "pattern": "^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$",
        "maxLength": 110,  # two of them fit into an e-mail address
        "title": "a parameterized_name of at most 110 characters",
    },
    "email": {"type": "string", "format": "email", "title": "an e-mail address"},
    "invited email": {
        "type": "string",
        "pattern": f"[^{BLANK}]",
        "anyOf": [{"format": "email"}, {"pattern": f"^[{BLANK}]*$"}],
        "title": "an e-mail address",
        "x-words": {"pattern": "can't be blank", "anyOf": "Invalid email"},
    },
    "erroneous email": {
        "type": "object",
        "additionalProperties": {"type": "string", "title": "a string"},
        "minProperties": 1,
        "maxProperties": 1,
        "title": "an object with one name",
    },
    "email or blank": {
        "type": "string",
        "anyOf": [{"format": "email"}, {"maxLength": 0}],
        "title": "an e-mail address",
    },
    "integer or text": {"type": ["integer", "string"], "title": "an integer or a string"},
    "flow token": {"type": "string", "pattern": "^[0-9a-f]{32}$", "maxLength": 32, "title": "a flow_token"},
    "count": {"type": "integer", "minimum": 0, "title": "a number not below zero"},
    "moment": {
        "type": "string",
        "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?$",
        "maxLength": 40,
        "title": "an ISO 8601 date",
    },
    "uri or blank": {"type": "string", "anyOf": [{"format": "uri"}, {"maxLength": 0}], "title": "a URI"},
    "base64": {"type": "string", "contentEncoding": "base64", "title": "a string"},
    "media type": {
        "type": "string",
        "pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+ *(;[ -~]*)?$",
        "maxLength": 255,
        "title": "a media type",
    },
    "color": {
        "type": "string",
        "enum": COLORS,
        "title": f"one of {', '.join(COLORS)}",
    },
    "anything": {},
    "null": {"type": "null", "title": "null"},
    "object": {"type": "object", "title": "an object"},
    "comma list": {
        "type": ["array", "string"],
        "items": {"type": "string", "title": "a string"},
        "title": "a list of strings, or a string with commas",
    },
    "user number": {"type": "string", "pattern": "^(0|[1-9][0-9]*)$", "title": "the number of a user, as a string"},
    "emoji": {
        "type": "string",
        "pattern": f"[^:{BLANK}]",
        "maxLength": 100,
        "title": "a string",
        "x-words": {"pattern": "can't be blank"},
    },
    "reactions": {
        "type": "object",
        "additionalProperties": {
            "type": "array",
            "items": {"type": "string", "pattern": "^[1-9][0-9]*$", "title": "the number of a user, as a string"},
            "minItems": 1,
            "title": "a list",
        },
        "title": "an object",
    },
    "thread id": {"type": "string", "pattern": "^[A-Za-z0-9_-]{27}$", "maxLength": 27, "title": "the id of a thread"},
    "category": {
        "type": "string",
        "pattern": "^ *[A-Za-z0-9_-][A-Za-z0-9_ -]*$",
        "maxLength": 255,
        "title": "made of letters, digits, underscores, hyphens and spaces",
    },
    "probability": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 1,
        "title": "a number greater than 0, and at most 1",
    },
    "seconds": {"type": "number", "minimum": 0, "title": "a number of seconds, not below zero"},
    "interval": {
        "type": "number",
        "exclusiveMinimum": 0,
        "exclusiveMaximum": 1_000_000,
        "title": "a number of seconds greater than 0 and less than 1,000,000",
    },
    "world name": {
        "type": "string",
        "pattern": "^[A-Za-z0-9._-]{1,64}$",
        "title": "made of 1 to 64 letters, digits, dots, hyphens and underscores",
    },
    "presence state": {
        "type": "integer",
        "enum": [0, 1_000_000, 2_000_000],
        "title": "one of 0, 1000000, 2000000",
    },
    "sender name": {
        "type": "string",
        "pattern": f"^[^{BLANK}]+$",
        "maxLength": 16,
        "title": "a string",
        "x-words": {"pattern": "should not contain whitespace"},
    },
    "no sender name": {
        "type": "string",
        "pattern": f"^[{BLANK}]*$",
        "title": "a string",
        "x-words": {"pattern": "is not allowed in a private message"},
    },
}


# What a blank value has to be allowed by, where the type itself refuses one.
OR_BLANK: dict[str, Schema] = {
    "text": {"pattern": ""},
    "sender name": {"pattern": f"^[^{BLANK}]*$"},
    "category": {"pattern": "^ *([A-Za-z0-9_-][A-Za-z0-9_ -]*)?$"},
}

_WITH_VALUES = ("text of at most N", 'text beginning with "a"', "integer from N to M")


def known_kinds() -> list[str]:
    """The words that stand for a type by themselves."""
    return [*TYPES, "list of …", "map to …", '"a" or "b"', *_WITH_VALUES, "… or blank", "… or null"]


def kind_of(words: str) -> Schema | None:
    """What the words of a type cell mean, or None where they mean nothing."""
    if words in TYPES:
        return TYPES[words]
    if constant := re.fullmatch(r'"([^"]*)"', words):
        return {"const": constant[1], "title": f'"{constant[1]}"'}
    if re.fullmatch(r'"[^"]+"( or "[^"]+")+', words):
        names = re.findall(r'"([^"]+)"', words)
        return {"enum": names, "title": f"one of {', '.join(names)}"}
    if words.startswith("list of ") and words[8:] in TYPES:
        return {"type": "array", "items": TYPES[words[8:]], "title": "a list"}
    if words == "map to integer":
        count = {**TYPES["integer"], "minimum": 0, "maximum": LARGEST}
        return {"type": "object", "additionalProperties": count, "title": "an object"}
    if words == "map to string":
        return {"type": "object", "additionalProperties": TYPES["string"], "title": "an object"}
    if words.startswith("map to list of ") and words[15:] in TYPES:
        lists: Schema = {"type": "array", "items": TYPES[words[15:]], "minItems": 1}
        return {"type": "object", "additionalProperties": lists, "minProperties": 1}
    if limited := re.fullmatch("(string|text) of at most ([0-9]+)", words):
        return {**TYPES[limited[1]], "maxLength": int(limited[2])}
    if beginning := re.fullmatch('text beginning with "([A-Za-z ]+)"', words):
        return {"type": "string", "pattern": f"^{beginning[1]}(: .*)?$", "title": words}
    if bounds := re.fullmatch("integer from ([0-9]+) to ([0-9]+)", words):
        low, high = int(bounds[1]), int(bounds[2])
        return {"type": "integer", "minimum": low, "maximum": high, "title": f"an integer from {low} to {high}"}
    if words.endswith(" or blank") and (schema := kind_of(words.removesuffix(" or blank"))) is not None:
        return _or_blank(words.removesuffix(" or blank"), schema)
    if words.endswith(" or null") and (schema := kind_of(words[:-8])) is not None and "type" in schema:
        nullable = {**schema, "type": [schema["type"], "null"], "title": f"{schema['title']} or null"}
        return {**nullable, "enum": [*schema["enum"], None]} if "enum" in schema else nullable
    return None


def _or_blank(words: str, schema: Schema) -> Schema | None:
    """What a type of text allows, or an empty text."""
    words = words.split(" of at most ")[0]
    if words not in OR_BLANK:
        return None
    return {key: value for key, value in {**schema, **OR_BLANK[words]}.items() if value != ""}


def or_null(schema: Schema) -> Schema:
    """What a schema allows, or null."""
    return {"anyOf": [schema, {"type": "null"}], "title": "an object or null"}


# What may stand before a link to an object.
MIXED: dict[str, Callable[[Schema], Schema]] = {
    "": lambda schema: schema,
    "list of ": lambda schema: {"type": "array", "items": schema, "title": "a list"},
    "string or ": lambda schema: {"anyOf": [TYPES["string"], schema], "title": "a string or an object"},
    "list of or map to ": lambda schema: {
        "type": ["array", "object"],
        "items": schema,
        "additionalProperties": schema,
        "title": "a list or an object",
    },
}
