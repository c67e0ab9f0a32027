"""The entities, named as Flowdock names them. Every entity is frozen; a change replaces it by a new one.

Secrets are excluded from `repr` and comparisons, so that a failed assertion prints none.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .bound import Bound, Walk, changed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .copies import Copies
    from .values import Author, Field, File, Mail, Reaction, Status


OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"  # instead of redirecting, display the code


def secret() -> str:
    """Return the declaration of a field that holds a secret."""
    return field(repr=False, compare=False)  # type: ignore[no-any-return]  # the return type that dataclasses expects


@dataclass(frozen=True)
class Organization(Bound):
    """An organization; `parameterized_name` is its name in URLs.

    Attributes:
        users, flows: its users, and its flows.
        sso_uid: its name in the URLs of SCIM; None if it has no Single Sign-On.
        scim_token: the token of its SCIM API; empty if it has no Single Sign-On.
    """

    id: int
    name: str
    parameterized_name: str
    user_limit: int = 100
    trial_ends: str = "2015-02-01"
    sso_uid: str | None = None
    scim_token: str = field(default="", repr=False, compare=False)

    users = Walk["Copies[User]"](lambda self, world: world.users_of_organization(self))
    flows = Walk["Copies[Flow]"](lambda self, world: world.flows_of_organization(self))


@dataclass(frozen=True)
class User(Bound):
    """A person, who signs in with `api_token`, or e-mail address and `password`. The address may be empty.

    Attributes:
        flows, organizations: the flows that they joined and can see, and their organizations.
        last_activity, last_ping: when a stream last showed them as active, or changed how it shows them; None if none
            ever did.
        sso_name: who they are for Single Sign-On; None if they do not use it.
        created_at, updated_at: when they were added and last edited; None in older world files.
    """

    id: int
    name: str
    nick: str
    email: str
    avatar: str
    website: str | None
    api_token: str = secret()
    password: str = secret()
    last_activity: datetime | None = field(default=None, repr=False, compare=False)
    last_ping: datetime | None = field(default=None, repr=False, compare=False)
    sso_name: str | None = None
    created_at: datetime | None = field(default=None, repr=False, compare=False)
    updated_at: datetime | None = field(default=None, repr=False, compare=False)

    flows = Walk["Copies[Flow]"](lambda self, world: world.flows_of_user(self))
    organizations = Walk["Copies[Organization]"](lambda self, world: world.organizations_of(self))


USERS = {  # of a flow, and what world files call them
    "member_ids": "members",
    "blocked_ids": "blocked",
    "admin_ids": "admins",
    "closed_ids": "closed",
}


def _in_flow(entity: Any, world: Any, kind: str, reference: str) -> list[Any]:
    """Return the messages or threads of a flow that refer to an entity, oldest first."""
    there = getattr(world.archive.of(entity.flow_id), kind).values()
    return [each for each in there if getattr(each, reference) == entity.id]


def _users(name: str) -> Walk[Copies[User]]:
    """Return the users whose ids a field has."""
    return Walk(lambda self, world: [world.users[number] for number in sorted(getattr(self, name))])


@dataclass(frozen=True)
class Flow(Bound):
    """A flow of an organization; `parameterized_name` is its name in URLs, after the organization's.

    Attributes:
        members, member_ids: the users who joined it, and their ids.
        blocked, blocked_ids: the members who can no longer see it, and their ids.
        organization, sources: its organization, and its sources.
        admins, admin_ids: the members who can change it, besides the administrators of the organization.
        closed, closed_ids: the members who have no open tab for it.
        access_mode: `invitation`, `link` or `organization`.
        disabled: whether it is archived.
        join_key: the last part of the URL for joining it.
    """

    id: str
    name: str
    parameterized_name: str
    organization_id: int
    member_ids: frozenset[int]
    join_key: str
    api_token: str = secret()
    blocked_ids: frozenset[int] = frozenset()
    admin_ids: frozenset[int] = frozenset()
    closed_ids: frozenset[int] = frozenset()
    access_mode: str = "invitation"
    description: str = ""
    disabled: bool = False

    def without(self, user: User) -> Flow:
        """Return the flow as if the user had never joined it."""
        return replace(self, **{name: getattr(self, name) - {user.id} for name in USERS})

    def is_seen_by(self, user: User) -> bool:
        """Return whether a user is a member who can see it and its content."""
        return not self.disabled and user.id in self.member_ids and user.id not in self.blocked_ids

    @cached_property
    def seen_by(self) -> frozenset[int]:
        """The members who can see it and its content."""
        if self.disabled:
            return frozenset()
        return self.member_ids - self.blocked_ids if self.blocked_ids else self.member_ids

    organization = Walk["Organization"](lambda self, world: world.organizations[self.organization_id])
    members = _users("member_ids")
    blocked = _users("blocked_ids")
    admins = _users("admin_ids")
    closed = _users("closed_ids")
    sources = Walk["Copies[Source]"](lambda self, world: world.sources_of_flow(self))
    messages = Walk["Copies[Message]"](lambda self, world: [*world.archive.of(self.id).messages.values()])


@dataclass(frozen=True)
class Application(Bound):
    """An OAuth application, which creates sources. Its owner registered it and may read its secret.

    Attributes:
        redirect_uri: where users are redirected after consent, with a code.
        owner: the user who registered it.
        sources: the sources that it created.
        owner_id: None for an application that is part of the initial world.
        setup_uri, configuration_uri: where users set it up for a flow, and where they configure a source.
        disabled: whether it was removed. Old messages still show it.
    """

    id: int
    name: str
    icon_url: str
    client_id: str
    redirect_uri: str
    owner_id: int | None
    client_secret: str = secret()
    setup_uri: str | None = None
    configuration_uri: str | None = None
    disabled: bool = False

    owner = Walk["User | None"](lambda self, world: world.users.get(self.owner_id))
    sources = Walk["Copies[Source]"](
        lambda self, world: [each for each in world.sources.values() if each.application_id == self.id]
    )


@dataclass(frozen=True)
class Source(Bound):
    """A source of a flow. Values of None are omitted in responses; `flow_token` is shown once, on creation.

    Attributes:
        flow, application, creator: its flow, the application that created it, and the user for whom it did.
        messages, threads: what it posted, and the threads that it opened.
    """

    id: int
    flow_id: str
    application_id: int
    creator_id: int
    name: str
    external_url: str | None
    error_message: str | None
    configuration_url: str | None
    created_at: datetime
    updated_at: datetime
    flow_token: str = secret()

    flow = Walk["Flow"](lambda self, world: world.flows[self.flow_id])
    application = Walk["Application"](lambda self, world: world.applications[self.application_id])
    creator = Walk["User"](lambda self, world: world.users[self.creator_id])
    messages = Walk["Copies[Message]"](lambda self, world: _in_flow(self, world, "messages", "source_id"))
    threads = Walk["Copies[Thread]"](lambda self, world: _in_flow(self, world, "threads", "source_id"))


def _brief(self: Any) -> str:
    """Return an entity as a failed test shows it, without empty values."""
    shown: list[str] = []
    for each in fields(self):
        value = getattr(self, each.name)
        if each.repr and value != each.default:
            shown.append(f"{each.name}={value.isoformat() if isinstance(value, datetime) else repr(value)}")
    return f"{type(self).__name__}({', '.join(shown)})"


@dataclass(frozen=True, slots=True, repr=False)
class Message(Bound):
    """A message of a flow, or a private one. `id` counts within the flow or the conversation.

    Attributes:
        flow_id: the id of its flow or conversation.
        flow, user, source, thread: those of `flow_id`, `user_id`, `source_id` and `thread_id`, or None. A source that
            was deleted is still there.
        parent, to_user: the commented message, and the recipient of a private message, or None.
        event: message, comment, status, file, activity, discussion, mail or action.
        user_id: the sender; None for a source and for external senders.
        source_id: the source that posted it.
        sent: when it was sent.
        edited: when its content was last changed.
        content: the text of a message, comment or status; empty after a deletion.
        title, body: of an activity or a discussion. The `title` of a comment is that of the commented message.
        attachments: its files; the event `file` has one.
        action: the content of the event `action`.
        parent_id: the commented message, also of a file posted as a comment.
        reactions: oldest first.
        to_user_id: the recipient; None for a message of a flow.
        event_id: its number among all events of the world.
    """

    flow_id: str
    id: int
    event: str
    user_id: int | None
    source_id: int | None
    sent: datetime
    tags: tuple[str, ...]
    app: str | None = None
    uuid: str | None = None
    thread_id: str | None = None
    edited: datetime | None = None
    content: str | None = None
    title: str | None = None
    body: str | None = None
    author: Author | None = None
    attachments: tuple[File, ...] = ()
    mail: Mail | None = None
    action: Mapping[str, Any] | None = None
    parent_id: int | None = None
    external_user_name: str | None = None
    reactions: tuple[Reaction, ...] = ()
    to_user_id: int | None = None
    event_id: int = field(default=0, repr=False)

    __repr__ = _brief

    flow = Walk["Flow | None"](lambda self, world: world.flows.get(self.flow_id))
    user = Walk["User | None"](lambda self, world: world.users.get(self.user_id))
    source = Walk["Source | None"](
        lambda self, world: None if self.source_id is None else world.source_once(self.source_id)
    )
    thread = Walk["Thread | None"](lambda self, world: world.archive.of(self.flow_id).threads.get(self.thread_id))
    parent = Walk["Message | None"](lambda self, world: world.archive.of(self.flow_id).messages.get(self.parent_id))
    to_user = Walk["User | None"](lambda self, world: world.users.get(self.to_user_id))


@dataclass(frozen=True, slots=True, repr=False)
class Event:
    """An event of a flow or conversation that is no message. `id` is from the same sequence as those of messages.

    Attributes:
        flow_id: the id of its flow or conversation.
        event: message-edit, message-delete, tag-change, emoji-reaction, user-edit, backend.user.join or
            backend.user.block.
        user_id: whose action it is, or who was edited.
        content: what changed. Its form depends on the event.
        event_id: its number among all events of the world.
    """

    flow_id: str
    id: int
    event: str
    user_id: int | None
    sent: datetime
    content: Any
    uuid: str | None = None
    event_id: int = field(default=0, repr=False)

    __repr__ = _brief


@dataclass(frozen=True, slots=True, repr=False)
class PassingEvent(Event):
    """An event of a flow that is not stored, such as activity.user. It has a number all the same.

    Attributes:
        event_id: the number of the last stored event of the world before it.
    """

    tags: tuple[str, ...] = ()
    app: str | None = None

    __repr__ = _brief


@dataclass(frozen=True, slots=True)
class UserEvent:
    """An event that is in no flow and is not stored.

    Attributes:
        event: flow-add, flow-remove or presence.
        user_id: whom it is about.
        event_id: the number of the last stored event of the world before it.
    """

    event: str
    user_id: int
    content: Mapping[str, Any]
    event_id: int = field(default=0, repr=False)


# The counter of a thread that each event increments.
COUNTERS = {
    "activity": "activities",
    "message": "internal_comments",
    "comment": "internal_comments",
    "discussion": "external_comments",
}


def counts_of(event: str) -> dict[str, int]:
    """Return the counters of a thread whose only message has an event."""
    return {COUNTERS[event]: 1} if event in COUNTERS else {}


@dataclass(frozen=True, slots=True, repr=False)
class Thread(Bound):
    """A thread of a flow: a chat message with its replies, or an external item of a source.

    Attributes:
        flow, source: its flow, and the source of `source_id`, even if deleted.
        source_id: the source that defines `external_thread_id`; None for a thread that started in the chat.
        actions: possible actions on the item, in the form of schema.org.
        initial_message: the number of its first message.
        activities, internal_comments, external_comments: the number of messages of each kind.
    """

    id: str
    flow_id: str
    title: str
    initial_message: int
    created_at: datetime
    updated_at: datetime
    body: str | None = None
    external_url: str | None = None
    status: Status | None = None
    actions: tuple[Mapping[str, Any], ...] = ()
    fields: tuple[Field, ...] = ()
    source_id: int | None = None
    external_thread_id: str | None = None
    activities: int = 0
    internal_comments: int = 0
    external_comments: int = 0

    __repr__ = _brief

    def counting(self, event: str, by: int, **changes: Any) -> Thread:
        """Return the thread with an updated counter.

        Args:
            event: the event of the added or removed message.
            by: 1 or -1.
            changes: other fields to change, such as `updated_at`.
        """
        counter = COUNTERS.get(event)
        counts: dict[str, Any] = {counter: getattr(self, counter) + by} if counter is not None else {}
        return changed(self, **counts, **changes)

    flow = Walk["Flow"](lambda self, world: world.flows[self.flow_id])
    messages = Walk["Copies[Message]"](lambda self, world: _in_flow(self, world, "messages", "thread_id"))
    source = Walk["Source | None"](
        lambda self, world: None if self.source_id is None else world.source_once(self.source_id)
    )
