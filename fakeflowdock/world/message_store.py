"""The messages, events, threads and files of each flow and private conversation, with indexes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from itertools import islice, takewhile
from operator import and_, or_
from typing import TYPE_CHECKING

from .copy_on_write import Branching, Groups, Numbered
from .id_sets import IdSet, Index
from .thread_order import Order
from .threads import FlowThreads, shortest, thread_of
from .word_index import Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, MutableMapping, Sequence
    from datetime import datetime

    from .models import Event, Message, Thread
    from .threads import Kept
    from .values import File


@dataclass(frozen=True)
class Filter:
    """A filter for the messages of a flow. docs/api/messages.md#list-messages.

    Attributes:
        tags, keywords: either makes the list a search, in which `skip` applies and the attributes below do not.
        any_tag: whether one matching tag is enough.
        events: the events to include; empty for all.
        above, below: exclusive bounds for the numbers.
        newest: which end to take if there are more than `limit`.
        thread_id: only messages of this thread.
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
    """The messages, events and threads of one flow. Messages are mostly added in the order of their numbers."""

    def __init__(self) -> None:
        self.messages: MutableMapping[int, Message] = Numbered()
        self.events: MutableMapping[int, Event] = {}
        self.threads = FlowThreads()
        self.statuses: MutableMapping[int, str] = {}  # by user: the text of the latest status
        self._ids = IdSet()
        self._events = Index()
        self._threads = Index()  # without the messages that started them, which most threads have alone
        self._tags = Index()
        self._sources = Index()
        self._words = Words(self.messages)
        self._order = Order()  # of threads with messages

    # Messages

    def add(self, message: Message, thread: Thread | None = None) -> None:
        """Add a message, with its new or updated thread."""
        self.messages[message.id] = message
        if thread is None:
            self._index(message)
        else:
            before = self.threads.get(thread.id)
            self.threads.put(thread)
            self._index(message)
            self._reorder(before, thread)
        if message.event == "status" and message.user_id is not None and message.content is not None:
            self.statuses[message.user_id] = message.content

    def begin(self, message: Message, thread: Kept) -> None:
        """Add a message that starts a thread."""
        self.messages[message.id] = message
        self.threads.put(thread)
        self._list(message)
        self._order.add(thread)

    def remove(self, message: Message) -> None:
        """Remove a message."""
        del self.messages[message.id]
        self._forget(message)

    def was_removed(self, number: int) -> bool:
        """Return whether there was a message with a number, as an event tells."""
        told = (each.content for each in self.events.values() if each.event == "message-delete")
        return any(isinstance(content, Mapping) and content.get("message") == number for content in told)

    def change(self, after: Message) -> None:
        """Replace a message by a changed one."""
        self._forget(self.messages[after.id])
        self.messages[after.id] = after
        self._index(after)

    def _index(self, message: Message) -> None:
        self._list(message)
        if (thread_id := message.thread_id) is not None and self.threads.first_of(thread_id) != message.id:
            self._threads.add(thread_id, message.id)

    def _list(self, message: Message) -> None:
        """Index a message by everything but its thread."""
        self._ids.add(message.id)
        self._words.add(message)
        for index, name in self._names(message):
            index.add(name, message.id)

    def _forget(self, message: Message) -> None:
        self._ids.discard(message.id)
        self._words.discard(message)
        if message.thread_id is not None:
            self._threads.discard(message.thread_id, message.id)
        for index, name in self._names(message):
            index.discard(name, message.id)

    def _names(self, message: Message) -> Iterator[tuple[Index, str]]:
        yield self._events, message.event
        if message.source_id is not None:
            yield self._sources, str(message.source_id)
        yield from ((self._tags, tag.casefold()) for tag in message.tags)

    def find(self, criteria: Filter) -> list[Message]:
        """Return the messages that match a filter, in ascending order."""
        if criteria.tags or criteria.keywords:
            found = self._tagged(criteria) | self._words.find(criteria.keywords)
            if criteria.thread_id is not None:
                found = found & self._of_thread(criteria.thread_id)
            numbers = found.page(criteria.limit, skip=criteria.skip)
        else:
            found = self._ids if criteria.thread_id is None else self._of_thread(criteria.thread_id)
            if criteria.events:
                found = found & reduce(or_, (self._events[event] for event in criteria.events))
            numbers = found.page(criteria.limit, above=criteria.above, below=criteria.below, newest=criteria.newest)
        return [self.messages[number] for number in numbers]

    def _tagged(self, criteria: Filter) -> IdSet:
        tagged = [self._tags[tag.casefold()] for tag in criteria.tags]
        return reduce(or_ if criteria.any_tag else and_, tagged) if tagged else IdSet()

    @property
    def newest(self) -> Message | None:
        """Return the latest message, or None."""
        return next((self.messages[number] for number in self._ids.page(1)), None)

    def newest_of(self, source_id: int) -> Message | None:
        """Return the latest message of a source, or None."""
        return next((self.messages[number] for number in self._sources[str(source_id)].page(1)), None)

    def count_tagged(self, tag: str) -> int:
        """Return the number of messages with a tag."""
        return len(self._tags[tag])

    # Threads

    def keep(self, thread: Thread) -> Thread:
        """Add or update a thread."""
        before, kept = self.threads.get(thread.id), shortest(thread, self.messages.get(thread.initial_message))
        self.threads.put(kept)
        self._reorder(before, kept)
        return thread

    def _reorder(self, before: Thread | None, after: Kept) -> None:
        """Put a thread in its place, if it has messages."""
        thread = thread_of(after)
        if before is not None:
            self._order.discard(before)
        if self._first(thread) is not None or thread.id in self._threads:
            self._order.add(after)

    def _of_thread(self, thread_id: str) -> IdSet:
        """Return the numbers of the messages of a thread."""
        found, thread = self._threads[thread_id], self.threads.get(thread_id)
        first = None if thread is None else self._first(thread)
        return found if first is None or first in found else found | IdSet((first,))

    def _first(self, thread: Thread) -> int | None:
        """Return the number of the message that started a thread; None if it is not there any more."""
        number = thread.initial_message
        first = self.messages.get(number)
        return number if first is not None and first.thread_id == thread.id else None

    def threads_between(self, since: datetime | None, until: datetime | None, limit: int) -> tuple[list[Thread], bool]:
        """Return the threads updated between two times, newest first, and whether there are more."""
        found = takewhile(
            lambda thread: since is None or thread.updated_at > since, map(thread_of, self._order.backwards(until))
        )
        threads = list(islice(found, limit + 1))
        return threads[:limit], len(threads) > limit


