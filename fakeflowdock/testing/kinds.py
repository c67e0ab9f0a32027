"""What assertions and `where` know of each kind of entity: its names, and its view, the values of these names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..api import wire
from ..api.actions.delivery import OUTCOMES
from ..api.actions.request import FLAWS
from ..world import naming
from ..world.fields import check_names
from ..world.invitations import ACCEPTED, PENDING
from ..world.models import Flow
from ..world.validation import PRIVATE
from . import errors
from . import expected as names

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from ..api.actions.delivery import Delivery
    from ..world.invitations import Invitation
    from ..world.models import Application, Message, Organization, Source, Thread, User
    from ..world.store import Store

Entity = TypeVar("Entity")

EVENTS = ("message", "status", "comment", "file", "activity", "discussion", "mail", "action")
ROLES = {
    **dict.fromkeys(("user", "creator", "inviter", "owner", "from_user", "to_user"), "user"),
    **{kind: kind for kind in ("source", "application", "organization")},
}


@dataclass(frozen=True)
class Kind(Generic[Entity]):
    """A kind of entity.

    Attributes:
        what: its name, for messages: `source`.
        fields: the TypedDict of its names.
        more: the values of the names that are no attributes.
        all: returns the entities of a world; empty for what the world does not have.
        values: the only texts that some names can have.
    """

    what: str
    fields: type[Any]
    more: Mapping[str, Callable[[Entity, Store], Any]]
    all: Callable[[Store], Iterable[Entity]] = lambda _: ()
    values: Mapping[str, Collection[str]] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """Return the names that can be expected."""
        found: frozenset[str] = self.fields.__optional_keys__
        return found

    @property
    def plural(self) -> str:
        """Return its name for several."""
        return f"{self.what[:-1]}ies" if self.what.endswith("y") else f"{self.what}s"

    def view(self, entity: Entity, store: Store, expected: Iterable[str]) -> dict[str, Any]:
        """Return the values of the expected names."""
        return {
            name: self.more[name](entity, store) if name in self.more else getattr(entity, name) for name in expected
        }

    def named(self, store: Store, expected: Mapping[str, Any], what: str | None = None) -> dict[str, Any]:
        """Return what is expected, with flows as paths.

        Args:
            what: the entity, for messages. Default: one of this kind.

        Raises:
            ValueError: a name or the flow is unknown.
        """
        article = "an" if self.what[0] in "aeiou" else "a"
        check_names(what or f"{article} {self.what}", expected, self.names)
        named = dict(expected)
        for name, value in expected.items():
            if isinstance(value, Flow):
                named[name] = store.path_of(store.flows[value.id])
            elif name == "flow" and isinstance(value, str):
                named[name] = store.path_of(naming.found(store, "flow", value))
        return named

    def check_possible(self, store: Store, expected: Mapping[str, Any]) -> None:
        """Reject the name or id of an entity that does not exist, and a text that cannot be. Raises ValueError."""
        check_named(store, expected)
        for name, known in self.values.items():
            given = expected.get(name)
            if isinstance(given, str) and given not in known:
                raise ValueError(errors.IMPOSSIBLE.format(name=name, given=given, known=", ".join(map(repr, known))))


def check_named(store: Store, expected: Mapping[str, Any]) -> None:
    """Reject the name or id of an entity that does not exist. Raises ValueError."""
    for name, what in ROLES.items():
        value = expected.get(name)
        if isinstance(value, str) or type(value) is int:
            naming.check_known(store, what, value)


class _Messages(Kind["Message"]):
    def named(self, store: Store, expected: Mapping[str, Any], what: str | None = None) -> dict[str, Any]:
        """Return what is expected. No emoji is no reaction."""
        named = super().named(store, expected, what)
        return named if named.get("reactions") != {} else {**named, "reactions": ()}

    def view(self, entity: Message, store: Store, expected: Iterable[str]) -> dict[str, Any]:
        """Return the values of the expected names.

        If a mapping is expected as `content`, it is that of the API. One of `reactions` has emojis, and their users.
        """
        shown = super().view(entity, store, expected)
        if isinstance(expected, Mapping) and isinstance(expected.get("reactions"), Mapping):
            by_emoji: dict[str, list[Any]] = {}
            for each in entity.reactions:
                by_emoji.setdefault(each.emoji, []).append(store.users.get(each.user_id, each.user_id))
            shown["reactions"] = by_emoji
        if isinstance(expected, Mapping) and isinstance(expected.get("content"), Mapping):
            shown["content"] = wire.content(entity, store)
        return shown


def _path(flow_id: str, store: Store) -> str | None:
    flow = store.flows.get(flow_id)
    return None if flow is None else store.path_of(flow)


def _user(message: Message, store: Store) -> User | None:
    return store.users.get(message.user_id or 0)


def _recipient(message: Message, store: Store) -> User | None:
    return store.users.get(message.to_user_id or 0)


def _source(entity: Message | Thread, store: Store) -> Source | None:
    return None if entity.source_id is None else store.source_once(entity.source_id)


def _thread(message: Message, store: Store) -> Thread | None:
    return None if message.thread_id is None else store.archive.of(message.flow_id).threads[message.thread_id]


MESSAGE = _Messages(
    "message",
    names.MessageFields,
    {
        "flow": lambda message, store: _path(message.flow_id, store),
        "user": _user,
        "to_user": _recipient,
        "source": _source,
        "thread": _thread,
    },
    lambda store: store.archive.messages(store.flows),
    {"event": EVENTS},
)
PRIVATE_MESSAGE = _Messages(
    "private message",
    names.PrivateMessageFields,
    {"user": _user, "from_user": _user, "to_user": _recipient},
    lambda store: store.archive.messages(store.conversations),
    {"event": PRIVATE},
)
SOURCE: Kind[Source] = Kind(
    "source",
    names.SourceFields,
    {
        "flow": lambda source, store: _path(source.flow_id, store),
        "application": lambda source, store: store.applications[source.application_id],
        "creator": lambda source, store: store.users[source.creator_id],
    },
    lambda store: store.sources.values(),
)
THREAD: Kind[Thread] = Kind(
    "thread",
    names.ThreadFields,
    {"flow": lambda thread, store: _path(thread.flow_id, store), "source": _source},
    lambda store: store.archive.threads(store.flows),
)
FLOW: Kind[Flow] = Kind(
    "flow",
    names.FlowFields,
    {
        "path": lambda flow, store: store.path_of(flow),
        "members": lambda flow, store: [store.users[number] for number in sorted(flow.member_ids)],
        "organization": lambda flow, store: store.organizations[flow.organization_id],
    },
    lambda store: store.flows.values(),
)
USER: Kind[User] = Kind("user", names.UserFields, {}, lambda store: store.users.values())
ORGANIZATION: Kind[Organization] = Kind(
    "organization",
    names.OrganizationFields,
    {
        "users": lambda organization, store: store.users_of_organization(organization),
        "flows": lambda organization, store: store.flows_of_organization(organization),
    },
    lambda store: store.organizations.values(),
)
APPLICATION: Kind[Application] = Kind(
    "application",
    names.ApplicationFields,
    {"owner": lambda application, store: store.users.get(application.owner_id or 0)},
    lambda store: store.applications.values(),
)
INVITATION: Kind[Invitation] = Kind(
    "invitation",
    names.InvitationFields,
    {
        "flow": lambda invitation, store: _path(invitation.flow_id, store),
        "inviter": lambda invitation, store: store.users[invitation.inviter_id],
        "user": lambda invitation, store: store.users.get(invitation.user_id or 0),
    },
    lambda store: store.invitations.values(),
    {"state": (PENDING, ACCEPTED)},
)
DELIVERY: Kind[Delivery] = Kind(
    "delivery",
    names.DeliveryFields,
    {
        "thread": lambda delivery, _: delivery.request.thread,
        "flow": lambda delivery, store: _path(delivery.request.thread.flow_id, store),
        "action": lambda delivery, _: delivery.request.name,
        "user": lambda delivery, _: delivery.request.user,
        "application": lambda delivery, _: delivery.request.application,
        "method": lambda delivery, _: delivery.request.method,
        "url": lambda delivery, _: delivery.request.url,
        "body": lambda delivery, _: delivery.request.json if delivery.request.body else None,
        "flaw": lambda delivery, _: delivery.request.flaw,
        "response": lambda delivery, _: None if delivery.response is None else delivery.response.text,
    },
    values={"outcome": OUTCOMES, "flaw": FLAWS},
)
