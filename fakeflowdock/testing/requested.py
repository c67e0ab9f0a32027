"""Assertions about requests, and what all assertions have in common."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ..contract.contracts import operation_named
from . import errors, matching
from .asserted import noting
from .criteria import Criteria
from .exchanges import check_parameters
from .matching import Search
from .waiting import wait_until
from .world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..api.app import App
    from ..api.exchange import Exchange
    from ..contract.operation_names import OperationName
    from . import expected as names
    from .exchanges import Exchanges

T = TypeVar("T")


class Requested(World):
    """A world with assertions about its requests."""

    @property
    @abstractmethod
    def _app(self) -> App:
        """The app of the world."""

    @property
    @abstractmethod
    def requests(self) -> Exchanges:
        """All requests with their responses, oldest first."""

    def assert_requested(
        self,
        operation: OperationName,
        *,
        times: int | None = None,
        within: float | None = None,
        status: names.Number = None,
        caller: names.Caller = None,
        method: names.Text = None,
        path: names.Text = None,
        user: names.UserOrName = None,
        source: names.SourceOrName = None,
        application: names.ApplicationOrName = None,
        **fields: Any,
    ) -> Exchange:
        """Assert that a request was made and answered.

        Args:
            operation: the title of its page section: `"create source"`.
            times: the exact number of matching requests. Default: at least one.
            within: how long to wait for it.
            status: the status of the response.
            caller: who made the request: the source, else the application, else the user; or its name.
            method, path, user, source, application: as for `requests.where`.
            fields: the expected parameters, from body or query.

        Returns:
            The first matching request.

        Raises:
            AssertionError: no request matches, or their number is not `times`.
            ShortenedBody: `fields` are expected, and the journal has shortened the body of such a request.
            ValueError: the operation or a parameter is unknown, or `times` or `within` is invalid.
        """
        __tracebackhide__ = True
        criteria = Criteria(status, caller, method, path, user, source, application)
        instead = "assert_not_requested"
        return self._found(lambda: self._requests(operation, criteria, fields), times, within, instead)

    def assert_not_requested(
        self,
        operation: OperationName,
        *,
        within: float | None = None,
        status: names.Number = None,
        caller: names.Caller = None,
        method: names.Text = None,
        path: names.Text = None,
        user: names.UserOrName = None,
        source: names.SourceOrName = None,
        application: names.ApplicationOrName = None,
        **fields: Any,
    ) -> None:
        """Assert that no request was made. Arguments as for `assert_requested`.

        Raises:
            AssertionError: a request matches, or comes `within` that time; or the journal dropped requests, so that one
                could have matched.
            ValueError: the operation or a parameter is unknown, or `within` is invalid.
        """
        __tracebackhide__ = True
        criteria = Criteria(status, caller, method, path, user, source, application)
        criteria.check_known(self._store, operation_named(operation))
        self._not_found(lambda: self._requests(operation, criteria, fields), within)
        if dropped := self._dropped():
            raise AssertionError(f"cannot verify: {dropped.strip(' ()')}")

    def _found(self, search: Callable[[], Search[T]], times: int | None, within: float | None, instead: str) -> T:
        """Return the first candidate that matches. Raises AssertionError and ValueError."""
        __tracebackhide__ = True
        if times is not None and (type(times) is not int or times < 1):
            text = errors.ZERO_TIMES if times == 0 else errors.TIMES
            raise ValueError(text.format(instead=instead, given=times))
        note = wait_until(lambda: self._app, within, lambda: len(search().matching()) >= (times or 1))
        with noting(search, times, lambda: self._app):
            return search().found(times, note)[0]

    def _not_found(self, search: Callable[[], Search[T]], within: float | None) -> None:
        """Raise AssertionError if a candidate matches, or comes within a time."""
        __tracebackhide__ = True
        with noting(search, 0, lambda: self._app):
            search().none()
            if note := wait_until(lambda: self._app, within, lambda: bool(search().matching())):
                search().none(note)

    def _dropped(self) -> str:
        """Return a note for assertions if the journal has dropped requests; else an empty string."""
        requests = self.requests
        if not requests.dropped:
            return ""
        last = f"{len(requests)} request{'' if len(requests) == 1 else 's'}"
        return f" (the journal only holds the last {last}; increase `journal` or `journal_bytes`)"

    def _requests(self, operation: OperationName, criteria: Criteria, fields: dict[str, Any]) -> Search[Exchange]:
        """Return a search for requests. Raises ValueError."""
        name = operation_named(operation)
        criteria.check(self.requests)
        candidates = self.requests.where(operation=name)
        check_parameters(name, fields, candidates)
        expected = {**fields, **criteria.expected(name)}
        inside = any(not key.startswith("the ") for key in expected)
        view = partial(matching.exchange_view, with_parameters=inside, with_roles=True, store=self._store)
        check, what = partial(criteria.check_known, self._store, name), f"request to {name.replace('-', ' ')}"
        return Search(what, candidates, expected, view, self._store, self._dropped(), check)
