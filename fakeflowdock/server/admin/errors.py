"""The refusals that the admin API has alone. Status and meaning stand in docs/admin/errors.md.

A method that a path does not have, and a body that is too large or cannot be read, are refused as Flowdock's are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ... import redaction
from ...contract import errors

if TYPE_CHECKING:
    from collections.abc import Iterable

TOLD = 3  # problems in a sentence


class AdminRefusal(errors.Refusal):
    """A request that is refused, for a reason of the admin API's own.

    Attributes:
        page: where the operation is written, where the text names it.
    """

    cites = False
    page = ""


class Misdirected(AdminRefusal):
    """The server was called by a name that is not its own."""

    name = "misdirected"


class ForeignPage(AdminRefusal):
    """A page of another origin asks."""

    name = "foreign-page"

    def __init__(self) -> None:
        super().__init__("A page of another origin may not administer this server")


class AdminTokenNeeded(AdminRefusal):
    """The admin token is missing, or wrong."""

    name = "admin-token-needed"

    def __init__(self) -> None:
        challenge = ("WWW-Authenticate", 'Bearer realm="fakeflowdock admin"')
        super().__init__("This needs the admin token of the server: Authorization: Bearer …", challenge)


class UnknownAdminRoute(AdminRefusal):
    """The path is none."""

    name = "no-such-route"

    def __init__(self, path: str) -> None:
        super().__init__(f"There is no {path}; /_fakeflowdock/admin/openapi.json lists what there is")


class NotJson(AdminRefusal):
    """The body does not say that it is JSON."""

    name = "not-json"

    def __init__(self) -> None:
        super().__init__("The body is JSON, and its Content-Type says so: application/json")


class UnknownName(AdminRefusal):
    """What the path names is not there."""

    name = "not-found"


class Taken(AdminRefusal):
    """Something that is there stands in the way."""

    name = "taken"


class Invalid(AdminRefusal):
    """Fields are missing, unknown or wrong.

    Args:
        problems: each place, as a JSON pointer, and what is wrong there.
    """

    name = "invalid"

    def __init__(self, problems: Iterable[tuple[str, str]]) -> None:
        self.problems = list(problems)
        told = [f"{pointer} {reason}".strip() for pointer, reason in self.problems[:TOLD]]
        if len(self.problems) > TOLD:
            told.append(f"and {len(self.problems) - TOLD} more")
        super().__init__("; ".join(told))

    def body(self, page: str) -> dict[str, Any]:
        """The page, and each place with what is wrong there."""
        places = [{"pointer": pointer, "reason": redaction.shortened(reason)} for pointer, reason in self.problems]
        return {"message": f"{self.message} ({page})", "errors": places}
