"""What was posted: the messages, threads and files of each flow, and the ways to find them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice, takewhile
from typing import TYPE_CHECKING

from .chat_text import words
from .copy_on_write import Branching, Groups
from .id_sets import IdSet, Index
from .thread_order import Order
from .word_index import WordIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, MutableMapping, Sequence
    from datetime import datetime

    from .models import File, Message, Thread


@dataclass(frozen=True)
class Filter:
    """Which messages of a flow are asked for. docs/api/messages.md#list-messages.

    Attributes:
        tags, keywords: with any of these two the list is one of a search, for which `skip` counts and nothing below.
        any_tag: whether one of the tags is enough.
        events: the events that count; empty for every one.
        above, below: numbers between which the messages are.
        newest: which end is taken where there are more than `limit`.
        thread_id: the thread to stay in.
    """

    limit: int
    tags: Sequence[str] = ()
    keywords: Sequence[str] = ()
    any_tag: bool = False
    skip: int = 0
    events: Sequence[str] = ()
    above: int | None = None
    below: int | None = None
    newest: bool = True
    thread_id: str | None = None


class FlowArchive(Branching):
    """The messages and threads of one flow. Messages come in the order of their numbers, mostly."""

    def __init__(self) -> None:
        self.messages: MutableMapping[int, Message] = {}
        self.threads: MutableMapping[str, Thread] = {}
        self.statuses: MutableMapping[int, str] = {}  # by user: the text of their last status
        self._ids = IdSet()
        self._events = Index()
        self._threads = Index()
        self._tags = Index()
        self._words = WordIndex()
        self._order = Order()  # of the threads that have messages

    # Messages

    def add(self, message: Message) -> None:
        """Keep a message."""
        self.messages[message.id] = message
        self._index(message)
        if message.event == "status" and message.user_id is not None and message.content is not None:
            self.statuses[message.user_id] = message.content

    def remove(self, message: Message) -> None:
        """Forget a message."""
        del self.messages[message.id]
        self._forget(message)

    def change(self, after: Message) -> None:
        """Put a changed message in the place of the one with its number."""
        self._forget(self.messages[after.id])
        self.messages[after.id] = after
        self._index(after)

    def _index(self, message: Message) -> None:
        number = message.id
        self._ids.add(number)
        self._events.add(message.event, number)
        if message.thread_id is not None:
            self._threads.add(message.thread_id, number)
        for tag in message.tags:
            self._tags.add(tag.casefold(), number)
        self._words.add(words_of(message), number)

    def _forget(self, message: Message) -> None:
        number = message.id
        self._ids.discard(number)
        self._events.discard(message.event, number)
        if message.thread_id is not None:
            self._threads.discard(message.thread_id, number)
        for tag in message.tags:
            self._tags.discard(tag.casefold(), number)
        self._words.discard(words_of(message), number)

    def find(self, asked: Filter) -> list[Message]:
        """The messages that a filter lets through, in ascending order."""
        if asked.tags or asked.keywords:
            found = self._tagged(asked) | self._words.find(asked.keywords)
            if asked.thread_id is not None:
                found = found & self._threads[asked.thread_id]
            numbers = found.page(asked.limit, skip=asked.skip)
        else:
            found = self._ids if asked.thread_id is None else self._threads[asked.thread_id]
            if asked.events:
                events = IdSet()
                for event in asked.events:
                    events = events | self._events[event]
                found = found & events
            numbers = found.page(asked.limit, above=asked.above, below=asked.below, newest=asked.newest)
        return [self.messages[number] for number in numbers]

    def _tagged(self, asked: Filter) -> IdSet:
        found: IdSet | None = None
        for tag in asked.tags:
            having = self._tags[tag.casefold()]
            found = having if found is None else found | having if asked.any_tag else found & having
        return IdSet() if found is None else found

    @property
    def newest(self) -> Message | None:
        """The last message, or None."""
        for number in self._ids.page(1):
            return self.messages[number]
        return None

    def count_tagged(self, tag: str) -> int:
        """How many messages have a tag."""
        return len(self._tags[tag])

    # Threads

    def keep(self, thread: Thread) -> Thread:
        """Keep a thread, new or changed."""
        before = self.threads.get(thread.id)
        if before is not None:
            self._order.discard(before)
        self.threads[thread.id] = thread
        if thread.id in self._threads:
            self._order.add(thread)
        return thread

    def threads_between(self, since: datetime | None, until: datetime | None, limit: int) -> tuple[list[Thread], bool]:
        """The threads updated after one moment and before another, newest first; and whether there are more."""
        found = takewhile(lambda thread: since is None or thread.updated_at > since, self._order.backwards(until))
        threads = list(islice(found, limit + 1))
        return threads[:limit], len(threads) > limit


EMPTY = FlowArchive()  # of a flow to which nothing was posted; nobody writes to it


class Archive(Branching):
    """What was posted to all flows."""

    def __init__(self) -> None:
        self._flows: Groups[str, FlowArchive] = Groups()
        self._files: MutableMapping[str, tuple[str, int]] = {}  # by token: the flow and the number of the message
        self._external: MutableMapping[tuple[int, str], tuple[str, str]] = {}  # by source and its id: flow, thread

    def of(self, flow_id: str) -> FlowArchive:
        """What was posted to one flow, to be read."""
        flow: FlowArchive = self._flows.get(flow_id, EMPTY)
        return flow

    def _own(self, flow_id: str) -> FlowArchive:
        """The same, to be written to."""
        return self._flows.own(flow_id, FlowArchive)

    def messages(self, flow_ids: Iterable[str]) -> Iterator[Message]:
        """Every message of some flows, flow by flow, oldest first."""
        return (message for flow_id in flow_ids for message in self.of(flow_id).messages.values())

    def threads(self, flow_ids: Iterable[str]) -> Iterator[Thread]:
        """Every thread of some flows, flow by flow, oldest first."""
        return (thread for flow_id in flow_ids for thread in self.of(flow_id).threads.values())

    def add(self, message: Message) -> Message:
        """Keep a message, with its files."""
        self._own(message.flow_id).add(message)
        for file in message.attachments:
            self._files[file.file_token] = (message.flow_id, message.id)
        return message

    def change(self, message: Message, *, retitle: bool = False) -> None:
        """Put a changed message in the place of the one with its number.

        Args:
            retitle: whether the thread of the chat that began with it is to be called by its new content.
        """
        flow = self._own(message.flow_id)
        flow.change(message)
        thread = flow.threads.get(message.thread_id or "")
        if retitle and thread is not None and thread.source_id is None and thread.initial_message == message.id:
            flow.keep(replace(thread, title=message.content or ""))

    def remove(self, message: Message) -> None:
        """Forget a message, with its files, and count it no longer in its thread."""
        flow = self._own(message.flow_id)
        flow.remove(message)
        for file in message.attachments:
            del self._files[file.file_token]
        if message.thread_id is not None:
            flow.keep(flow.threads[message.thread_id].counting(message.event, -1))

    def keep(self, thread: Thread) -> Thread:
        """Keep a thread, new or changed."""
        if thread.source_id is not None and thread.external_thread_id is not None:
            self._external[thread.source_id, thread.external_thread_id] = (thread.flow_id, thread.id)
        return self._own(thread.flow_id).keep(thread)

    def thread_of(self, source_id: int, external_thread_id: str) -> Thread | None:
        """The thread that a source calls by an id of its own, or None."""
        flow_id, thread_id = self._external.get((source_id, external_thread_id), ("", ""))
        return self.of(flow_id).threads[thread_id] if thread_id else None

    @property
    def file_tokens(self) -> Iterable[str]:
        """The token of each file."""
        return self._files

    def has_file(self, file_token: str) -> bool:
        """Whether there is a file of that token."""
        return file_token in self._files

    def file(self, file_token: str) -> tuple[Message, File] | None:
        """The file of that token with its message, or None."""
        flow_id, number = self._files.get(file_token, ("", 0))
        if not flow_id:
            return None
        message = self.of(flow_id).messages[number]
        return message, next(file for file in message.attachments if file.file_token == file_token)


def words_of(message: Message) -> set[str]:
    """The words by which a message is found."""
    found: set[str] = set()
    for text in (message.title if message.parent_id is None else None, message.body):
        if text:
            found.update(words(text, html=True))
    if message.content:
        found.update(words(message.content))
    if message.mail is not None:
        found.update(words(message.mail.subject), words(message.mail.content, html=True))
    for file in message.attachments:
        found.update(words(file.file_name))
    return found
