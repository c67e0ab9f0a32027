"""Asserting: what a test claims about requests and about the world."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any

from . import assertions
from .journal import operation_named
from .models import Application, Flow
from .world import World

if TYPE_CHECKING:
    from .journal import Exchange, Exchanges
    from .models import Message, Source, User


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
        title, expected = self._expected(operation, status, caller, fields)
        candidates = self.requests.where(operation=operation)
        if times == 0:
            raise ValueError("what is asserted zero times is asserted with assert_not_requested")
        found = assertions.found(f"request to {title}", candidates, expected, assertions.exchange_view)
        if times not in (None, len(found)):
            shown = "".join(f"\n    {exchange}" for exchange in found[: assertions.SHOWN])
            raise AssertionError(f"expected {times} requests to {title}, and there were {len(found)}:{shown}")
        return found[0]

    def assert_not_requested(
        self,
        operation: str,
        *,
        status: int | None = None,
        caller: User | Source | Application | None = None,
        **fields: Any,
    ) -> None:
        """Assert that something was not asked for. Arguments and errors as for `assert_requested`."""
        title, expected = self._expected(operation, status, caller, fields)
        candidates = self.requests.where(operation=operation)
        assertions.none(f"request to {title}", candidates, expected, assertions.exchange_view)

    def assert_source(self, **expected: Any) -> Source:
        """Assert that there is a source, whichever way it came to be.

        Args:
            expected: its attributes; `flow` as a flow or its path, `application` and `creator` as such or by name.

        Returns:
            The first such source.

        Raises:
            AssertionError: there is none.
        """
        view = partial(assertions.source_view, store=self._store)
        return assertions.found("source", self._store.sources.values(), self._named(expected), view)[0]

    def assert_no_source(self, **expected: Any) -> None:
        """Assert that there is no such source. Arguments as for `assert_source`."""
        view = partial(assertions.source_view, store=self._store)
        assertions.none("source", self._store.sources.values(), self._named(expected), view)

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
        store = self._store
        view = partial(assertions.message_view, store=store)
        return assertions.found("message", store.archive.messages(store.flows), self._named(expected), view)[0]

    def assert_no_message(self, **expected: Any) -> None:
        """Assert that no flow received such a message. Arguments as for `assert_message`."""
        store = self._store
        view = partial(assertions.message_view, store=store)
        assertions.none("message", store.archive.messages(store.flows), self._named(expected), view)

    def _expected(
        self, operation: str, status: int | None, caller: User | Source | Application | None, fields: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """What the operation is called in words, and all that is expected of a request."""
        expected = dict(fields)
        if status is not None:
            expected["the status"] = status
        if caller is not None:
            expected["the caller"] = caller
        return operation_named(operation).replace("-", " "), expected

    def _named(self, expected: dict[str, Any]) -> dict[str, Any]:
        """Flows by their paths, applications by their names."""
        named = dict(expected)
        for name, value in expected.items():
            if isinstance(value, Flow):
                named[name] = self._store.path_of(self._store.flows[value.id])
            elif isinstance(value, Application):
                named[name] = value.name
        return named
