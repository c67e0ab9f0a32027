"""Compare requests and entities with what a test expects, and show the closest candidates on failure."""

from __future__ import annotations

import difflib
import pprint
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ..api import wire
from ..contract.contracts import contracts
from ..redaction import masked, shortened
from ..world import tagging
from ..world.models import Application, Flow, Message, Source, Thread, User

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ..api.journal import Exchange
    from ..world.store import Store

Candidate = TypeVar("Candidate", "Exchange", Source, Message)

SHOWN = 3  # candidates
ENTITIES = (Application, Flow, Source, Thread, User)


class _Absent:
    """The type of ABSENT, which stands for a missing value."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT = _Absent()


@dataclass(frozen=True)
class Miss:
    """One field that does not match.

    Attributes:
        field: its name; nested names are joined with dots.
        expected, came: both values; `came` is ABSENT if the field is missing.
    """

    field: str
    expected: Any
    came: Any

    def lines(self) -> Iterator[str]:
        """Yield a description, with a diff for long texts and lists."""
        expected, came = (_masked(value, self.field) for value in (self.expected, self.came))
        yield f"{self.field}: expected {_shown(expected)}, got {_shown(came)}"
        if not all(isinstance(value, (str, list, tuple, dict)) for value in (expected, came)):
            return
        both = _text(expected), _text(came)
        if all(len(text) > 20 or "\n" in text for text in both):
            yield from (f"    {line.rstrip()}" for line in difflib.ndiff(both[0].splitlines(), both[1].splitlines()))


def misses(expected: Any, came: Any, within: str = "") -> Iterator[Miss]:
    """Yield each field that does not match.

    Args:
        expected: a value; a pattern to find in a text; a mapping, compared by its own keys; or `tags`, a subset in any
            form that the API accepts.
        came: the actual value.
        within: the name of the field, for messages.
    """
    if isinstance(expected, Mapping):
        for name, inner in expected.items():
            where = f"{within}.{name}" if within else str(name)
            yield from misses(inner, _field(came, name), where)
    elif isinstance(expected, re.Pattern):
        if not isinstance(came, str) or expected.search(came) is None:
            yield Miss(within, expected, came)
    elif within == "tags" and isinstance(came, Sequence):
        there = {tag.casefold() for tag in tagging.split(came)}
        if missing := [tag for tag in tagging.split(expected) if tag.casefold() not in there]:
            yield Miss(within, missing, came)
    elif isinstance(expected, (list, tuple)) and isinstance(came, (list, tuple)) and len(expected) == len(came):
        for position, (one, other) in enumerate(zip(expected, came, strict=True)):
            yield from misses(one, other, f"{within}.{position}")
    elif not _same(expected, came):
        yield Miss(within, expected, came)


def _field(came: Any, name: str) -> Any:
    if isinstance(came, Mapping):
        return came.get(name, ABSENT)
    return getattr(came, name, ABSENT) if is_dataclass(came) else ABSENT


def _same(expected: Any, came: Any) -> bool:
    if isinstance(came, ENTITIES):
        if isinstance(expected, type(came)):
            return bool(expected.id == came.id)
        if isinstance(came, Thread):
            return expected in (came.id, came.external_thread_id)
        return bool(expected == came.name)
    if isinstance(expected, bool) or isinstance(came, bool):
        return expected is came
    return bool(expected == came)


def found(
    what: str,
    candidates: Iterable[Candidate],
    expected: Mapping[str, Any],
    view: Callable[[Candidate], Any],
    store: Store,
    note: str = "",
) -> list[Candidate]:
    """Return the candidates that match.

    Args:
        what: the kind of candidate, for messages.
        candidates: where to look.
        expected: names and values.
        view: returns the fields of a candidate.
        store: the world, whose secrets are masked.
        note: added to the message.

    Raises:
        AssertionError: nothing matches. The message shows the closest candidates, field by field.
    """
    __tracebackhide__ = True
    looked: list[tuple[list[Miss], Candidate]] = [(list(misses(expected, view(each))), each) for each in candidates]
    if right := [candidate for missed, candidate in looked if not missed]:
        return right
    lines = [f"no {what} found{_with(expected)}{note}"]
    nearest = sorted(looked, key=lambda pair: len(pair[0]))[:SHOWN]
    if not looked:
        lines.append(f"there are no {what.replace(' ', 's ', 1) if ' ' in what else what + 's'} at all")
    for missed, candidate in nearest:
        lines.append(f"closest of {len(looked)}: {_named(candidate)}")
        lines += [f"    {line}" for miss in missed for line in miss.lines()]
    raise AssertionError(shortened("\n".join(lines), store.known_secrets))


def none(
    what: str, candidates: Iterable[Any], expected: Mapping[str, Any], view: Callable[[Any], Any], store: Store
) -> None:
    """Raise AssertionError, which lists them, if any candidates match."""
    __tracebackhide__ = True
    there = [each for each in candidates if not list(misses(expected, view(each)))]
    if there:
        shown = "".join(f"\n    {_named(each)}" for each in there[:SHOWN])
        more = f"\n    ({len(there) - SHOWN} more not shown)" if len(there) > SHOWN else ""
        text = f"unexpected {what}{_with(expected)}:{shown}{more}"
        raise AssertionError(shortened(text, store.known_secrets))


def exchange_view(exchange: Exchange) -> dict[str, Any]:
    """Return the parameters, caller and response status of a request."""
    caller = exchange.caller
    caller_entity = None if caller is None else caller.source or caller.application or caller.user
    operation = contracts().operations.get(exchange.operation or "")
    fields = exchange.parameters if operation is None else operation.coerced(exchange.parameters)
    return {**fields, "the status": exchange.status, "the caller": caller_entity}


def message_view(message: Message, store: Store, expected: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a message, with its flow, user, source and thread instead of their ids.

    Args:
        expected: what the test expects. If its `content` is a mapping, the content has the form of the API.
    """
    shown = {field.name: getattr(message, field.name) for field in fields(message)}
    flow = store.flows[message.flow_id]
    shown["flow"] = store.path_of(flow)
    shown["user"] = store.users.get(message.user_id or 0)
    shown["source"] = None if message.source_id is None else store.source_once(message.source_id)
    threads = store.archive.of(message.flow_id).threads
    shown["thread"] = None if message.thread_id is None else threads[message.thread_id]
    if isinstance(expected.get("content"), Mapping):
        shown["content"] = wire.content(message, store)
    return shown


