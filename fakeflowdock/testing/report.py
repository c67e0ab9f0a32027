"""The report of a failed test: its requests, why some were rejected, and what changed in the world."""

from __future__ import annotations

import html
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from ..api import response_shapes
from ..api.callers import CREDENTIALS
from ..checking.recordings.entries import counted
from ..redaction import brief, shortened
from ..world import diff
from ..world.known_secrets import known_secrets
from . import causes
from .credential_hints import scheme_of
from .evidence import Evidence
from .request_hints import cut_line, shown_json, without_message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..api.actions.delivery import Delivery
    from ..api.callers import Caller
    from ..api.exchange import Exchange
    from ..api.faults import Fault
    from ..api.messages import Response
    from ..api.streams.stream import Stream
    from ..world.store import Store
    from .turns import Turns

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
ARRANGED = 120  # characters of what the test itself arranged
BODY = 200  # characters of a response
TAG = re.compile("<[^<>]*+>")
READ = 65_536  # bytes of a response that is shown
EXPLAIN = "python -m fakeflowdock explain"


@dataclass(frozen=True)
class Around:
    """What is known of a test beyond one world.

    Attributes:
        turns: who changed the world when. Default: unknown.
        others: the requests to other hosts.
        evidence: how the test failed, if it is known.
        last: the number of the last request before it failed, 0 if there was none, or None if it is unknown.
        late: what still went on when the test had failed, or None.
        deliveries: the thread actions that were performed.
        looked: the number of the last request before the test itself last read the world, if known.
    """

    turns: Turns | None = None
    others: Sequence[str] = ()
    evidence: Evidence = field(default_factory=Evidence)
    last: int | None = None
    late: str | None = None
    deliveries: Sequence[Delivery] = ()
    looked: int | None = None


def text(
    exchanges: Sequence[Exchange],
    before: Store,
    after: Store,
    faults: Iterable[Fault] = (),
    streams: Iterable[Stream] = (),
    around: Around | None = None,
) -> str:
    """Return the report section of a failed test.

    Args:
        exchanges: the requests and responses to show.
        before: the world at the start of the test.
        after: the world now.
        faults: the injected faults.
        streams: the open streams.
        around: what else is known.

    Returns:
        Lines of text without secrets. The first one is the likely cause, if there is one. Each request starts a line:
        `METHOD /path → status`.
    """
    around, faults = around or Around(), list(faults)
    late = around.late or _arrived_late(exchanges, around)
    cause = causes.likely_cause(
        causes.Failed(exchanges, after, faults, around.evidence, late, around.others, around.looked)
    )
    lines = [] if cause is None else [f"likely cause: {cut_line(cause)}", ""]
    if exchanges and (before_these := exchanges[-SHOWN:][0].number - 1):
        lines.append(f"({before_these} earlier request{'' if before_these == 1 else 's'} not shown)")
    lines += _requests(exchanges, after)
    lines += _listed("requests to other hosts:", around.others, what="request")
    if (about := response_shapes.ABOUT.get(after.settings.shape)) is not None:
        lines += ["", f"shape {after.settings.shape}: {about}"]
    lines += _listed("faults:", [causes.recorded(each, exchanges) for each in faults], len(faults))
    lines += _deliveries(around.deliveries)
    still = [f"{_opened(stream, after)}: {_about_stream(stream)}" for stream in streams]
    lines += _listed("open streams:", still, what="stream")
    turns = around.turns
    arranged, changed = ([], [*diff.between(before, after)]) if turns is None else turns.changes(before, after)
    lines += _listed("arranged by the test:", [cut_line(each, ARRANGED) for each in arranged])
    lines += _listed("changed by requests:", [*map(cut_line, changed)])
    lines += [] if changed else ["", "no changes by requests" if arranged else "no changes in the world"]
    if (page := next((each.page for each in reversed(exchanges) if each.refusal and each.page), None)) is not None:
        lines += ["", f"more about any page, error or rule: {EXPLAIN} {page}"]
    return shortened("\n".join(lines), known_secrets(before) | known_secrets(after))


def _listed(title: str, items: Sequence[str], most: int = SHOWN, what: str = "change") -> list[str]:
    if not items:
        return []
    rest = f"    ({counted(len(items) - most, f'more {what}')} not shown)"
    return ["", title, *(f"    {each}" for each in items[:most]), *([rest] if len(items) > most else [])]


