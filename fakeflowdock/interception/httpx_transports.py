"""Replacements for `handle_request` and `handle_async_request`, which httpx and httpcore share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..api.environ import environ_from
from ..api.responses import Broken
from . import errors
from .far_end import FarEnd
from .other_hosts import refusal
from .patches import answers, is_port
from .plain_requests import is_plain
from .transport_errors import error_of, retries_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType

    from ..api.app import App
    from ..api.responses import Answer
    from .patches import Seam

ERRORS = {"refused": "ConnectError", "reset": "ReadError", "closed": "RemoteProtocolError"}
SCHEMES = (b"http", b"https", b"ws", b"wss")


def seams(
    module: ModuleType, name: str, url_of: Callable[[Any], str], response_of: Callable[..., Any]
) -> Iterator[Seam]:
    """Yield the functions to patch.

    Args:
        module: the library.
        name: the class with `handle_request`. The asynchronous one has the prefix `Async`.
        url_of: returns the URL of a request.
        response_of: returns a response, given the library, the match of `FLOWDOCK`, the app, the request, its body, and
            the number of connection retries.
    """

    def make(before: Callable[..., Any]) -> Any:
        def handle_request(owner: Any, request: Any) -> Any:
            found = answers(url_of(request))
            if found is None:
                _check(module, request)
                return before(owner, request)
            return response_of(module, *found, request, b"".join(request.stream), retries_of(owner))

        return handle_request

    def make_asynchronous(before: Callable[..., Any]) -> Any:
        async def handle_async_request(owner: Any, request: Any) -> Any:
            found = answers(url_of(request))
            if found is None:
                _check(module, request)
                return await before(owner, request)
            body = b"".join([piece async for piece in request.stream])
            return response_of(module, *found, request, body, retries_of(owner))

        return handle_async_request

    def _check(library: Any, request: Any) -> None:
        if name != "ConnectionPool":  # the transports of httpx are above some mocks
            return
        url = request.url
        if url.scheme in SCHEMES and is_port(url.port):  # what cannot be sent is httpcore's to refuse
            method, target = request.method.decode("ascii", "replace"), url.target.decode("latin-1")
            what = f"{method} {url_of(request).rstrip('/')}{target}"
            if (why := refusal(url.host.decode("latin-1"), what)) is not None:
                raise library.ConnectError(why)

    yield getattr(module, name), "handle_request", make
    yield getattr(module, f"Async{name}"), "handle_async_request", make_asynchronous


def answer_of(library: Any, app: App, parts: tuple[Any, ...], extensions: Any, retries: int) -> Answer:
    """Return the app's answer to a request.

    Args:
        library: the module that is intercepted.
        app: answers the request.
        parts: the arguments of `environ_from`.
        extensions: the extensions of the request.
        retries: the number of connection retries.

    Raises:
        Exception: the library's own, if there is no response.
    """
    timeout = (extensions.get("timeout") or {}).get("read")
    called, *request = parts
    data = None if is_plain(*request) else _written(library, *request)
    while True:
        try:
            if data is not None:
                return FarEnd(called, app, timeout).answer_to(data)
            return app.answer(environ_from(called, *request), timeout=timeout)
        except Broken as broken:
            if broken.loss == "refused" and retries > 0:
                retries -= 1
                continue
            cause = error_of(broken.loss, timeout)
            name = "ReadTimeout" if cause is not None and cause.errno is None else ERRORS.get(broken.loss, "ReadError")
            message = errors.DISCONNECTED if cause is None else str(cause)
            raise getattr(library, name)(message) from cause


def _written(library: Any, method: str, target: str, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> bytes:
    """Return a request as h11 writes it, which httpcore sends with.

    Raises:
        Exception: h11 rejects it.
    """
    import h11

    if not method.isascii():
        raise TypeError(errors.METHOD)
    connection = h11.Connection(h11.CLIENT)
    try:
        head = connection.send(h11.Request(method=method, target=target, headers=[*headers]))
    except h11.LocalProtocolError as error:
        raise library.LocalProtocolError(str(error)) from error
    pieces = head, connection.send(h11.Data(data=body)), connection.send(h11.EndOfMessage())
    return b"".join(piece or b"" for piece in pieces)
