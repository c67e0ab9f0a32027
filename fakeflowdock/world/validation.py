"""Validate a world in a file."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from ..contract.contracts import contracts
from ..contract.errors import Unreadable
from . import models
from .clock import LAST, timestamp
from .errors import WorldFileError
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
    "threads": models.Thread,
    "messages": models.Message,
    "access_tokens": models.AccessToken,
    "refresh_tokens": models.RefreshToken,
    "codes": models.AuthorizationCode,
    "sessions": models.Session,
}


REFERENCES = {
    "organization_id": "organizations",
    "user_id": "users",
    "owner_id": "users",
    "creator_id": "users",
    "application_id": "applications",
    "flow_id": "flows",
    "source_id": "sources",
    "thread_id": "threads",
    **dict.fromkeys(models.USERS, "users"),
}


UNIQUE = ("id", "email", "api_token", "client_id", "client_secret", "access_token", "refresh_token", "code", "cookie")


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
    violations = contracts().objects["world"].violations(world)
    yield from ((violation.pointer, violation.message) for violation in violations)
    if not violations:
        yield from _contradictions(world)


def check_characters(value: Any) -> None:
    """Raise ValueError if a text contains a lone surrogate, which no response and no file can hold."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(Unreadable.LONE_SURROGATE) from None


def _contradictions(world: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield unknown references and duplicates."""
    known = {kind: {entity["id"] for entity in world[kind]} for kind in set(REFERENCES.values())}
    known["sources"] |= {source["id"] for source in world["deleted_sources"]}
    for kind in (*KINDS, "memberships"):
        seen: dict[str, set[Any]] = {}
        for position, entity in enumerate(world[kind]):
            for field, value in entity.items():
                pointer = f"/{kind}/{position}/{field}"
                for each in value if isinstance(value, list) else [value]:
                    if field in REFERENCES and each is not None and each not in known[REFERENCES[field]]:
                        yield pointer, f"refers to {each!r}, which is not in {REFERENCES[field]}"
                    if field == "scopes" and each not in SCOPES:
                        yield pointer, f"has the unknown scope {each!r}"
                if field in UNIQUE and kind != "messages":
                    key = str(value).casefold() if field == "email" else value
                    if key in seen.setdefault(field, set()):
                        yield pointer, "is a duplicate"
                    seen[field].add(key)
    for duplicate in (
        (("organizations",), ("parameterized_name",), "is a duplicate"),
        (("flows",), ("organization_id", "parameterized_name"), "is a duplicate in its organization"),
        (("memberships",), ("organization_id", "user_id"), "is a duplicate"),
        (("sources", "deleted_sources"), ("id",), "is a duplicate among the sources"),
        (("sources", "deleted_sources"), ("flow_token",), "is a duplicate among the sources"),
        (("messages",), ("flow_id", "id"), "is a duplicate in its flow"),
    ):
        yield from _twice(world, *duplicate)
    yield from _contradictions_of_posts(world)
    belongs = {(member["organization_id"], member["user_id"]) for member in world["memberships"]}
    for position, flow in enumerate(world["flows"]):
        if any((flow["organization_id"], user_id) not in belongs for user_id in flow["members"]):
            yield f"/flows/{position}/members", "has a user who is not in the organization"
    if world["now"] > timestamp(LAST):
        yield "/now", f"is after the year {LAST.year}"


def _contradictions_of_posts(world: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the same for messages and threads."""
    flows = {thread["id"]: thread["flow_id"] for thread in world["threads"]}
    tokens: set[str] = set()
    for position, message in enumerate(world["messages"]):
        pointer = f"/messages/{position}"
        if message["thread_id"] is not None and flows.get(message["thread_id"]) != message["flow_id"]:
            yield f"{pointer}/thread_id", "refers to a thread of another flow"
        if (message["event"] == "file") != (len(message["attachments"]) == 1) and message["app"] == "chat":
            yield f"{pointer}/attachments", "must be one file for the event file, and empty for other chat messages"
        for number, file in enumerate(message["attachments"]):
            if file["file_token"] in tokens:
                yield f"{pointer}/attachments/{number}/file_token", "is a duplicate"
            tokens.add(file["file_token"])
            try:
                base64.b64decode(file["data"], validate=True)
            except (binascii.Error, ValueError):
                yield f"{pointer}/attachments/{number}/data", "is not base64"
    called: set[tuple[Any, Any]] = set()
    for position, thread in enumerate(world["threads"]):
        name = thread["source_id"], thread["external_thread_id"]
        if name[0] is None and name[1] is not None:
            yield f"/threads/{position}/external_thread_id", "requires a source_id"
        if None not in name and name in called:
            yield f"/threads/{position}/external_thread_id", "is a duplicate in its source"
        called.add(name)


def _twice(
    world: dict[str, Any], kinds: tuple[str, ...], named: tuple[str, ...], reason: str
) -> Iterator[tuple[str, str]]:
    """Yield each entity that repeats the values of some fields."""
    seen: set[tuple[Any, ...]] = set()
    for kind in kinds:
        for position, entity in enumerate(world[kind]):
            key = tuple(entity[field] for field in named)
            if key in seen:
                yield f"/{kind}/{position}/{named[-1]}", reason
            seen.add(key)
