"""Answers of the app as responses of urllib3, which `requests` uses too."""

from __future__ import annotations

import io
from http.client import IncompleteRead
from typing import TYPE_CHECKING, Any, cast

from urllib3 import HTTPResponse

from ..http.response_writer import headers_in_process

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from urllib3 import HTTPHeaderDict, Retry

    from ..api.responses import Answer
else:
    HTTPHeaderDict = type(HTTPResponse().headers)  # no public name before urllib3 2

__all__ = ["HTTPHeaderDict", "response_of"]


class _Body(io.BytesIO):
    """A body with the method of http.client that urllib3 tries first, three times for each response."""

    def isclosed(self) -> bool:
        return self.closed


class _CutShort(io.BytesIO):
    """A body that ends before its Content-Length. Reading it to the end raises the error of http.client."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body)
        self._missing = int(dict(answer.headers)["Content-Length"]) - len(answer.body)

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        if size is None or size < 0:
            raise IncompleteRead(piece, self._missing)
        return piece


def response_of(answer: Answer, head: WSGIEnvironment, retries: Retry | None, **more: Any) -> HTTPResponse:
    """Return an answer as a response of urllib3.

    Args:
        answer: the answer, which is no stream.
        head: the environ of the request.
        retries: the retry policy, with the history so far, or None.
        more: further arguments of the response. Default: it is not read yet.
    """
    headers = HTTPHeaderDict()  # keeps repeated names, which Set-Cookie needs
    for name, value in headers_in_process(answer, head.get("HTTP_CONNECTION")):
        headers.add(name, value)
    original: Any = None
    if "Set-Cookie" in headers:  # requests reads cookies from http.client's message
        ended = io.BytesIO()
        ended.close()
        original = HTTPResponse(body=ended, msg=cast("Any", headers), preload_content=False)
    response = HTTPResponse(
        body=_CutShort(answer) if answer.cut else _Body(answer.body),
        headers=headers,
        status=answer.status,
        version=11,
        reason=answer.line[4:],
        request_method=head["REQUEST_METHOD"],
        retries=retries,
        original_response=original,
        **{"preload_content": False, **more},
    )
    response.version_string = "HTTP/1.1"
    return response
