"""Every refusal that Flowdock answers, with its text. Status and grade stand in docs/api/errors.md.

A text says the rule in a sentence, because whoever reads it may not have the page at hand. None holds a secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..redaction import shortened
from .contracts import contracts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Self

MAX_BODY = 10 * 1024 * 1024  # bytes


class Refusal(Exception):
    """A request that is refused, with a 4xx.

    Attributes:
        name: the section of errors.md that it belongs to.
        message: the text that the client reads.
        headers: more headers for the answer.
    """

    name: str
    cites = True  # whether Flowdock's own text leaves room to say where the rule is written

    def __init__(self, message: str, *headers: tuple[str, str]) -> None:
        self.message = shortened(message)
        super().__init__(self.message)
        self.headers = headers

    def forgetful(self) -> Self:
        """The same, without the frames that raised it: those hold the whole call, and the journal keeps refusals."""
        self.__context__ = self.__cause__ = None
        return self.with_traceback(None)

    @property
    def status(self) -> int:
        """The HTTP status, as the page has it."""
        return contracts().errors[self.name].status

    def body(self, page: str) -> dict[str, Any]:
        """What is answered.

        Args:
            page: where the rule is written, `docs/api/sources.md#create-source`.
        """
        return {"message": f"{self.message} ({page})" if self.cites else self.message}


class NoSuchRoute(Refusal):
    """The path is none that is answered."""

    name = "no-such-route"
    cites = False

    def __init__(self) -> None:
        super().__init__("not found")


class MethodNotAllowed(Refusal):
    """The path exists, the method does not."""

    name = "method-not-allowed"

    def __init__(self, method: str, allowed: Iterable[str]) -> None:
        methods = ", ".join(sorted(allowed))
        super().__init__(f"This path has no {method}, only {methods}", ("Allow", methods))


class TooLarge(Refusal):
    """The body has more than `MAX_BODY` bytes."""

    name = "too-large"

    def __init__(self) -> None:
        super().__init__(f"The body of a request must not have more than {MAX_BODY} bytes")


class Unauthorized(Refusal):
    """There are no credentials, or wrong ones."""

    name = "unauthorized"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Unauthorized: {reason}", ("WWW-Authenticate", 'Basic realm="Flowdock"'))


class Gone(Refusal):
    """The source of a `flow_token` was deleted."""

    name = "gone"

    def __init__(self) -> None:
        super().__init__("Gone: the source of this flow_token was deleted")


class Unreadable(Refusal):
    """The body or the query cannot be read."""

    name = "unreadable"


class NotFound(Refusal):
    """What the path names does not exist, or not for this caller."""

    name = "not-found"
    cites = False

    def __init__(self) -> None:
        super().__init__("not found")


class AccessDenied(Refusal):
    """The caller may see it, and not do this."""

    name = "access-denied"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Access denied: {reason}")


class InvalidFlow(Refusal):
    """The parameter `flow` names none that the caller may post to."""

    name = "invalid-flow"
    cites = False

    def __init__(self) -> None:
        super().__init__("Invalid flow identifier")


class ValidationError(Refusal):
    """Fields are missing, blank or not of their type."""

    name = "validation-error"
    cites = False

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__("Validation error")
        self.errors = errors

    def body(self, page: str) -> dict[str, Any]:
        """The message, and for each field what is wrong with it."""
        return {**super().body(page), "errors": dict(self.errors)}


class TokenRefused(Refusal):
    """A request for tokens is refused, in the form of RFC 6749.

    Args:
        error: one of the words of the RFC's section 5.2.
        description: the reason, in ASCII and without quotes, as the RFC asks for it.
    """

    name = "token-refused"

    def __init__(self, error: str, description: str, *headers: tuple[str, str]) -> None:
        super().__init__(description, ("Cache-Control", "no-store"), ("Pragma", "no-cache"), *headers)
        self.error = error

    def body(self, page: str) -> dict[str, Any]:
        """The word, and the reason."""
        return {"error": self.error, "error_description": super().body(page)["message"]}


class ClientRefused(TokenRefused):
    """A request for tokens comes from no application that is known."""

    name = "client-refused"

    def __init__(self, description: str) -> None:
        super().__init__("invalid_client", description, ("WWW-Authenticate", 'Basic realm="Flowdock"'))


class BrokenContract(Exception):
    """A bug of fakeflowdock: it answered, or was about to, what its own pages do not allow."""

    name = "broken-contract"

    def __init__(self, what: str) -> None:
        super().__init__(f"fakeflowdock broke its own contract: {what}")
