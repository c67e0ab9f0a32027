"""The messages and threads of a world, as lists with filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Never

from ..world import factories
from ..world.bound import all_bound
from ..world.fields import check_names
from ..world.models import Message, Thread
from . import errors
from .copies import Copies

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..world.models import Flow, Source, User
    from ..world.store import Store


class Messages(Copies[Message]):
    """Messages, oldest first."""

    def __init__(self, store: Store, messages: Iterable[Message]) -> None:
        super().__init__(all_bound(messages, store))
        self._store = store

    def where(
        self,
        *,
        flow: Flow | str | None = None,
        source: Source | str | None = None,
        user: User | str | None = None,
        thread: Thread | str | None = None,
        event: str | None = None,
        to_user: User | str | None = None,
        **unknown: Never,
    ) -> Messages:
        """Return the messages that match all given criteria.

        Args:
            flow: a flow or its path, `acme/ops`.
            source: the source that sent them, or its name.
            user: the user who sent them, or their name.
            thread: the thread, its id, or its `external_thread_id`.
            event: their event.
            to_user: the user to whom they were sent in private, or their name.

        Raises:
            ValueError: the flow, source, user or name of a criterion is unknown.
        """
        check_names("messages", unknown, ("flow", "source", "user", "thread", "event", "to_user"))
        store = self._store
        with store.lock:
            flow_id = _flow_id(store, flow)
            sources = ids_of(store, source, "source")
            users, recipients = ids_of(store, user, "user"), ids_of(store, to_user, "user")
            threads = None if thread is None else _thread_ids(store, thread)
        return Messages(
            self._store,
            (
                message
                for message in self
                if flow_id in (None, message.flow_id)
                and (sources is None or message.source_id in sources)
                and (users is None or message.user_id in users)
                and (recipients is None or message.to_user_id in recipients)
                and (threads is None or message.thread_id in threads)
                and event in (None, message.event)
            ),
        )


class Threads(Copies[Thread]):
    """Threads, oldest first."""

    def __init__(self, store: Store, threads: Iterable[Thread]) -> None:
        super().__init__(all_bound(threads, store))
        self._store = store

    def where(
        self,
        *,
        flow: Flow | str | None = None,
        source: Source | str | None = None,
        external_thread_id: str | None = None,
        **unknown: Never,
    ) -> Threads:
        """Return the threads that match all given criteria.

        Args:
            flow: a flow or its path, `acme/ops`.
            source: the source that they belong to, or its name.
            external_thread_id: the id that the source gave them.

        Raises:
            ValueError: the flow, source or name of a criterion is unknown.
        """
        check_names("threads", unknown, ("flow", "source", "external_thread_id"))
        with self._store.lock:
            flow_id = _flow_id(self._store, flow)
            sources = ids_of(self._store, source, "source")
        return Threads(
            self._store,
            (
                thread
                for thread in self
                if flow_id in (None, thread.flow_id)
                and (sources is None or thread.source_id in sources)
                and external_thread_id in (None, thread.external_thread_id)
            ),
        )


def _flow_id(store: Store, flow: Flow | str | None) -> str | None:
    if isinstance(flow, str):
        return factories.flow_at(store, flow).id
    return None if flow is None else flow.id


def _thread_ids(store: Store, thread: Thread | str) -> set[str]:
    if isinstance(thread, Thread):
        return {thread.id}
    threads = store.archive.threads(store.flows)
    return {each.id for each in threads if thread in (each.id, each.external_thread_id)}


def ids_of(store: Store, entity: Source | User | str | None, what: str) -> set[int] | None:
    """Return the ids of a source or user, or of all with that name; None for no filter. Raises ValueError."""
    if entity is None:
        return None
    if not isinstance(entity, str):
        return {entity.id}
    kept: list[Source | User] = [*store.users.values()]
    if what == "source":
        kept = [*store.sources.values(), *store.deleted_sources.values()]
    found = {each.id for each in kept if each.name == entity}
    if not found:
        raise ValueError(errors.UNKNOWN.format(what=what, name=entity))
    return found
