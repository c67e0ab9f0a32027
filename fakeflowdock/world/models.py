"""What is kept, in Flowdock's words. Every entity is frozen: a change puts a new one in its place.

Secrets are left out of `repr` and of comparisons, so that no printed assertion shows one.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"  # the redirect URI of who has none: the code is shown to the user


def _secret() -> str:
    return field(repr=False, compare=False)  # type: ignore[no-any-return]  # as dataclasses asks for it


def uuid_of(drawn: str) -> str:
    """32 hexadecimal digits in the form of a UUID, as the ids of flows have it."""
    return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-a{drawn[17:20]}-{drawn[20:]}"


def short(drawn: str) -> str:
    """32 hexadecimal digits as 22 characters, as files and messages have them."""
    return base64.urlsafe_b64encode(bytes.fromhex(drawn)).rstrip(b"=").decode()


def thread_id_of(drawn: str) -> str:
    """What stands for 32 hexadecimal digits in 27 characters, as the ids of threads have it."""
    return base64.urlsafe_b64encode(hashlib.sha1(drawn.encode(), usedforsecurity=False).digest())[:27].decode()


@dataclass(frozen=True)
class Organization:
    """An organization; `parameterized_name` is its name in URLs."""

    id: int
    name: str
    parameterized_name: str
    user_limit: int = 100
    trial_ends: str = "2015-02-01"


@dataclass(frozen=True)
class User:
    """A person. `api_token` and `password` are theirs to sign in with."""

    id: int
    name: str
    nick: str
    email: str
    avatar: str
    website: str | None
    api_token: str = _secret()
    password: str = _secret()


@dataclass(frozen=True)
class Flow:
    """A flow of an organization; `parameterized_name` is its name in URLs, below the organization's.

    Attributes:
        members: the users who joined it. Those among them who were `blocked` no longer see it.
        admins: those among them who may change it, besides the organization's administrators.
        closed: those among them who have no tab open for it.
        access_mode: invitation, link or organization.
        disabled: whether it was archived.
        join_key: what the address for joining it ends with.
    """

    id: str
    name: str
    parameterized_name: str
    organization_id: int
    members: frozenset[int]
    join_key: str
    api_token: str = _secret()
    blocked: frozenset[int] = frozenset()
    admins: frozenset[int] = frozenset()
    closed: frozenset[int] = frozenset()
    access_mode: str = "invitation"
    description: str = ""
    disabled: bool = False

    def without(self, user: User) -> Flow:
        """The same flow, which the user never joined."""
        gone = {user.id}
        return replace(
            self,
            members=self.members - gone,
            blocked=self.blocked - gone,
            admins=self.admins - gone,
            closed=self.closed - gone,
        )

    def is_seen_by(self, user: User) -> bool:
        """Whether a user is a member who sees it and what is in it."""
        return not self.disabled and user.id in self.members and user.id not in self.blocked

    @property
    def seen_by(self) -> frozenset[int]:
        """The members who see it and what is in it."""
        return frozenset() if self.disabled else self.members - self.blocked


@dataclass(frozen=True)
class Application:
    """An OAuth application, which registers sources. Its owner, who registered it, may read its secret.

    Attributes:
        redirect_uri: where its users are led after they were asked, with a code.
        owner_id: None where it was there from the beginning.
    """

    id: int
    name: str
    icon_url: str
    client_id: str
    redirect_uri: str
    owner_id: int | None
    client_secret: str = _secret()


@dataclass(frozen=True)
class AccessToken:
    """What a user allowed an application to do: the scopes, and the secret that stands for them.

    Attributes:
        grant_id: what a user allowed once has one number, whatever codes and tokens come of it.
        expires_at: None for a token that lives as long as its world.
    """

    user_id: int
    application_id: int
    scopes: frozenset[str]
    grant_id: int
    expires_at: datetime | None
    access_token: str = _secret()


@dataclass(frozen=True)
class RefreshToken:
    """A secret that is exchanged, once, for another access token and another of its kind."""

    user_id: int
    application_id: int
    scopes: frozenset[str]
    grant_id: int
    used: bool
    refresh_token: str = _secret()


@dataclass(frozen=True)
class AuthorizationCode:
    """A secret that an application exchanges, once, for its first tokens.

    Attributes:
        redirect_uri: where the code was sent.
        redirect_uri_asked: whether the request for it named that redirect URI; the exchange must then name it too.
    """

    user_id: int
    application_id: int
    scopes: frozenset[str]
    grant_id: int
    redirect_uri: str
    redirect_uri_asked: bool
    expires_at: datetime
    used: bool
    code: str = _secret()


@dataclass(frozen=True)
class Session:
    """A browser at the consent page, known by its cookie; `user_id` is None until somebody signed in."""

    user_id: int | None
    ended: bool
    cookie: str = _secret()


@dataclass(frozen=True)
class Source:
    """A source of a flow. What is None here is absent on the wire; `flow_token` is shown once, on creation."""

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
    flow_token: str = _secret()


@dataclass(frozen=True, slots=True)
class Author:
    """Who did outside what an activity or a discussion tells."""

    name: str
    email: str | None = None
    avatar: str | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """The state of what a thread stands for, in a word and a colour."""

    value: str | None
    color: str | None


@dataclass(frozen=True, slots=True)
class Field:
    """A property of what a thread stands for."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class File:
    """A file that came with a message.

    Attributes:
        file_token: what names it in its address.
        content_id: what the message's body calls it, `cid:…`; None where it was given no name.
        width, height: of a picture, in pixels.
    """

    file_token: str
    file_name: str
    content_type: str
    data: bytes = field(repr=False)
    content_id: str | None = None
    width: int | None = None
    height: int | None = None

    @property
    def file_size(self) -> int:
        """How many bytes it has."""
        return len(self.data)


