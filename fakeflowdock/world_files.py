"""A world as a file, and back. docs/api/world-files.md."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import whole_files
from .clock import Clock
from .contracts import by_field, contracts
from .models import (
    AccessToken,
    Application,
    Author,
    AuthorizationCode,
    Field,
    File,
    Flow,
    Mail,
    Message,
    Organization,
    RefreshToken,
    Session,
    Source,
    Status,
    Thread,
    User,
    short,
    thread_id_of,
    uuid_of,
)
from .scopes import SCOPES
from .store import Store
from .wire import timestamp

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator

    from .contracts import Violation

FORMAT = "fakeflowdock world 1"
KINDS: dict[str, type[Any]] = {
    "organizations": Organization,
    "users": User,
    "flows": Flow,
    "applications": Application,
    "sources": Source,
    "deleted_sources": Source,
    "threads": Thread,
    "messages": Message,
    "access_tokens": AccessToken,
    "refresh_tokens": RefreshToken,
    "codes": AuthorizationCode,
    "sessions": Session,
}
SETS = ("members", "blocked", "admins", "closed", "scopes")
MOMENTS = ("created_at", "updated_at", "expires_at", "sent", "edited")
INNER: dict[str, type[Any]] = {
    "author": Author,
    "mail": Mail,
    "status": Status,
    "attachments": File,
    "fields": Field,
}
LISTS = ("tags", "actions", "attachments", "fields")  # the order of which counts
REFERENCES = {
    "organization_id": "organizations",
    "user_id": "users",
    "owner_id": "users",
    "creator_id": "users",
    "application_id": "applications",
    "flow_id": "flows",
    "source_id": "sources",
    "thread_id": "threads",
    **dict.fromkeys(("members", "blocked", "admins", "closed"), "users"),
}
UNIQUE = ("id", "email", "api_token", "client_id", "client_secret", "access_token", "refresh_token", "code", "cookie")
SECRETS = (
    *("api_token", "password", "join_key", "flow api_token", "client_id", "client_secret"),
    *("flow_token", "access_token", "refresh_token", "code", "session"),
)
DRAWN: dict[str, Callable[[str], str]] = {  # each kind, with the form that it has
    **dict.fromkeys(SECRETS, str),
    "flow": uuid_of,
    "thread": thread_id_of,
    "uuid": short,
    "file": short,
}
GAP = 100  # drawn secrets that may be missing from a file in a row, as those of what was deleted
LAST = "9000"  # years after which a clock could not go on


class WorldFileError(ValueError):
    """A file is no world. The message begins with file and line, and says why.

    Attributes:
        pointer: where in the world, as a JSON pointer, where that is known.
        reason: the message without file and line.
    """

    def __init__(self, message: str, pointer: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.pointer = pointer
        self.reason = reason or message


def dump(store: Store, file: str | os.PathLike[str]) -> None:
    """Write a world. The file is whole or not there, and only its owner may read it: it holds secrets.

    Raises:
        OSError: it cannot be written.
    """
    with store.lock:
        text = dumps(store)
    with whole_files.written(file, private=True) as draft:
        draft.write(text)


def load(file: str | os.PathLike[str]) -> Store:
    """Read a world.

    Raises:
        OSError: the file cannot be read.
        WorldFileError: it is no world.
    """
    path = Path(file)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise WorldFileError(f"{path}:1: it is not UTF-8, see byte {error.start}") from None
    return loads(text, str(path))


def dumps(store: Store) -> str:
    """A world as text."""
    kept: dict[str, Any] = {
        "organizations": store.organizations.values(),
        "users": store.users.values(),
        "flows": store.flows.values(),
        "applications": store.applications.values(),
        "sources": store.sources.values(),
        "deleted_sources": store.deleted_sources.values(),
        "threads": store.archive.threads(store.flows),
        "messages": store.archive.messages(store.flows),
        "access_tokens": store.access_tokens,
        "refresh_tokens": store.refresh_tokens,
        "codes": store.codes,
        "sessions": store.sessions,
    }
    world = {
        "format": FORMAT,
        "seed": store.seed,
        "now": timestamp(store.now),
        "counters": dict(store.counters),
        "revoked_grants": sorted(store.revoked_grants),
        "memberships": [
            {"organization_id": organization.id, "user_id": user.id, "admin": store.administers(user, organization.id)}
            for organization in store.organizations.values()
            for user in store.users_of_organization(organization)
        ],
        **{kind: [_plain(entity) for entity in entities] for kind, entities in kept.items()},
    }
    return json.dumps(world, indent=2, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    """An entity, or a value of one, as JSON has it."""
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return timestamp(value) if isinstance(value, datetime) else value


def loads(text: str, name: str) -> Store:
    """The world in a text.

    Args:
        name: what the text is called in an error.

    Raises:
        WorldFileError: it is no world.
    """
    try:
        world = json.loads(text, object_pairs_hook=_object, parse_float=_no_fraction, parse_constant=_no_fraction)
        try:
            check_world(world)
        except WorldFileError as error:
            where = f"{name}:{_line(text, error.pointer)}:"
            raise WorldFileError(f"{where} {error.pointer or 'the file'} {error.reason}") from None
    except WorldFileError:
        raise
    except json.JSONDecodeError as error:
        raise WorldFileError(f"{name}:{error.lineno}: {error.msg}") from None
    except RecursionError:
        raise WorldFileError(f"{name}:1: it is nested too deeply") from None
    except ValueError as error:
        raise WorldFileError(
            f"{name}:1: {'a number has too many digits' if 'digits' in str(error) else error}"
        ) from None
    return built(world)


def check_world(world: Any) -> None:
    """Hold a value of JSON against the format, and against itself.

    Raises:
        WorldFileError: it is no world; its pointer says where.
        ValueError: it holds half a character.
    """
    check_characters(world)
    for pointer, reason in wrong(world):
        raise WorldFileError(f"{pointer} {reason}", pointer, reason)


def wrong(world: Any) -> Iterator[tuple[str, str]]:
    """Each place where a value of JSON is not as a world is, as a JSON pointer, and why; nothing where it is one."""
    is_one = True
    for violation in contracts().objects["world"].violations(world):
        is_one = False
        yield violation.pointer, violation.words
    if is_one:
        yield from _contradictions(world)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} stands twice in one object")
    return made


def _no_fraction(number: str) -> Any:
    raise ValueError(f"{number} is no whole number, and there are no others in a world")


def check_characters(value: Any) -> None:
    """Raise ValueError where a value of JSON holds half a character, which no reply and no file could hold."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("half a surrogate pair is no character") from None


