"""`requests`, through `responses`: intercept requests to Flowdock's hosts. Others are not intercepted.

Every session and adapter, whenever it was created, calls `HTTPAdapter.send`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import responses
from requests.adapters import HTTPAdapter
from urllib3 import Timeout

from . import beside_responses, errors
from .patches import answers
from .responses_stub import STUB, Mock
from .transport_errors import TOKEN
from .unpatched import PooledConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from requests import PreparedRequest

    from .patches import Seam


def seams(_module: ModuleType) -> Iterator[Seam]:
    """Yield the functions to patch."""
    yield HTTPAdapter, "send", _make
    yield from beside_responses.seams(responses)


def _make(before: Callable[..., Any]) -> Any:
    answer = Mock().unbound_on_send()

    def send(
        adapter: HTTPAdapter,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> Any:
        more = {"stream": stream, "timeout": timeout, "verify": verify, "cert": cert, "proxies": proxies}
        if answers(str(request.url)) is None:
            return before(adapter, request, **more)
        # As requests does before it connects, also in an adapter of the user's.
        adapter.add_headers(request, **more)
        if timeout is not None:
            _check_timeout(timeout)
        _check_head(request)
        STUB.follow(adapter.max_retries)
        try:
            return answer(adapter, request, **more)
        finally:
            STUB.follow(None)

    return send


def _check_head(request: PreparedRequest) -> None:
    """Reject what cannot be sent, as the connections of urllib3 do."""
    method, values = str(request.method), [*request.headers.values()]
    with suppress(TypeError):  # a value in bytes
        if TOKEN.fullmatch(method) and "".join([*request.headers, *values]).isascii():
            return
    head = PooledConnection("api.flowdock.com")
    head.putrequest(method, "/", skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers.items():
        head.putheader(name, value)


def _check_timeout(timeout: Any) -> None:
    """Reject timeouts that requests rejects, with its ValueError."""
    if isinstance(timeout, tuple) and len(timeout) != 2:
        raise ValueError(errors.TIMEOUT.format(given=timeout))
    if not isinstance(timeout, Timeout):
        connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
        Timeout(connect=connect, read=read)
