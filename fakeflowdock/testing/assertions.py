"""Assertions about requests and about the world."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from . import kinds
from .authorizing import Authorizing
from .invitations import Inviting
from .matching import Search
from .requested import Requested
from .single_sign_on import SingleSignOn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Unpack

    from ..api.actions.delivery import Delivery
    from ..world.invitations import Invitation
    from ..world.models import Flow, Message, Source, Thread, User
    from . import expected as names
    from .lists import DeliveryList

T = TypeVar("T")


class Asserting(Requested, Authorizing, Inviting, SingleSignOn):
    """A world with assertions.

    Expected values are keyword arguments. A value must be equal; an `re.Pattern` must be found in the text; a function
    must return true for the value; `unittest.mock.ANY` and `pytest.approx` match as in `==`; a mapping is compared by
    the keys it has; `tags` must be a subset. A failed assertion shows the closest candidates, field by field.

    All assertions take `within`, seconds in real time. Those that something exists wait so long for it, also for what
    other threads and processes do, and those that nothing exists hold only if nothing comes meanwhile. In a coroutine,
    call them in a thread, so that the other tasks can run: `await asyncio.to_thread(fake.assert_message, within=5)`.
    """

    @property
    @abstractmethod
    def deliveries(self) -> DeliveryList:
        """The thread actions that were performed, oldest first."""

    def assert_source(
        self, *, times: int | None = None, within: float | None = None, **expected: Unpack[names.SourceFields]
    ) -> Source:
        """Assert that a source exists, however it was created.

        Args:
            times: the exact number. Default: at least one.
            within: how long to wait for it.
            expected: its attributes. `flow` is a flow or its path, `application` and `creator` are entities or names.

        Returns:
            The first one that matches.

        Raises:
            AssertionError: nothing matches, or their number is not `times`.
            ValueError: a name, the flow, `times` or `within` is invalid.
        """
        __tracebackhide__ = True
        return self._one(kinds.SOURCE, expected, times, within)

    def assert_no_source(self, *, within: float | None = None, **expected: Unpack[names.SourceFields]) -> None:
        """Assert that no such source exists. Arguments as for `assert_source`.

        Raises:
            AssertionError: something matches, or comes `within` that time.
            ValueError: a name, flow, source or user is unknown, so that nothing could match; or `within` is invalid.
        """
        __tracebackhide__ = True
        self._none(kinds.SOURCE, expected, within)

    def assert_message(
        self, *, times: int | None = None, within: float | None = None, **expected: Unpack[names.MessageFields]
    ) -> Message:
        """Assert that a flow received a message, however it was posted.

        Args:
            times: the exact number. Default: at least one.
            within: how long to wait for it.
            expected: its attributes, such as `event`, `content`, `title`, `author={"name": …}`, `tags`. `flow` is a
                flow or its path, `source` and `user` are entities or names. `thread` is a thread, its id, its
                `external_thread_id`, or a mapping of its current state: `{"status": {"value": "open"}}`.

        Returns:
            The first one that matches.

        Raises:
            AssertionError: nothing matches, or their number is not `times`.
            ValueError: a name, the flow, `times` or `within` is invalid.
        """
        __tracebackhide__ = True
        return self._one(kinds.MESSAGE, expected, times, within)

    def assert_no_message(self, *, within: float | None = None, **expected: Unpack[names.MessageFields]) -> None:
        """Assert that no flow received such a message. Arguments as for `assert_message`.

        Raises:
            AssertionError: something matches, or comes `within` that time.
            ValueError: a name, flow, source or user is unknown, so that nothing could match; or `within` is invalid.
        """
        __tracebackhide__ = True
        self._none(kinds.MESSAGE, expected, within)

    def assert_thread(
        self, *, times: int | None = None, within: float | None = None, **expected: Unpack[names.ThreadFields]
    ) -> Thread:
        """Assert that a thread exists.

        Args:
            times: the exact number. Default: at least one.
            within: how long to wait for it.
            expected: its attributes, such as `title`, `external_thread_id`, `status={"value": "open"}`. `flow` is a
                flow or its path, `source` a source or its name.

        Returns:
            The first one that matches.

        Raises:
            AssertionError: nothing matches, or their number is not `times`.
            ValueError: a name, the flow, `times` or `within` is invalid.
        """
        __tracebackhide__ = True
        return self._one(kinds.THREAD, expected, times, within)

    def assert_no_thread(self, *, within: float | None = None, **expected: Unpack[names.ThreadFields]) -> None:
        """Assert that no such thread exists. Arguments as for `assert_thread`.

        Raises:
            AssertionError: something matches, or comes `within` that time.
            ValueError: a name, flow, source or user is unknown, so that nothing could match; or `within` is invalid.
        """
        __tracebackhide__ = True
        self._none(kinds.THREAD, expected, within)

    def assert_flow(
        self, *, times: int | None = None, within: float | None = None, **expected: Unpack[names.FlowFields]
    ) -> Flow:
        """Assert that a flow exists.

        Args:
            times: the exact number. Default: at least one.
            within: how long to wait for it.
            expected: its attributes, and `path`, which is `acme/ops`.

        Returns:
            The first one that matches.

        Raises:
            AssertionError: nothing matches, or their number is not `times`.
            ValueError: a name, the flow, `times` or `within` is invalid.
        """
        __tracebackhide__ = True
        return self._one(kinds.FLOW, expected, times, within)

    def assert_no_flow(self, *, within: float | None = None, **expected: Unpack[names.FlowFields]) -> None:
        """Assert that no such flow exists. Arguments as for `assert_flow`.

        Raises:
            AssertionError: something matches, or comes `within` that time.
            ValueError: a name, flow, source or user is unknown, so that nothing could match; or `within` is invalid.
        """
        __tracebackhide__ = True
        self._none(kinds.FLOW, expected, within)

    def assert_user(
        self, *, times: int | None = None, within: float | None = None, **expected: Unpack[names.UserFields]
    ) -> User:
        """Assert that a user exists.

        Args:
            times: the exact number. Default: at least one.
            within: how long to wait for it.
            expected: their attributes, such as `name`, `email`, `nick`.

        Returns:
            The first one that matches.

        Raises:
            AssertionError: nothing matches, or their number is not `times`.
            ValueError: a name, the flow, `times` or `within` is invalid.
        """
        __tracebackhide__ = True
        return self._one(kinds.USER, expected, times, within)

    def assert_no_user(self, *, within: float | None = None, **expected: Unpack[names.UserFields]) -> None:
        """Assert that no such user exists. Arguments as for `assert_user`.

        Raises:
            AssertionError: something matches, or comes `within` that time.
            ValueError: a name, flow, source or user is unknown, so that nothing could match; or `within` is invalid.
        """
        __tracebackhide__ = True
        self._none(kinds.USER, expected, within)

    def assert_invitation(
        self, *, times: int | None = None, within: float | None = None, **expected: Unpack[names.InvitationFields]
    ) -> Invitation:
        """Assert that somebody was invited to a flow, and has not declined.

        Args:
            times: the exact number. Default: at least one.
            within: how long to wait for it.
            expected: its attributes, such as `email`, `message`, `state`. `flow` is a flow or its path, `inviter` and
                `user`, who accepted it, are entities or names.

        Returns:
            The first one that matches.

        Raises:
            AssertionError: nothing matches, or their number is not `times`.
            ValueError: a name, the flow, `times` or `within` is invalid.
        """
        __tracebackhide__ = True
        return self._one(kinds.INVITATION, expected, times, within)

    def assert_no_invitation(self, *, within: float | None = None, **expected: Unpack[names.InvitationFields]) -> None:
        """Assert that no such invitation exists. Arguments as for `assert_invitation`.

        Raises:
            AssertionError: something matches, or comes `within` that time.
            ValueError: a name, flow, source or user is unknown, so that nothing could match; or `within` is invalid.
        """
        __tracebackhide__ = True
        self._none(kinds.INVITATION, expected, within)

    def assert_delivery(
        self, *, times: int | None = None, within: float | None = None, **expected: Unpack[names.DeliveryFields]
    ) -> Delivery:
        """Assert that a user performed a thread action. docs/api/thread-actions.md.

        Args:
            times: the exact number. Default: at least one.
            within: how long to wait for it.
            expected: `action`, its name; `thread`, `user`, `application`, `flow`; of the request `method`, `url`,
                `body`, parsed from JSON, and `flaw`; `outcome`, `reason`, `authentication_url` and `problem`; of the
                response `status` and `response`, its body.

        Returns:
            The first one that matches.

        Raises:
            AssertionError: nothing matches, or their number is not `times`.
            ValueError: a name, the flow, `times` or `within` is invalid.
        """
        __tracebackhide__ = True
        return self._one(kinds.DELIVERY, expected, times, within)

    def assert_no_delivery(self, *, within: float | None = None, **expected: Unpack[names.DeliveryFields]) -> None:
        """Assert that no user performed such a thread action. Arguments as for `assert_delivery`.

        Raises:
            AssertionError: something matches, or comes `within` that time.
            ValueError: a name, flow, source or user is unknown, so that nothing could match; or `within` is invalid.
        """
        __tracebackhide__ = True
        self._none(kinds.DELIVERY, expected, within)

    def _one(self, kind: kinds.Kind[T], expected: Mapping[str, Any], times: int | None, within: float | None) -> T:
        __tracebackhide__ = True
        return self._found(lambda: self._of(kind, expected), times, within, f"assert_no_{kind.what.replace(' ', '_')}")

    def _none(self, kind: kinds.Kind[T], expected: Mapping[str, Any], within: float | None) -> None:
        __tracebackhide__ = True
        store = self._store
        kind.check_possible(store, kind.named(store, expected))
        self._not_found(lambda: self._of(kind, expected), within)

    def _of(self, kind: kinds.Kind[T], expected: Mapping[str, Any]) -> Search[T]:
        """Return a search for entities. Raises ValueError."""
        store = self._store
        with store.lock:
            named = kind.named(store, expected)
            view, check = partial(kind.view, store=store, expected=named), partial(kind.check_possible, store, named)
            return Search(kind.what, [*self._among(kind)], named, view, store, check_possible=check)

    def _among(self, kind: kinds.Kind[Any]) -> Iterable[Any]:
        return self.deliveries if kind is kinds.DELIVERY else kind.all(self._store)
