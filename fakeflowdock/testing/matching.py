"""Compare requests and entities with what a test expects, and show the closest candidates on failure."""

from __future__ import annotations

import difflib
import pprint
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..contract.contracts import contracts
from ..contract.findings import sample
from ..contract.json_pointer import ABSENT
from ..redaction import masked, shortened
from ..world import naming, tagging
from ..world.bound import all_bound
from ..world.invitations import Invitation
from ..world.known_secrets import known_secrets
from ..world.models import Application, Flow, Message, Organization, Source, Thread, User
from . import matchers
from .matchers import ENTITIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ..api.exchange import Exchange
    from ..world.store import Store

Candidate = TypeVar("Candidate")

SHOWN = 3  # candidates
LOOKED_AT = 20_000  # characters of a value that are shown
ROLES = ("user", "source", "application")  # in which somebody makes a request
COMPARED = 20  # lines that are compared by character, which can take the fourth power of their number and length


@dataclass(frozen=True)
class Miss:
    """One field that does not match.

    Attributes:
        field: its name; nested names are joined with dots.
        expected, actual: both values; `actual` is ABSENT if the field is missing.
    """

    field: str
    expected: Any
    actual: Any

    def lines(self) -> Iterator[str]:
        """Yield a description, with a diff for long texts and lists."""
        expected, actual = (_masked(_beginning(value), self.field) for value in (self.expected, self.actual))
        yield f"{self.field}: expected {_shown(expected)}, got {_shown(actual)}"
        if not all(isinstance(value, (str, list, tuple, dict)) for value in (expected, actual)):
            return
        both = _text(expected), _text(actual)
        if all(len(text) > 20 or "\n" in text for text in both):
            yield from (f"    {line.rstrip()}" for line in _difference(*(text.splitlines() for text in both)))


def misses(expected: Any, actual: Any, within: str = "") -> Iterator[Miss]:
    """Yield each field that does not match.

    Args:
        expected: a value; a matcher, such as a pattern to find in a text; a mapping, compared by its own keys; or
            `tags`, a subset in any form that the API accepts.
        actual: the value to compare.
        within: the name of the field, for messages.
    """
    if isinstance(expected, Mapping):
        for name, inner in expected.items():
            where = f"{within}.{name}" if within else str(name)
            yield from misses(inner, _field(actual, name), where)
    elif within == "tags" and isinstance(actual, Sequence) and _are_tags(expected):
        there = tagging.split(actual)
        if missing := [tag for tag in _tags(expected) if not _is_among(tag, there)]:
            yield Miss(within, missing, actual)
    elif matchers.is_matcher(expected):
        if not matchers.accepts(expected, actual):
            yield Miss(within, expected, actual)
    elif isinstance(expected, (list, tuple)) and isinstance(actual, (list, tuple)) and len(expected) == len(actual):
        for position, (one, other) in enumerate(zip(expected, actual, strict=True)):
            yield from misses(one, other, f"{within}.{position}")
    elif not _same(expected, actual):
        yield Miss(within, expected, actual)


def _field(actual: Any, name: str) -> Any:
    if isinstance(actual, Mapping):
        return actual.get(name, ABSENT)
    return getattr(actual, name, ABSENT) if is_dataclass(actual) else ABSENT


def _are_tags(expected: Any) -> bool:
    return matchers.is_pattern(expected) or not matchers.is_matcher(expected)


def _tags(expected: Any) -> list[Any]:
    """Return expected tags, of which some may be matchers."""
    if isinstance(expected, (list, tuple)) and any(map(matchers.is_matcher, expected)):
        return [tag for each in expected for tag in ([each] if matchers.is_matcher(each) else tagging.split([each]))]
    return [expected] if matchers.is_pattern(expected) else tagging.split(expected)


def _is_among(tag: Any, there: Sequence[str]) -> bool:
    if matchers.is_matcher(tag):
        return any(matchers.accepts(tag, each) for each in there)
    return str(tag).casefold() in {each.casefold() for each in there}


def _same(expected: Any, actual: Any) -> bool:
    if isinstance(actual, ENTITIES):
        if isinstance(expected, type(actual)):
            return bool(expected.id == actual.id)
        if isinstance(actual, Thread):
            return expected in (actual.id, actual.external_thread_id)
        return naming.is_called(actual, expected)
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    return bool(expected == actual)


