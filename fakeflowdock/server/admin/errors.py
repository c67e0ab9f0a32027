"""The refusals that the admin API has alone, with their texts. Status and meaning stand in docs/admin/errors.md.

A method that a path does not have, and a body that is too large or cannot be read, are refused as Flowdock's are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...contract.errors import Refusal
from ...redaction import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

TOLD = 3  # problems in a sentence


class Misdirected(Refusal):
    """The server was called by a name that is not its own."""

    name = "misdirected"

    def __init__(self, host: str, allowed: Iterable[str]) -> None:
        super().__init__(f"Host {host!r} is not allowed; allowed hosts: {', '.join(allowed)}")


class ForeignPage(Refusal):
    """A page of another origin asks."""

    name = "foreign-page"
    text = "Pages of other origins may not use the admin API"


class AdminTokenNeeded(Refusal):
    """The admin token is missing, or wrong."""

    name = "admin-token-needed"
    text = "The admin token is required: Authorization: Bearer …"
    headers = (("WWW-Authenticate", 'Bearer realm="fakeflowdock admin"'),)


class UnknownPath(Refusal):
    """The path is none."""

    name = "no-such-route"

    def __init__(self, path: str) -> None:
        super().__init__(f"Unknown path {path}: see /_fakeflowdock/admin/openapi.json")


class NotJson(Refusal):
    """The body does not say that it is JSON."""

    name = "not-json"
    text = "The body must be JSON, with Content-Type: application/json"


class Unknown(Refusal):
    """What the path names is not there.

    Args:
        what: its kind, `world`.
        world: the name of the world that it would be in, if it is not a world itself.
    """

    name = "not-found"

    def __init__(self, what: str, name: str, world: str | None = None) -> None:
        super().__init__(f"Unknown {what} {name!r}{'' if world is None else f' in world {world!r}'}")


class Taken(Refusal):
    """Something that is there stands in the way."""

    name = "taken"

    WORLD = "World {name!r} already exists: choose another name or set replace"
    DEFAULT_WORLD = "World {name!r} already exists and cannot be replaced: choose another name"
    WORLD_IN_CAPITALS = "World {name!r} already exists, and {asked!r} differs only in case: choose another name"
    WORLDS = "limit of {limit} worlds reached: delete one or raise --max-worlds"
    SNAPSHOTS = "limit of {limit} snapshots reached: delete one"
    OWN_WORLD = "The server's own world cannot be deleted"
    CREDENTIAL = "World {name!r} has {credential} too: a credential belongs to one world"
    LOADED = CREDENTIAL + "; POST /_fakeflowdock/worlds makes a world of it with credentials of its own"


class Invalid(Refusal):
    """Fields are missing, unknown or wrong.

    Args:
        problems: each place, as a JSON pointer, and what is wrong there.
    """

    name = "invalid"

    IN_QUERY = "must be in the JSON body, not in the query"
    NOT_BOTH = "cannot be combined with {other}"
    NAME = "is not made of 1 to 64 letters, digits, dots, hyphens and underscores"
    BEYOND = "is beyond the year {year}"
    PAST = "is in the past: a clock only moves forward, and it is {now}"
    MOMENT = "must be a date-time with its offset from UTC, such as 2030-01-01T00:00:00Z"
    LONG = "must be at most {seconds} seconds"
    SELF = "is not an attribute"
    OF_REQUESTS = "is only for requests"
    OF_REQUESTED = "is only for the assertion 'requested'"
    NO_OPERATION = "can't be blank where requests are asserted"
    BESIDE = "must be beside expected, not in it"
    CALLER = "must be one of user, source and application"
    NO_CALLER = "names no {kind} of this world"
    PATTERN = "must have $pattern alone, with a text"
    EXPRESSION = "is not a regular expression: {error}"

    def __init__(self, problems: Iterable[tuple[str, str]]) -> None:
        self.problems = list(problems)
        told = [f"{pointer} {reason}".strip() for pointer, reason in self.problems[:TOLD]]
        if len(self.problems) > TOLD:
            told.append(f"and {len(self.problems) - TOLD} more")
        super().__init__("; ".join(told))

    @classmethod
    def at(cls, pointer: str, reason: str) -> Self:
        """Return the refusal of one field."""
        return cls([(pointer, reason)])

    def body(self, page: str) -> dict[str, Any]:
        """The message, and each place with what is wrong there."""
        places = [{"pointer": pointer, "reason": shortened(reason)} for pointer, reason in self.problems]
        return {**super().body(page), "errors": places}
