"""Assertions about requests and about the world."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any

from ..api.actions.delivery import OUTCOMES
from ..api.actions.request import FLAWS
from ..api.callers import CREDENTIALS
from ..contract.contracts import contracts, operation_named
from ..world import factories
from ..world.fields import check_names
from ..world.invitations import ACCEPTED, PENDING, Invitation
from ..world.models import Application, Flow, Message, Source
from . import errors, matching
from .authorizing import Authorizing
from .invitations import Inviting
from .lists import ids_of
from .matching import Search
from .single_sign_on import SingleSignOn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..api.actions.delivery import Delivery
    from ..api.exchange import Exchange
    from ..world.models import User
    from .exchanges import Exchanges
    from .matchers import Matcher


MESSAGE = "a message", frozenset({*(each.name for each in fields(Message)), "flow", "user", "source", "thread"})
INVITATION = "an invitation", frozenset({*(each.name for each in fields(Invitation)), "flow", "inviter", "user"})
SOURCE = "a source", frozenset({*(each.name for each in fields(Source)), "flow", "application", "creator"})
DELIVERY = (
    "a delivery",
    frozenset(
        (
            *("thread", "flow", "action", "user", "application", "method", "url", "body", "flaw"),
            *("outcome", "status", "response", "reason", "authentication_url", "problem"),
        )
    ),
)


def check_possible(expected: Mapping[str, Any], **possible: Sequence[str]) -> None:
    """Raise ValueError if an attribute is expected to be a text that it cannot be."""
    for name, values in possible.items():
        given = expected.get(name)
        if isinstance(given, str) and given not in values:
            raise ValueError(errors.IMPOSSIBLE.format(name=name, given=given, known=", ".join(map(repr, values))))


class Asserting(Authorizing, Inviting, SingleSignOn):
    """A world with assertions.

    Expected values are keyword arguments. A value must be equal; an `re.Pattern` must be found in the text; a function
    must return true for the value; `unittest.mock.ANY` and `pytest.approx` match as in `==`; a mapping is compared by
    the keys it has; `tags` must be a subset. A failed assertion shows the closest candidates, field by field.
    """

    @property
    @abstractmethod
    def requests(self) -> Exchanges:
        """All requests with their responses, oldest first."""

    @property
    @abstractmethod
    def deliveries(self) -> list[Delivery]:
        """The thread actions that were performed, oldest first."""

    def assert_requested(
        self,
        operation: str,
        *,
        times: int | None = None,
        status: int | Matcher | None = None,
        caller: User | Source | Application | None = None,
        **fields: Any,
    ) -> Exchange:
        """Assert that a request was made and answered.

        Args:
            operation: the title of its page section: `"create source"`.
            times: the exact number of matching requests. Default: at least one.
            status: the status of the response.
            caller: the user, source or application that made the request.
            fields: the expected parameters, from body or query.

        Returns:
            The first matching request.

        Raises:
            AssertionError: no request matches, or their number is not `times`.
            ShortenedBody: `fields` are expected, and the journal has shortened the body of such a request.
            ValueError: the operation or a parameter is unknown, or `times` is 0.
        """
        __tracebackhide__ = True
        search = self._requests(operation, status, caller, fields)
        if times == 0:
            raise ValueError(errors.ZERO_TIMES)
        dropped = self._dropped()
        found = search.found(dropped)
        if times is not None and (times != len(found) or dropped):
            shown = "".join(f"\n    {exchange}" for exchange in found[: matching.SHOWN])
            what = search.what.replace(" ", "s ", 1)
            raise AssertionError(f"expected {times} {what}, got {len(found)}{dropped}:{shown}")
        return found[0]

    def assert_not_requested(
        self,
        operation: str,
        *,
        status: int | Matcher | None = None,
        caller: User | Source | Application | None = None,
        **fields: Any,
    ) -> None:
        """Assert that no request was made. Arguments as for `assert_requested`.

        Raises:
            AssertionError: a request matches; or the journal dropped requests, so that one could have matched.
            ValueError: the operation or a parameter is unknown.
        """
        __tracebackhide__ = True
        self._requests(operation, status, caller, fields).none()
        if dropped := self._dropped():
            raise AssertionError(f"cannot verify: {dropped.strip(' ()')}")

    def assert_source(self, **expected: Any) -> Source:
        """Assert that a source exists, however it was created.

        Args:
            expected: its attributes. `flow` is a flow or its path, `application` and `creator` are entities or names.

        Returns:
            The first matching source.

        Raises:
            AssertionError: no source matches.
            ValueError: an attribute or the flow is unknown.
        """
        __tracebackhide__ = True
        with self._store.lock:
            return self._sources(expected).found()[0]

    def assert_no_source(self, **expected: Any) -> None:
        """Assert that no such source exists. Arguments as for `assert_source`.

        Raises:
            AssertionError: a source matches.
            ValueError: an attribute or the flow is unknown, so nothing could match.
        """
        __tracebackhide__ = True
        with self._store.lock:
            self._sources(expected).none()

    def assert_message(self, **expected: Any) -> Message:
        """Assert that a flow received a message, however it was posted.

        Args:
            expected: its attributes, such as `event`, `content`, `title`, `author={"name": …}`, `tags`. `flow` is a
                flow or its path, `source` and `user` are entities or names. `thread` is a thread, its id, its
                `external_thread_id`, or a mapping of its current state: `{"status": {"value": "open"}}`.

        Returns:
            The first matching message.

        Raises:
            AssertionError: no message matches.
            ValueError: an attribute or the flow is unknown.
        """
        __tracebackhide__ = True
        with self._store.lock:
            return self._messages(expected).found()[0]

    def assert_no_message(self, **expected: Any) -> None:
        """Assert that no flow received such a message. Arguments as for `assert_message`.

        Raises:
            AssertionError: a message matches.
            ValueError: an attribute, flow, source or user is unknown, so nothing could match.
        """
        __tracebackhide__ = True
        with self._store.lock:
            search = self._messages(expected)
            for name in ("source", "user"):
                if isinstance(value := search.expected.get(name), str):
                    ids_of(self._store, value, name)
            search.none()

    def assert_invitation(self, **expected: Any) -> Invitation:
        """Assert that somebody was invited to a flow, and has not declined.

        Args:
            expected: its attributes, such as `email`, `message`, `state`. `flow` is a flow or its path, `inviter` and
                `user`, who accepted it, are entities or names.

        Returns:
            The first matching invitation.

        Raises:
            AssertionError: no invitation matches.
            ValueError: an attribute or the flow is unknown.
        """
        __tracebackhide__ = True
        with self._store.lock:
            return self._invitations(expected).found()[0]

    def assert_no_invitation(self, **expected: Any) -> None:
        """Assert that no such invitation exists. Arguments as for `assert_invitation`.

        Raises:
            AssertionError: an invitation matches.
            ValueError: an attribute, the flow, a user or the state is unknown, so nothing could match.
        """
        __tracebackhide__ = True
        with self._store.lock:
            search = self._invitations(expected)
            check_possible(search.expected, state=(PENDING, ACCEPTED))
            for name in ("inviter", "user"):
                if isinstance(value := search.expected.get(name), str):
                    ids_of(self._store, value, "user")
            search.none()

    def assert_delivery(self, **expected: Any) -> Delivery:
        """Assert that a user performed a thread action. docs/api/thread-actions.md.

        Args:
            expected: `action`, its name; `thread`, `user`, `application`, `flow`; of the request `method`, `url`,
                `body`, parsed from JSON, and `flaw`; `outcome`, `reason`, `authentication_url` and `problem`; of the
                response `status` and `response`, its body.

        Returns:
            The first matching delivery.

        Raises:
            AssertionError: no delivery matches.
            ValueError: an attribute or the flow is unknown.
        """
        __tracebackhide__ = True
        with self._store.lock:
            return self._deliveries(expected).found()[0]

    def assert_no_delivery(self, **expected: Any) -> None:
        """Assert that no user performed such a thread action. Arguments as for `assert_delivery`.

        Raises:
            AssertionError: a delivery matches.
            ValueError: an attribute, flow, user, outcome or flaw is unknown, so nothing could match.
        """
        __tracebackhide__ = True
        with self._store.lock:
            search = self._deliveries(expected)
            check_possible(search.expected, outcome=OUTCOMES, flaw=FLAWS)
            if isinstance(user := search.expected.get("user"), str):
                ids_of(self._store, user, "user")
            search.none()

    def _deliveries(self, expected: dict[str, Any]) -> Search[Delivery]:
        store, named = self._store, self._named(expected, DELIVERY)
        return Search("delivery", self.deliveries, named, partial(matching.delivery_view, store=store), store)

    def _dropped(self) -> str:
        """Return a note for assertions if the journal has dropped requests; else an empty string."""
        requests = self.requests
        if not requests.dropped:
            return ""
        return f" (the journal only holds the last {len(requests)} requests; increase `journal` or `journal_bytes`)"

    def _sources(self, expected: dict[str, Any]) -> Search[Source]:
        store, named = self._store, self._named(expected, SOURCE)
        return Search("source", store.sources.values(), named, partial(matching.source_view, store=store), store)

    def _invitations(self, expected: dict[str, Any]) -> Search[Invitation]:
        store, named = self._store, self._named(expected, INVITATION)
        view = partial(matching.invitation_view, store=store)
        return Search("invitation", store.invitations.values(), named, view, store)

    def _messages(self, expected: dict[str, Any]) -> Search[Message]:
        store, named = self._store, self._named(expected, MESSAGE)
        view = partial(matching.message_view, store=store, expected=named)
        return Search("message", store.archive.messages(store.flows), named, view, store)

    def _requests(
        self,
        operation: str,
        status: int | Matcher | None,
        caller: User | Source | Application | None,
        fields: dict[str, Any],
    ) -> Search[Exchange]:
        name = operation_named(operation)
        contract = contracts().operations[name]
        known = {*contract.properties, *CREDENTIALS}
        candidates = self.requests.where(operation=name)
        if fields:
            known.update(*(exchange.parameters for exchange in candidates))
        check_names(contract.title, fields, known)
        expected = dict(fields)
        if status is not None:
            expected["the status"] = status
        if caller is not None:
            expected["the caller"] = caller
        what = f"request to {name.replace('-', ' ')}"
        view = partial(matching.exchange_view, with_parameters=bool(fields))
        return Search(what, candidates, expected, view, self._store)

    def _named(self, expected: dict[str, Any], what: tuple[str, frozenset[str]]) -> dict[str, Any]:
        """Return what is expected, with flows as paths and applications as names.

        Raises:
            ValueError: an attribute or the flow is unknown.
        """
        check_names(what[0], expected, what[1])
        named = dict(expected)
        for name, value in expected.items():
            if isinstance(value, Flow):
                named[name] = self._store.path_of(self._store.flows[value.id])
            elif isinstance(value, Application):
                named[name] = value.name
            elif name == "flow" and isinstance(value, str):
                named[name] = self._store.path_of(factories.flow_at(self._store, value))
        return named