def check(entity: Any, kind: str) -> None:
    """Hold an entity that is to be kept against what a file can hold.

    Args:
        kind: its section on the page, `kept-user`.

    Raises:
        ValueError: a file could not hold it.
    """
    shown = _plain(entity)
    check_characters(shown)
    refuse(contracts().objects[kind].violations(shown))


def refuse(violations: Iterable[Violation]) -> None:
    """Raise ValueError where there are violations; it names each field and what is wrong with it."""
    if errors := by_field(violations):
        raise ValueError("; ".join(f"{field} {' and '.join(words)}" for field, words in errors.items()))


def _contradictions(world: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Where a world names what it does not have, or the same twice."""
    known = {kind: {entity["id"] for entity in world[kind]} for kind in set(REFERENCES.values())}
    known["sources"] |= {source["id"] for source in world["deleted_sources"]}
    for kind in (*KINDS, "memberships"):
        seen: dict[str, set[Any]] = {}
        for position, entity in enumerate(world[kind]):
            for field, value in entity.items():
                pointer = f"/{kind}/{position}/{field}"
                for each in value if isinstance(value, list) else [value]:
                    if field in REFERENCES and each is not None and each not in known[REFERENCES[field]]:
                        yield pointer, f"names {each!r}, which is not among the {REFERENCES[field]}"
                    if field == "scopes" and each not in SCOPES:
                        yield pointer, f"names {each!r}, which is no scope"
                if field in UNIQUE and kind != "messages":
                    key = str(value).casefold() if field == "email" else value
                    if key in seen.setdefault(field, set()):
                        yield pointer, "stands twice"
                    seen[field].add(key)
    yield from _twice(world, "organizations", ("parameterized_name",), "stands twice")
    yield from _twice(world, "flows", ("organization_id", "parameterized_name"), "stands twice in its organization")
    yield from _twice(world, "memberships", ("organization_id", "user_id"), "stands twice")
    together = {"all": [*world["sources"], *world["deleted_sources"]]}
    for field in ("id", "flow_token"):
        for pointer, reason in _twice(together, "all", (field,), "stands twice among the sources"):
            position = int(pointer.split("/")[2]) - len(world["sources"])
            yield (f"/deleted_sources/{position}/{field}" if position >= 0 else f"/sources/{position}/{field}"), reason
    yield from _contradictions_of_posts(world)
    belongs = {(member["organization_id"], member["user_id"]) for member in world["memberships"]}
    for position, flow in enumerate(world["flows"]):
        if any((flow["organization_id"], user_id) not in belongs for user_id in flow["members"]):
            yield f"/flows/{position}/members", "names a user who does not belong to the organization"
    if world["now"] > LAST:
        yield "/now", f"is after the year {LAST}"


def _contradictions_of_posts(world: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The same, for messages and threads."""
    yield from _twice(world, "messages", ("flow_id", "id"), "stands twice in its flow")
    flows = {thread["id"]: thread["flow_id"] for thread in world["threads"]}
    tokens: set[str] = set()
    for position, message in enumerate(world["messages"]):
        pointer = f"/messages/{position}"
        if message["thread_id"] is not None and flows.get(message["thread_id"]) != message["flow_id"]:
            yield f"{pointer}/thread_id", "names a thread of another flow"
        if (message["event"] == "file") != (len(message["attachments"]) == 1) and message["app"] == "chat":
            yield f"{pointer}/attachments", "is one file where the event is file, and none elsewhere in the chat"
        for number, file in enumerate(message["attachments"]):
            if file["file_token"] in tokens:
                yield f"{pointer}/attachments/{number}/file_token", "stands twice"
            tokens.add(file["file_token"])
            try:
                base64.b64decode(file["data"], validate=True)
            except (binascii.Error, ValueError):
                yield f"{pointer}/attachments/{number}/data", "is not base64"
    called: set[tuple[Any, Any]] = set()
    for position, thread in enumerate(world["threads"]):
        name = thread["source_id"], thread["external_thread_id"]
        if name[0] is None and name[1] is not None:
            yield f"/threads/{position}/external_thread_id", "is an id within a source, and there is no source_id"
        if None not in name and name in called:
            yield f"/threads/{position}/external_thread_id", "stands twice in its source"
        called.add(name)


def _twice(world: dict[str, Any], kind: str, named: tuple[str, ...], reason: str) -> Iterator[tuple[str, str]]:
    """Each entity that has the same values in some fields as one before it."""
    seen: set[tuple[Any, ...]] = set()
    for position, entity in enumerate(world[kind]):
        key = tuple(entity[field] for field in named)
        if key in seen:
            yield f"/{kind}/{position}/{named[-1]}", reason
        seen.add(key)


def built(world: dict[str, Any]) -> Store:
    """The world of a value that `check_world` took."""
    store = Store(world["seed"])
    store.clock = Clock(datetime.fromisoformat(world["now"]))
    store.counters.update(world["counters"])
    store.revoked_grants.update(dict.fromkeys(world["revoked_grants"]))
    made = {kind: [_entity(kind, entity) for entity in world[kind]] for kind in KINDS}
    for kind, add in (
        ("organizations", store.add_organization),
        ("users", store.add_user),
        ("flows", store.add_flow),
        ("applications", store.add_application),
        ("sources", store.add_source),
        ("access_tokens", store.add_access_token),
    ):
        for entity in made[kind]:
            add(entity)
            if isinstance(number := getattr(entity, "id", None), int):
                store.next_id(kind[:-1], number)  # a file written by hand may have forgotten to count
    for member in world["memberships"]:
        organization, user = store.organizations[member["organization_id"]], store.users[member["user_id"]]
        store.join(organization, user, admin=member["admin"])
    for source in made["deleted_sources"]:
        store.bury(source)
        store.next_id("source", source.id)
    for message in sorted(made["messages"], key=lambda each: each.id):
        store.archive.add(message)
        store.next_id(f"message {message.flow_id}", message.id)
    for thread in made["threads"]:
        store.archive.keep(thread)
    for refresh in made["refresh_tokens"]:
        store.refresh_tokens.add(refresh.refresh_token, refresh)
    for code in made["codes"]:
        store.codes.add(code.code, code)
    for session in made["sessions"]:
        store.sessions.add(session.cookie, session)
    _count(store, world)
    return store


def _count(store: Store, world: dict[str, Any]) -> None:
    """Let no number and no secret be given again, though a file written by hand may have forgotten to count."""
    for number in world["revoked_grants"]:
        store.next_id("grant", number)
    for kind in ("access_tokens", "refresh_tokens", "codes"):
        for held in world[kind]:
            store.next_id("grant", held["grant_id"])
    known = {value for kind in KINDS for entity in world[kind] for value in entity.values() if isinstance(value, str)}
    known.update(file["file_token"] for message in world["messages"] for file in message["attachments"])
    for kind, form in DRAWN.items():
        misses, number = 0, store.counters.get(f"drawn {kind}", 0)
        while misses < GAP:
            number += 1
            misses += 1
            if form(store.drawn(kind, number)) in known:
                store.next_id(f"drawn {kind}", number)
                misses = 0


def _entity(kind: str, shown: dict[str, Any]) -> Any:
    return KINDS[kind](**{name: _value(name, value) for name, value in shown.items()})


def _value(name: str, value: Any) -> Any:
    """A value of JSON as the field of that name has it."""
    if value is None:
        return None
    if name in SETS:
        return frozenset(value)
    if name in MOMENTS:
        return datetime.fromisoformat(value)
    if name in LISTS:
        return tuple(_inner(name, each) for each in value)
    return _inner(name, value)


def _inner(name: str, value: Any) -> Any:
    if name not in INNER:
        return value
    made = dict(value)
    if name == "status":
        made = {"value": None, "color": None, **made}
    if name == "attachments":
        made["data"] = base64.b64decode(made["data"])
    return INNER[name](**made)


def _line(text: str, pointer: str) -> int:
    """The line on which a place of a JSON text begins. JSON is YAML, whose parser remembers lines."""
    import yaml

    try:
        node = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError:
        return 1
    for step in pointer.split("/")[1:]:
        if isinstance(node, yaml.SequenceNode):
            node = node.value[int(step)]
        elif isinstance(node, yaml.MappingNode):
            found = [value for key, value in node.value if key.value == step.replace("~1", "/").replace("~0", "~")]
            if not found:  # it is missing: the object around it is to blame
                break
            node = found[0]
    return int(node.start_mark.line) + 1 if node is not None else 1
