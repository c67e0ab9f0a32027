"""Name the likely cause of a failed test, in one line.

A wrong cause is worse than none, so each needs evidence. `RANKS` has them, the surest first: what the failure itself
says comes before what only happened before it. A refusal that the test expects is no cause.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..contract.errors import ValidationError
from ..contract.json_pointer import ABSENT
from . import credential_hints, hints, request_hints, subjects
from .evidence import Evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ..api.exchange import Exchange
    from ..api.faults import Fault
    from ..world.store import Store

# The rules whose warnings explain why a value is missing. The others advise.
MISTAKES = ("request.parameter.unknown", "request.parameter.number")
LOOKED_UP = (LookupError, TypeError, AttributeError, ValueError)  # what code raises that expects another response
# What a failure says that is about the response of a message: its status, its body, or a field of it.
ABOUT_A_MESSAGE = re.compile(
    r"""\b201\b|in \{\}|\.json\b|["'](id|event|content|thread(_id)?|uuid|sent|tags)["'](?!:)"""
)
COUNTED = re.compile(r"where (\d+) = len\(|\b(\d+) (?:==|!=|<|<=) (\d+)\b")


@dataclass(frozen=True)
class Failed:
    """A test that failed, or a world whose report was requested.

    Attributes:
        exchanges: the requests of the test.
        store: the world now.
        faults: its faults.
        evidence: how the test failed, if known.
        late: what went on when the test had failed already, if anything.
        others: the requests to other hosts.
        looked: the number of the last request before the test itself last read the world, if known.
    """

    exchanges: Sequence[Exchange]
    store: Store
    faults: Sequence[Fault] = ()
    evidence: Evidence = field(default_factory=Evidence)
    late: str | None = None
    others: Sequence[str] = ()
    looked: int | None = None


def likely_cause(case: Failed) -> str | None:
    """Return the likely cause, or None."""
    return next((cause for rank in RANKS.values() if (cause := rank(case)) is not None), None)


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


def _check(case: Failed) -> str | None:
    """A check of fakeflowdock's failed the test: an unknown path, a violation, a fault that never applied."""
    if not case.evidence.is_ours:
        return None
    title, _, rest = case.evidence.message.partition("\n\n")[0].partition("\n")
    found = next((line.strip() for line in rest.splitlines() if line.strip()), title)
    for exchange in case.exchanges:
        if found.startswith(str(exchange)) and exchange.refusal is not None:
            return _about(exchange, case.store)
    return f"fault: {found}" if title.startswith("faults") else found


def _status(case: Failed) -> str | None:
    """The exception carries or tells the status of a request."""
    for exchange in reversed(case.exchanges):
        if exchange.status in case.evidence.statuses:
            if exchange.refusal is not None:
                return _about(exchange, case.store)
            if exchange.failure is not None:
                return f"{exchange}: the test injected it: {exchange.failure}"
    return None


def _host(case: Failed) -> str | None:
    """The exception tells the name of another host."""
    if case.evidence.asserted is None:
        for other in case.others:
            if subjects.host_of(other) in case.evidence.message and not isinstance(case.evidence.error, AssertionError):
                return _elsewhere(case, other)
    return None


def _retry(case: Failed) -> str | None:
    """A request was sent again after it was processed, and there is more than was expected."""
    for first, again in _repeated(case.exchanges):
        if first.failure is not None and _counts(case, again, unknown=True):
            what = "was processed before its response was lost, and repeated"
            return f"{again}: the same request {what}: the retry posted it twice"
    return None


def _double(case: Failed) -> str | None:
    """A request was sent twice, and there is more than was expected."""
    return _doubled(case, lambda exchange: _counts(case, exchange))


def _race(case: Failed) -> str | None:
    """What an assertion did not find arrived after it."""
    asserted, seen = case.evidence.asserted, None
    if asserted is not None and asserted.would_hold_now:
        seen = asserted.seen
    elif asserted is None and isinstance(case.evidence.error, AssertionError) and case.looked is not None:
        seen = case.looked if subjects.collections_in(case.evidence.text) else None
    late = [each for each in case.exchanges if seen is not None and each.number > seen and 0 < each.status < 400]
    about = [each for each in late if _is_about(case, each)]
    if not about:
        return None
    return f"{about[0]} arrived after the test had failed: wait for it before the assertion"


def _wrong_host(case: Failed) -> str | None:
    """What an assertion did not find was sent to another host."""
    asserted = case.evidence.asserted
    if asserted is None or not asserted.is_missing:
        return None
    for other in case.others:
        operation = subjects.operation_at(other)
        if operation is not None and subjects.is_about(asserted.what, operation):
            return _elsewhere(case, other)
    return None


def _refusal(case: Failed) -> str | None:
    """A request was refused, its repetition did not succeed, and nothing shows that the test expects it."""
    found = [*_unexpected(case)]
    about = [each for each in found if _is_about(case, each)] if case.evidence.asserted is not None else []
    last = next(iter([*about, *found]), None)
    return None if last is None else _about(last, case.store)