@dataclass(frozen=True, slots=True)
class Mail:
    """What a message of the team inbox says, and who sent it."""

    subject: str
    content: str
    source: str
    from_address: str
    from_name: str | None = None
    reply_to: str | None = None
    project: str | None = None
    link: str | None = None


def _brief(self: Any) -> str:
    """An entity as a failing test shows it: without what it has not."""
    shown: list[str] = []
    for each in fields(self):
        value = getattr(self, each.name)
        if value != each.default:
            shown.append(f"{each.name}={value.isoformat() if isinstance(value, datetime) else repr(value)}")
    return f"{type(self).__name__}({', '.join(shown)})"


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """A message of a flow. `id` counts within the flow.

    Attributes:
        event: message, comment, status, file, activity, discussion, mail or action.
        user_id: who sent it; None for a source and for somebody from outside.
        source_id: the source that posted it.
        sent: the moment; `edited` is the last moment at which its content was changed.
        content: the text of a message, comment or status; empty after a deletion.
        title, body: of an activity or a discussion; the `title` of a comment is that of what it comments on.
        attachments: its files; the event `file` has one.
        action: the content of the event `action`.
        parent_id: the message that a comment, or a file beside one, belongs to.
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

    __repr__ = _brief


# The counter of a thread that a message of each event moves.
COUNTERS = {
    "activity": "activities",
    "message": "internal_comments",
    "comment": "internal_comments",
    "discussion": "external_comments",
}


@dataclass(frozen=True, slots=True, repr=False)
class Thread:
    """What belongs together in a flow: a chat message and its replies, or a thing outside that a source tells of.

    Attributes:
        source_id: the source whose `external_thread_id` it is; None for one that began in the chat.
        actions: what can be done to the thing, in the form of schema.org.
        initial_message: the number of its first message.
        activities, internal_comments, external_comments: how many messages of each sort it has.
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
        """The same thread after a message came, or went.

        Args:
            event: the event of the message.
            by: 1 or -1.
            changes: what else is another then, `updated_at`.
        """
        counter = COUNTERS.get(event)
        counts: dict[str, Any] = {counter: getattr(self, counter) + by} if counter is not None else {}
        return replace(self, **counts, **changes)
