"""The errors of the admin API, with their texts. docs/admin/errors.md has their status and meaning.

Disallowed methods, and bodies that are too large or unreadable, get the same errors as in Flowdock's API.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from ...contract.errors import FIELD, LONGEST, Refusal
from ...contract.findings import MOST
from ...contract.validation import MOST as COUNTED
from ...redaction import brief

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

SHOWN = 3  # problems in a message


class Misdirected(Refusal):
    """The Host header is not a name of the server."""

    name = "misdirected"

    def __init__(self, host: str, allowed: Iterable[str]) -> None:
        super().__init__(f"Host {host!r} is not allowed; allowed hosts: {', '.join(allowed)}")


class ForeignPage(Refusal):
    """A page of another origin sent the request."""

    name = "foreign-page"
    text = "Pages of other origins may not use the admin API"


class AdminTokenNeeded(Refusal):
    """The admin token is missing, or wrong."""

    name = "admin-token-needed"
    text = "The admin token is required: Authorization: Bearer …"
    headers = (("WWW-Authenticate", 'Bearer realm="fakeflowdock admin"'),)


class UnknownPath(Refusal):
    """The path is unknown."""

    name = "no-such-route"

    def __init__(self, path: str) -> None:
        super().__init__(f"Unknown path {path}: see /_fakeflowdock/admin/openapi.json")


class NotJson(Refusal):
    """The Content-Type of the body is not JSON."""

    name = "not-json"
    text = "The body must be JSON, with Content-Type: application/json"


class Unknown(Refusal):
    """The path names something unknown.

    Args:
        what: its kind, such as `world` or `snapshot`.
        name: its name.
        world: the name of its world, unless it is a world itself.
        hint: the end of the message.
    """

    name = "not-found"

    LIBRARY = "client library"
    EXPECTED = ": expected {known}"

    def __init__(self, what: str, name: str, world: str | None = None, hint: str = "") -> None:
        super().__init__(f"Unknown {what} {brief(name)!r}{'' if world is None else f' in world {world!r}'}{hint}")


class Taken(Refusal):
    """The request conflicts with something that exists."""

    name = "taken"

    WORLD = "World {name!r} already exists: choose another name or set replace"
    DEFAULT_WORLD = "World {name!r} already exists and cannot be replaced: choose another name"
    WORLD_IN_CAPITALS = "World {name!r} already exists, and {asked!r} differs only in case: choose another name"
    WORLDS = "limit of {limit} worlds reached: delete one or raise --max-worlds"
    SNAPSHOTS = "limit of {limit} snapshots reached: delete one"
    FAULTS = "limit of {limit} faults reached: delete some"
    DELIVERIES = "limit of {limit} deliveries under way reached: wait for some"
    OWN_WORLD = "The server's own world cannot be deleted"
    CREDENTIAL = "World {name!r} has {credential} too: a credential belongs to one world"
    LOADED = CREDENTIAL + "; to load it with new credentials, use POST /_fakeflowdock/worlds"


class NoFile(Refusal):
    """The server has no file to save its world to."""

    name = "no-file"
    text = "The server has no file to save to: start it with --save-on-exit"


class NotWritten(Refusal):
    """The world could not be saved."""

    name = "not-written"

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"The world is not saved to {file}: {reason}")


class NotReady(Refusal):
    """The worlds are shared, and the log cannot be used."""

    name = "not-ready"

    def __init__(self, problem: str) -> None:
        super().__init__(f"The log that the servers share cannot be used: {problem}")


class Invalid(Refusal):
    """Fields are missing, unknown or invalid.

    Args:
        problems: a JSON pointer and a reason for each invalid field. The first 20 are in the response.
    """

    name = "invalid"

    IN_QUERY = "must be in the JSON body, not in the query"
    NO_OBJECT = "is not an object in JSON"
    NOT_BOTH = "cannot be combined with {other}"
    NAME = "is not made of 1 to 64 letters, digits, dots, hyphens and underscores"
    BEYOND = "is beyond the year {year}"
    PAST = "is in the past: a clock only moves forward, and it is {now}"
    MOMENT = "must be a date-time with its offset from UTC, such as 2030-01-01T00:00:00Z"
    LONG = "must be at most {seconds} seconds"
    SELF = "is not an attribute"
    OF_REQUESTS = "is only for requests"
    OF_WHAT_EXISTS = "is only for assertions that something exists"
    NO_OPERATION = "can't be blank in an assertion about requests"
    BESIDE = "must be beside expected, not in it"
    CALLER = "must be one of user, source and application"
    NO_CALLER = "is not the id of a {kind} in this world"
    NO_FILE = "is not the path of any file in this world"
    NO_ENTITY = "is not the id of any {kind} in this world"
    NO_FLOW = "is not the path or id of a flow in this world"
    NO_MESSAGE = "is not the id of a message in this flow"
    NO_THREAD = "is not the id of a thread in this world"
    NO_SNAPSHOT = "is not a snapshot of this world{hint}"
    PATTERN = "must have only $pattern, a string"
    SHORTENED = "cannot be compared: {error}"
    EXPRESSION = "is not a regular expression: {error}"
    LARGE = "is too large: at most {longest} characters, and {largest} with its counted repetitions written out"
    LONG_TEXT = "was not searched for in a text of more than {longest} characters"
    SLOW = "takes too long: the searches of a request may take {seconds:g} second"

    def __init__(self, problems: Iterable[tuple[str, str]]) -> None:
        each = iter(problems)
        self.problems = [(brief(pointer, FIELD), reason) for pointer, reason in islice(each, MOST)]
        shown = [f"{pointer} {reason}".strip() for pointer, reason in self.problems[:SHOWN]]
        if (number := len(self.problems) + sum(1 for _ in each)) > SHOWN:
            shown.append(f"and {'at least ' if number >= COUNTED else ''}{number - SHOWN} more")
        super().__init__("; ".join(shown))

    @classmethod
    def at(cls, pointer: str, reason: str) -> Self:
        """Return the error for one field."""
        return cls([(pointer, reason)])

    def body(self, page: str) -> dict[str, Any]:
        """Return the message and the list of invalid fields."""
        places = [{"pointer": pointer, "reason": brief(reason, LONGEST)} for pointer, reason in self.problems]
        return {**super().body(page), "errors": places}
