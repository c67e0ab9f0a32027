"""The entities of a world, as lists with filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from ..api.actions.delivery import Delivery
from ..world.bound import all_bound
from ..world.copies import Copies
from ..world.invitations import Invitation
from ..world.models import Application, Flow, Message, Organization, Source, Thread, User
from . import expected, kinds
from .matching import misses

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Self, Unpack

    from ..world.store import Store

Entity = TypeVar("Entity")


class Entities(Copies[Entity], Generic[Entity]):
    """Entities of one kind, oldest first."""

    _kind: ClassVar[kinds.Kind[Any]]

    def __init__(self, store: Store, entities: Iterable[Entity]) -> None:
        super().__init__(all_bound(entities, store))
        self._store = store

    def _where(self, given: Mapping[str, Any]) -> Self:
        kind, store = self._kind, self._store
        with store.lock:
            named = kind.named(store, given, kind.plural)
            kind.check_possible(store, named)
            return type(self)(store, [each for each in self if not any(misses(named, kind.view(each, store, named)))])


class Messages(Entities[Message]):
    """Messages, oldest first."""

    _kind = kinds.MESSAGE

    def where(self, **given: Unpack[expected.MessageFields]) -> Self:
        """Return the messages that match all given values, as for `assert_message`.

        Raises:
            ValueError: a name, or the flow, source or user of that name, is unknown.
        """
        return self._where(given)


class PrivateMessages(Entities[Message]):
    """Private messages, oldest first."""

    _kind = kinds.PRIVATE_MESSAGE

    def where(self, **given: Unpack[expected.PrivateMessageFields]) -> Self:
        """Return the private messages that match all given values, as for `assert_private_message`.

        Raises:
            ValueError: a name, or the user of that name, is unknown.
        """
        return self._where(given)


class Threads(Entities[Thread]):
    """Threads, oldest first."""

    _kind = kinds.THREAD

    def where(self, **given: Unpack[expected.ThreadFields]) -> Self:
        """Return the threads that match all given values, as for `assert_thread`.

        Raises:
            ValueError: a name, or the flow or source of that name, is unknown.
        """
        return self._where(given)


class Sources(Entities[Source]):
    """Sources, oldest first."""

    _kind = kinds.SOURCE

    def where(self, **given: Unpack[expected.SourceFields]) -> Self:
        """Return the sources that match all given values, as for `assert_source`.

        Raises:
            ValueError: a name, or the flow or creator of that name, is unknown.
        """
        return self._where(given)


class Flows(Entities[Flow]):
    """Flows, oldest first."""

    _kind = kinds.FLOW

    def where(self, **given: Unpack[expected.FlowFields]) -> Self:
        """Return the flows that match all given values, as for `assert_flow`. `path` is `acme/ops`.

        Raises:
            ValueError: a name is unknown.
        """
        return self._where(given)


class Users(Entities[User]):
    """Users, oldest first."""

    _kind = kinds.USER

    def where(self, **given: Unpack[expected.UserFields]) -> Self:
        """Return the users that match all given values, as for `assert_user`.

        Raises:
            ValueError: a name is unknown.
        """
        return self._where(given)


class Organizations(Entities[Organization]):
    """Organizations, oldest first."""

    _kind = kinds.ORGANIZATION

    def where(self, **given: Unpack[expected.OrganizationFields]) -> Self:
        """Return the organizations that match all given values.

        Raises:
            ValueError: a name is unknown.
        """
        return self._where(given)


class Applications(Entities[Application]):
    """OAuth applications, oldest first."""

    _kind = kinds.APPLICATION

    def where(self, **given: Unpack[expected.ApplicationFields]) -> Self:
        """Return the applications that match all given values.

        Raises:
            ValueError: a name, or the user of that name, is unknown.
        """
        return self._where(given)


class InvitationList(Entities[Invitation]):
    """Invitations, oldest first."""

    _kind = kinds.INVITATION

    def where(self, **given: Unpack[expected.InvitationFields]) -> Self:
        """Return the invitations that match all given values, as for `assert_invitation`.

        Raises:
            ValueError: a name, or the flow or user of that name, is unknown.
        """
        return self._where(given)


class DeliveryList(Entities[Delivery]):
    """Thread actions that were performed, oldest first."""

    _kind = kinds.DELIVERY

    def where(self, **given: Unpack[expected.DeliveryFields]) -> Self:
        """Return the deliveries that match all given values, as for `assert_delivery`.

        Raises:
            ValueError: a name, or the flow or user of that name, is unknown.
        """
        return self._where(given)
