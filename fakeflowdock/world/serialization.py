"""Read and write worlds as files. docs/api/world-files.md."""

from __future__ import annotations

import base64
import json
import stat
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.contracts import contracts
from ..contract.errors import Unreadable
from ..contract.json_pointer import steps_of
from ..contract.validation import by_field
from . import errors
from .clock import Clock, timestamp
from .errors import InvalidValues, WorldFileError
from .models import USERS
from .random_ids import join_key_of, short, thread_id_of, uuid_of
from .store import Store
from .validation import KINDS, NUMBERED, check_characters, check_world
from .values import Author, Field, File, Mail, Reaction, Status

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping

    from ..contract.validation import Violation

FORMAT = "fakeflowdock world 1"
FIELDS = {name: field for field, name in USERS.items()}  # by what world files call them
SETS = (*USERS.values(), "scopes", "user_ids", "open_for")
MOMENTS = ("created_at", "updated_at", "expires_at", "sent", "edited", "last_activity", "last_ping")
INNER: dict[str, Any] = {
    "author": Author,
    "mail": Mail,
    "status": Status,
    "attachments": File,
    "fields": Field,
    "reactions": Reaction,
}
BY_SECRET = {"access_tokens": "access_token", "refresh_tokens": "refresh_token", "codes": "code", "sessions": "cookie"}
LISTS = ("tags", "actions", "attachments", "fields", "reactions")  # their order matters
SECRETS = (
    *("api_token", "password", "flow api_token", "client_id", "client_secret"),
    *("flow_token", "access_token", "refresh_token", "code", "session"),
)
DRAWN: dict[str, Callable[[str], str]] = {  # each kind, and its format
    **dict.fromkeys(SECRETS, str),
    "flow": uuid_of,
    "join_key": join_key_of,
    "thread": thread_id_of,
    "uuid": short,
    "scim_token": short,
    "file": short,
}
LARGEST = 1 << 30  # bytes of a file: a pipe may never end
GAP = 100  # consecutive drawn secrets that a file may lack, such as those of deleted entities


def dump(store: Store, file: str | os.PathLike[str]) -> None:
    """Write a world to a file that only its owner may read, because it holds secrets; all or nothing.

    Raises:
        OSError: the file cannot be written.
    """
    with store.lock:
        text = dumps(store)
    from .. import atomic_file

    with atomic_file.written(file, private=True) as draft:
        draft.write(text)


def load(file: str | os.PathLike[str]) -> Store:
    """Read a world.

    Raises:
        OSError: the file cannot be read.
        WorldFileError: the file is invalid.
    """
    path = Path(file)
    return loads(text_of(path), str(path))


def text_of(path: Path) -> str:
    """Return the text of a file.

    Raises:
        OSError: the file cannot be read.
        WorldFileError: it is a device, too large or not UTF-8.
    """
    mode = path.stat().st_mode
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise WorldFileError.of(WorldFileError.DEVICE, file=path)
    with path.open("rb") as stream:
        raw = stream.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise WorldFileError.of(WorldFileError.TOO_LARGE, file=path, limit=LARGEST)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise WorldFileError.of(WorldFileError.NOT_UTF8, file=path, start=error.start) from None


def dumps(store: Store) -> str:
    """Return a world as text."""
    return json.dumps(data(store), indent=2, ensure_ascii=False) + "\n"


def data(store: Store) -> dict[str, Any]:
    """Return a world as JSON data."""
    archive = store.archive
    places = [*store.flows, *store.conversations]
    kept: dict[str, Iterable[Any]] = {
        **{each.__name__: each(places) for each in (archive.threads, archive.messages, archive.events)},
        "outbox": store.invitations.outbox.values(),
    }
    return {
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
        **{
            kind: [_plain(each) for each in (kept[kind] if kind in kept else getattr(store, kind).values())]
            for kind in KINDS
        },
    }


