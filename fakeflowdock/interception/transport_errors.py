"""The exceptions for broken connections: those of a socket, and those of `httpx` and `httpcore`."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

from . import errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from ..api.responses import Answer


def error_of(loss: str, timeout: float | None) -> OSError | None:
    """Return the exception of a socket for a broken connection; None if it was closed."""
    if loss == "timeout" and timeout is not None:
        return TimeoutError(errors.TIMED_OUT)
    numbers = {"refused": errno.ECONNREFUSED, "reset": errno.ECONNRESET, "timeout": errno.ETIMEDOUT}
    return OSError(numbers[loss], os.strerror(numbers[loss])) if loss in numbers else None


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
