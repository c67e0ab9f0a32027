"""Validate a world in a file."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from ..contract.contracts import contracts
from ..contract.errors import Unreadable, ValidationError
from . import authorization, invitations, models
from .clock import LAST, timestamp
from .conversations import PREFIX, PrivateConversation, id_of
from .errors import WorldFileError
from .invitations import PENDING
from .scopes import SCOPES

if TYPE_CHECKING:
    from collections.abc import Iterator


KINDS: dict[str, type[Any]] = {
    "organizations": models.Organization,
    "users": models.User,
    "flows": models.Flow,
    "applications": models.Application,
    "sources": models.Source,
    "deleted_sources": models.Source,
    "conversations": PrivateConversation,
    "threads": models.Thread,
    "messages": models.Message,
    "events": models.Event,
    "invitations": invitations.Invitation,
    "outbox": invitations.SentInvitation,
    "access_tokens": authorization.AccessToken,
    "refresh_tokens": authorization.RefreshToken,
    "codes": authorization.AuthorizationCode,
    "sessions": authorization.Session,
}


REFERENCES = {
    "organization_id": "organizations",
    "user_id": "users",
    "owner_id": "users",
    "creator_id": "users",
    "inviter_id": "users",
    "application_id": "applications",
    "flow_id": "flows",
    "source_id": "sources",
    "thread_id": "threads",
    **dict.fromkeys((*models.USERS.values(), "user_ids", "open_for", "to_user_id"), "users"),
}


NUMBERED = ("messages", "events")  # each flow numbers them in one sequence
PRIVATE = ("message", "file")  # the events of private messages
PUBLIC = ("thread_id", "source_id", "parent_id", "external_user_name")  # what only messages of flows have
CHANGES = ("message-edit", "message-delete", "tag-change")  # the events of conversations

REPEATED = {("email", "invitations"), ("email", "outbox")}  # an address can be invited to several flows
UNIQUE = (
    "id",
    "email",
    "sso_uid",
    "scim_token",
    "sso_name",
    "api_token",
    "client_id",
    "client_secret",
    "access_token",
    "refresh_token",
    "code",
    "cookie",
)


def check_world(world: Any) -> None:
    """Validate JSON data as a world.

    Raises:
        WorldFileError: the data is invalid; `pointer` says where.
        ValueError: a text contains a lone surrogate.
    """
    check_characters(world)
    for pointer, reason in wrong(world):
        raise WorldFileError(f"{pointer} {reason}", pointer, reason)


def wrong(world: Any) -> Iterator[tuple[str, str]]:
    """Yield each error as a JSON pointer and a reason."""
    if isinstance(world, dict) and world and world.keys() <= {*KINDS, "private_messages"}:  # it lacks format and time
        yield "", WorldFileError.IS_SEED
        return
    violations = contracts().objects["world"].violations(world)
    yield from ((violation.pointer, violation.reason_in(world)) for violation in violations)
    if not violations:
        yield from _contradictions(world)


def check_characters(value: Any) -> None:
    """Raise ValueError if a text contains a lone surrogate, which no response and no file can hold."""
    pieces = [value]
    if isinstance(value, dict):  # of a large world, one entity at a time, so that other threads run meanwhile
        pieces = [[*value], *(item for items in value.values() for item in (items if type(items) is list else [items]))]
    try:
        for piece in pieces:
            json.dumps(piece, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(Unreadable.LONE_SURROGATE) from None


def _contradictions(world: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield unknown references and duplicates."""
    known = {kind: {entity["id"] for entity in world[kind]} for kind in set(REFERENCES.values())}
    known["sources"] |= {source["id"] for source in world["deleted_sources"]}
    places = known["flows"] | {conversation["id"] for conversation in world.get("conversations", ())}
    for kind in (*KINDS, "memberships"):
        seen: dict[str, set[Any]] = {}
        there = {**known, "flows": places} if kind in NUMBERED else known
        for position, entity in enumerate(world.get(kind, ())):
            for field, value in entity.items():
                pointer = f"/{kind}/{position}/{field}"
                for each in value if isinstance(value, list) else [value]:
                    if field in REFERENCES and each is not None and each not in there[REFERENCES[field]]:
                        yield pointer, WorldFileError.UNKNOWN_ENTITY.format(id=each, kind=REFERENCES[field])
                    if field == "scopes" and each not in SCOPES:
                        yield pointer, WorldFileError.UNKNOWN_SCOPE.format(scope=each)
                if (
                    field in UNIQUE
                    and kind not in NUMBERED
                    and value not in ("", None)
                    and (field, kind) not in REPEATED
                ):
                    key = str(value).casefold() if field in ("email", "sso_name") else value
                    if key in seen.setdefault(field, set()):
                        yield pointer, WorldFileError.DUPLICATE
                    seen[field].add(key)
    for duplicate in (
        (("organizations",), ("parameterized_name",), WorldFileError.DUPLICATE),
        (("flows",), ("organization_id", "parameterized_name"), WorldFileError.DUPLICATE_FLOW),
        (("memberships",), ("organization_id", "user_id"), WorldFileError.DUPLICATE),
        (("sources", "deleted_sources"), ("id",), WorldFileError.DUPLICATE_SOURCE),
        (("sources", "deleted_sources"), ("flow_token",), WorldFileError.DUPLICATE_SOURCE),
        (NUMBERED, ("flow_id", "id"), WorldFileError.DUPLICATE_MESSAGE),
    ):
        yield from _twice(world, *duplicate)
    yield from _contradictions_of_posts(world)
    yield from _contradictions_of_conversations(world)
    yield from _contradictions_of_invitations(world)
    belongs = {(member["organization_id"], member["user_id"]) for member in world["memberships"]}
    for position, flow in enumerate(world["flows"]):
        if any((flow["organization_id"], user_id) not in belongs for user_id in flow["members"]):
            yield f"/flows/{position}/members", WorldFileError.NO_MEMBER
    if world["now"] > timestamp(LAST):
        yield "/now", WorldFileError.LATE.format(year=LAST.year)


