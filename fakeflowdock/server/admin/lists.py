"""The operations of docs/admin/lists.md."""

from __future__ import annotations

import base64
from datetime import datetime
from itertools import dropwhile, islice
from typing import TYPE_CHECKING, Any, TypeVar

from ...api import wire
from ...world.bound import bound
from ...world.chat_text import words
from ...world.clock import timestamp
from ...world.message_store import Filter
from . import entities
from .errors import Invalid
from .operations import of_a_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ...world.message_store import FlowArchive
    from ...world.models import Flow, Thread
    from ..worlds import ServedWorld
    from .operations import OperatorCall

Listed = list[dict[str, Any]]
T = TypeVar("T")

LIMIT = 100  # entities in a response
SEARCHED = ("id", "name", "nick", "email", "external_url", "error_message")


def _by_id(
    call: OperatorCall, world: ServedWorld, name: str, shown: Callable[[Any], dict[str, Any]], *, of: Flow | None = None
) -> Listed:
    """Return a page of the entities with numbers that the store has under a name, ordered by their numbers."""
    store, after = world.store, call.fields.get("after", 0)
    with store.lock:
        found: Mapping[int, Any] = getattr(store, name)
        searched = call.fields.get("search", "").casefold().split()
        numbers = sorted(
            number
            for number, each in found.items()
            if number > after and (of is None or each.flow_id == of.id) and _has(each, searched)
        )
        return [shown(bound(found[each], store)) for each in numbers[: call.fields.get("limit", LIMIT)]]


def _has(entity: Any, searched: Iterable[str]) -> bool:
    """Return whether the texts by which people know an entity have all these words, in small letters."""
    texts = " ".join(str(getattr(entity, name, None) or "") for name in SEARCHED).casefold()
    return all(word in texts for word in searched)


def _in_order(call: OperatorCall, found: Iterable[T], kind: str, name: Callable[[T], str]) -> list[T]:
    """Return a page of entities that have a text for an id, in their order. Raises Invalid."""
    if (after := call.fields.get("after")) is not None:
        left = dropwhile(lambda each: name(each) != after, found)
        if next(left, None) is None:
            raise Invalid.at("/after", Invalid.NO_ENTITY.format(kind=kind))
        found = left
    return list(islice(found, call.fields.get("limit", LIMIT)))


def _flow(call: OperatorCall, world: ServedWorld) -> Flow | None:
    """Return the flow in the field `flow`, or None. Raises Invalid."""
    if "flow" not in call.fields:
        return None
    flow: Flow = entities.given(world.store, "flow", call.fields["flow"])
    return flow


@of_a_world("GET organizations")
def list_organizations(call: OperatorCall, world: ServedWorld) -> Listed:
    """Return the organizations."""
    return _by_id(call, world, "organizations", entities.organization)


@of_a_world("GET users")
def list_users(call: OperatorCall, world: ServedWorld) -> Listed:
    """Return the users."""
    return _by_id(call, world, "users", entities.user)


@of_a_world("GET flows")
def list_flows(call: OperatorCall, world: ServedWorld) -> Listed:
    """Return the flows, with how far their messages go."""
    store = world.store
    with store.lock:
        page = _in_order(call, store.flows.values(), "flow", lambda each: each.id)
        return [{"flow": entities.flow(bound(each, store)), **_extent(world, each.id)} for each in page]


@of_a_world("GET applications")
def list_applications(call: OperatorCall, world: ServedWorld) -> Listed:
    """Return the applications."""
    return _by_id(call, world, "applications", entities.application)


@of_a_world("GET access-tokens")
def list_access_tokens(call: OperatorCall, world: ServedWorld) -> Listed:
    """Return the access tokens that are not revoked."""
    store = world.store
    with store.lock:
        valid = (each for each in store.access_tokens if not store.is_revoked(each))
        page = _in_order(call, valid, "access token", lambda each: each.access_token)
        return [entities.access_token(each) for each in page]


