"""Values in entities: authors, states, fields, files, mails and reactions."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Author:
    """The external author of an activity or a discussion."""

    name: str
    email: str | None = None
    avatar: str | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """The state of the item that a thread represents: text and color."""

    value: str | None
    color: str | None


@dataclass(frozen=True, slots=True)
class Field:
    """A property of the item that a thread represents."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class File:
    """A file of a message.

    Attributes:
        file_token: its identifier in URLs.
        content_id: its name in the body of the message, `cid:…`; None if it has none.
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
        """The size in bytes."""
        return len(self.data)


@dataclass(frozen=True, slots=True)
class Mail:
    """The sender and the content of a message to the team inbox."""

    subject: str
    content: str
    source: str
    from_address: str
    from_name: str | None = None
    reply_to: str | None = None
    project: str | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Reaction:
    """The reaction of one user to a message. `emoji` is its name without colons."""

    emoji: str
    user_id: int