def _contradictions_of_posts(world: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the same for messages and threads."""
    flows = {thread["id"]: thread["flow_id"] for thread in world["threads"]}
    users = {user["id"] for user in world["users"]}
    tokens: set[str] = set()
    for position, message in enumerate(world["messages"]):
        pointer = f"/messages/{position}"
        if message["thread_id"] is not None and flows.get(message["thread_id"]) != message["flow_id"]:
            yield f"{pointer}/thread_id", WorldFileError.THREAD
        if (message["event"] == "file") != (len(message["attachments"]) == 1) and message["app"] == "chat":
            yield f"{pointer}/attachments", WorldFileError.ATTACHMENTS
        reactions = [(each["user_id"], each["emoji"]) for each in message.get("reactions", ())]
        for number, reaction in enumerate(reactions):
            if reaction[0] not in users:
                problem = WorldFileError.UNKNOWN_ENTITY.format(id=reaction[0], kind="users")
                yield f"{pointer}/reactions/{number}/user_id", problem
        if len(set(reactions)) < len(reactions):
            yield f"{pointer}/reactions", WorldFileError.DUPLICATE_REACTION
        for number, file in enumerate(message["attachments"]):
            if file["file_token"] in tokens:
                yield f"{pointer}/attachments/{number}/file_token", WorldFileError.DUPLICATE
            tokens.add(file["file_token"])
            try:
                base64.b64decode(file["data"], validate=True)
            except (binascii.Error, ValueError):
                yield f"{pointer}/attachments/{number}/data", ValidationError.NOT_BASE64
    event_ids: set[int] = set()
    for kind in NUMBERED:
        for position, event in enumerate(world.get(kind, ())):
            if event.get("event_id") in event_ids:
                yield f"/{kind}/{position}/event_id", WorldFileError.DUPLICATE
            event_ids.update(filter(None, (event.get("event_id"),)))
    called: set[tuple[Any, Any]] = set()
    for position, thread in enumerate(world["threads"]):
        name = thread["source_id"], thread["external_thread_id"]
        if name[0] is None and name[1] is not None:
            yield f"/threads/{position}/external_thread_id", WorldFileError.NO_SOURCE
        if None not in name and name in called:
            yield f"/threads/{position}/external_thread_id", WorldFileError.DUPLICATE_THREAD
        called.add(name)


def _contradictions_of_conversations(world: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the same for private conversations and their messages."""
    users: dict[str, set[int]] = {}
    for position, conversation in enumerate(world.get("conversations", ())):
        two = users[conversation["id"]] = {*conversation["user_ids"]}
        if len(two) != 2 or conversation["id"] != id_of(frozenset(two)):
            yield f"/conversations/{position}/id", WorldFileError.CONVERSATION
        if not two.issuperset(conversation["open_for"]):
            yield f"/conversations/{position}/open_for", WorldFileError.NO_TALKER
    for position, flow in enumerate(world["flows"]):
        if flow["id"].startswith(PREFIX):
            yield f"/flows/{position}/id", WorldFileError.FLOW_ID
    for position, message in enumerate(world["messages"]):
        place, talkers = message["flow_id"], {message["user_id"], message.get("to_user_id")}
        if talkers != users.get(place, {message["user_id"], None}):
            yield f"/messages/{position}/to_user_id", WorldFileError.RECIPIENT
        if place in users and (message["event"] not in PRIVATE or any(message[name] is not None for name in PUBLIC)):
            yield f"/messages/{position}/event", WorldFileError.PRIVATE
        if place in users and message["app"] != "chat":
            yield f"/messages/{position}/app", WorldFileError.PRIVATE
        if place not in users and message["event"] in PRIVATE and message["thread_id"] is None:
            yield f"/messages/{position}/thread_id", WorldFileError.NO_THREAD
    for position, event in enumerate(world.get("events", ())):
        if event["flow_id"] in users and not (
            event["event"] in CHANGES and event["user_id"] in users[event["flow_id"]]
        ):
            yield f"/events/{position}/event", WorldFileError.PRIVATE


def _contradictions_of_invitations(world: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield invitations whose flow has another pending one for the same address."""
    pending: set[tuple[str, str]] = set()
    for position, invitation in enumerate(world.get("invitations", ())):
        key = invitation["flow_id"], invitation["email"].casefold()
        if invitation["state"] == PENDING and key in pending:
            yield f"/invitations/{position}/email", WorldFileError.DUPLICATE_INVITATION
        if invitation["state"] == PENDING:
            pending.add(key)


def _twice(
    world: dict[str, Any], kinds: tuple[str, ...], named: tuple[str, ...], reason: str
) -> Iterator[tuple[str, str]]:
    """Yield each entity that repeats the values of some fields."""
    seen: set[tuple[Any, ...]] = set()
    for kind in kinds:
        for position, entity in enumerate(world.get(kind, ())):
            key = tuple(entity[field] for field in named)
            if key in seen:
                yield f"/{kind}/{position}/{named[-1]}", reason
            seen.add(key)