@of_a_world("GET sources")
def list_sources(call: OperatorCall, world: ServedWorld) -> Listed:
    """Return the sources, or those that were deleted."""
    name = "deleted_sources" if call.fields.get("deleted", False) else "sources"
    return _by_id(call, world, name, lambda each: entities.source(each, world.store), of=_flow(call, world))


@of_a_world("GET messages")
def list_messages(call: OperatorCall, world: ServedWorld) -> Listed:
    """Return messages of a flow or a private conversation, with the requests that made them."""
    given, app = call.fields, world.app
    store, base, search = app.store, call.base, given.get("search", "")
    if "conversation" in given and "flow" in given:
        raise Invalid.at("/conversation", Invalid.NOT_BOTH.format(other="flow"))
    with store.lock:
        place = given.get("conversation")
        if place is None:
            flow = _flow(call, world) or next(iter(store.flows.values()), None)
            place = "" if flow is None else flow.id
        elif place not in store.conversations:
            raise Invalid.at("/conversation", Invalid.NO_ENTITY.format(kind="conversation"))
        found = store.archive.of(place).find(
            Filter(
                given.get("limit", LIMIT),
                keywords=words(search) or search.split(),
                above=given.get("after"),
                below=given.get("before"),
                newest="after" not in given,
                thread_id=given.get("thread"),
            )
        )
        request_of = app.journal.requests_of(app.replaced)
        return [
            {
                "message": entities.message(each, store),
                "request": request_of(each.event_id),
                "shown": wire.message(each, store, base),
            }
            for each in found
        ]


@of_a_world("GET files")
def get_file(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Return the bytes of a file, in base64."""
    token = (*call.fields["path"].split("/"), "", "", "", "")[3]  # /files/:organization_id/:token/:name
    with world.store.lock:
        if (found := world.store.archive.file(token)) is None:
            raise Invalid.at("/path", Invalid.NO_FILE)
        file = found[1]
    data = base64.b64encode(file.data).decode()
    return {"file_name": file.file_name, "content_type": file.content_type, "data": data}


@of_a_world("GET threads")
def list_threads(call: OperatorCall, world: ServedWorld) -> Listed:
    """Return the threads of a flow, the last updated first."""
    store, given = world.store, call.fields
    until = datetime.fromisoformat(given["until"]) if "until" in given else None
    with store.lock:
        flow = _flow(call, world) or next(iter(store.flows.values()), None)
        if flow is None:
            return []
        archive, limit = store.archive.of(flow.id), given.get("limit", LIMIT)
        if given.get("inbox", False):
            every, _ = archive.threads_between(None, until, len(archive.messages))
            found = list(islice((each for each in every if _is_in_inbox(each, archive)), limit))
        else:
            found, _ = archive.threads_between(None, until, limit)
        return [
            {
                "id": each.id,
                "flow": store.path_of(flow),
                "source": each.source_id,
                "updated_at": timestamp(each.updated_at),
                "shown": wire.thread(each, store, call.base),
            }
            for each in found
        ]


def _is_in_inbox(thread: Thread, archive: FlowArchive) -> bool:
    """Return whether a thread is an item of the team inbox: of a source, or begun by a mail."""
    first = archive.messages.get(thread.initial_message)
    return thread.source_id is not None or (first is not None and first.event == "mail")


@of_a_world("GET conversations")
def list_conversations(call: OperatorCall, world: ServedWorld) -> Listed:
    """Return the private conversations."""
    conversations = world.store.conversations
    with world.store.lock:
        page = _in_order(call, conversations.values(), "conversation", lambda each: each.id)
        return [{"id": each.id, "users": sorted(each.user_ids), **_extent(world, each.id)} for each in page]


def _extent(world: ServedWorld, place: str) -> dict[str, Any]:
    """Return how far the messages of a flow or a conversation go."""
    archive = world.store.archive.of(place)
    newest = archive.newest
    return {"messages": len(archive.messages), "last_message": None if newest is None else newest.id}
