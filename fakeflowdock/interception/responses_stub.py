"""The stub in `responses` for requests to Flowdock, in mocks of the user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from requests.exceptions import ConnectionError  # noqa: A004  # as callers of requests know it
from responses import BaseResponse, CallList

from ..api.environ import FLOWDOCK
from . import errors
from .requests_responses import app_of, head_of, received

if TYPE_CHECKING:
    from requests import PreparedRequest
    from urllib3 import HTTPResponse


class _Forgetful(CallList):
    """A list of calls that stays empty. Each would take 12 kB in a long session."""

    def add(self, request: PreparedRequest, response: Any) -> None:
        pass

    def add_call(self, call: Any) -> None:
        pass


class FlowdockResponse(BaseResponse):
    """The stub in `responses` for every method and path of Flowdock's hosts."""

    def __init__(self) -> None:
        super().__init__("ANY", FLOWDOCK)
        self._calls = _Forgetful()

    def matches(self, request: PreparedRequest) -> tuple[bool, str]:
        """Return whether the request goes to Flowdock, and the reason if not."""
        return FLOWDOCK.match(str(request.url)) is not None, "not one of Flowdock's hosts"

    def get_response(self, request: PreparedRequest) -> HTTPResponse:
        """Return the app's response. The mock itself applies the retry policy of the adapter."""
        timeout = cast("Any", request).req_kwargs["timeout"]  # where responses stores it
        if (found := app_of(str(request.url))) is None:
            raise ConnectionError(errors.STOPPED_MEANWHILE, request=request)
        return received(found, request, head_of(found[0], request), timeout, None)


STUB = FlowdockResponse()
