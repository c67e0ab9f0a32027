"""What a fake answers below a path that Flowdock never had.

Its schemas, at their `$id`s; all of them as one OpenAPI document, `/_fakeflowdock/openapi.json`; the bytes of files.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlencode

from ..contract.contracts import schema_files, schema_folder
from ..contract.errors import MethodNotAllowed, NoSuchRoute
from .operations import Reply

if TYPE_CHECKING:
    from ..world.models import File
    from ..world.store import Store

PREFIX = "/_fakeflowdock/"
FILES = f"{PREFIX}files/"
OPENAPI = f"{PREFIX}openapi"
METHODS = ("GET", "HEAD", "OPTIONS")
LIFETIME = timedelta(minutes=5)


@cache
def _schemas() -> dict[str, dict[str, Any]]:
    return {f"{PREFIX}schemas/{name}": schema for name, schema in schema_files().items()}


@cache
def _openapi() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((schema_folder() / "openapi.json").read_text("utf-8"))
    return document


def is_administered(path: str) -> bool:
    """Whether it is below `PREFIX` and none of what every fake answers there: what a server alone answers."""
    if not path.startswith(PREFIX):
        return False
    return not path.startswith((FILES, f"{PREFIX}schemas/")) and path.rstrip("/") not in (OPENAPI, f"{OPENAPI}.json")


def reply(method: str, path: str, store: Store, query: str) -> Reply:
    """The reply to a request below `PREFIX`.

    Args:
        method: in capitals.
        path: as `api.normal` gives it, without `.json`.
        store: the world, whose files there are.
        query: the query string.

    Raises:
        NoSuchRoute: there is no such schema, document or file.
        MethodNotAllowed: there is, and it can only be read.
    """
    found = _file(path, store, query) if path.startswith(FILES) else _schema(path)
    if method not in METHODS:
        raise MethodNotAllowed(method, METHODS)
    return Reply(204, headers=(("Allow", ", ".join(METHODS)),)) if method == "OPTIONS" else found


def _schema(path: str) -> Reply:
    schema = _openapi() if path == OPENAPI else _schemas().get(path)
    if schema is None:
        raise NoSuchRoute
    return Reply(200, schema)


def signed_path(store: Store, file: File) -> str:
    """Where a file can be read for a short while, by whoever knows the address."""
    expires = str(int((store.now + LIFETIME).timestamp()))
    query = {"expires": expires, "signature": _signature(store, file.file_token, expires)}
    return f"{FILES}{file.file_token}/{quote(file.file_name, safe='')}?{urlencode(query)}"


def _signature(store: Store, file_token: str, expires: str) -> str:
    key = store.drawn("signing key", 0).encode()
    return hmac.new(key, f"{file_token}/{expires}".encode(), hashlib.sha256).hexdigest()


def _file(path: str, store: Store, query: str) -> Reply:
    file_token = path.removeprefix(FILES).partition("/")[0]
    given = {name: values[-1] for name, values in parse_qs(query).items()}
    expires, signature = given.get("expires", ""), given.get("signature", "")
    with store.lock:
        found = store.archive.file(file_token)
        right = hmac.compare_digest(_signature(store, file_token, expires).encode(), signature.encode())
        if found is None or not right:
            raise NoSuchRoute
        if store.now >= datetime.fromtimestamp(int(expires), UTC):
            return Reply(403, {"message": "This address has expired: ask for the file again (docs/api/files.md)"})
    file = found[1]
    # It comes from anybody and is on the host of the consent page: it is saved, and never shown as a page.
    headers = (
        ("Content-Disposition", f"attachment; filename*=UTF-8''{quote(file.file_name, safe='')}"),
        ("Content-Security-Policy", "sandbox"),
        ("X-Content-Type-Options", "nosniff"),
    )
    return Reply(200, file.data, headers, file.content_type)
