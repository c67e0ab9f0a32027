"""Values of a request that are read in more ways than their page names: a number as text, base64, a day."""

from __future__ import annotations

from typing import Any

from kinds import TYPES
from openapi_schemas import told

Schema = dict[str, Any]

BASE64 = (
    r"^[ \n]*(([A-Za-z0-9+/][ \n]*){4})*"
    r"(([A-Za-z0-9+/][ \n]*){2}=[ \n]*=[ \n]*|([A-Za-z0-9+/][ \n]*){3}=[ \n]*)?$"
)
MOMENT = TYPES["moment"]["title"]
DIGITS = 18  # of a number that comes as text


def refined(schema: Schema) -> Schema:
    """What no pattern of the pages says and the code refuses: a text that is no base64, or no day of the calendar."""
    if schema.get("contentEncoding") == "base64":
        return {**schema, "pattern": BASE64}
    if schema.get("title") == MOMENT:
        days = {"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]}
        return {**days, **told(schema)}
    return schema


def lenient(schema: Schema, *, bounded: bool, required: bool) -> Schema:
    """A number or a truth as it may come: as text, too.

    Args:
        schema: of any type; all others stay as they are.
        bounded: whether all is text, where a number has no more than so many digits.
        required: whether it must be there. An empty text counts as absent.
    """
    words = told(schema)
    low, high = schema.get("minimum"), schema.get("maximum")
    if schema.get("type") == "integer":
        bounds = {"minimum": low, "maximum": high}
        if bounded:
            bounds = {"minimum": -(10**DIGITS - 1) if low is None else low, "maximum": high or 10**DIGITS - 1}
        number = {"type": "integer", **{name: bound for name, bound in bounds.items() if bound is not None}}
        return {"anyOf": [number, _as_text(low, high, required=required)], **words}
    if schema.get("type") == "boolean":
        truth = {"type": "string", "pattern": "^([01]|[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])$"}
        return {"anyOf": [{"type": "boolean"}, {"type": "integer", "enum": [0, 1]}, truth], **words}
    return schema


def _as_text(low: int | None, high: int | None, *, required: bool) -> Schema:
    """The texts of the integers within bounds, as many as pages have."""
    patterns = {
        (None, None): "-?[0-9]{1,18}",
        (0, None): "[0-9]{1,18}|-0{1,18}",
        (1, None): "(?=0*[1-9])[0-9]{1,18}",
        (1, 100): "0{0,17}[1-9]|0{0,16}[1-9][0-9]|0{0,15}100",
    }
    return {"type": "string", "pattern": f"^({patterns[low, high]}){'' if required else '?'}$"}