def _deliveries(deliveries: Sequence[Delivery]) -> Iterator[str]:
    """Yield the lines about thread actions, the last ones."""
    if deliveries:
        yield from ("", "thread actions:")
    if len(deliveries) > SHOWN:
        yield f"    ({counted(len(deliveries) - SHOWN, 'earlier thread action')} not shown)"
    for delivery in deliveries[-SHOWN:]:
        yield f"    {cut_line(str(delivery))}"
        yield from (f"        {cut_line(line)}" for line in delivery.lines)


def _requests(exchanges: Sequence[Exchange], store: Store) -> Iterator[str]:
    """Yield the lines about each request, in order. A failure that is repeated is shown once, and counted."""
    blocks = []
    for exchange in exchanges[-SHOWN:]:
        block = (str(exchange), *(f"    {line}" for line in _about(exchange, store)))
        blocks.append((block, exchange.refusal is None and exchange.failure is None and exchange.number))
    counts, shown = Counter(blocks), set()
    for key, same in groupby(blocks):
        (head, *rest), number = key[0], len([*same])
        if key in shown:
            yield f"(again: {head}{f', {number} times' if number > 1 else ''})"
            continue
        shown.add(key)
        yield head if counts[key] == 1 else f"{head} ({counts[key]} times)"
        yield from rest
    if not exchanges:
        yield "no requests reached the fake"


def _arrived_late(exchanges: Sequence[Exchange], around: Around) -> str | None:
    if around.last is None or not exchanges or exchanges[-1].number <= around.last:
        return None
    return f"{exchanges[-1]} arrived after the test had failed: wait for it before the assertion"


def _about(exchange: Exchange, store: Store) -> Iterator[str]:
    """Yield the lines below a request."""
    if exchange.caller is not None:
        scheme = scheme_of(exchange)
        yield f"as {_named(exchange.caller, store)}{scheme and f' ({scheme})'}"
    true = exchange.original_response
    refused = true is not None and true.status >= 400
    parameters = exchange.known_parameters
    if parameters is None:
        yield f"parameters: unknown; {exchange.request.shortened}"
        parameters = {}
    elif set(parameters) - ({*CREDENTIALS} if exchange.method in ("GET", "HEAD") and not refused else set()):
        yield f"parameters: {cut_line(shown_json(parameters))}"
    if exchange.failure is not None:
        original = f"; original response: {true.status}" if true and true.status != exchange.status else ""
        yield f"fault: {exchange.failure}{original}"
    if exchange.stream is not None:
        yield f"stream: {_about_stream(exchange.stream)}"
    elif exchange.refusal is None and (body := _body(exchange.response)):
        yield f"response: {body}"
    if (missing := without_message(exchange)) is not None:
        yield missing
    if refused:
        assert true is not None
        refusal = exchange.refusal
        yield f"rejected: {_reason(true) if refusal is None else refusal.message}"
        if refusal is not None:
            yield from (f"    {line}" for line in causes.why_refused(exchange, store))
        if exchange.page is not None:
            yield f"see {exchange.page} ({exchange.grade})"
    yield from (f"warning: {warning}" for warning in exchange.warnings)


def _body(response: Response) -> str:
    """Return the beginning of a body, without secrets."""
    if response.shortened is not None or len(response.body) > READ:
        return "" if response.shortened is None else str(response.shortened)
    try:
        return cut_line(shown_json(response.json), BODY)
    except (ValueError, RecursionError):
        text = response.text
    if "html" in response.headers.get("content-type", ""):
        text = html.unescape(TAG.sub(" ", text.rpartition("</style>")[2])).strip() or text
    return brief(" ".join(text.split()), BODY)


def _opened(stream: Stream, store: Store) -> str:
    flows = [store.path_of(store.flows[each]) for each in stream.flows if each in store.flows]
    user = stream.caller.user
    return (
        f"{stream.number} of user {'?' if user is None else user.name} for {cut_line(', '.join(flows) or 'the user')}"
    )


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
    if caller.organization is not None:
        return f"SCIM of organization {caller.organization.name}"
    if caller.user is None:
        return "anyone (no credentials required)"
    through = "" if caller.application is None else f" through application {caller.application.name}"
    scopes = f" with scopes {' '.join(sorted(caller.scopes))}" if through else ""
    return f"user {caller.user.name}{through}{scopes}"