EMPTY = FlowArchive()  # of a flow without messages; it is never written to


class Archive(Branching):
    """The messages, events, threads and files of all flows and conversations."""

    def __init__(self) -> None:
        self._flows: Groups[str, FlowArchive] = Groups()
        self.files: MutableMapping[str, tuple[str, int]] = {}  # by token: flow and message number
        # By `event_id`: messages and events, and of a message that was removed the id of its flow.
        self._log: MutableMapping[int, Message | Event | str] = Numbered()
        self._external: MutableMapping[tuple[int, str], tuple[str, str]] = {}  # by source and external id: flow, thread

    def of(self, flow_id: str) -> FlowArchive:
        """Return the archive of a flow, for reading."""
        flow: FlowArchive = self._flows.get(flow_id, EMPTY)
        return flow

    def _own(self, flow_id: str) -> FlowArchive:
        """Return the archive of a flow, for writing."""
        return self._flows.own(flow_id, FlowArchive)

    def messages(self, flow_ids: Iterable[str]) -> Iterator[Message]:
        """Yield the messages of some flows, by flow, oldest first."""
        return (message for flow_id in flow_ids for message in self.of(flow_id).messages.values())

    def events(self, flow_ids: Iterable[str]) -> Iterator[Event]:
        """Yield the events of some flows, by flow, oldest first."""
        return (event for flow_id in flow_ids for event in self.of(flow_id).events.values())

    def threads(self, flow_ids: Iterable[str]) -> Iterator[Thread]:
        """Yield the threads of some flows, by flow, oldest first."""
        return (thread for flow_id in flow_ids for thread in self.of(flow_id).threads.values())

    def add(self, message: Message, thread: Thread | None = None) -> Message:
        """Add a message with its files, and with its new or updated thread."""
        self._own(message.flow_id).add(message, thread)
        if thread is not None:
            self._name(thread)
        return self._noted(message)

    def _noted(self, message: Message) -> Message:
        self._log[message.event_id] = message
        for file in message.attachments:
            self.files[file.file_token] = (message.flow_id, message.id)
        return message

    def begin(self, message: Message, thread: Thread | None = None) -> Message:
        """Add a message that starts a thread, with its files.

        Args:
            thread: the new thread; None if it is only this chat message.
        """
        self._own(message.flow_id).begin(message, thread or message)
        if thread is not None:
            self._name(thread)
        return self._noted(message)

    def record(self, event: Event) -> None:
        """Add an event. No list of messages has it."""
        self._own(event.flow_id).events[event.id] = event
        self._log[event.event_id] = event

    def event(self, event_id: int) -> Message | Event | None:
        """Return the message or event with a number among all events, or None if it is not stored."""
        found: Message | Event | str | None = self._log.get(event_id)
        return None if isinstance(found, str) else found

    def flow_of(self, event_id: int) -> str | None:
        """Return the id of the flow of a message or event, also of a removed message, or None if there is none."""
        found: Message | Event | str | None = self._log.get(event_id)
        return found if found is None or isinstance(found, str) else found.flow_id

    def change(self, message: Message, *, retitle: bool = False) -> None:
        """Replace a message by a changed one.

        Args:
            retitle: whether to update the title of the thread that the message started.
        """
        flow = self._own(message.flow_id)
        flow.change(message)
        self._log[message.event_id] = message
        thread = flow.threads.get(message.thread_id or "")
        if retitle and thread is not None and thread.source_id is None and thread.initial_message == message.id:
            flow.keep(replace(thread, title=message.content or ""))

    def remove(self, message: Message) -> None:
        """Remove a message with its files, and update the counters of its thread."""
        flow = self._own(message.flow_id)
        flow.remove(message)
        self._log[message.event_id] = message.flow_id
        for file in message.attachments:
            del self.files[file.file_token]
        if message.thread_id is not None:
            flow.keep(flow.threads[message.thread_id].counting(message.event, -1))

    def keep(self, thread: Thread) -> Thread:
        """Add or update a thread."""
        self._name(thread)
        return self._own(thread.flow_id).keep(thread)

    def _name(self, thread: Thread) -> None:
        if thread.source_id is not None and thread.external_thread_id is not None:
            self._external[thread.source_id, thread.external_thread_id] = (thread.flow_id, thread.id)

    def thread_of(self, source_id: int, external_thread_id: str) -> Thread | None:
        """Return the thread with a source's external id, or None."""
        flow_id, thread_id = self._external.get((source_id, external_thread_id), ("", ""))
        return self.of(flow_id).threads[thread_id] if thread_id else None

    def file(self, file_token: str) -> tuple[Message, File] | None:
        """Return the message and the file of a token, or None."""
        flow_id, number = self.files.get(file_token, ("", 0))
        if not flow_id:
            return None
        message = self.of(flow_id).messages[number]
        return message, next(file for file in message.attachments if file.file_token == file_token)
