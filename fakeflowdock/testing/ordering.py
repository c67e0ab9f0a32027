"""Assert the order of requests or messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from ..redaction import shortened
from ..world.bound import all_bound
from ..world.known_secrets import known_secrets
from . import errors, kinds
from .assertions import Asserting
from .criteria import NAMES, Criteria
from .matching import SHOWN, named, with_values
from .waiting import wait_until

if TYPE_CHECKING:
    from ..api.exchange import Exchange
    from ..contract.operation_names import OperationName
    from ..world.models import Message
    from .expected import MessageFields
    from .matching import Search

    RequestStep: TypeAlias = OperationName | tuple[OperationName, Mapping[str, Any]]

LISTED = 20  # candidates


class Ordering(Asserting):
    """A world with assertions about order."""

    @overload
    def assert_order(self, *steps: RequestStep, within: float | None = None) -> list[Exchange]: ...
    @overload
    def assert_order(self, *steps: MessageFields, within: float | None = None) -> list[Message]: ...
    def assert_order(self, *steps: Any, within: float | None = None) -> list[Any]:
        """Assert that several requests were made, or several messages were sent, in this order. Others may be between.

        Args:
            steps: for requests, operations, `"create source"`, or pairs with what `assert_requested` takes,
                `("send message", {"content": "Hello", "status": 202})`; for messages of flows, mappings with what
                `assert_message` takes, `{"content": "Hello"}`.
            within: how long to wait for it.

        Returns:
            The requests or messages, one for each step.

        Raises:
            AssertionError: a step is missing after the one before it. The message shows what there was, in order.
            ShortenedBody: parameters are expected, and the journal has shortened the body of such a request.
            ValueError: an operation, a name or `within` is invalid; there are fewer than two steps; or steps are of
                both kinds.
        """
        __tracebackhide__ = True
        of_messages = [isinstance(step, Mapping) for step in steps]
        if len(steps) < 2 or len(set(of_messages)) > 1 or not all(map(_is_step, steps)):
            raise ValueError(errors.STEPS)
        take = self._messages_in_order if of_messages[0] else self._requests_in_order
        take(steps)  # raises ValueError
        note = wait_until(lambda: self._app, within, lambda: None not in self._looked(take, steps)[2])
        searches, there, found = self._looked(take, steps)
        if None not in found:
            return all_bound(found, self._store)
        raise AssertionError(shortened(_explained(searches, there, found, note), known_secrets(self._store)))

    def _looked(self, take: Any, steps: tuple[Any, ...]) -> tuple[list[Search[Any]], list[Any], list[Any]]:
        with self._store.lock:
            searches, there = take(steps)
            return searches, there, _in_order(searches, there)

    def _requests_in_order(self, steps: tuple[Any, ...]) -> tuple[list[Search[Any]], list[Any]]:
        pairs: list[tuple[Any, Mapping[str, Any]]] = [(step, {}) if isinstance(step, str) else step for step in steps]
        searches: list[Search[Any]] = []
        for operation, values in pairs:
            fields = dict(values)
            criteria = Criteria(**{name: fields.pop(name, None) for name in NAMES})
            searches.append(self._requests(operation, criteria, fields))
        return searches, list(self.requests)

    def _messages_in_order(self, steps: tuple[Any, ...]) -> tuple[list[Search[Any]], list[Any]]:
        searches: list[Search[Any]] = [self._of(kinds.MESSAGE, step) for step in steps]
        return searches, sorted(searches[0].candidates, key=lambda message: message.event_id)


def _is_step(step: Any) -> bool:
    if isinstance(step, tuple):
        return len(step) == 2 and isinstance(step[0], str) and isinstance(step[1], Mapping)
    return isinstance(step, (str, Mapping))


def _in_order(searches: list[Search[Any]], there: list[Any]) -> list[Any]:
    """Return the first candidate for each step after that of the step before; None from the first that is missing."""
    position, found = -1, []
    for search in searches:
        after = {id(each) for each in there[position + 1 :]}
        matching = {id(each) for each in search.matching()} & after
        position = next((at for at, each in enumerate(there) if id(each) in matching), len(there))
        found.append(there[position] if position < len(there) else None)
    return found


def _explained(searches: list[Search[Any]], there: list[Any], found: list[Any], note: str) -> str:
    missing = found.index(None)
    lines = [f"not in the expected order{note}:"]
    for number, search in enumerate(searches):
        step = f"    {number + 1}. {search.what}{with_values(search.expected)}"
        if number < missing:
            lines.append(f"{step}: {_numbered(there, found[number])}")
        elif number > missing:
            lines.append(step)
        else:
            earlier = [_numbered(there, each) for each in search.matching()][:SHOWN]
            after = f" after {_numbered(there, found[number - 1])}" if number else ""
            lines.append(f"{step}: not found{after}" + (f", only before it: {'; '.join(earlier)}" if earlier else ""))
    nothing = f"there are no {searches[0].plural.partition(' to ')[0]} at all"
    lines.append(f"there were, in order{searches[0].dropped}:" if there else nothing)
    lines += [f"    {_numbered(there, each)}" for each in there[-LISTED:]]
    return "\n".join(lines)


def _numbered(there: list[Any], candidate: Any) -> str:
    position = next(at for at, each in enumerate(there) if each is candidate)
    return f"#{position + 1} {named(candidate)}"
