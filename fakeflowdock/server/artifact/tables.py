"""What the inspector reads of a world, by the paths of the admin API, without secrets."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from functools import cache
from html.parser import HTMLParser
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from ...contract.validation import API
from ...redaction import Redaction
from ...world.known_secrets import known_secrets
from .. import documentation
from ..admin import clock_and_settings, deliveries, faults, invitations, lists, requests, streams, worlds
from ..admin.changes import state
from ..admin.operations import OperatorCall
from ..worlds import Worlds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ...api.operations import Operation
    from ..worlds import Held, ServedWorld

Row = dict[str, Any]
Node = Any  # a text or an element

BASE = "https://api.flowdock.com"  # of the URLs in messages
MOST = 1000  # entities of a kind, and exchanges
MESSAGES = 5000  # of all flows and conversations
FEWEST = 20  # messages of each of them
THREADS = 50  # of a flow, as many as the inspector shows
LONGEST = 20_000  # characters of a text
FILE = 200_000  # characters of a file of a message, in base64
TAIL = 2_000  # characters that are read beyond it, because a secret may begin before its end
CHARSET = re.compile(r"(?i)\s*;\s*charset=[^;]*")
LISTS = {
    "organizations": lists.list_organizations,
    "users": lists.list_users,
    "flows": lists.list_flows,
    "conversations": lists.list_conversations,
    "applications": lists.list_applications,
    "access-tokens": lists.list_access_tokens,
    "sources": lists.list_sources,
    "invitations": invitations.list_invitations,
    "outbox": invitations.list_outbox,
    "faults": faults.list_faults,
    "streams": streams.list_streams,
    "deliveries": deliveries.list_deliveries,
    "contract-warnings": requests.list_contract_warnings,
    "clock": clock_and_settings.read_clock,
    "settings": clock_and_settings.read_settings,
}


def tables(held: Held) -> dict[str, Any]:
    """Return all that the inspector shows of a world, in the form of the admin API, without secrets."""
    directory = Worlds(held)
    world, store = directory.default, held.app.store
    with store.lock:  # what is read belongs together
        known = known_secrets(store) | known_secrets(held.began) | known_secrets(held.first)
        listed = worlds.list_worlds.handle(_call(directory), None)
        found = {name: _listed(world, directory, read) for name, read in LISTS.items()}
        found["deleted-sources"] = _listed(world, directory, lists.list_sources, deleted=True)
        found["coverage"] = _listed(world, directory, requests.get_coverage)
        places = _places(world, directory, found)
        exchanges = _exchanges(world, directory)
        change = state(world)
    return {
        "docs": _documentation(),
        "worlds": listed,
        "state": change,
        **Masking(known).tables({**found, **places, "requests": exchanges}),
    }


@cache
def _documentation() -> dict[str, list[Node]]:
    """Return the pages of the contract as elements, by the names that messages have, without `.md`."""
    found = {}
    for name, html in documentation.pages_of(API, "docs").items():
        parser = _Elements()
        parser.feed(html)
        found[f"docs/{name}"] = parser.children
    return found


class _Elements(HTMLParser):
    """Parses HTML of our own, in which each element is closed.

    Attributes:
        children: texts, and elements as lists of their name, attributes and children.
    """

    def __init__(self) -> None:
        super().__init__()
        self.children: list[Node] = []
        self._open = [self.children]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        element: list[Node] = [tag, {name: value or "" for name, value in attrs if name in ("id", "href", "tabindex")}]
        self._open[-1].append(element)
        if tag not in ("br", "hr"):
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        """Close it."""
        if tag not in ("br", "hr"):
            self._open.pop()

    def handle_data(self, data: str) -> None:
        """Add a text."""
        self._open[-1].append(data)


def _call(directory: Worlds, **fields: Any) -> OperatorCall:
    return OperatorCall(directory, {}, fields, BASE, {})


def _listed(
    world: ServedWorld, directory: Worlds, read: Operation[OperatorCall, ServedWorld], **fields: Any
) -> list[Row]:
    found: list[Row] = read.handle(_call(directory, limit=MOST, **fields), world)
    return found


def _places(world: ServedWorld, directory: Worlds, found: dict[str, list[Row]]) -> Row:
    """Return the messages and threads, by the ids of flows and conversations."""
    flows = [each["flow"]["id"] for each in found["flows"] if each["messages"]]
    conversations = [each["id"] for each in found["conversations"] if each["messages"]]
    most = max(FEWEST, min(MOST, MESSAGES // (len(flows) + len(conversations) or 1)))

    def messages(kind: str, place: str) -> list[Row]:
        read: list[Row] = lists.list_messages.handle(_call(directory, limit=most, **{kind: place}), world)
        return read

    def threads(flow: str, *, inbox: bool) -> list[Row]:
        fields = {"flow": flow, "inbox": inbox, "limit": min(most, THREADS)}
        read: list[Row] = lists.list_threads.handle(_call(directory, **fields), world)
        return read

    listed = {each: messages("flow", each) for each in flows}
    listed |= {each: messages("conversation", each) for each in conversations}
    return {
        "messages": listed,
        "threads": {each: threads(each, inbox=False) for each in flows},
        "inbox": {each: threads(each, inbox=True) for each in flows},
        "files": {path: lists.get_file.handle(_call(directory, path=path), world) for path in _paths(listed)},
    }


def _paths(listed: dict[str, list[Row]]) -> Iterator[str]:
    """Yield the paths of the files that are small enough, the newest first."""
    left = 2 * FILE
    for row in sorted(chain(*listed.values()), key=lambda each: -each["message"]["id"]):
        for file in row["shown"]["attachments"]:
            size = file["file_size"] * 4 // 3
            if size <= min(FILE, left):
                left -= size
                yield file["path"]


def _exchanges(world: ServedWorld, directory: Worlds) -> list[Row]:
    """Return the last exchanges. A page of the admin API may have fewer than were requested."""
    found: list[Row] = []
    after = max(0, world.app.journal.count - MOST)
    while page := requests.list_requests.handle(_call(directory, after=after, limit=MOST), world):
        found += page
        after = page[-1]["number"]
    return found


class Masking:
    """Replaces secrets in what the admin API returns.

    Args:
        known: secrets that are replaced everywhere.
    """

    def __init__(self, known: Iterable[str]) -> None:
        self.redaction = Redaction(known=known)

    def _file(self, row: Row) -> Row:
        data = self.redaction.body(b64decode(row["data"]), row["content_type"])
        name = self.redaction.text(row["file_name"])
        return {"file_name": name, "content_type": row["content_type"], "data": b64encode(data).decode()}

    def tables(self, found: dict[str, Any]) -> dict[str, Any]:
        """Return all tables without secrets."""
        apart = {"requests": self._exchange, "deliveries": self._delivery, "streams": self._stream}
        masked = {
            name: [*map(apart[name], table)] if name in apart else self.redaction.value(table)
            for name, table in found.items()
            if name != "files"
        }
        files = {self.redaction.text(path): self._file(each) for path, each in found["files"].items()}
        return {**masked, "files": files}

    def _exchange(self, row: Row) -> Row:
        response = row["response"]
        rest = {name: row[name] for name in ("parameters", "refusal", "warnings", "failure", "request_id", "stream")}
        return {
            **row,
            **self.redaction.value(rest),
            **self._message(row),
            "path": unquote(self.redaction.target(quote(row["path"]))),  # it is decoded, and may have a `#`
            "url": self.redaction.target(row["url"]),
            "response": None if response is None else {**response, **self._message(response)},
        }

    def _delivery(self, row: Row) -> Row:
        request, response = row["request"], row["response"]
        url = self.redaction.target(request["url"])
        apart = {
            "request": {**request, "url": url, **self._message(request)},
            "response": None if response is None else {**response, **self._message(response)},
        }
        return {**self.redaction.value({name: row[name] for name in row.keys() - apart.keys()}), **apart}

    def _stream(self, row: Row) -> Row:
        return {**self.redaction.value(row), "state": row["state"]}  # which has the name of one of OAuth

    def _message(self, message: Row) -> Row:
        headers = message["headers"]
        kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
        return {
            "headers": {name: self.redaction.header(name, value) for name, value in headers.items()},
            **self._body(message, kind),
        }

    def _body(self, message: Row, kind: str) -> Row:
        """Return a body. One that the journal has shortened is left out: it may end within a secret."""
        body, shortened = message["body"], message.get("shortened")
        if shortened is not None:
            return {"body": "", "shortened": shortened}
        read = body[: LONGEST + TAIL].encode("utf-8", "replace")
        text = self.redaction.body(read, CHARSET.sub("", kind)).decode("utf-8", "replace")
        if len(body) <= LONGEST:
            return {"body": text, "shortened": None}
        return {"body": text[:-TAIL][: LONGEST + 1], "shortened": {"length": len(body), "sha256": None}}
