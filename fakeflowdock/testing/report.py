"""The report of a failed test: its requests, why some were rejected, and what changed in the world."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..api import response_shapes
from ..api.callers import CREDENTIALS
from ..contract.contracts import contracts
from ..contract.errors import ValidationError
from ..contract.findings import sample
from ..contract.grades import grade_at
from ..contract.json_pointer import ABSENT, at
from ..redaction import masked, shortened
from ..world import diff
from . import hints

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ..api.actions.delivery import Delivery
    from ..api.app import App
    from ..api.callers import Caller
    from ..api.exchange import Exchange
    from ..api.faults import Fault
    from ..api.messages import Response
    from ..api.streams.stream import Stream
    from ..world.store import Store

HOW = {
    "open": "open",
    "silent": "open and silent",
    "ended": "ended by the fake",
    "left": "ended by the client",
    "lagged": "ended because the client did not read",
    "reset": "reset",
    "cut": "cut in a record",
}
SHOWN = 50  # exchanges, and changes
WIDTH = 500  # characters of the parameters, or of one change
LOOKED_AT = 20_000  # characters of the parameters
BLOB = 200  # characters; a longer string without a space is data, not prose


def of(app: App, exchanges: Sequence[Exchange], before: Store, after: Store) -> str:
    """Return the report of an app, with its faults, streams and deliveries. Arguments as for `text`."""
    return text(exchanges, before, after, app.faults.remembered, [*app.streams.open], [*app.deliveries])


def text(
    exchanges: Sequence[Exchange],
    before: Store,
    after: Store,
    faults: Iterable[Fault] = (),
    streams: Iterable[Stream] = (),
    deliveries: Sequence[Delivery] = (),
) -> str:
    """Return the report section of a failed test.

    Args:
        exchanges: the requests and responses to show.
        before: the world at the start of the test.
        after: the world now.
        faults: the injected faults.
        streams: the open streams.
        deliveries: the thread actions that were performed.

    Returns:
        Lines of text without secrets. Each request starts a line: `METHOD /path → status`.
    """
    lines: list[str] = []
    if exchanges and (before_these := exchanges[-SHOWN:][0].number - 1):
        lines.append(f"({before_these} earlier requests not shown)")
    for exchange in exchanges[-SHOWN:]:
        lines += (str(exchange), *(f"    {line}" for line in _about(exchange, after)))
    if not exchanges:
        lines.append("no requests reached the fake")
    if (about := response_shapes.ABOUT.get(after.settings.shape)) is not None:
        lines += ["", f"shape {after.settings.shape}: {about}"]
    recorded = [f"    {fault} ({fault.record})" for fault in faults]
    lines += ["", "faults:", *recorded] if recorded else []
    lines += ["", "thread actions:"] if deliveries else []
    lines += [f"    ({len(deliveries) - SHOWN} earlier ones not shown)"] if len(deliveries) > SHOWN else []
    for delivery in deliveries[-SHOWN:]:
        lines += [f"    {_cut(str(delivery))}", *(f"        {_cut(line)}" for line in delivery.lines)]
    still = [f"    {_opened(stream, after)}: {_about_stream(stream)}" for stream in streams]
    lines += ["", "open streams:", *still[:SHOWN]] if still else []
    lines += [f"    ({len(still) - SHOWN} more open streams not shown)"] if len(still) > SHOWN else []
    changes = list(diff.between(before, after))
    lines += ["", "changes in the world:" if changes else "no changes in the world"]
    lines += [f"    {_cut(change)}" for change in changes[:SHOWN]]
    if len(changes) > SHOWN:
        lines.append(f"    ({len(changes) - SHOWN} more changes not shown)")
    return shortened("\n".join(lines), before.known_secrets | after.known_secrets)


def _about(exchange: Exchange, store: Store) -> Iterator[str]:
    """Yield the lines below a request."""
    if exchange.caller is not None:
        yield f"as {_named(exchange.caller, store)}"
    true = exchange.original_response
    refused = true is not None and true.status >= 400
    parameters = exchange.known_parameters
    if parameters is None:
        yield f"parameters: unknown; {exchange.request.shortened}"
        parameters = {}
    elif set(parameters) - ({*CREDENTIALS} if exchange.method in ("GET", "HEAD") and not refused else set()):
        yield f"parameters: {_cut(_shown(parameters))}"
    if exchange.failure is not None:
        original = f"; original response: {true.status}" if true and true.status != exchange.status else ""
        yield f"fault: {exchange.failure}{original}"
    if exchange.stream is not None:
        yield f"stream: {_about_stream(exchange.stream)}"
    if refused:
        assert true is not None
        refusal = exchange.refusal
        yield f"rejected: {_reason(true) if refusal is None else refusal.message}"
        if isinstance(refusal, ValidationError):
            yield from (f"    {line}" for line in _blamed(exchange, parameters, refusal))
        elif (why := hints.why_not_found(exchange, store)) is not None:
            yield f"    {why}"
        if exchange.page is not None:
            yield f"see {exchange.page} ({exchange.grade})"
    yield from (f"warning: {warning}" for warning in exchange.warnings)


def _opened(stream: Stream, store: Store) -> str:
    flows = [store.path_of(store.flows[each]) for each in stream.flows if each in store.flows]
    user = stream.caller.user
    return f"{stream.number} of user {'?' if user is None else user.name} for {_cut(', '.join(flows) or 'the user')}"


def _about_stream(stream: Stream) -> str:
    """Return the state of a stream, and the names of the last events that were sent."""
    how = HOW.get(stream.ended or ("silent" if stream.is_silent else "open"), "")
    names = stream.last_events
    earlier = "…, " if stream.events > len(names) else ""
    count = f"{stream.events} event{'' if stream.events == 1 else 's'}"
    listed = f": {earlier}{', '.join(names)}" if names else ""
    return f"{how}, sent {count}{listed}"


def _reason(response: Response) -> str:
    """Return why a request was rejected that no API rule rejected: an HTML page, or a bug of ours."""
    try:
        return str(response.json["message"])
    except (ValueError, TypeError, KeyError):
        has_body = response.shortened is not None or response.body
        return "see the page in the response body" if has_body else "the response has no body"


def _named(caller: Caller, store: Store) -> str:
    if caller.source is not None:
        flow = store.flows.get(caller.source.flow_id)
        return f"source {caller.source.name}{'' if flow is None else ' of ' + store.path_of(flow)}"
    if caller.user is None:
        return "anyone (no credentials required)"
    through = "" if caller.application is None else f" through application {caller.application.name}"
    scopes = f" with scopes {' '.join(sorted(caller.scopes))}" if through else ""
    return f"user {caller.user.name}{through}{scopes}"


def _blamed(exchange: Exchange, parameters: Mapping[str, Any], refusal: ValidationError) -> Iterator[str]:
    """Yield each invalid field: pointer, reason, value, and its grade if it differs from the operation's."""
    contract = contracts().operations[exchange.operation or ""]
    for field, words in refusal.errors.items():
        pointer = "/" + field.replace(".", "/")
        actual = at(parameters, pointer)
        grade = grade_at(contract.request, parameters, pointer) or contract.grade
        other = f" ({grade})" if grade != contract.grade else ""
        got = "" if actual is ABSENT else f", got {_cut(_shown(actual, pointer))}"
        yield f"{pointer} {' and '.join(words)}{got}{other}"


def _shown(value: Any, pointer: str = "") -> str:
    return json.dumps(masked(sample(value, [LOOKED_AT], blob=BLOB), pointer), ensure_ascii=False)


def _cut(line: str) -> str:
    if len(line) <= WIDTH:
        return line
    return f"{line[:WIDTH]}… ({len(line) if len(line) < LOOKED_AT else f'more than {LOOKED_AT}'} characters)"
