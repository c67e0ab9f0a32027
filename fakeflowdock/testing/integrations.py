"""Call an integration in process: a WSGI or ASGI application, without a socket."""

from __future__ import annotations

import asyncio
import inspect
import io
import sys
import threading
import time
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

from ..api.errors import NotDelivered
from ..api.messages import Headers, Response
from ..redaction import brief
from . import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, MutableMapping

    from _typeshed.wsgi import WSGIEnvironment

    from ..api.actions.request import ActionRequest

PORTS = {"http": 80, "https": 443}


def call(application: Callable[..., Any], request: ActionRequest, timeout: float) -> Response:
    """Return the response of an application, to a request to the URL of the action.

    An ASGI application runs in a thread and an event loop of its own, and is cancelled after the timeout. A WSGI
    application runs in this thread, and cannot be cancelled: a response that took longer does not count.

    Raises:
        NotDelivered: there is no response in time.
        Exception: the application raised it.
    """
    begun = time.monotonic()
    try:
        if _is_asgi(application):
            response = _run(asyncio.wait_for(_asgi(application, request), timeout))
        else:
            response = _wsgi(application, request)
    except TimeoutError:
        if time.monotonic() - begun < timeout:  # it is the application's own
            raise
    else:
        if time.monotonic() - begun < timeout:
            return response
    raise NotDelivered.of(NotDelivered.TIMEOUT, seconds=timeout)


def _is_asgi(application: Callable[..., Any]) -> bool:
    return any(map(inspect.iscoroutinefunction, (application, getattr(application, "__call__", None))))  # noqa: B004


def environ_of(request: ActionRequest) -> WSGIEnvironment:
    """Return a request as a WSGI environ."""
    parts = urlsplit(request.url)
    path, _, query = request.target.partition("?")
    return {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": parts.hostname or "",
        "SERVER_PORT": str(parts.port or PORTS[parts.scheme]),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": parts.netloc,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **{
            f"HTTP_{name.upper().replace('-', '_')}": value
            for name, value in request.headers.pairs
            if name != "Content-Type"
        },
    }


def _wsgi(application: Callable[..., Any], request: ActionRequest) -> Response:
    from werkzeug.test import run_wsgi_app  # importing it takes long

    body, line, headers = run_wsgi_app(application, environ_of(request), buffered=True)
    found = headers.to_wsgi_list()
    for name, value in found:
        try:
            f"{name}{value}".encode("latin-1")
        except UnicodeEncodeError:
            raise ValueError(errors.NO_HEADER.format(name=name, value=brief(value))) from None
    return Response(int(line.partition(" ")[0]), Headers(found), b"".join(body), request)


async def _asgi(application: Callable[..., Any], request: ActionRequest) -> Response:
    environ = environ_of(request)
    headers = [("Host", environ["HTTP_HOST"]), ("Content-Length", environ["CONTENT_LENGTH"]), *request.headers.pairs]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": environ["wsgi.url_scheme"],
        "path": environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"),
        "raw_path": request.target.partition("?")[0].encode(),
        "query_string": environ["QUERY_STRING"].encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
        "client": (environ["REMOTE_ADDR"], 0),
        "server": (environ["SERVER_NAME"], int(environ["SERVER_PORT"])),
    }
    status, found, body = 0, list[tuple[str, str]](), bytearray()
    over, received = asyncio.Event(), False

    async def receive() -> dict[str, Any]:
        nonlocal received
        if received:
            await over.wait()
            return {"type": "http.disconnect"}
        received = True
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal status, found
        if message["type"] == "http.response.start":
            status = int(message["status"])
            found = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message.get("headers", ())]
        elif message["type"] == "http.response.body":
            body.extend(message.get("body", b""))
            if not message.get("more_body", False):
                over.set()

    await application(scope, receive, send)
    if not status:
        raise NotDelivered(NotDelivered.NO_RESPONSE)
    return Response(status, Headers(found), bytes(body), request)


def _run(work: Coroutine[Any, Any, Response]) -> Response:
    """Run a coroutine to its end, in a thread of its own: this one may run an event loop."""
    outcome: list[Response | BaseException] = []

    def run() -> None:
        try:
            outcome.append(asyncio.run(work))
        except BaseException as error:
            outcome.append(error)

    # With the context of this thread, its requests reach the same world.
    target = partial(copy_context().run, run)
    thread = threading.Thread(target=target, name="fakeflowdock: an integration", daemon=True)
    thread.start()
    thread.join()
    [result] = outcome
    if isinstance(result, BaseException):
        raise result
    return result
