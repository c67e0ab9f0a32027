"""Replacements for `handle_request` and `handle_async_request`, which httpx and httpcore share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..api.environ import keyed
from ..api.responses import Broken
from ..http.response_writer import headers_in_process
from . import errors
from .far_end import FarEnd
from .other_hosts import refusal
from .patches import answers, is_port
from .plain_requests import LENGTH, plain_head, with_body
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
            the transport.
    """

    def make(before: Callable[..., Any]) -> Any:
        def handle_request(owner: Any, request: Any) -> Any:
            found = answers(url_of(request))
            if found is None:
                _check(module, request)
                return before(owner, request)
            return response_of(module, *found, request, b"".join(request.stream), owner)

        return handle_request

    def make_asynchronous(before: Callable[..., Any]) -> Any:
        async def handle_async_request(owner: Any, request: Any) -> Any:
            found = answers(url_of(request))
            if found is None:
                _check(module, request)
                return await before(owner, request)
            body = b"".join([piece async for piece in request.stream])
            return response_of(module, *found, request, body, owner)

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


def answer_of(
    library: Any, app: App, parts: tuple[Any, ...], extensions: Any, owner: Any
) -> tuple[Answer, list[tuple[str, str]]]:
    """Return the app's answer to a request, and the headers of the response.

    Args:
        library: the module that is intercepted.
        app: answers the request.
        parts: the arguments of `environ_from`, with headers in bytes.
        extensions: the extensions of the request.
        owner: the transport.

    Raises:
        Exception: the library's own, if there is no response.
    """
    timeout = (extensions.get("timeout") or {}).get("read")
    called, method, target, headers, body = parts
    head, data, tried = plain_head(f"{called[0]}{target}", method, headers), b"", 0
    if head is None or head.get(LENGTH) not in (None, str(len(body))):
        data = _written(library, method, target, headers, body)
        head = keyed(headers)
    while True:
        try:
            if data:
                answer = FarEnd(called, app, timeout).answer_to(data)
            else:
                answer = app.answer(with_body(head, body), timeout=timeout)
            return answer, headers_in_process(answer, head.get("HTTP_CONNECTION"))
        except Broken as broken:
            if broken.loss == "refused" and tried < retries_of(owner):
                tried += 1
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
