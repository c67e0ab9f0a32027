"""`requests`: intercept requests to Flowdock's hosts. Others are not intercepted.

Every session and adapter, whenever it was created, calls `HTTPAdapter.send`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3 import Timeout

from . import errors
from .plain_requests import METHODS, NAMES, SIZE
from .requests_responses import app_of, headers_of, received

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from requests import PreparedRequest

    from .patches import Seam


def seams(_module: ModuleType) -> Iterator[Seam]:
    """Yield the functions to patch."""
    yield HTTPAdapter, "send", _make


def _make(before: Callable[..., Any]) -> Any:
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
        if (found := app_of(str(request.url))) is None or not _is_plain(request):
            return before(adapter, request, **more)  # through urllib3, which refuses what cannot be sent
        # As requests does before it connects, also in an adapter of the user's.
        adapter.add_headers(request, **more)
        if timeout is not None:
            _check_timeout(timeout)
        return adapter.build_response(request, received(found, request, timeout, adapter.max_retries))

    return send


def _is_plain(request: PreparedRequest) -> bool:
    """Return whether urllib3 and a server take the request for what it is."""
    headers, pairs = request.headers, headers_of(request)
    try:
        names, values = ",".join([name for name, _ in pairs]).lower(), "".join([value for _, value in pairs])
    except TypeError:  # a value in bytes
        return False
    if "transfer-encoding" in names and ("content-length" in names or headers["Transfer-Encoding"] != "chunked"):
        return False
    if "content-length" in names and not headers["Content-Length"].isdigit():
        return False
    size = len(names) + len(values) + len(str(request.url))
    text = NAMES.fullmatch(names) and values.isascii() and values.isprintable()
    return bool(text) and size < SIZE and request.method in METHODS


def _check_timeout(timeout: Any) -> None:
    """Reject timeouts that requests rejects, with its ValueError."""
    if isinstance(timeout, tuple) and len(timeout) != 2:
        raise ValueError(errors.TIMEOUT.format(given=timeout))
    if not isinstance(timeout, Timeout):
        connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
        Timeout(connect=connect, read=read)