def _no_message(case: Failed) -> str | None:
    """A response without a message, and a failure that is about the response of one."""
    evidence = case.evidence
    if evidence.asserted is not None or not isinstance(evidence.error, (AssertionError, *LOOKED_UP)):
        return None
    if ABOUT_A_MESSAGE.search(evidence.text) is None:
        return None
    return _first(case.exchanges, request_hints.without_message)


def _mistake(case: Failed) -> str | None:
    """A request that was taken had a mistake in it."""
    return _first(case.exchanges, _mistaken)


def _repetition(case: Failed) -> str | None:
    """A request was sent twice, and how the test failed is unknown."""
    return _doubled(case, lambda _: case.evidence.error is None)


def _fault(case: Failed) -> str | None:
    """A fault that no request matched."""
    return next(
        (f"fault: {recorded(each, case.exchanges)}" for each in case.faults if not (each.matched or each.optional)),
        None,
    )


def _late(case: Failed) -> str | None:
    """Something that went on when the test had failed."""
    asserted = case.evidence.asserted
    if case.late is None and asserted is not None and asserted.is_missing and asserted.under_way is not None:
        return f"{asserted.under_way} still ran when the assertion failed: wait for it before the assertion"
    return case.late


def _other_host(case: Failed) -> str | None:
    """A request to another host that Flowdock could answer, or any, if there were no others."""
    for other in case.others:
        if not case.exchanges or subjects.operation_at(other) is not None:
            return _elsewhere(case, other)
    return None


# The surest first: what the failure itself says, then what fits it, then what merely happened.
RANKS: Mapping[str, Callable[[Failed], str | None]] = {
    "a check failed": _check,
    "the exception has a status": _status,
    "the exception names a host": _host,
    "too many after a retry": _retry,
    "too many after a repetition": _double,
    "it came later": _race,
    "it went to another host": _wrong_host,
    "an unexpected refusal": _refusal,
    "no message in the response": _no_message,
    "a mistake in a request": _mistake,
    "a repetition": _repetition,
    "an unmatched fault": _fault,
    "something still runs": _late,
    "another host": _other_host,
}


def _elsewhere(case: Failed, other: str) -> str:
    called = f"another host was called: {other}"
    return called if case.exchanges else f"no requests reached the fake, but {called}"


def _unexpected(case: Failed) -> Iterator[Exchange]:
    """Yield the refused requests that the test does not expect, the last first."""
    succeeded, has_written = set(), False
    for exchange in reversed(case.exchanges):
        called = exchange.method, exchange.path
        if exchange.status < 400 and exchange.status:
            succeeded.add(called)
            has_written = has_written or exchange.method not in ("GET", "HEAD")
        elif exchange.refusal is not None and called not in succeeded:
            is_question = exchange.status == 404 and exchange.method in ("GET", "HEAD") and has_written
            is_expected = case.evidence.catches or exchange.status in case.evidence.expected or is_question
            if not exchange.status or not is_expected:  # the test cannot expect a refusal that was lost
                yield exchange


def _is_about(case: Failed, exchange: Exchange) -> bool:
    """Return whether a request could have made what the failure is about."""
    asserted = case.evidence.asserted
    if asserted is not None:
        return subjects.is_about(asserted.what, exchange.operation)
    named = subjects.collections_in(case.evidence.text)
    return any(subjects.is_in(collection, exchange.operation) for collection in named)


def _counts(case: Failed, exchange: Exchange, *, unknown: bool = False) -> bool:
    """Return whether a failure says that there is too much of what a request made.

    Args:
        unknown: the result if it is not known how the test failed.
    """
    evidence = case.evidence
    if evidence.error is None:
        return unknown
    if evidence.asserted is not None:
        return not evidence.asserted.is_missing and subjects.is_about(evidence.asserted.what, exchange.operation)
    if not isinstance(evidence.error, AssertionError) or _is_too_few(evidence.message):
        return False
    return _is_about(case, exchange) or (not subjects.collections_in(evidence.text) and "len(" in evidence.text)


def _is_too_few(message: str) -> bool:
    """Return whether a message compares a number with a greater one that was expected."""
    lengths = {match[1] for match in COUNTED.finditer(message) if match[1]}
    for match in COUNTED.finditer(message):
        if match[2]:
            actual, expected = (match[3], match[2]) if {match[3]} == lengths else (match[2], match[3])
            return int(actual) < int(expected)
    return False


def _about(exchange: Exchange, store: Store) -> str:
    return f"{exchange}: {_reason(exchange, store)}"


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


def _repeated(exchanges: Iterable[Exchange]) -> Iterator[tuple[Exchange, Exchange]]:
    """Yield each request that creates something with a later one that is the same."""
    before: dict[str, Exchange] = {}
    for exchange in exchanges:
        true = exchange.original_response
        if exchange.method == "POST" and true is not None and true.status < 300 and exchange.operation is not None:
            key = str((exchange.path, exchange.request.url, exchange.known_parameters))
            if key in before:
                yield before[key], exchange
            before.setdefault(key, exchange)


def _doubled(case: Failed, matters: Callable[[Exchange], bool]) -> str | None:
    repeated = [again for _, again in _repeated(case.exchanges) if matters(again)]
    return f"{repeated[0]}: the same request was sent {len(repeated) + 1} times" if repeated else None
