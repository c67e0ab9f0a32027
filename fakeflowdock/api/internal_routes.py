"""Paths below fakeflowdock's own prefix: schemas at their `$id`s, the OpenAPI document, and the content of files."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlencode

from ..contract.contracts import schema_files
from ..contract.errors import MethodNotAllowed, NoSuchRoute
from ..contract.package_files import document
from .operations import Reply

if TYPE_CHECKING:
    from ..world.store import Store
    from ..world.values import File

PREFIX = "/_fakeflowdock/"
FILES = f"{PREFIX}files/"
ACTIONS = f"{PREFIX}actions/"  # performed by anyone who sees the thread
OPENAPI = f"{PREFIX}openapi"
DOCS = f"{PREFIX}docs"  # the documentation as HTML
HEALTH, METRICS = f"{PREFIX}health", f"{PREFIX}metrics"
STREAM = f"{PREFIX}stream"  # the paths of the host `stream.flowdock.com`, on any host
METHODS = ("GET", "HEAD", "OPTIONS")
EXPIRED = "This URL has expired: request the file again (docs/api/files.md)"
LIFETIME = timedelta(minutes=5)


@cache
def _documents() -> dict[str, Any]:
    schemas = {f"{PREFIX}schemas/{name}": page for name, page in schema_files().items()}
    return {**schemas, OPENAPI: document("openapi")}


def is_own(path: str) -> bool:
    """Return whether a path, normalized or not, is one of fakeflowdock's own, which Flowdock never had."""
    whole = f"/{path.lstrip('/')}"
    return f"{whole}/".startswith(PREFIX) and not is_of_streams(whole)


def is_of_streams(path: str) -> bool:
    """Return whether a path is one of the host for streams, with our prefix."""
    return f"{path}/".startswith(f"{STREAM}/")


def is_administered(path: str) -> bool:
    """Return whether only a server answers the path, because it is below `PREFIX` and not in this module."""
    if not path.startswith(PREFIX):
        return False
    is_document = path.rstrip("/") in (OPENAPI, f"{OPENAPI}.json")
    return not (is_document or is_of_streams(path) or path.startswith((FILES, ACTIONS, f"{PREFIX}schemas/")))


def api_of(world: str) -> str:
    """Return the path below which a world of a server has every path of Flowdock."""
    return f"{PREFIX}worlds/{world}/api"


def is_a_document(path: str) -> bool:
    """Return whether the path is below `PREFIX`, and not the content of a file."""
    return path.startswith(PREFIX) and not (path.startswith(FILES) or is_of_streams(path))


def reply(method: str, path: str, store: Store, query: str, root: str) -> Reply:
    """Return the reply to a request below `PREFIX`.

    Args:
        path: normalized, and so without `.json`.
        store: the world with the files.
        query: the query string.
        root: the prefix of a reverse proxy.

    Raises:
        NoSuchRoute: the schema, document or file does not exist.
        MethodNotAllowed: the method is not GET, HEAD or OPTIONS.
    """
    if path.startswith(FILES):
        found = _file(path, store, query)
    elif path in _documents():
        found = Reply(200, served_at(root, _documents()[path]))
    else:
        raise NoSuchRoute
    if method not in METHODS:
        raise MethodNotAllowed(method, METHODS)
    return Reply(204, headers=(("Allow", ", ".join(METHODS)),)) if method == "OPTIONS" else found


def served_at(root: str, document: dict[str, Any]) -> dict[str, Any]:
    """Return an OpenAPI document as it is served behind a reverse proxy, or any other document as it is.

    Args:
        root: the prefix of the proxy.
    """
    if not root or "servers" not in document:
        return document
    servers = [{**each, "url": root} if each["url"] == "/" else each for each in document["servers"]]
    return {**document, "servers": servers}


def signed_path(store: Store, file: File) -> str:
    """Return a URL path with which anyone can download a file, until it expires."""
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
            return Reply(403, {"message": EXPIRED})
    file = found[1]
    # An uploaded page must not run on the host of the consent page, so browsers save it.
    headers = (
        ("x-amz-meta-name", _plain(file.file_name)),
        ("Content-Disposition", f"attachment; filename*=UTF-8''{quote(file.file_name, safe='')}"),
        ("Content-Security-Policy", "sandbox"),
        ("X-Content-Type-Options", "nosniff"),
    )
    return Reply(200, file.data, headers, file.content_type)


def _plain(name: str) -> str:
    """Return the name of a file for a header."""
    return name if name.isascii() and name.isprintable() else quote(name)
