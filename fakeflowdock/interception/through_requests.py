"""`requests`: intercept requests to Flowdock's hosts. Others are not intercepted.

Every session and adapter, whenever it was created, calls `HTTPAdapter.send`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3 import Timeout

from . import errors
from .plain_requests import plain_head
from .requests_responses import app_of, head_of, headers_of, received

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from requests import PreparedRequest

    from .patches import Seam


_NO_HEADERS = HTTPAdapter.add_headers  # adds none


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
        found = app_of(url := str(request.url))
        head = None if found is None else plain_head(url, request.method, headers_of(request))
        if found is None or head is None:  # urllib3 refuses what cannot be sent
            return before(adapter, request, stream=stream, timeout=timeout, verify=verify, cert=cert, proxies=proxies)
        if getattr(adapter.add_headers, "__func__", None) is not _NO_HEADERS:  # as requests does before it connects
            adapter.add_headers(request, stream=stream, timeout=timeout, verify=verify, cert=cert, proxies=proxies)
            head = head_of(found[0], request)
        if timeout is not None:
            _check_timeout(timeout)
        return adapter.build_response(request, received(found, request, head, timeout, adapter.max_retries))

    return send


def _check_timeout(timeout: Any) -> None:
    """Reject timeouts that requests rejects, with its ValueError."""
    if isinstance(timeout, tuple) and len(timeout) != 2:
        raise ValueError(errors.TIMEOUT.format(given=timeout))
    if not isinstance(timeout, Timeout):
        connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
        Timeout(connect=connect, read=read)
