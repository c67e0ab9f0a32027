"""Private conversations: who talks with whom. Their messages are in the archive, under the id of the conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .copy_on_write import Branching, Groups

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

PREFIX = "private/"  # of the ids of conversations, and of no flow


@dataclass(frozen=True)
class PrivateConversation:
    """A private conversation of two users.

    Attributes:
        id: `private/1-2`: the numbers of the users, the smaller one first.
        organization_id: an organization to which both belonged when it began.
        user_ids: the two users.
        open_for: those of them who have it open.
    """

    id: str
    organization_id: int
    user_ids: frozenset[int]
    open_for: frozenset[int] = frozenset()

    @property
    def seen_by(self) -> frozenset[int]:
        """Return both users. One who has left the organization cannot see it: see `private.sees`."""
        return self.user_ids

    def other(self, user_id: int | None) -> int:
        """Return the user with whom one of the two talks."""
        [other] = self.user_ids - {user_id}
        return other


class Conversations(Branching, Mapping[str, PrivateConversation]):
    """All conversations by id, oldest first."""

    def __init__(self) -> None:
        self._known: MutableMapping[str, PrivateConversation] = {}
        self._of_user: Groups[int, MutableMapping[str, None]] = Groups()

    def __getitem__(self, conversation_id: str) -> PrivateConversation:
        return self._known[conversation_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def put(self, conversation: PrivateConversation) -> PrivateConversation:
        """Add or update a conversation."""
        if conversation.id not in self._known:
            for user_id in conversation.user_ids:
                self._of_user.own(user_id, dict)[conversation.id] = None
        self._known[conversation.id] = conversation
        return conversation

    def of(self, user_id: int) -> list[PrivateConversation]:
        """Return the conversations of a user, oldest first."""
        return [self._known[each] for each in self._of_user.get(user_id, ())]


def id_of(user_ids: frozenset[int]) -> str:
    """Return the id of the conversation of two users."""
    return f"{PREFIX}{'-'.join(map(str, sorted(user_ids)))}"
