"""Name the likely cause of a failed test, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..contract.errors import ValidationError
from ..contract.json_pointer import ABSENT
from . import credential_hints, hints, request_hints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ..api.exchange import Exchange
    from ..api.faults import Fault
    from ..world.store import Store

# The rules whose warnings explain why a value is missing. The others advise.
MISTAKES = ("request.parameter.unknown", "request.parameter.number")
LOOKED_UP = (LookupError, TypeError, AttributeError, ValueError)  # what code raises that expects another response


def likely_cause(
    exchanges: Sequence[Exchange], store: Store, faults: Sequence[Fault], error: BaseException | None, late: str | None
) -> str | None:
    """Return the likely cause, or None.

    Args:
        exchanges: the requests of the test.
        store: the world now.
        faults: its faults.
        error: how the test failed, if known.
        late: what went on when the test had failed already, if anything.
    """
    repeated = [*_repeated(exchanges)]
    found = _retried(repeated) or _refused(exchanges, store)
    if found is None and isinstance(error, LOOKED_UP):
        found = _first(exchanges, request_hints.without_message)
    if found is None:
        found = _first(exchanges, _mistaken)
    if found is None:
        found = _doubled(repeated)
    if found is None:
        found = next((f"fault: {recorded(each, exchanges)}" for each in faults if not each.matched), None)
    return found or late


def recorded(fault: Fault, exchanges: Sequence[Exchange]) -> str:
    """Return a fault with how often it applied, and why it did not."""
    why = None if fault.matched else request_hints.why_unmatched(fault, [*exchanges])
    return f"{fault} ({fault.record}{'' if why is None else ': ' + why})"


def why_refused(exchange: Exchange, store: Store) -> list[str]:
    """Return what there is to say about a refused request beyond its message, the most telling first."""
    parameters = exchange.known_parameters or {}
    refusal = exchange.refusal
    lines = [*request_hints.misread(exchange, parameters)]
    if isinstance(refusal, ValidationError):
        return [*lines, *request_hints.blamed(exchange, parameters, refusal)]
    others = (
        credential_hints.why_not_authenticated(exchange, store),
        credential_hints.why_denied(exchange),
        hints.why_not_found(exchange, store),
        hints.why_gone(exchange, store),
    )
    return [*lines, *(each for each in others if each is not None)]


def _refused(exchanges: Sequence[Exchange], store: Store) -> str | None:
    """Return why the last request was refused that did not succeed later."""
    succeeded = set()
    for exchange in reversed(exchanges):
        called = exchange.method, exchange.path
        if exchange.status < 400 and exchange.status:
            succeeded.add(called)
        elif exchange.refusal is not None and called not in succeeded:
            return f"{exchange}: {_reason(exchange, store)}"
    return None


def _reason(exchange: Exchange, store: Store) -> str:
    assert exchange.refusal is not None
    if isinstance(exchange.refusal, ValidationError):
        missing = [field for field in exchange.refusal.errors if _sent(exchange, field) is ABSENT]
        for warning in exchange.warnings:
            if warning.suggestion in missing:
                return str(warning)
    more = why_refused(exchange, store)
    text = more[0] if isinstance(exchange.refusal, ValidationError) and more else exchange.refusal.message
    if more and text != more[0]:
        return f"{text}: {more[0]}"
    return f"{text} (and {len(more) - 1} more)" if len(more) > 1 else text


def _sent(exchange: Exchange, field: str) -> Any:
    return (exchange.known_parameters or {}).get(field.partition(".")[0], ABSENT) if "." not in field else ABSENT


def _mistaken(exchange: Exchange) -> str | None:
    parameters = exchange.known_parameters or {}
    misread = next(request_hints.misread(exchange, parameters), None)
    return misread or next((str(each) for each in exchange.warnings if each.rule in MISTAKES), None)


def _first(exchanges: Sequence[Exchange], why: Callable[[Exchange], str | None]) -> str | None:
    return next((f"{each}: {words}" for each in exchanges if (words := why(each)) is not None), None)


def _repeated(exchanges: Sequence[Exchange]) -> Iterator[tuple[Exchange, Exchange]]:
    """Yield each request that creates something with a later one that is the same."""
    before: dict[str, Exchange] = {}
    for exchange in exchanges:
        true = exchange.original_response
        if exchange.method == "POST" and true is not None and true.status < 300 and exchange.operation is not None:
            key = str((exchange.path, exchange.request.url, exchange.known_parameters))
            if key in before:
                yield before[key], exchange
            before.setdefault(key, exchange)


def _retried(repeated: Iterable[tuple[Exchange, Exchange]]) -> str | None:
    for first, again in repeated:
        if first.failure is not None:
            what = "was processed before its response was lost, and repeated"
            return f"{again}: the same request {what}: the retry posted it twice"
    return None


def _doubled(repeated: Sequence[tuple[Exchange, Exchange]]) -> str | None:
    return f"{repeated[0][1]}: the same request was sent {len(repeated) + 1} times" if repeated else None