def _plain(value: Any) -> Any:
    """Return an entity, or one of its values, as JSON data."""
    if is_dataclass(value):
        return {USERS.get(each.name, each.name): _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return timestamp(value) if isinstance(value, datetime) else value


def loads(text: str, name: str) -> Store:
    """Return the world in a text.

    Args:
        name: the name of the text in errors.

    Raises:
        WorldFileError: the text is invalid.
    """
    try:
        world = json.loads(text, object_pairs_hook=_object, parse_float=_no_fraction, parse_constant=_no_fraction)
        try:
            check_world(world)
        except WorldFileError as error:
            line = line_of(text, error.pointer)  # can raise RecursionError, too
            raise WorldFileError(f"{name}:{line}: {error.pointer or errors.THE_FILE} {error.reason}") from None
    except WorldFileError:
        raise
    except json.JSONDecodeError as error:
        hint = WorldFileError.MAYBE_SEED if Path(name).suffix.lower() in (".yaml", ".yml", ".toml") else ""
        raise WorldFileError(f"{name}:{error.lineno}: {error.msg}{hint}") from None
    except RecursionError:
        raise WorldFileError.of(WorldFileError.NESTED, file=name) from None
    except ValueError as error:
        reason = Unreadable.TOO_MANY_DIGITS if "digits" in str(error) else error
        raise WorldFileError(f"{name}:1: {reason}") from None
    return built(world)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(errors.DUPLICATE_KEY.format(key=next(name for name in names if names.count(name) > 1)))
    return made


def _no_fraction(number: str) -> Any:
    raise ValueError(errors.NO_INTEGER.format(number=number))


def check(entity: Any, kind: str) -> None:
    """Check that a world file can hold an entity.

    Args:
        kind: its section on the page, `kept-user`.

    Raises:
        ValueError: a value is invalid.
    """
    shown = _plain(entity)
    check_characters(shown)
    refuse(contracts().objects[kind].violations(shown))


def refuse(violations: Iterable[Violation]) -> None:
    """Raise InvalidValues with each invalid field and the reason, if there are violations."""
    if reasons := by_field(violations):
        raise invalid(reasons)


def invalid(reasons: Mapping[str, list[str]]) -> InvalidValues:
    """Return the error for invalid fields, by their names."""
    return InvalidValues(in_words(reasons), reasons)


def in_words(wrong: Mapping[str, list[str]]) -> str:
    """Return the errors of fields as one line."""
    return "; ".join(f"{field} {' and '.join(reasons)}" for field, reasons in wrong.items())


def built(world: dict[str, Any]) -> Store:
    """Return the world of a value that `check_world` accepted."""
    store = Store(world["seed"])
    store.clock = Clock(datetime.fromisoformat(world["now"]))
    store.counters.update(world["counters"])
    store.revoked_grants.update(dict.fromkeys(world["revoked_grants"]))
    made = {kind: [_entity(kind, entity) for entity in world.get(kind, ())] for kind in KINDS}
    for kind, add in (
        ("organizations", store.add_organization),
        ("users", store.add_user),
        ("flows", store.add_flow),
        ("applications", store.add_application),
        ("sources", store.add_source),
    ):
        for entity in made[kind]:
            add(entity)
            if isinstance(entity.id, int):
                store.next_id(kind[:-1], entity.id)  # a hand-written file may lack counters
    for member in world["memberships"]:
        organization, user = store.organizations[member["organization_id"]], store.users[member["user_id"]]
        store.join(organization, user, admin=member["admin"])
    for source in made["deleted_sources"]:
        store.bury(source)
        store.next_id("source", source.id)
    for conversation in made["conversations"]:
        store.conversations.put(conversation)
    _numbered(store, made)
    for kind, keep in (("messages", store.archive.add), ("events", store.archive.record)):
        for entity in sorted(made[kind], key=lambda each: each.id):
            keep(entity)
            store.next_id(f"message {entity.flow_id}", entity.id)
    for thread in made["threads"]:
        store.archive.keep(thread)
    for invitation in made["invitations"]:
        store.invitations.keep(invitation)
        store.next_id("invitation", invitation.id)
    for mail in made["outbox"]:
        store.invitations.outbox[mail.id] = mail
        store.next_id("mail", mail.id)
    for kind, secret in BY_SECRET.items():
        for entity in made[kind]:
            getattr(store, kind).add(getattr(entity, secret), entity)
    _count(store, world)
    return store


def _numbered(store: Store, made: dict[str, list[Any]]) -> None:
    """Number what happened in the flows, in order, where a file has no numbers."""
    places = [(kind, place) for kind in NUMBERED for place in range(len(made[kind]))]
    for kind, place in places:
        store.next_id("event", made[kind][place].event_id)
    missing = [(made[kind][place], kind, place) for kind, place in places if not made[kind][place].event_id]
    for entity, kind, place in sorted(missing, key=lambda each: (each[0].sent, each[0].flow_id, each[0].id)):
        made[kind][place] = replace(entity, event_id=store.next_id("event"))


def _count(store: Store, world: dict[str, Any]) -> None:
    """Set the counters so that no number or secret is issued twice, even if a hand-written file lacks them."""
    for number in world["revoked_grants"]:
        store.next_id("grant", number)
    for kind in ("access_tokens", "refresh_tokens", "codes"):
        for held in world[kind]:
            store.next_id("grant", held["grant_id"])
    entities = [entity for kind in KINDS for entity in world.get(kind, ())]
    known = {value for entity in entities for value in entity.values() if isinstance(value, str)}
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
    return KINDS[kind](**{FIELDS.get(name, name): _value(name, value) for name, value in shown.items()})


def _value(name: str, value: Any) -> Any:
    """Return a JSON value as the field of that name stores it."""
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


def line_of(text: str, pointer: str) -> int:
    """Return the line where a value of a JSON text starts. Without tabs JSON is YAML, whose parser records lines."""
    import yaml

    try:
        node = yaml.compose(text.replace("\t", " "), yaml.SafeLoader)
    except yaml.YAMLError:
        return 1
    for step in steps_of(pointer):
        if isinstance(node, yaml.SequenceNode):
            node = node.value[int(step)]
        elif isinstance(node, yaml.MappingNode):
            found = [value for key, value in node.value if key.value == step]
            if not found:  # missing: report the object that should have it
                break
            node = found[0]
    return int(node.start_mark.line) + 1 if node is not None else 1
