"""Private conversations and messages: set up, read and assert."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields as fields_of
from functools import partial
from typing import TYPE_CHECKING, Any

from ..api import wire
from ..world import factories, uploads
from ..world.fields import check_names
from ..world.models import Message
from ..world.validation import PRIVATE
from .assertions import Asserting, check_possible
from .copies import Copies
from .lists import Messages, ids_of
from .matching import Search

if TYPE_CHECKING:
    from ..world.conversations import PrivateConversation
    from ..world.models import User
    from ..world.store import Store

USERS = {"from_user": "user_id", "to_user": "to_user_id"}
ATTRIBUTES = frozenset({*USERS, *(each.name for each in fields_of(Message))})


class Talking(Asserting):
    """A world whose users talk in private."""

    @property
    def private_conversations(self) -> list[PrivateConversation]:
        """All private conversations, oldest first. docs/api/private.md."""
        return self._read(lambda store: Copies(store.conversations.values()))

    @property
    def private_messages(self) -> Messages:
        """All private messages, by conversation, oldest first. Filter them with `private_messages.where(user=bob)`."""
        return self._read(lambda store: Messages(store, store.archive.messages(store.conversations)))

    def add_private_message(
        self,
        content: str | bytes | Mapping[str, Any] | None = None,
        *,
        to_user: User | str,
        from_user: User | str | None = None,
        event: str = "message",
        **fields: Any,
    ) -> Message:
        """Send a private message, as if a user had sent it. docs/api/private.md#send-private-message.

        Args:
            content: the text; for a file its bytes, with `file_name`, or the object that the API takes.
            to_user: the recipient, or their name.
            from_user: the sender, or their name. Default: the first user.
            event: `message` or `file`.
            fields: more parameters of the API: `tags`, `uuid`.

        Returns:
            The message.

        Raises:
            ValueError: Flowdock would reject it.
        """
        given = uploads.with_content(content, fields)
        sender = from_user or self.user
        return self._bound(factories.add_private_message(self._store, event, given, user=sender, to=to_user))

    def assert_private_message(self, **expected: Any) -> Message:
        """Assert that a private message was sent, in whichever way.

        Args:
            expected: its attributes, such as `content`, `tags`, `event`. `from_user` and `to_user` are users or names.

        Returns:
            The first matching message.

        Raises:
            AssertionError: no message matches.
            ValueError: an attribute is unknown.
        """
        __tracebackhide__ = True
        with self._store.lock:
            return self._private_messages(expected).found()[0]

    def assert_no_private_message(self, **expected: Any) -> None:
        """Assert that no such private message was sent. Arguments as for `assert_private_message`.

        Raises:
            AssertionError: a message matches.
            ValueError: an attribute, a user or the event is unknown, so nothing could match.
        """
        __tracebackhide__ = True
        with self._store.lock:
            search = self._private_messages(expected)
            check_possible(expected, event=PRIVATE)
            for name in USERS:
                if isinstance(value := expected.get(name), str):
                    ids_of(self._store, value, "user")
            search.none()

    def _private_messages(self, expected: Mapping[str, Any]) -> Search[Message]:
        check_names("a private message", expected, ATTRIBUTES)
        store = self._store
        view = partial(private_view, store=store, expected=expected)
        return Search("private message", store.archive.messages(store.conversations), expected, view, store)


def private_view(message: Message, store: Store, expected: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a private message, with its users.

    Args:
        expected: what the test expects. If its `content` is a mapping, the content has the form of the API.
    """
    shown = {field.name: getattr(message, field.name) for field in fields_of(message)}
    shown |= {name: store.users[shown[number]] for name, number in USERS.items()}
    if isinstance(expected.get("content"), Mapping):
        shown["content"] = wire.content(message, store)
    return shown