def source_view(source: Source, store: Store) -> dict[str, Any]:
    """Return the fields of a source, with its flow, application and creator instead of their ids."""
    shown = {field.name: getattr(source, field.name) for field in fields(source)}
    shown["flow"] = store.path_of(store.flows[source.flow_id])
    shown["application"] = store.applications[source.application_id].name
    shown["creator"] = store.users[source.creator_id]
    return shown


def _with(expected: Mapping[str, Any]) -> str:
    return (
        f" with {', '.join(f'{name} {_shown(_masked(value, name))}' for name, value in expected.items())}"
        if expected
        else ""
    )


def _named(candidate: Exchange | Source | Message) -> str:
    if isinstance(candidate, Source):
        return f"source {candidate.id} {candidate.name!r}"
    if isinstance(candidate, Message):
        called = candidate.title if candidate.content is None else candidate.content
        return f"message {candidate.id}, {candidate.event} {called or ''!r}"
    return repr(candidate)


def _masked(value: Any, name: str) -> Any:
    return masked(value, name) if isinstance(value, (str, list, tuple, dict)) else value


def _shown(value: Any) -> str:
    if isinstance(value, re.Pattern):
        return f"/{value.pattern}/"
    if isinstance(value, Thread):
        return f"thread {value.external_thread_id or value.id} {value.title!r}"
    if isinstance(value, (Application, Flow, Source, User)):
        return f"{type(value).__name__.lower()} {value.id} {value.name!r}"
    return repr(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else pprint.pformat(value, width=80)
