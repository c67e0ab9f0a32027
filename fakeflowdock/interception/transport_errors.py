"""The exceptions for broken connections: those of a socket, and those of `httpx` and `httpcore`."""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING, Any

from ..api.environ import environ_from
from ..api.responses import Broken
from . import errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from ..api.app import App
    from ..api.responses import Answer

TOKEN = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
NAME = re.compile(rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
VALUE = re.compile(rb"(?:[^\x00\s](?:[^\x00\n\r\f\v]*[^\x00\s])?)?")
ERRORS = {"refused": "ConnectError", "reset": "ReadError", "closed": "RemoteProtocolError"}


def error_of(loss: str, timeout: float | None) -> OSError | None:
    """Return the exception of a socket for a broken connection; None if it was closed."""
    if loss == "timeout" and timeout is not None:
        return TimeoutError(errors.TIMED_OUT)
    numbers = {"refused": errno.ECONNREFUSED, "reset": errno.ECONNRESET, "timeout": errno.ETIMEDOUT}
    return OSError(numbers[loss], os.strerror(numbers[loss])) if loss in numbers else None


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
    _check_head(library, *parts[1:4])
    timeout = (extensions.get("timeout") or {}).get("read")
    while True:
        try:
            return app.answer(environ_from(*parts), timeout=timeout)
        except Broken as broken:
            if broken.loss == "refused" and retries > 0:
                retries -= 1
                continue
            cause = error_of(broken.loss, timeout)
            name = "ReadTimeout" if cause is not None and cause.errno is None else ERRORS.get(broken.loss, "ReadError")
            message = errors.DISCONNECTED if cause is None else str(cause)
            raise getattr(library, name)(message) from cause


def _check_head(library: Any, method: str, target: str, headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Reject what cannot be sent, with the error of h11, which httpcore sends with."""
    if TOKEN.fullmatch(method) and all(NAME.fullmatch(name) and VALUE.fullmatch(value) for name, value in headers):
        return
    from h11 import LocalProtocolError, Request

    try:
        Request(method=method, target=target, headers=[*headers])
    except LocalProtocolError as error:
        raise library.LocalProtocolError(str(error)) from error


def retries_of(owner: Any) -> int:
    """Return the number of connection retries of an `httpx` transport or an `httpcore` pool."""
    retries = getattr(getattr(owner, "_pool", owner), "_retries", 0)
    return retries if isinstance(retries, int) else 0


class CutShort:
    """A body that ends before its Content-Length, as a synchronous and asynchronous stream."""

    def __init__(self, library: Any, answer: Answer) -> None:
        self._body = answer.body
        length = next(value for name, value in answer.headers if name == "Content-Length")
        message = errors.CUT.format(received=len(answer.body), length=length)
        self._error: Exception = library.RemoteProtocolError(message)

    def __iter__(self) -> Iterator[bytes]:
        yield self._body
        raise self._error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body
        raise self._error
