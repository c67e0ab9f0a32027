"""Private conversations and messages: set up, read and assert."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..world import factories, uploads
from ..world.copies import Copies
from . import kinds
from .lists import PrivateMessages
from .ordering import Ordering

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

    from ..world.conversations import PrivateConversation
    from ..world.models import Message, User
    from . import expected as names


class Talking(Ordering):
    """A world whose users talk in private."""

    @property
    def private_conversations(self) -> Copies[PrivateConversation]:
        """All private conversations, oldest first. docs/api/private.md."""
        return self._read(lambda store: Copies(store.conversations.values()))

    @property
    def private_messages(self) -> PrivateMessages:
        """All private messages, by conversation, oldest first. Filter them with `private_messages.where(user=bob)`."""
        return self._read(lambda store: PrivateMessages(store, store.archive.messages(store.conversations)))

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

    def assert_private_message(
        self, *, times: int | None = None, within: float | None = None, **expected: Unpack[names.PrivateMessageFields]
    ) -> Message:
        """Assert that a private message was sent, in whichever way.

        Args:
            times: the exact number. Default: at least one.
            within: how long to wait for it.
            expected: its attributes, such as `content`, `tags`, `event`. `from_user` and `to_user` are users or names.

        Returns:
            The first one that matches.

        Raises:
            AssertionError: nothing matches, or their number is not `times`.
            ValueError: a name, `times` or `within` is invalid.
        """
        __tracebackhide__ = True
        return self._one(kinds.PRIVATE_MESSAGE, expected, times, within)

    def assert_no_private_message(
        self, *, within: float | None = None, **expected: Unpack[names.PrivateMessageFields]
    ) -> None:
        """Assert that no such private message was sent. Arguments as for `assert_private_message`.

        Raises:
            AssertionError: something matches, or comes `within` that time.
            ValueError: a name, a user or the event is unknown, so that nothing could match; or `within` is invalid.
        """
        __tracebackhide__ = True
        self._none(kinds.PRIVATE_MESSAGE, expected, within)
