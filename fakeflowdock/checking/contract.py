"""Check requests and responses of any client, server or recording against Flowdock's documented contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..api.callers import USER
from ..contract import explanations  # noqa: F401  # reads files, which a test may fake later
from ..contract.contracts import contracts, operation_named
from ..contract.findings import Findings
from ..contract.strictness import check_strict
from . import errors
from .adapters import received, sent
from .replies import CheckedReply
from .requests import CheckedRequest, match_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..contract.contracts import OperationContract
    from ..contract.strictness import Strict


class Contract:
    """Flowdock's documented contract, to check requests and responses of any client, recording or server.

    Args:
        strict: whether contract warnings are violations; or what to do with them by rule, as for `FakeFlowdock`.
            Default: false.

    Raises:
        ValueError: a rule is unknown.
    """

    def __init__(self, *, strict: Strict = False) -> None:
        check_strict(strict)
        self.strict = strict

    def __repr__(self) -> str:
        return f"<Contract{', strict' if self.strict else ''}; operations: {len(self.operations)}>"

    @property
    def operations(self) -> Mapping[str, OperationContract]:
        """The operations by name (`create-source`), as their pages describe them."""
        return contracts().operations

    def match(self, method: str, path: str) -> OperationContract | None:
        """Return the operation for a method and path; None if it is unknown.

        Args:
            method: in any case.
            path: a path or URL, with or without a query.
        """
        match = match_of(method.upper(), path)
        return None if match is None else match.operation.contract

    def check_request(self, request: Any, url: str | None = None, headers: Any = (), body: Any = None) -> Findings:
        """Check a request.

        Args:
            request: a method; or a request of `requests`, `httpx`, Werkzeug or `urllib`, a WSGI environ, or an exchange
                from a journal.
            url: with a method: the URL, absolute or from its path on.
            headers: with a method: a mapping, or pairs of name and value.
            body: with a method: bytes, text, or a value to send as JSON.

        Returns:
            The findings; empty if the request is as documented.

        Raises:
            TypeError: the type of the request is not supported.
        """
        return Findings(CheckedRequest(sent(request, url, headers, body), strict=self.strict).findings())

    def check_reply(
        self, operation: Any, status: Any = None, headers: Any = (), body: Any = None, *, method: str = "GET"
    ) -> Findings:
        """Check a response.

        Args:
            operation: the title of the requested operation (`"create source"`), or None if the path was unknown; or, as
                the only argument, a response that knows its request: of `requests`, `httpx` or Werkzeug's test client,
                or an exchange from a journal.
            status: the status, as a number or a line; or a response of `requests`, `httpx` or Werkzeug.
            headers: with a status: a mapping, or pairs of name and value.
            body: with a status: bytes, text, WSGI's list of bytes, or a JSON value.
            method: of the request. A response to HEAD has no body. Default: GET.

        Returns:
            The findings; empty if the response is as documented.

        Raises:
            ValueError: the operation is unknown.
            TypeError: the type of the response is not supported, or its request is unknown.
        """
        by_user: bool | None = None
        if operation is None or isinstance(operation, str):
            contract = None if operation is None else self.operations[operation_named(operation)]
            reply = received(status, headers, body)
            if reply.request is not None:
                method = reply.request.method
        else:
            reply = received(operation)
            if reply.request is None:
                raise TypeError(errors.NO_REQUEST)
            request = CheckedRequest(reply.request)
            contract, method, by_user = request.contract, request.method, request.caller == USER
        return Findings(CheckedReply(contract, reply, method, strict=self.strict, by_user=by_user).findings())

    def check(self, response: Any) -> Findings:
        """Check a request and its response.

        Args:
            response: a response that knows its request, as for `check_reply`.

        Returns:
            The findings, those of the request first; empty if both are as documented.

        Raises:
            TypeError: the type of the response is not supported, or its request is unknown.
        """
        reply = received(response)
        found = self.check_reply(reply)
        return Findings([*self.check_request(reply.request), *found])
