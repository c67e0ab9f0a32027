"""Responses of the app to prepared requests of `requests`, as urllib3 would return them."""

from __future__ import annotations

import http.client
import re
from http.client import RemoteDisconnected
from typing import TYPE_CHECKING, Any, cast

from requests import exceptions
from requests.structures import CaseInsensitiveDict
from requests.utils import requote_uri
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, Retry
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError, ReadTimeoutError

from ..api.environ import PORTS, environ_from
from ..api.responses import Broken
from ..api.streams.reader import NeverEnds, Reader
from ..http.response_writer import written
from . import errors
from .patches import answers
from .plain_requests import with_body
from .stream_file import BufferedStream, StreamFile
from .timeouts import read_timeout
from .transport_errors import error_of
from .urllib3_responses import HTTPHeaderDict, response_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from requests import PreparedRequest
    from urllib3.exceptions import HTTPError

    from ..api.app import App
    from ..api.responses import Answer

HTTP_1_1 = {"SERVER_PROTOCOL": "HTTP/1.1"}
NO_PORT = re.compile(r"(//[^/?#]*):0+(?=[/?#]|\Z)")  # requests sends to the default port


def app_of(url: str) -> tuple[re.Match[str], App] | None:
    """Return the match of a Flowdock URL, and the app that answers, as `answers` does, with the port of `requests`."""
    return answers(NO_PORT.sub(r"\1", url) if ":0" in url else url)


def received(
    found: tuple[re.Match[str], App],
    request: PreparedRequest,
    head: WSGIEnvironment,
    timeout: Any,
    retries: Retry | None,
) -> HTTPResponse:
    """Return the app's response, with the history of its retries, as urllib3 does.

    Args:
        found: what `app_of` found for the URL.
        request: a request to Flowdock.
        head: its environ, without a body.
        timeout: as `requests` takes it.
        retries: the retry policy of the adapter, or None.

    Raises:
        RequestException: there is no response, or none that the policy accepts.
    """
    called, app = found
    body, until = _bytes(request.body), None if timeout is None else read_timeout(timeout)
    while True:
        try:
            answer = app.answer(with_body(head, body), timeout=until)
        except Broken as broken:
            retries = _again(broken, called, request, retries, until)
            continue
        if answer.stream is not None:
            return _stream_of(answer, called, request, retries, until)
        response = response_of(answer, head, retries)
        after = "Retry-After" in response.headers
        if retries is None or not retries.is_retry(head["REQUEST_METHOD"], response.status, after):
            return response
        try:
            retries = retries.increment(request.method, request.path_url, response=response)
        except MaxRetryError as error:
            if retries.raise_on_status:
                raise exceptions.RetryError(error, request=request) from error
            return response


def head_of(called: re.Match[str], request: PreparedRequest) -> WSGIEnvironment:
    """Return the environ of a request, without its body."""
    target = request.path_url
    if not target.isascii():
        target = requote_uri(target)
    return environ_from(called, request.method or "GET", target, headers_of(request), b"")


def headers_of(request: PreparedRequest) -> list[tuple[str, str]]:
    """Return the names and values of headers, in order. Names may be in lowercase, as they are kept."""
    headers = request.headers
    return [*(headers.lower_items() if isinstance(headers, CaseInsensitiveDict) else headers.items())]


def _bytes(body: Any) -> bytes:
    """Return the body as sent: from text, bytes, a file, or chunks of them."""
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    if hasattr(body, "read"):
        return _bytes(body.read())
    return b"".join(_bytes(piece) for piece in body)


class _StreamSocket:
    """The method of a socket that `http.client` uses to read."""

    def __init__(self, file: BufferedStream) -> None:
        self._file = file

    def makefile(self, _mode: str) -> BufferedStream:
        return self._file


def _stream_of(
    answer: Answer, called: re.Match[str], request: PreparedRequest, retries: Retry | None, timeout: float | None
) -> HTTPResponse:
    """Return a response that is read as it happens, by http.client beneath urllib3 as over a socket."""
    assert answer.stream is not None
    pool = _pool_of(called)

    def never_ends(error: NeverEnds) -> Exception:
        return ReadTimeoutError(pool, request.path_url, str(error))

    keep = "close" not in str(request.headers.get("Connection", "")).lower()
    file = StreamFile(written(answer, HTTP_1_1, keep=keep), Reader(answer.stream, timeout), never_ends, chunked=True)
    received = http.client.HTTPResponse(cast("Any", _StreamSocket(BufferedStream(file))), method=request.method)
    received.begin()
    return HTTPResponse(
        body=received,
        headers=HTTPHeaderDict(received.getheaders()),
        status=received.status,
        version=received.version,
        reason=received.reason,
        preload_content=False,
        decode_content=False,
        original_response=received,
        pool=pool,
        request_method=request.method,
        retries=retries,
    )


def _pool_of(called: re.Match[str]) -> HTTPConnectionPool:
    """Return a pool for messages."""
    scheme, host, port = called[1].lower(), called[2], called[3]
    return (HTTPSConnectionPool if scheme == "https" else HTTPConnectionPool)(host, int(port or PORTS[scheme]))


def _again(
    broken: Broken, called: re.Match[str], request: PreparedRequest, retries: Retry | None, timeout: float | None
) -> Retry:
    """Return the retry policy after a broken connection, if it allows a retry.

    Raises:
        RequestException: it does not. The exception is that of requests.
    """
    pool = _pool_of(called)
    error: HTTPError
    cause = error_of(broken.loss, timeout)
    if broken.loss == "refused":
        error = NewConnectionError(cast("Any", pool), errors.NOT_CONNECTED.format(reason=cause))
    elif broken.loss == "timeout" and timeout is not None:
        error = ReadTimeoutError(pool, request.path_url, errors.READ_TIMED_OUT.format(timeout=timeout))
    else:
        error = ProtocolError(errors.ABORTED, cause or RemoteDisconnected(errors.CLOSED))
    try:
        return (retries or Retry(0, read=False)).increment(request.method, request.path_url, error=error, _pool=pool)
    except ReadTimeoutError as read:
        raise exceptions.ReadTimeout(read, request=request) from read
    except (ProtocolError, MaxRetryError) as last:
        raise exceptions.ConnectionError(last, request=request) from last
