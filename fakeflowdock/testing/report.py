"""What a failed test is told: its traffic, why requests were refused, and what changed in the world."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..api import response_shapes
from ..api.callers import CREDENTIALS
from ..contract.contracts import contracts
from ..contract.errors import ValidationError
from ..contract.grades import grade_at
from ..contract.json_pointer import ABSENT, at
from ..redaction import masked, shortened
from ..world import diff
from . import hints

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..api.callers import Caller
    from ..api.faults import Fault
    from ..api.journal import Exchange
    from ..api.messages import Response
    from ..world.store import Store

SHOWN = 50  # exchanges, and changes
WIDTH = 500  # characters of what was sent, or of one change
BLOB = 200  # characters without a space that are more than a word


def text(exchanges: Sequence[Exchange], before: Store, after: Store, faults: Iterable[Fault] = ()) -> str:
    """The section of a failed test.

    Args:
        exchanges: its traffic.
        before: the world as it began.
        after: the world as it is.
        faults: what was to go wrong on purpose.

    Returns:
        Lines; each request begins one, `METHOD /path → status`. No secret is in them.
    """
    lines: list[str] = []
    if exchanges and (before_these := exchanges[-SHOWN:][0].number - 1):
        lines.append(f"({before_these} requests before these)")
    for exchange in exchanges[-SHOWN:]:
        lines += (str(exchange), *(f"    {line}" for line in _about(exchange, after)))
    if not exchanges:
        lines.append("no request reached the fake")
    if (about := response_shapes.ABOUT.get(after.settings.shape)) is not None:
        lines += ["", f"shape {after.settings.shape}: {about}"]
    recorded = [f"    {fault} ({fault.record})" for fault in faults]
    lines += ["", "faults:", *recorded] if recorded else []
    changes = list(diff.between(before, after))
    lines += ["", "what changed in the world:" if changes else "nothing changed in the world"]
    lines += [f"    {_cut(change)}" for change in changes[:SHOWN]]
    if len(changes) > SHOWN:
        lines.append(f"    (and {len(changes) - SHOWN} changes more)")
    return shortened("\n".join(lines), before.known_secrets | after.known_secrets)


def _about(exchange: Exchange, store: Store) -> Iterator[str]:
    """What there is to say of one request."""
    if exchange.caller is not None:
        yield f"as {_named(exchange.caller, store)}"
    true = exchange.original_response
    refused = true is not None and true.status >= 400
    if set(exchange.parameters) - ({*CREDENTIALS} if exchange.method in ("GET", "HEAD") and not refused else set()):
        yield f"sent {_cut(_shown(exchange.parameters))}"
    if exchange.failure is not None:
        changed = true is not None and true.status != exchange.status
        yield f"fault: {exchange.failure}{f'; the true answer: {true.status}' if true is not None and changed else ''}"
    if refused:
        assert true is not None
        refusal = exchange.refusal
        reason = refusal.message if refusal is not None else _reason(true)
        yield f"refused: {reason}"
        if isinstance(exchange.refusal, ValidationError):
            yield from (f"    {line}" for line in _blamed(exchange, exchange.refusal))
        elif (why := hints.why_not_found(exchange, store)) is not None:
            yield f"    {why}"
        if exchange.page is not None:
            yield f"{exchange.grade}, {exchange.page}"
    yield from (f"note: {warning}" for warning in exchange.warnings)


def _reason(response: Response) -> str:
    """Why a request was refused that no rule of the API refused: a page for people says it, or a bug of ours."""
    try:
        return str(response.json["message"])
    except (ValueError, TypeError, KeyError):
        return "its page says why" if response.body else "its response had no body"


def _named(caller: Caller, store: Store) -> str:
    if caller.source is not None:
        flow = store.flows.get(caller.source.flow_id)
        return f"the source {caller.source.name}{'' if flow is None else ' of ' + store.path_of(flow)}"
    if caller.user is None:
        return "anyone"
    through = "" if caller.application is None else f" through the application {caller.application.name}"
    scopes = f", with the scopes {' '.join(sorted(caller.scopes))}" if through else ""
    return f"the user {caller.user.name}{through}{scopes}"


def _blamed(exchange: Exchange, refusal: ValidationError) -> Iterator[str]:
    """Each field that is wrong, as a JSON pointer: why, what came, and its grade if that is not the operation's."""
    contract = contracts().operations[exchange.operation or ""]
    for field, words in refusal.errors.items():
        pointer = "/" + field.replace(".", "/")
        came = at(exchange.parameters, pointer)
        grade = grade_at(contract.request, exchange.parameters, pointer) or contract.grade
        other = f" ({grade})" if grade != contract.grade else ""
        was = "" if came is ABSENT else f", and was {_cut(_shown(came, pointer))}"
        yield f"{pointer} {' and '.join(words)}{was}{other}"


def _shown(value: Any, pointer: str = "") -> str:
    return json.dumps(_brief(masked(value, pointer)), ensure_ascii=False)


def _brief(value: Any) -> Any:
    """A value of JSON, in which a long text without spaces, as that of a file, is told by its beginning."""
    if isinstance(value, dict):
        return {name: _brief(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_brief(item) for item in value]
    if isinstance(value, str) and len(value) > BLOB and " " not in value:
        return f"{value[:20]}… ({len(value)} characters)"
    return value


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[:WIDTH]}… ({len(line)} characters)"
