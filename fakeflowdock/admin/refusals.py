"""Every refusal of the admin API. Status and meaning stand in docs/admin/errors.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..contracts import ADMIN, contracts
from ..errors import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable

TOLD = 3  # problems in a sentence


class Refusal(Exception):
    """A request that is refused.

    Args:
        message: why, in a sentence.
        headers: more headers for the answer.
    """

    name: str

    def __init__(self, message: str, *headers: tuple[str, str]) -> None:
        super().__init__(message)
        self.message = message
        self.headers = headers

    @property
    def status(self) -> int:
        """The HTTP status, as the page has it."""
        return contracts(ADMIN).errors[self.name].status

    def body(self) -> dict[str, Any]:
        """What is answered."""
        return {"message": shortened(self.message)}


class Misdirected(Refusal):
    """The server was called by a name that is not its own."""

    name = "misdirected"


class ForeignPage(Refusal):
    """A page of another origin asks."""

    name = "foreign-page"

    def __init__(self) -> None:
        super().__init__("A page of another origin may not administer this server")


class AdminTokenNeeded(Refusal):
    """The admin token is missing, or wrong."""

    name = "admin-token-needed"

    def __init__(self) -> None:
        challenge = ("WWW-Authenticate", 'Bearer realm="fakeflowdock admin"')
        super().__init__("This needs the admin token of the server: Authorization: Bearer …", challenge)


class NoSuchRoute(Refusal):
    """The path is none."""

    name = "no-such-route"

    def __init__(self, path: str) -> None:
        super().__init__(f"There is no {path}; /_fakeflowdock/admin/openapi.json lists what there is")


class MethodNotAllowed(Refusal):
    """The path exists, the method does not."""

    name = "method-not-allowed"

    def __init__(self, method: str, allowed: Iterable[str]) -> None:
        methods = ", ".join(sorted(allowed))
        super().__init__(f"This path has no {method}, only {methods}", ("Allow", methods))


class TooLarge(Refusal):
    """The body has more bytes than are read."""

    name = "too-large"


class NotJson(Refusal):
    """The body does not say that it is JSON."""

    name = "not-json"

    def __init__(self) -> None:
        super().__init__("The body is JSON, and its Content-Type says so: application/json")


class Unreadable(Refusal):
    """The body is no JSON, or no object."""

    name = "unreadable"


class NotFound(Refusal):
    """What the path names is not there."""

    name = "not-found"


class Taken(Refusal):
    """Something that is there stands in the way."""

    name = "taken"


class Invalid(Refusal):
    """Fields are missing, unknown or wrong.

    Args:
        problems: each place, as a JSON pointer, and what is wrong there.
        page: where the operation is written.
    """

    name = "invalid"

    def __init__(self, problems: Iterable[tuple[str, str]], page: str = "") -> None:
        self.problems = list(problems)
        self.page = page
        told = [f"{pointer} {reason}".strip() for pointer, reason in self.problems[:TOLD]]
        if len(self.problems) > TOLD:
            told.append(f"and {len(self.problems) - TOLD} more")
        super().__init__("; ".join(told))

    def body(self) -> dict[str, Any]:
        """The page, and each place with what is wrong there."""
        errors = [{"pointer": pointer, "reason": shortened(reason)} for pointer, reason in self.problems]
        return {"message": shortened(f"{self.message} ({self.page})"), "errors": errors}
