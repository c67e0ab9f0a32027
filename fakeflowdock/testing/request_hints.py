"""Explain a request to the author of a test: forms and queries that say something else than they seem to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from ..api.fault_matching import DeliveryMatching
from ..contract.contracts import contracts
from ..contract.errors import ValidationError
from ..contract.findings import sample
from ..contract.grades import grade_at
from ..contract.json_pointer import ABSENT, at
from ..redaction import masked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..api.exchange import Exchange
    from ..api.faults import Fault

WIDTH = 500  # characters of the parameters, or of one change
LOOKED_AT = 20_000  # characters of the parameters
BLOB = 200  # characters; a longer string without a space is data, not prose
WAIT = "X-flowdock-wait-for-message"
NO_MESSAGE = f"no message in the response: it has one, with the status 201, if the request has the header {WAIT}"
WITHOUT_SPACES = ("tags",)  # parameters whose values have none
FORM = "application/x-www-form-urlencoded"


def blamed(exchange: Exchange, parameters: Mapping[str, Any], refusal: ValidationError) -> Iterator[str]:
    """Yield each invalid field: pointer, reason, value, and its grade if it differs from the operation's."""
    contract = contracts().operations[exchange.operation or ""]
    for field, words in refusal.errors.items():
        pointer = "/" + field.replace(".", "/")
        actual = at(parameters, pointer)
        grade = grade_at(contract.request, parameters, pointer) or contract.grade
        other = f" ({grade})" if grade != contract.grade else ""
        got = "" if actual is ABSENT else f", got {cut_line(shown_json(actual, pointer))}"
        yield f"{pointer} {' and '.join(words)}{got}{other}"


def misread(exchange: Exchange, parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a form or a query could not carry."""
    contract = contracts().operations.get(exchange.operation or "")
    if contract is None:
        return
    request = exchange.request
    if request.headers.get("content-type", "").lower().startswith(FORM):
        for name, schema in contract.parameters_of(parameters).items():
            if isinstance(parameters.get(name), str) and "properties" in schema:
                inner = next(iter(schema["properties"]))
                yield f"{name} is an object, which a form needs as {name}[{inner}]=…; or send JSON (json=, not data=)"
    known = contract.parameters_of(parameters)
    pairs = [pair for pair in request.url.partition("?")[2].split("&") if pair]
    refusal = exchange.refusal
    wrong = refusal.errors if isinstance(refusal, ValidationError) else {}
    unknown = {warning.field for warning in exchange.warnings if warning.rule == "request.parameter.unknown"}
    for before, pair in zip(["", *pairs], pairs, strict=False):
        name, equals, value = pair.partition("=")
        if before and not equals and unquote_plus(name) in unknown:
            value_of = before.partition("=")[0]
            yield f"an & begins the next parameter of a query: in the value of {value_of}, send it as %26"
        if "+" in value and unquote_plus(name) in (*wrong, *WITHOUT_SPACES):
            yield f"a + in a query is a space: in the value of {name}, send it as %2B"
        if pair is pairs[-1] and equals and not value and unquote_plus(name) in known:
            yield f"the value of {name} is empty: a # begins the fragment of a URL, which is not sent: send it as %23"


def without_message(exchange: Exchange) -> str | None:
    """Return why a response has no message although one was posted, or None."""
    if exchange.status != 202 or exchange.refusal is not None or exchange.caller is None:
        return None
    return NO_MESSAGE if exchange.caller.source is not None else None


def why_unmatched(fault: Fault, exchanges: list[Exchange]) -> str | None:
    """Return why no request matched a fault, or None if it did not see any."""
    matching, found = fault.matching, exchanges
    if isinstance(matching, DeliveryMatching):
        return None
    if matching.operation is not None:
        found = [each for each in exchanges if each.operation == matching.operation]
        if not found:
            names = dict.fromkeys(each.operation for each in exchanges if each.operation is not None)
            return f"requested were {', '.join(list(names)[:5])}" if names else None
    if matching.method is not None:
        methods = dict.fromkeys(each.method for each in found)
        found = [each for each in found if each.method == matching.method]
        if not found:
            return f"the methods were {', '.join(methods)}" if methods else None
    if matching.path is not None:
        paths = dict.fromkeys(each.shown_path for each in found if each.path != matching.path)
        if paths:
            return f"the paths were {', '.join(list(paths)[:5])}"
    if matching.caller is not None and found:
        return "other callers made the requests"
    return None


def shown_json(value: Any, pointer: str = "") -> str:
    """Return a JSON value, shortened and without secrets."""
    return json.dumps(masked(sample(value, [LOOKED_AT], blob=BLOB), pointer), ensure_ascii=False)


def cut_line(line: str, width: int = WIDTH) -> str:
    """Return a line, shortened if it is long."""
    if len(line) <= width:
        return line
    return f"{line[:width]}… ({len(line) if len(line) < LOOKED_AT else f'more than {LOOKED_AT}'} characters)"
