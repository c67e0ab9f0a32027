"""Requests and replies of anybody, held against what Flowdock's docs say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..api import routing
from ..api.callers import USER
from ..api.messages import split
from ..contract.contracts import contracts, operation_named
from ..contract.errors import MethodNotAllowed, NoSuchRoute
from ..contract.findings import Findings
from .adapters import received, sent
from .replies import CheckedReply
from .requests import CheckedRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..contract.contracts import OperationContract


class Contract:
    """What Flowdock's docs say, to hold requests and replies against: of a client, of a recording, of any server.

    Args:
        strict: whether what the docs advise against is a violation, and not a warning.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict

    def __repr__(self) -> str:
        return f"<Contract{', strict' if self.strict else ''}; operations: {len(self.operations)}>"

    @property
    def operations(self) -> Mapping[str, OperationContract]:
        """Name (`create-source`) to what the operation's page says."""
        return contracts().operations

    def match(self, method: str, path: str) -> OperationContract | None:
        """The operation that a method and a path ask for; None where there is none.

        Args:
            method: in whichever case.
            path: with or without what comes before it in a URL, and its query.
        """
        try:
            return routing.match(method.upper(), routing.normal(split(path).path)).operation.contract
        except (NoSuchRoute, MethodNotAllowed):
            return None

    def check_request(self, request: Any, url: str | None = None, headers: Any = (), body: Any = None) -> Findings:
        """What a request has that the docs do not say.

        Args:
            request: a method; or a request of `requests`, `httpx`, Werkzeug or `urllib`, a WSGI environ, an exchange of
                a fake's journal.
            url: with a method: the URL, whole or from its path on.
            headers: with a method: a mapping, or pairs of name and value.
            body: with a method: bytes, text, or a value that goes as JSON.

        Returns:
            The findings; none where all is as documented.

        Raises:
            TypeError: it is no request.
        """
        return Findings(CheckedRequest(sent(request, url, headers, body), strict=self.strict).findings())

    def check_reply(
        self, operation: Any, status: Any = None, headers: Any = (), body: Any = None, *, method: str = "GET"
    ) -> Findings:
        """What a reply has that the docs do not say.

        Args:
            operation: what was asked for, as its page calls it (`"create source"`), or None where the request asked for
                no operation; or, alone, a response that knows its request: of `requests` or `httpx`, of Werkzeug's test
                client, an exchange of a fake's journal.
            status: the status, as a number or a line; or a response of `requests`, `httpx` or Werkzeug.
            headers: with a status: a mapping, or pairs of name and value.
            body: with a status: bytes, text, WSGI's list of bytes, or a value that came as JSON.
            method: of the request. The answer to a HEAD has no body.

        Returns:
            The findings; none where all is as documented.

        Raises:
            ValueError: there is no such operation.
            TypeError: it is no reply, or one that does not know its request.
        """
        if operation is None or isinstance(operation, str):
            contract = None if operation is None else self.operations[operation_named(operation)]
            reply = received(status, headers, body)
            if reply.request is not None:
                method = reply.request.method
            return Findings(CheckedReply(contract, reply, method, strict=self.strict).findings())
        reply = received(operation)
        if reply.request is None:
            raise TypeError("this reply does not know its request, so check_reply needs the operation too")
        asked = CheckedRequest(reply.request, strict=self.strict)
        users = asked.caller == USER
        return Findings(CheckedReply(asked.contract, reply, asked.method, strict=self.strict, a_users=users).findings())

    def check(self, response: Any) -> Findings:
        """What a request and its reply have that the docs do not say.

        Args:
            response: one that knows its request, as `check_reply` takes it alone.

        Returns:
            The findings, those of the request first; none where all is as documented.

        Raises:
            TypeError: it is no such response.
        """
        reply = received(response)
        found = self.check_reply(reply)
        return Findings([*self.check_request(reply.request), *found])
