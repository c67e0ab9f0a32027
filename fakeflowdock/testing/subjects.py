"""What a request is about: which operations can make the things that an assertion, or a line of a test, looks at."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ..api import routing
from ..contract.contracts import contracts
from ..contract.errors import Refusal
from ..http import addresses

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = "docs/api/"
# The pages whose operations make or change each kind of thing.
PAGES = {
    "message": ("messages", "push"),
    "private message": ("private",),
    "thread": ("messages", "push", "threads"),
    "source": ("sources",),
    "flow": ("flows",),
    "user": ("users", "organizations", "invitations", "scim"),
    "invitation": ("invitations",),
    "delivery": ("thread-actions",),
}
# What tests look at, by the attribute of a fake.
COLLECTIONS = {
    "messages": "message",
    "private_messages": "private message",
    "threads": "thread",
    "sources": "source",
    "flows": "flow",
    "users": "user",
    "invitations": "invitation",
    "deliveries": "delivery",
    "requests": None,
}
READ = re.compile(rf"\.({'|'.join(COLLECTIONS)})\b")


def is_about(what: str, operation: str | None) -> bool:
    """Return whether an operation is about what an assertion looks for: `message`, `request to send message`."""
    kind, _, requested = what.partition(" to ")
    if requested:
        return operation == requested.replace(" ", "-")
    return _page(operation) in PAGES.get(kind, ())


def is_in(collection: str, operation: str | None) -> bool:
    """Return whether an operation is about an attribute of a fake, `messages`."""
    kind = COLLECTIONS[collection]
    return operation is not None if kind is None else is_about(kind, operation)


def collections_in(text: str) -> set[str]:
    """Return which attributes of a fake some code reads."""
    return set(READ.findall(text))


def operation_at(request: str) -> str | None:
    """Return the operation that Flowdock has at the path of a request to another host, or None.

    Args:
        request: `POST https://api.flowdok.example/messages`.
    """
    method, _, url = request.partition(" ")
    try:
        path = unquote(urlsplit(url).path)
        return routing.match(method, routing.normal(path)).operation.name if path.strip("/") else None
    except (Refusal, ValueError):
        return None


def meant_for_flowdock(requests: Iterable[str]) -> list[str]:
    """Return the requests to this machine that Flowdock has an operation for, and that went to no server of ours."""
    return [each for each in requests if _port(each) not in addresses.ports and operation_at(each) is not None]


def _port(request: str) -> int | None:
    try:
        return urlsplit(request.rpartition(" ")[2]).port
    except ValueError:
        return None


def host_of(request: str) -> str:
    """Return the host of a request to another host."""
    try:
        return urlsplit(request.rpartition(" ")[2]).hostname or request
    except ValueError:
        return request


def _page(operation: str | None) -> str:
    contract = contracts().operations.get(operation or "")
    return "" if contract is None else contract.page.removeprefix(FOLDER).partition(".")[0]
