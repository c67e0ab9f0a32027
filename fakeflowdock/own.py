"""What a fake answers about itself, below a path that Flowdock never had: so far its schemas, at their `$id`s."""

from __future__ import annotations

from functools import cache
from typing import Any

from .contracts import schema_files
from .errors import MethodNotAllowed, NoSuchRoute
from .operations import Reply

PREFIX = "/_fakeflowdock/"
METHODS = ("GET", "HEAD", "OPTIONS")


@cache
def _schemas() -> dict[str, dict[str, Any]]:
    return {f"{PREFIX}schemas/{name}": schema for name, schema in schema_files().items()}


def reply(method: str, path: str) -> Reply:
    """The reply to a request below `PREFIX`.

    Args:
        method: in capitals.
        path: as `api.normal` gives it, without `.json`.

    Raises:
        NoSuchRoute: there is no such schema.
        MethodNotAllowed: there is, and it can only be read.
    """
    schema = _schemas().get(path)
    if schema is None:
        raise NoSuchRoute
    if method not in METHODS:
        raise MethodNotAllowed(method, METHODS)
    return Reply(204, headers=(("Allow", ", ".join(METHODS)),)) if method == "OPTIONS" else Reply(200, schema)
