"""The world in which a recording began, as data of a world file."""

from __future__ import annotations

import base64
import re
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from ...api.authentication import basic
from ...contract.contracts import contracts
from ...contract.errors import Unauthorized, Unreadable
from ...world import serialization
from ...world.clock import in_utc, timestamp
from ...world.scopes import SCOPES
from ...world.validation import check_characters
from ..errors import NotImported, RecordingError
from ..requests import match_of
from .checker import nothing_in
from .entries import Entry, Hosts, Skipped, counted
from .inferred_world import Needs, json_in
from .reader import Recording

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

CREATING = ("send-message", "create-comment", "post-activity")
LARGEST_FILE = 1 << 20  # bytes
THREADED = ("message", "file")  # in a flow; without a thread they would be private
PARENT = re.compile("influx:([0-9]{1,18})")  # the tag of a comment that names the commented message
FILE_TOKEN = re.compile("/files/[0-9]+/([^/]+)/")
TOKEN = re.compile("[0-9a-f]{32}")
ACCESS_TOKEN = re.compile("[!-~]{1,500}")


class Import(Needs):
    """The entities in a recording, with its messages and threads.

    It has the messages and threads from before the recording that responses show, in the state that they have first.

    Attributes:
        answered: the number of responses.
        left_out: what a world file cannot hold: counts by reason.
        made_up: whose tokens the recording does not have: counts by kind.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._messages: dict[tuple[str, int], dict[str, Any]] = {}
        self._threads: dict[str, tuple[str, dict[str, Any]]] = {}  # with the id or the path of the flow
        self._first: dict[str, int] = {}  # by flow: the number of the first message that a request creates
        self._api_tokens: dict[int, str] = {}
        self._access_tokens: dict[str, int] = {}
        self.left_out: Counter[str] = Counter()
        self.made_up: Counter[str] = Counter()
        self.answered = 0
        super().__init__(entries)

    def _look(self, entry: Entry) -> None:
        super()._look(entry)
        reply = entry.reply
        if reply is None or (match := match_of(entry.request.method, entry.request.url)) is None:
            return
        self.answered += 1
        if (user := _number(reply.headers.get("Flowdock-User"))) is not None:
            scheme, _, given = entry.request.headers.get("authorization", "").partition(" ")
            if (token := _api_token_in(scheme, given)) is not None:
                self._api_tokens.setdefault(user, token)
            if scheme.lower() == "bearer" and ACCESS_TOKEN.fullmatch(given):
                self._access_tokens.setdefault(given, user)
        where = "/".join(match.values.get(name, "") for name in ("organization", "flow"))
        body = json_in(reply.body)
        for shown in body if isinstance(body, list) else [body]:
            if isinstance(shown, dict):
                self._keep(shown, where, creates=match.operation.name in CREATING)

    def _keep(self, shown: dict[str, Any], where: str, *, creates: bool) -> None:
        number, flow = shown.get("id"), shown.get("flow")
        if "event" in shown and isinstance(flow, str) and type(number) is int:
            if creates:
                self._first[flow] = min(number, self._first.get(flow, number))
            else:
                self._messages.setdefault((flow, number), shown)
                self._keep_thread(shown.get("thread"), flow)
            for user in _users_in(shown):
                self._add(self.users, user, {})
        elif "initial_message" in shown:
            self._keep_thread(shown, where)

    def _keep_thread(self, shown: Any, where: str) -> None:
        if isinstance(shown, dict) and isinstance(shown.get("id"), str):
            self._threads.setdefault(shown["id"], (where, shown))

    def data(self) -> dict[str, Any]:
        """Return the world as data of a world file."""
        store = self.world()
        world = serialization.data(store)
        flows = {flow_id: flow_id for flow_id in store.flows}
        flows |= {store.path_of(flow): flow.id for flow in store.flows.values()}
        self._complete(world, flows)
        for where, shown in self._threads.values():
            first = shown.get("initial_message")
            if where in flows and self._was_there(shown, flows[where], first):
                self._hold(world, "thread", _thread(shown, flows[where], store.sources))
        threads = {thread["id"]: thread for thread in world["threads"]}
        tokens: set[str] = set()
        for (where, number), shown in sorted(self._messages.items(), key=itemgetter(0)):
            if where not in flows or not self._was_there(_mapping(shown.get("thread")), where, number):
                continue
            message = _message(shown, store.users, threads)
            held = {file["file_token"] for file in message["attachments"]}
            is_threaded = message["thread_id"] is not None or message["event"] in THREADED
            if is_threaded and threads.get(message["thread_id"], {}).get("flow_id") != where:
                self.left_out[NotImported.NO_THREAD] += 1
            elif held & tokens or any(None in (file["data"], file["file_token"]) for file in message["attachments"]):
                self.left_out[NotImported.FILE] += 1
            else:
                self._hold(world, "message", message)
                tokens |= held
        moments = [*(each["sent"] for each in world["messages"]), *(each["updated_at"] for each in world["threads"])]
        world["now"] = max([world["now"], *moments])
        return world

    def _was_there(self, thread: dict[str, Any], flow_id: str, number: Any) -> bool:
        """Return whether a message, of a thread, is from before the recording. Numbers count up."""
        made = _mapping(thread.get("source")).get("id") in self._made["sources"]
        return type(number) is int and number < self._first.get(flow_id, number + 1) and not made

    def _hold(self, world: dict[str, Any], kind: str, entity: dict[str, Any]) -> None:
        """Add an entity, if a world file can hold it."""
        violations = contracts().objects[f"kept-{kind}"].violations(entity)
        reason = f"{violations[0].field} {violations[0].message}" if violations else ""
        try:
            check_characters(entity)
        except ValueError:
            reason = Unreadable.LONE_SURROGATE
        if reason:
            self.left_out[NotImported.INVALID.format(kind=kind, reason=reason)] += 1
        else:
            world[f"{kind}s"].append(entity)

    def _complete(self, world: dict[str, Any], flows: dict[str, str]) -> None:
        """Give entities the recorded moments, and the secrets with which the client called."""
        tokens = {self._api_tokens[number]: number for number in reversed(self._api_tokens)}  # each once
        api_tokens = {number: token for token, number in tokens.items()}
        for user in world["users"]:
            user["api_token"] = api_tokens.get(user["id"], user["api_token"])
            self.made_up["user"] += user["id"] not in api_tokens
        flow_tokens = {number: token for token, number in reversed(self.sources_of_tokens.items())}
        for source in world["sources"]:
            source["flow_token"] = flow_tokens.get(source["id"], source["flow_token"])
            self.made_up["source"] += source["id"] not in flow_tokens
            shown = self.sources.get(source["id"], {})
            source |= {name: _moment(shown.get(name)) or source[name] for name in ("created_at", "updated_at")}
        of_flows = {flows.get(path): token for token, path in self.flows_of_tokens.items()}
        for flow in world["flows"]:
            if TOKEN.fullmatch(token := of_flows.get(flow["id"], "")):
                flow["api_token"] = token
        known, application = {user["id"] for user in world["users"]}, world["applications"][0]["id"]
        for number, (token, user_id) in enumerate(self._access_tokens.items(), 1):
            if user_id in known:
                given = {"application_id": application, "scopes": sorted(SCOPES), "grant_id": number}
                token_of = {"user_id": user_id, "expires_at": None, "access_token": token}
                world["access_tokens"].append(given | token_of)


def _number(name: object) -> int | None:
    """Return the number that a response shows as text, or None."""
    text = str(name)
    return int(text) if text.isdecimal() and len(text) < 19 and int(text) else None


def _api_token_in(scheme: str, given: str) -> str | None:
    """Return the API token of Basic credentials, or None."""
    if scheme.lower() == "basic":
        with suppress(Unauthorized):
            name = basic(given.strip())[0]
            return name if TOKEN.fullmatch(name) else None
    return None


def _users_in(shown: dict[str, Any]) -> Iterator[int]:
    """Yield the users that a message names."""
    reactions = [who for whose in _mapping(shown.get("emojiReactions")).values() for who in _list(whose)]
    yield from (number for name in [shown.get("user"), *reactions] if (number := _number(name)) is not None)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _moment(*given: Any) -> str | None:
    """Return the first of some moments, each in milliseconds or as text, as a world file has it."""
    for value in given:
        with suppress(ValueError, OverflowError, OSError):
            if type(value) is int:
                return timestamp(datetime.fromtimestamp(value / 1000, UTC))
            if isinstance(value, str):
                return timestamp(in_utc(datetime.fromisoformat(value)))
    return None


def _count(value: Any) -> int:
    return value if type(value) is int and value > 0 else 0


def _thread(shown: dict[str, Any], flow_id: str, sources: Container[object]) -> dict[str, Any]:
    """Return a thread of a response, as a world file has it."""
    source, status = _mapping(shown.get("source")).get("id"), _mapping(shown.get("status"))
    created = _moment(shown.get("created_at"), shown.get("updated_at"))
    return {
        **{name: shown.get(name) for name in ("id", "title", "initial_message")},
        "flow_id": flow_id,
        "created_at": created,
        "updated_at": _moment(shown.get("updated_at")) or created,
        "body": _text(shown.get("body")),
        "external_url": _text(shown.get("external_url")),
        "status": {name: status.get(name) for name in ("value", "color")} if status else None,
        "actions": _list(shown.get("actions")),
        "fields": _list(shown.get("fields")),
        "source_id": source if source in sources else None,
        "external_thread_id": None,  # no response shows it
        **{name: _count(shown.get(name)) for name in ("activities", "internal_comments", "external_comments")},
    }


def _message(shown: dict[str, Any], users: Container[object], threads: dict[str, Any]) -> dict[str, Any]:
    """Return a message of a response, as a world file has it."""
    event, content, thread_id = shown.get("event"), shown.get("content"), _text(shown.get("thread_id"))
    sender = _number(shown.get("user"))
    tags = [tag for tag in _list(shown.get("tags")) if isinstance(tag, str)]
    of_thread = threads.get(thread_id or "", {})
    parent = next((int(found[1]) for tag in tags if (found := PARENT.fullmatch(tag))), None)
    comment = _mapping(content) if event == "comment" else {}
    text = comment.get("text", content) if event in ("message", "status", "comment") else None
    author = _mapping(shown.get("author"))
    files = [content] if event == "file" else _list(shown.get("attachments"))
    return {
        "flow_id": shown["flow"],
        "id": shown["id"],
        "event": event,
        "user_id": sender if sender in users else None,
        "source_id": of_thread.get("source_id") if event in ("activity", "discussion") else None,
        "sent": _moment(shown.get("sent"), shown.get("created_at")),
        "tags": tags,
        "app": shown.get("app") or "chat",
        "uuid": _text(shown.get("uuid")),
        "thread_id": thread_id,
        "edited": _moment(shown.get("edited"), shown.get("edited_at")),
        "content": text,
        "title": comment.get("title", shown.get("title")) if event in ("comment", "activity", "discussion") else None,
        "body": shown.get("body") if event in ("activity", "discussion") else None,
        "author": {name: author.get(name) for name in ("name", "email", "avatar")} if author else None,
        "mail": _mail(_mapping(content)) if event == "mail" else None,
        "action": content if event == "action" else None,
        "parent_id": parent if event in ("comment", "file") else None,
        "external_user_name": _text(shown.get("external_user_name")),
        "attachments": [_file(_mapping(file)) for file in files],
        "reactions": [
            {"emoji": emoji, "user_id": user}
            for emoji, whose in _mapping(shown.get("emojiReactions")).items()
            for user in dict.fromkeys(map(_number, _list(whose)))
            if user in users
        ],
    }


def _mail(content: dict[str, Any]) -> dict[str, Any]:
    senders, answers = ([_mapping(each) for each in _list(content.get(name))] for name in ("from", "replyTo"))
    sender = senders[0] if senders else {}
    return {
        "subject": content.get("subject"),
        "content": content.get("content"),
        "source": content.get("source") or "mail",
        "from_address": sender.get("address"),
        "from_name": _text(sender.get("name")),
        "reply_to": _text(answers[0].get("address")) if answers else None,
        "project": _text(content.get("project")),
        "link": _text(content.get("link")),
    }


def _file(shown: dict[str, Any]) -> dict[str, Any]:
    """Return a file of a response. Its bytes are not in the recording: it gets zeros, as many."""
    size, image = shown.get("file_size"), _mapping(shown.get("image"))
    token = FILE_TOKEN.match(str(shown.get("path")))
    return {
        "file_token": None if token is None else token[1],
        "file_name": shown.get("file_name"),
        "content_type": shown.get("content_type"),
        "data": base64.b64encode(bytes(size)).decode() if isinstance(size, int) and 0 <= size <= LARGEST_FILE else None,
        "content_id": _text(shown.get("content_id")),
        "width": image.get("width"),
        "height": image.get("height"),
    }


def imported(files: Iterable[str], hosts: Iterable[str] = ()) -> tuple[dict[str, Any], list[str]]:
    """Return the world in which some recordings began, as data of a world file, and what is in it, in words.

    Args:
        files: as for `check_recording`.
        hosts: hosts of Flowdock besides its own.

    Raises:
        RecordingError: a file is unreadable, or no file has traffic with Flowdock.
    """
    recordings = [Recording(name, Hosts(tuple(hosts))) for name in files]
    skipped: list[Skipped] = []

    def entries() -> Iterator[Entry]:
        for entry in chain(*recordings):
            if isinstance(entry, Skipped):
                skipped.append(entry)
            else:
                yield entry

    found = Import(entries())
    if not found.answered:
        raise RecordingError(nothing_in(recordings, len(skipped), done="imported"))
    world = found.data()
    kinds = ("organizations", "users", "flows", "applications", "sources", "threads", "messages")
    held = ", ".join(counted(len(world[kind]), kind[:-1]) for kind in kinds if world[kind])
    tokens = {"user": "api_token", "source": "flow_token"}
    made_up = [f"the {tokens[kind]} of {counted(count, kind)}" for kind, count in found.made_up.items() if count]
    left_out = [f"left out: {reason} ({count:,})" for reason, count in found.left_out.items()]
    return world, [held, *left_out, *([NotImported.MADE_UP.format(tokens=" and ".join(made_up))] if made_up else [])]
