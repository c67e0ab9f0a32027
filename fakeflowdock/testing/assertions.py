"""Asserting: what a test claims about requests and about the world."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any

from ..api.callers import CREDENTIALS
from ..contract.contracts import contracts, operation_named
from ..world import factories
from ..world.fields import check_names
from ..world.models import Application, Flow, Message, Source
from . import matching
from .world import World

if TYPE_CHECKING:
    from ..api.journal import Exchange
    from ..world.models import User
    from .exchanges import Exchanges


MESSAGE = "a message", frozenset({*(each.name for each in fields(Message)), "flow", "user", "source", "thread"})
SOURCE = "a source", frozenset({*(each.name for each in fields(Source)), "flow", "application", "creator"})


class Asserting(World):
    """A world with the assertions of a test.

    What is expected is given by name. A value is compared as it is; a pattern of `re` is looked for in a text; of a
    mapping only the names that it has count; `tags` are to be among those that there are. When an assertion fails, it
    shows what came nearest, field by field.
    """

    @property
    @abstractmethod
    def requests(self) -> Exchanges:
        """Every request with its answer."""

    def assert_requested(
        self,
        operation: str,
        *,
        times: int | None = None,
        status: int | None = None,
        caller: User | Source | Application | None = None,
        **fields: Any,
    ) -> Exchange:
        """Assert that something was asked for, and answered.

        Args:
            operation: as its page calls it, `"create source"`.
            times: how often exactly; at least once when left out.
            status: the status of the answer.
            caller: who asked.
            fields: the parameters that it had, in body or query.

        Returns:
            The first such request.

        Raises:
            AssertionError: there was none, or another number of them.
            ValueError: there is no such operation.
        """
        __tracebackhide__ = True
        title, expected = self._expected(operation, status, caller, fields)
        candidates = self.requests.where(operation=operation)
        if times == 0:
            raise ValueError("what is asserted zero times is asserted with assert_not_requested")
        dropped = self._dropped()
        what = f"request to {title}{dropped}"
        found = matching.found(what, candidates, expected, matching.exchange_view, self._store)
        if times is not None and (times != len(found) or dropped):
            shown = "".join(f"\n    {exchange}" for exchange in found[: matching.SHOWN])
            counted = f"and there were {len(found)}{dropped}"
            raise AssertionError(f"expected {times} requests to {title}, {counted}:{shown}")
        return found[0]

    def assert_not_requested(
        self,
        operation: str,
        *,
        status: int | None = None,
        caller: User | Source | Application | None = None,
        **fields: Any,
    ) -> None:
        """Assert that something was not asked for. Arguments and errors as for `assert_requested`.

        Raises:
            AssertionError: it was, or it cannot be told, as there were more requests than the journal keeps.
        """
        __tracebackhide__ = True
        title, expected = self._expected(operation, status, caller, fields)
        candidates = self.requests.where(operation=operation)
        matching.none(f"request to {title}", candidates, expected, matching.exchange_view, self._store)
        if dropped := self._dropped():
            raise AssertionError(f"nobody can tell whether there was a request to {title}{dropped}")

    def assert_source(self, **expected: Any) -> Source:
        """Assert that there is a source, whichever way it came to be.

        Args:
            expected: its attributes; `flow` as a flow or its path, `application` and `creator` as such or by name.

        Returns:
            The first such source.

        Raises:
            AssertionError: there is none.
        """
        __tracebackhide__ = True
        store = self._store
        with store.lock:
            named, view = self._named(expected, SOURCE), partial(matching.source_view, store=store)
            return matching.found("source", store.sources.values(), named, view, store)[0]

    def assert_no_source(self, **expected: Any) -> None:
        """Assert that there is no such source. Arguments as for `assert_source`.

        Raises:
            AssertionError: there is one.
            ValueError: there can be none, as nothing has such an attribute, or there is no such flow.
        """
        __tracebackhide__ = True
        store = self._store
        with store.lock:
            named, view = self._named(expected, SOURCE), partial(matching.source_view, store=store)
            matching.none("source", store.sources.values(), named, view, store)

    def assert_message(self, **expected: Any) -> Message:
        """Assert that a flow received a message, whichever way it was posted.

        Args:
            expected: its attributes, as `event`, `content`, `title`, `author={"name": …}`, `tags`; besides `flow` as a
                flow or its path, `source` and `user` as such or by name, and `thread`: a thread, its id, the
                `external_thread_id`, or a mapping of what the thread is now, `{"status": {"value": "open"}}`.

        Returns:
            The first such message.

        Raises:
            AssertionError: there is none.
        """
        __tracebackhide__ = True
        store = self._store
        with store.lock:
            named = self._named(expected, MESSAGE)
            view = partial(matching.message_view, store=store, expected=named)
            return matching.found("message", store.archive.messages(store.flows), named, view, store)[0]

    def assert_no_message(self, **expected: Any) -> None:
        """Assert that no flow received such a message. Arguments as for `assert_message`.

        Raises:
            AssertionError: one did.
            ValueError: none could, as nothing has such an attribute, or there is no such flow, source or user.
        """
        __tracebackhide__ = True
        store = self._store
        with store.lock:
            named = self._named(expected, MESSAGE)
            for name, known in (
                ("source", [*store.sources.values(), *store.deleted_sources.values()]),
                ("user", store.users.values()),
            ):
                if isinstance(named.get(name), str) and named[name] not in {each.name for each in known}:
                    raise ValueError(f"there is no {name} {named[name]!r}, and never was")
            view = partial(matching.message_view, store=store, expected=named)
            matching.none("message", store.archive.messages(store.flows), named, view, store)

    def _dropped(self) -> str:
        """What to add where requests are told of and the journal has lost some; empty where it has them all."""
        requests = self.requests
        if not requests.dropped:
            return ""
        return f", as far as the last {len(requests)} requests go: `journal` says how many are remembered"

    def _expected(
        self, operation: str, status: int | None, caller: User | Source | Application | None, fields: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """What the operation is called in words, and all that is expected of a request."""
        name = operation_named(operation)
        contract = contracts().operations[name]
        known = {*contract.properties, *CREDENTIALS}
        known.update(*(variant.properties for variant in contract.variants))
        known.update(*(exchange.parameters for exchange in self.requests.where(operation=name)))
        check_names(contract.title, fields, known)
        expected = dict(fields)
        if status is not None:
            expected["the status"] = status
        if caller is not None:
            expected["the caller"] = caller
        return name.replace("-", " "), expected

    def _named(self, expected: dict[str, Any], what: tuple[str, frozenset[str]]) -> dict[str, Any]:
        """What is expected, with flows by their paths and applications by their names.

        Raises:
            ValueError: nothing has such an attribute, or there is no such flow.
        """
        check_names(what[0], expected, what[1])
        named = dict(expected)
        for name, value in expected.items():
            if isinstance(value, Flow):
                named[name] = self._store.path_of(self._store.flows[value.id])
            elif isinstance(value, Application):
                named[name] = value.name
            elif name == "flow" and isinstance(value, str):
                factories.flow_at(self._store, value)
        return named