@dataclass(frozen=True)
class Search(Generic[Candidate]):
    """What an assertion looks for.

    Attributes:
        what: the kind of candidate, for messages.
        candidates: where to look.
        expected: names and values.
        view: returns the fields of a candidate.
        store: the world, whose secrets are masked. Its lock is held while candidates are compared.
        dropped: a note, if there were more candidates.
        check_possible: raises ValueError if nothing in the world can match, such as for an unknown user.
    """

    what: str
    candidates: Iterable[Candidate]
    expected: Mapping[str, Any]
    view: Callable[[Candidate], Any]
    store: Store
    dropped: str = ""
    check_possible: Callable[[], None] = lambda: None

    def matching(self) -> list[Candidate]:
        """Return the candidates that match."""
        with self.store.lock:
            return [each for each in self.candidates if not any(misses(self.expected, self.view(each)))]

    def found(self, times: int | None = None, note: str = "") -> list[Candidate]:
        """Return the candidates that match.

        Args:
            times: their exact number. Default: at least one.
            note: added to the message.

        Raises:
            AssertionError: nothing matches, and the message shows the closest candidates, field by field; or another
                number of candidates matches.
        """
        __tracebackhide__ = True
        if right := self.matching():
            if times is not None and (times != len(right) or self.dropped):
                number = f"{note}, got {len(right)}{self.dropped}"
                raise AssertionError(
                    self._listed(f"expected {times} {self.what if times == 1 else self.plural}", number, right)
                )
            return all_bound(right, self.store)
        with self.store.lock:
            looked = [(list(misses(self.expected, self.view(each))), each) for each in self.candidates]
        lines = [f"no {self.what} found{with_values(self.expected)}{note}{self.dropped}"]
        try:
            self.check_possible()
        except ValueError as error:
            lines.append(str(error))
        if not looked:
            lines.append(f"there are no {self.plural} at all")
        for missed, candidate in sorted(looked, key=lambda pair: len(pair[0]))[:SHOWN]:
            lines.append(f"closest of {len(looked)}: {named(candidate)}")
            lines += [f"    {line}" for miss in missed for line in miss.lines()]
        raise AssertionError(shortened("\n".join(lines), known_secrets(self.store)))

    def none(self, note: str = "") -> None:
        """Raise AssertionError, which lists them, if any candidates match."""
        __tracebackhide__ = True
        if there := self.matching():
            raise AssertionError(self._listed(f"unexpected {self.what}", note, there))

    @property
    def plural(self) -> str:
        """Return the kind of the candidates, of which there are several."""
        first, space, rest = self.what.partition(" to ")
        kind = f"{first[:-1]}ies" if first.endswith("y") else f"{first}s"
        return f"{kind}{space}{rest}"

    def _listed(self, what: str, note: str, there: list[Candidate]) -> str:
        shown = "".join(f"\n    {named(each)}" for each in there[:SHOWN])
        more = f"\n    ({len(there) - SHOWN} more not shown)" if len(there) > SHOWN else ""
        return shortened(f"{what}{with_values(self.expected)}{note}:{shown}{more}", known_secrets(self.store))


def caller_of(exchange: Exchange) -> User | Source | Application | None:
    """Return who made a request: the source, else the application, else the user."""
    caller = exchange.caller
    return None if caller is None else caller.source or caller.application or caller.user


def exchange_view(
    exchange: Exchange, *, with_parameters: bool = True, with_roles: bool = False, store: Store | None = None
) -> dict[str, Any]:
    """Return the parameters of a request, who made it, and the status of the response.

    Args:
        exchange: the request and its response.
        with_parameters: whether to include the parameters.
        with_roles: whether who made it stands for parameters `user`, `source` and `application` that it lacks.
        store: the world, which knows the application of a source that made it.

    Raises:
        ShortenedBody: the parameters are no longer known.
    """
    operation = contracts().operations.get(exchange.operation or "")
    fields = exchange.parameters if with_parameters else {}
    if operation is not None:
        fields = operation.coerced(fields)
    roles = {role: getattr(exchange.caller, role, None) for role in ROLES}
    if store is not None and (source := getattr(exchange.caller, "source", None)) is not None:
        roles["application"] = store.applications.get(source.application_id)
    others = {"status": exchange.status, "caller": caller_of(exchange), "method": exchange.method}
    others |= {"path": exchange.path, **roles}
    named = {f"the {name}": value for name, value in others.items()}
    return {**(roles if with_roles else {}), **fields, **named}


def with_values(expected: Mapping[str, Any]) -> str:
    """Return expected values as a text."""
    shown = ", ".join(f"{name} {_shown(_masked(value, name))}" for name, value in expected.items())
    return shown and f" with {shown}"


def named(candidate: object) -> str:
    """Return a candidate as a text."""
    if isinstance(candidate, Invitation):
        return f"invitation {candidate.id} of {candidate.email!r}"
    if isinstance(candidate, ENTITIES):
        return _shown(candidate)
    if isinstance(candidate, Message):
        called = candidate.title if candidate.content is None else candidate.content
        return f"message {candidate.id}, {candidate.event} {called or ''!r}"
    return repr(candidate)


def _difference(one: list[str], other: list[str]) -> Iterator[str]:
    if max(len(one), len(other)) <= COMPARED:
        return difflib.ndiff(one, other)
    return islice(difflib.unified_diff(one, other, lineterm=""), 2, None)  # without the names of files


def _beginning(value: Any) -> Any:
    """Return a value, without its end if it is long."""
    return sample(value, [LOOKED_AT]) if isinstance(value, (str, list, dict)) else value


def _masked(value: Any, name: str) -> Any:
    return masked(value, name) if isinstance(value, (str, list, tuple, dict)) else value


def _shown(value: Any) -> str:
    if value is ABSENT:
        return "nothing"
    if matchers.is_matcher(value):
        return matchers.shown(value)
    if isinstance(value, (list, tuple)) and any(map(matchers.is_matcher, value)):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, dict) and any(map(matchers.is_matcher, value.values())):
        return f"{{{', '.join(f'{name!r}: {_shown(each)}' for name, each in value.items())}}}"
    if isinstance(value, Thread):
        return f"thread {value.external_thread_id or value.id} {value.title!r}"
    if isinstance(value, (Application, Flow, Organization, Source, User)):
        return f"{type(value).__name__.lower()} {value.id} {value.name!r}"
    return repr(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else pprint.pformat(value, width=80)
