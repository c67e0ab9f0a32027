"""Explain a 404 to the author of a test. Flowdock itself gives no reason."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from ..api import routing
from ..api.routing import ALIKE, nearest_route
from ..api.unanswered import why_unanswered
from ..contract.errors import Gone, InvalidFlow, NoSuchRoute, NotFound, Refusal
from ..redaction import brief
from ..suggestions import did_you_mean
from ..world import private, tagging
from . import credential_hints

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..api.callers import Caller
    from ..api.exchange import Exchange
    from ..world.message_store import FlowArchive
    from ..world.models import Flow
    from ..world.store import Store

PRIVATE = "/private/"  # the beginning of its routes


def why_not_found(exchange: Exchange, store: Store) -> str | None:
    """Return why a request was not found, or None if there is nothing to add.

    Args:
        exchange: the rejected request.
        store: the world as it is now, which may have changed since.
    """
    refusal = exchange.refusal
    if isinstance(refusal, NoSuchRoute):
        if (why := unanswered(exchange)) is not None:
            return f"this path {why}"
        near = nearest_route(exchange.method, exchange.shown_path)
        return near and f"did you mean {near[0]}? ({near[1]})"
    if isinstance(refusal, InvalidFlow):
        return _parameter(store, str((exchange.known_parameters or {}).get("flow")), exchange.caller)
    if not isinstance(refusal, NotFound):
        return None
    route = routing.route_of({"HTTP_HOST": exchange.request.headers.get("host", "")}, exchange.path)
    try:
        match = routing.match(exchange.method, route)
    except Refusal:
        return None
    if match.operation.contract.streams and "flow" not in match.values:
        return _filtered(store, str((exchange.known_parameters or {}).get("filter", "")), exchange.caller)
    if "flow_api_tokens" in match.values:
        return credential_hints.why_not_pushed(store, match.values["flow_api_tokens"])
    if route.startswith(PRIVATE):
        return _private(store, match.values, exchange.caller)
    return _place(store, match.values, exchange.caller) or _inside(store, match.values, route)


def why_gone(exchange: Exchange, store: Store) -> str | None:
    """Return which source was deleted, or None."""
    fields = exchange.known_parameters or {}
    for name in ("flow_token", "token"):
        if isinstance(exchange.refusal, Gone) and isinstance(fields.get(name), str):
            source = store.deleted_sources.get(store.source_id_by_flow_token(fields[name]) or 0)
            if source is not None:
                return f"source {source.name} was deleted: stop posting, and ask for a new one"
    return None


def unanswered(exchange: Exchange) -> str | None:
    """Return why a path is not answered although Flowdock had it, or None."""
    return why_unanswered(exchange.path, exchange.request.headers.get("host", ""))


def _parameter(store: Store, named: str, caller: Caller | None) -> str | None:
    """Return why the flow in the parameter `flow` was not found: its id, or its two names with a colon between."""
    organization, colon, name = named.partition(":")
    for flow in () if colon or named in store.flows else store.flows.values():
        path = store.path_of(flow)
        if named.casefold() in (path, flow.parameterized_name, flow.name.casefold()):
            return f"unknown flow {brief(named)!r}: did you mean {path.replace('/', ':')}, with a colon between?"
    return _flow(store, organization, name, caller, named)


def _filtered(store: Store, given: str, caller: Caller | None) -> str | None:
    """Return why a flow in the filter of a stream was not found."""
    for called in tagging.split(given):
        organization, _, name = called.replace(":", "/", 1).partition("/")
        if (why := _flow(store, organization, name, caller, called)) is not None:
            return why
    return None


def _private(store: Store, path: Mapping[str, str], caller: Caller | None) -> str | None:
    """Return why a user to talk to, or a private message, was not found."""
    number, user = path.get("user_id", path.get("id", "")), None if caller is None else caller.user
    other = store.users.get(_whole(number))
    if other is None or user is None:
        return f"unknown user {number}{_some(store.users)}"
    if other.id == user.id:
        return f"user {user.name} cannot talk to themselves"
    is_message, conversation = {"user_id", "id"} <= path.keys(), private.conversation_of(store, user, other)
    if is_message and conversation is not None:
        return _message(store.archive.of(conversation.id), path["id"], conversation.id)
    if is_message and private.may_talk(store, user, other):
        return f"user {user.name} has no conversation with user {other.name}"
    return f"user {user.name} shares no organization with user {other.name}"


def _place(store: Store, path: Mapping[str, str], caller: Caller | None) -> str | None:
    """Return why an organization or a flow was not found; None if the caller can see it."""
    if "organization" not in path:
        return None
    if "flow" in path:
        return _flow(store, path["organization"], path["flow"], caller)
    organization = store.organization_named(path["organization"])
    if organization is None:
        names = [each.parameterized_name for each in store.organizations.values()]
        return f"unknown organization {path['organization']!r}{_near(path['organization'], names)}"
    user = caller.user if caller is not None else None
    if user is not None and not store.belongs(user, organization.id):
        return f"user {user.name} does not belong to organization {organization.parameterized_name}"
    return None


def _flow(store: Store, organization: str, name: str, caller: Caller | None, called: str | None = None) -> str | None:
    flow = store.flow_named(organization, name) or store.flows.get(called or "")
    if flow is None:
        colon = ":" if called is not None and (":" in called or "/" not in called) else "/"
        paths = [store.path_of(each).replace("/", colon) for each in store.flows.values()]
        called = called or f"{organization}/{name}"
        return f"unknown flow {called!r}{_near(called, paths)}"
    path = store.path_of(flow)
    if caller is not None and caller.source is not None and caller.source.flow_id != flow.id:
        own = store.flows.get(caller.source.flow_id)
        return f"source {caller.source.name} belongs to {store.path_of(own) if own else 'another flow'}"
    if flow.disabled:
        return f"flow {path} is archived"
    if caller is not None and caller.user is not None and not flow.is_seen_by(caller.user):
        blocked = "is blocked in" if caller.user.id in flow.blocked_ids else "is not a member of"
        return f"user {caller.user.name} {blocked} flow {path}"
    return None


def _inside(store: Store, path: Mapping[str, str], requested: str) -> str | None:
    """Return why the source, message, thread or user in a path was not found; None for anything else."""
    flow = store.flow_named(path.get("organization", ""), path.get("flow", ""))
    number = path.get("message", path.get("id", ""))
    kinds = requested.split("/")
    if "users" in kinds:
        where = path.get("organization", "") if flow is None else store.path_of(flow)
        there = store.users if flow is None else sorted(flow.member_ids)
        return f"unknown user {number}{where and f' in {where}'}{_some(there)}"
    if flow is None or not number:
        return None
    if "source" in kinds or "sources" in kinds:
        return _source(store, flow, number)
    archive, where = store.archive.of(flow.id), store.path_of(flow)
    if "threads" in kinds:
        return f"unknown thread {number} in {where}{_some(archive.threads)}"
    return _message(archive, number, where)


def _message(archive: FlowArchive, number: str, where: str) -> str:
    event = archive.events.get(_whole(number))
    if event is not None:
        changed = f" of message {event.content['message']}" if "message" in event.content else ""
        return f"{number} in {where} is the event {event.event}{changed}, and no message"
    return f"unknown message {number} in {where}{_some(archive.messages)}"


def _source(store: Store, flow: Flow, number: str) -> str:
    known = _whole(number)
    if known in store.deleted_sources:
        return f"source {number} was deleted"
    if (source := store.sources.get(known)) is not None:
        return f"source {number} is in flow {store.path_of(store.flows[source.flow_id])}"
    return f"unknown source {number} in {store.path_of(flow)}{_some(s.id for s in store.sources_of_flow(flow))}"


def _whole(number: str) -> int:
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 19 else 0


def _some(there: Iterable[object]) -> str:
    """List what exists, up to five items."""
    keys = [str(key) for _, key in zip(range(6), there, strict=False)]
    return f"; known: {', '.join(keys)}" if 0 < len(keys) < 6 else ""


def _near(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1, cutoff=ALIKE)
    return did_you_mean(next(iter(near), None), _some(names))
