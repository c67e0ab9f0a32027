"""The errors of worlds and world files, with their texts. `str.format` replaces the names in braces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..contract.errors import Worded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

# Arguments of the methods that set up a world
EXISTS = "{kind} {name!r} already exists"
ACCESS_MODE = "invalid access_mode {given!r}: expected {known}"
ACCESS_TOKEN = "unknown access token {given!r}"
REDIRECT_URI = "invalid redirect_uri {given!r}: expected {expected!r}"
NO_MESSAGE = "invalid event {event!r}: it is not a message"
NO_CONTENT = "no earlier message of the flow has the content {content!r}"
COMMENTS = "invalid comments: expected a message of the flow, not a comment"
STRANGERS = "{user} cannot write to {other}: expected two users of one organization"
AMBIGUOUS_NAME = "several of them are the {kind} {name!r}: use a name that only one has: {known}"
NO_PATH = "invalid flow {path!r}: expected organization/flow"
PARAMETERIZED_NAME = "invalid parameterized_name {name!r}: expected a-z and 0-9, with - and _ between"
ID = "invalid id {given}: taken, or not a positive integer"
NO_WORLD_OF = "this {kind} belongs to no world: read it from a fake"
NOT_OF_THIS_WORLD = "{entity!r} is not {article} {kind} of this world"
NO_USER_OF = "{user} does not belong to the organization"
REMOVED = "{kind} {name!r} was removed"
MESSAGE_REMOVED = "message {id} was removed already"
WAS_REMOVED = ": it was removed"
NO_MEMBER = "{user} is not a member of {flow}"
NOT_EDITABLE = "cannot edit the content of the event {event!r}: expected a message or a comment of a user"
NOT_DELETABLE = "cannot delete a message with the event {event!r}"
NO_FLOW = "no flow can get messages or sources: add one with add_flow()"
NO_APPLICATION = "no application can create sources: add one with add_application()"
NO_ORGANIZATION = "no organization can get users or flows: add one with add_organization()"
NO_USER = "no user can create flows or sources: add one with add_user()"
BULK = "invalid {name} {given!r}: expected an integer, at least 0"
NOT_PENDING = "invalid invitation {id}: it is {what}, expected a pending one"
NO_INVITER = "invalid inviter {user!r}: expected a member of {flow!r}, which is not archived"
NOT_ADMITTED = "flow {flow!r} is archived, or has blocked {user!r}"
FIELD = "unknown field {name} of {what}{hint}"
NO_SCOPE = "invalid scope {given!r}: expected a string such as 'flow integration'"
COPIES = "cannot {name}: {kind} is a copy, and changing it would change nothing; list(…) returns a list of your own"
SCOPE = "unknown scope {unknown}: expected {known}"

# Clock, settings, initial worlds
STEP = "invalid time {given!r}: expected seconds, or a timedelta"
MOMENT = "invalid time {given!r}: expected a datetime, or a text such as '2033-01-01T00:00Z'"
BACKWARDS = "invalid time {seconds} s: a clock cannot go backwards"
PAST = "invalid time {moment}: a clock cannot go backwards, and it is {now}"
LATE = "invalid time {moment}: a clock ends at {last}"
CLOCK = "invalid clock {given!r}: expected 'world', 'system' or a datetime"
ONE_WORLD = "give only one of world, state and seed"
BEYOND = "cannot advance the clock by {by}: it ends at {last}"
AUTO_CONSENT = "invalid auto_consent {given!r}: expected True or False"
REFRESH_TOKENS = "invalid refresh_tokens {given!r}: expected 'always' or 'offline_access'"
CALLBACKS = "invalid callbacks {given!r}: expected 'loopback', 'none' or 'any'"
JOURNAL = "invalid journal size {given!r}: expected at least 1"
JOURNAL_BYTES = "invalid journal_bytes {given!r}: expected at least 1"
KEEP_ALIVE = "invalid keep_alive {given!r}: expected a number of seconds greater than 0 and less than {limit:,}"
SHAPE = "invalid shape {given!r}: expected {known}"
WORLD_FILE = "; pass a world file as state=, and a seed as seed="
WORLD = "unknown world {name!r}: expected {known}"
NO_WORLD = "invalid world: got a function; write @FakeFlowdock() with parentheses"

# JSON that no world file may have
THE_FILE = "the file"
DUPLICATE_KEY = "duplicate key {key!r}"
NO_INTEGER = "invalid number {number}: expected an integer"


class InvalidValues(ValueError):
    """Arguments are invalid.

    Attributes:
        fields: their names to the reasons.
    """

    def __init__(self, message: str, fields: Mapping[str, Sequence[str]]) -> None:
        super().__init__(message)
        self.fields = fields

    @classmethod
    def of(cls, field: str, reason: str) -> Self:
        """Return the error for one argument. The reason names it, or its value."""
        return cls(reason, {field: [reason]})


class UnknownName(ValueError):
    """No entity has a name.

    Attributes:
        hint: the end of the message: similar names, or the known ones.
    """

    UNKNOWN = "unknown {kind} {name!r}{hint}"

    def __init__(self, kind: str, name: str, hint: str) -> None:
        super().__init__(self.UNKNOWN.format(kind=kind, name=name, hint=hint))
        self.hint = hint


class WorldFileError(Worded, ValueError):
    """A world file is invalid. The message starts with file and line.

    Attributes:
        pointer: the place in the world as a JSON pointer, if known.
        reason: the message without file and line.
    """

    DEVICE = "{file}: it is a device: expected a file or a pipe"
    TOO_LARGE = "{file}: it has more than {limit:,} bytes"
    NOT_UTF8 = "{file}:1: not valid UTF-8 at byte {start}"
    NESTED = "{file}:1: nested too deeply"

    IS_SEED = "is a seed, which `seed` takes, not `state`"
    MAYBE_SEED = "; a seed is for `seed`, not for `state`"
    UNKNOWN_ENTITY = "refers to {id!r}, which is not in {kind}"
    UNKNOWN_SCOPE = "has the unknown scope {scope!r}"
    DUPLICATE = "is a duplicate"
    DUPLICATE_FLOW = "is a duplicate in its organization"
    DUPLICATE_SOURCE = "is a duplicate among the sources"
    DUPLICATE_MESSAGE = "is a duplicate in its flow"
    DUPLICATE_THREAD = "is a duplicate in its source"
    DUPLICATE_INVITATION = "is a duplicate among the pending invitations of its flow"
    DUPLICATE_REACTION = "has a duplicate"
    NO_MEMBER = "has a user who is not in the organization"
    LATE = "is after the year {year}"
    THREAD = "refers to a thread of another flow"
    ATTACHMENTS = "must be one file for the event file, and empty for other chat messages"
    NO_SOURCE = "requires a source_id"
    CONVERSATION = "is not private/, and the numbers of the two users with a hyphen between, the smaller one first"
    NO_TALKER = "has a user who is not in the conversation"
    FLOW_ID = "is the id of a private conversation"
    RECIPIENT = "must be the other user of the conversation, and null for a message of a flow"
    PRIVATE = "is not possible in a private conversation"
    NO_THREAD = "is required for a chat message of a flow"

    def __init__(self, message: str, pointer: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.pointer = pointer
        self.reason = reason or message


class InvalidToken(Worded, ValueError):
    """A `FLOWDOCK-TOKEN` is invalid."""

    MISSING = "the header FLOWDOCK-TOKEN is missing"
    MALFORMED = "the token is malformed: expected a JSON Web Token with sub, exp and signature"
    ALGORITHM = "the token has another algorithm: expected HS256"
    SECRET = "the token was signed with another client_secret"
    EXPIRED = "the token has expired"
    BODY = "the token is for another body: its claim signature is not the SHA-256 digest of these bytes"


class SeedError(Worded, ValueError):
    """A seed is invalid. The message names the place, in a file also the line.

    Attributes:
        pointer: the place in the seed as a JSON pointer.
        reason: the message without the place.
    """

    THE_SEED = "the seed:"
    TOO_LARGE = "more than {limit:,} values"
    NESTED = "nested too deeply"
    NO_OBJECT = "expected an object with users, flows and others"
    IS_WORLD = "expected a seed, got a whole world, which `state` takes"
    TWO_SENDERS = "a message has a user or a source, not both"

    def __init__(self, pointer: str, reason: str, place: str = "") -> None:
        super().__init__(f"{place}{pointer or self.THE_SEED} {reason}")
        self.pointer, self.reason = pointer, reason
