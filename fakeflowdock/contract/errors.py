"""The errors of Flowdock's operations, with their texts. Status and grade are in docs/api/errors.md.

The texts are constants of the classes; `Worded.of` replaces the names in braces. A text states the rule in a sentence,
because its reader may not have the page at hand. No text contains a secret.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from ..redaction import brief

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Self

MAX_BODY = 10 * 1024 * 1024  # bytes
LONGEST = 1_000  # characters of a message
FIELD = 200  # characters of the name of an invalid field

NO_SCHEMAS = "broken installation of fakeflowdock: no schemas in {folder}"
VIOLATIONS = "violations of Flowdock's contract:\n{findings}"
NO_STRICT = "invalid strict {given!r}: expected True, False, or a mapping of rules to 'ignore', 'warn' or 'error'"
NO_SUCH_RULE = "unknown rule {rule!r} in strict{hint}"
NO_SUCH_CHOICE = "invalid choice {given!r} for {rule}: expected 'ignore', 'warn' or 'error'"
NO_SUCH_OPERATION = "unknown operation {title!r}{hint}"
NO_OPERATION = "invalid operation {given!r}: expected the title of a page section, such as 'create source'"


class Worded(Exception):
    """An error whose class has its texts as constants."""

    @classmethod
    def of(cls, text: str, **values: object) -> Self:
        """Return the error with one of its texts. Values replace the names in braces."""
        return cls(text.format(**values))


class Refusal(Worded):
    """An error response with a 4xx status.

    Args:
        message: the text for the client, after the `prefix`. Default: `text`.
        headers: additional headers of the response.

    Attributes:
        name: its section in errors.md.
        text: the default message.
        is_limit: whether the request exceeds a limit of fakeflowdock. Flowdock's limits are unknown.
    """

    name: str
    text = prefix = ""
    headers: tuple[tuple[str, str], ...] = ()
    is_limit = False
    cites = True  # whether the message may name the page; some of Flowdock's own texts must stand alone

    def __init__(self, message: str | None = None, *headers: tuple[str, str]) -> None:
        self.message = brief(self.prefix + (self.text if message is None else message), LONGEST)
        super().__init__(self.message)
        self.headers = (*self.headers, *headers)

    def forgetful(self) -> Self:
        """Return the error without traceback: its frames hold the whole call, and the journal keeps errors."""
        self.__context__ = self.__cause__ = None
        return self.with_traceback(None)

    def body(self, page: str) -> dict[str, Any]:
        """Return the body of the response.

        Args:
            page: the documentation, `docs/api/sources.md#create-source`.
        """
        return {"message": f"{self.message} ({page})" if self.cites else self.message}


class NoSuchRoute(Refusal):
    """The path is unknown."""

    name = "no-such-route"
    cites = False
    text = "not found"


class MethodNotAllowed(Refusal):
    """The path does not support the method."""

    name = "method-not-allowed"

    def __init__(self, method: str, allowed: Iterable[str]) -> None:
        methods = ", ".join(sorted(allowed))
        super().__init__(f"{method} is not allowed here; allowed methods: {methods}", ("Allow", methods))


class TooLarge(Refusal):
    """The body has more than `MAX_BODY` bytes."""

    name = "too-large"
    is_limit = True
    text = f"The request body is too large: the limit is {MAX_BODY} bytes"


class Unauthorized(Refusal):
    """The credentials are missing or invalid."""

    name = "unauthorized"
    prefix = "Unauthorized: "
    headers = (("WWW-Authenticate", 'Basic realm="Flowdock"'),)

    NO_CREDENTIALS = "the request has no credentials"
    NOT_READ = "the request has no readable credentials. {why}"
    NO_SCHEME = "an Authorization header must begin with Basic or Bearer"
    NOT_BASE64 = "the value after Basic is not base64"
    NO_USER = "the Basic credentials are neither an api_token nor an e-mail address and its password"
    UNKNOWN = "the access_token is unknown"
    REVOKED = "the access_token was revoked"
    EXPIRED = "the access_token has expired"
    NO_SOURCE = "the flow_token is unknown"

    NO_TOKEN = "the request has no Authorization header"

    @classmethod
    def bearer(cls, text: str) -> Self:
        """Return the error of an operation that needs a token of SCIM."""
        error = cls(text)
        error.headers = (("WWW-Authenticate", 'Bearer realm="Flowdock SCIM"'),)
        return error


class TooManyRequests(Refusal):
    """Too many requests in a row had a wrong token."""

    name = "too-many-requests"
    text = "Too many failed attempts: wait for a minute"


class Gone(Refusal):
    """The source of a `flow_token` was deleted."""

    name = "gone"
    text = "Gone: the source of this flow_token was deleted"


class Closed(NoSuchRoute):
    """A path that Flowdock closed."""

    name = "closed"
    cites = True
    text = "Closed: Flowdock took no posts of git's hooks here after September 2015; use POST /messages"


class Unreadable(Refusal):
    """The body or the query cannot be parsed."""

    name = "unreadable"

    NO_LENGTH = "Content-Length is not a number of bytes"
    NOT_JSON = "A request to SCIM needs the Content-Type application/json"
    SHORT = "The body is shorter than its Content-Length"
    INCOMPLETE = "The body is incomplete, or its chunked encoding is invalid"
    NO_TYPE = "A request with a body needs a Content-Type: {known}"
    TYPE = "Unknown Content-Type {kind}: expected {known}"
    COMPRESSED = "The body has the Content-Encoding {encoding}: send it uncompressed"
    CHARSET = "Unknown charset {charset}"
    CHARSET_OF_TYPE = "Unknown charset in {content_type}"
    NOT_IN_CHARSET = "The {what} is not valid {charset}: see byte {start}"
    NOT_IN_CHARSET_DECODED = "The {what} is not valid {charset} where it is percent-encoded"
    JSON_AS_FORM = "The body looks like JSON but is sent as a form: set its Content-Type to application/json"
    JSON = "The body is not valid JSON: {reason}"
    JSON_AT = "The body is not valid JSON: {reason} at line {line}, column {column}"
    NO_CONSTANT = "{name} is not JSON"
    LONE_SURROGATE = "a text contains a lone surrogate"
    TOO_MANY_DIGITS = "a number has too many digits"
    NO_OBJECT = "The body must be a JSON object"
    NO_BOUNDARY = "The Content-Type multipart/form-data needs a boundary"
    MULTIPART = "The body is not valid multipart/form-data"
    CONTRADICTION = "The field {field} conflicts with another: {path} cannot be both {kind} and {other}"
    NO_HOST = "The Host header is not a valid host"
    LINE = "The request line has more than {limit} bytes, the limit for streams: open several streams"


class NotFound(Refusal):
    """The entity in the path does not exist, or the caller cannot see it."""

    name = "not-found"
    cites = False
    text = "not found"


class AccessDenied(Refusal):
    """The caller can see the entity, but must not do this."""

    name = "access-denied"
    prefix = "Access denied: "

    SCOPE = "{what} needs an OAuth access token with the scope {scope}"
    CALLER = "{what} is not for a {kind}, only for {others}"
    NOT_OPEN_ALONE = "only an administrator of the flow or of its organization may change more than open"
    SCOPE_FOR_OPEN = "changing {what} needs the scope {scope}"
    NO_SENDER = "only the sender of a message or comment may change its content"
    NOT_DELETABLE = (
        "in the chat only the sender may delete a message, comment or file, and other events cannot be deleted"
    )
    NO_ADMINISTRATOR = "only an administrator of the organization may {what}"
    BLOCK, REMOVE, CHANGE = "block another", "remove a user from it", "change it"
    NO_MEMBER = "only a member of the flow may read its invitations, and invite to it"
    ACCEPTED = "an accepted invitation cannot be deleted"
    NO_SCIM_HEADER = "the Authorization header is not Bearer and a token"
    NO_SCIM_TOKEN = "the token is not that of this organization's SCIM API"
    ANOTHER_USER = "users may only change their own information"


class Conflict(Refusal):
    """The entity exists already."""

    name = "conflict"
    prefix = "Conflict: "

    USER_NAME = "a user with this userName exists"
    EMAIL = "a user with this e-mail address exists"


class InvalidFlow(Refusal):
    """The parameter `flow` is not a flow to which the caller can post."""

    name = "invalid-flow"
    cites = False
    text = "Invalid flow identifier"


class ValidationError(Refusal):
    """Fields are missing, blank or invalid.

    Args:
        errors: field to its errors. The response has the first 20.
        counted: whether these are all. False if there may be more.
    """

    name = "validation-error"
    cites = False
    text = "Validation error"
    MANY = "Validation error: the first {shown} of {number} invalid fields"
    shown = 20

    NO_DATE = "is not an ISO 8601 date"
    NO_MESSAGE = "is not a message of this flow"
    COMMENT = "is a comment itself"
    NO_MESSAGE_OR_COMMENT = "is not a message of this flow, or is a comment itself"
    EMAIL_TAKEN = "has already been taken"
    NO_EMAIL = "Invalid email"
    MEMBER = "is a member of the flow already"
    BLOCKED = "is blocked from the flow"
    ADDRESSES = "has too many addresses: at most {limit:,}"
    FILTER = 'is not userName eq "…" or emails eq "…"'
    OF_A_USER = "is {event}, which only a user sends"
    NO_THREADS = "is {event}, which cannot be in a thread"
    THREAD_OF_ANOTHER = "is not the thread of the commented message"
    NO_THREAD = "is not a thread of this flow"
    OF_A_SOURCE = "belongs to a source and requires its flow_token"
    OTHER_THREAD = "does not match thread_id"
    SECOND_NAME = "is new, but the thread already has another one"
    NEW_THREAD = "can't be blank: this external_thread_id is new"
    NO_THREAD_ID = "requires a thread_id or an external_thread_id"
    ATTACHMENTS = "are only allowed for {events}"
    NOT_BASE64 = "is not base64"
    FILE_NAME = "is not a valid file name"
    HTML_ATTRIBUTES = "has an element with too many attributes: at most {limit}"
    HTML_UNCLEAR = "has the element {name} and more than {limit:,} characters"
    HTML_ELEMENTS = "has too many elements: at most {limit:,}"
    HTML_DEPTH = "is nested too deeply: at most {limit} levels"

    def __init__(self, errors: Mapping[str, list[str]], *, counted: bool = True) -> None:
        number = f"{len(errors)}" if counted else f"at least {len(errors)}"
        super().__init__(None if len(errors) <= self.shown else self.MANY.format(shown=self.shown, number=number))
        self.errors = {brief(name, FIELD): words for name, words in islice(errors.items(), self.shown)}

    def body(self, page: str) -> dict[str, Any]:
        """Return the message, and the errors by field."""
        return {**super().body(page), "errors": self.errors}


class TokenRefused(Refusal):
    """A request for tokens is rejected, in the form of RFC 6749.

    Args:
        error: one of the error codes in the RFC's section 5.2.
        description: the reason, in ASCII and without quotes, as the RFC requires.
    """

    name = "token-refused"
    headers: tuple[tuple[str, str], ...] = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))

    NO_GRANT = "Unknown grant_type: expected authorization_code, password or refresh_token"
    BLANK = "{field} can't be blank where grant_type is {grant_type}"
    CODE = "The code is unknown, or was issued to another application"
    CODE_USED = "The code was already used: the tokens issued for it are revoked"
    CODE_REVOKED = "The code was revoked"
    CODE_EXPIRED = "The code has expired: codes are valid for ten minutes"
    NO_REDIRECT_URI = "redirect_uri is required, because the authorization request had one"
    REDIRECT_URI = "The redirect_uri does not match the authorization request"
    PASSWORD = "The username (an e-mail address) or the password is wrong"
    REFRESH_TOKEN = "The refresh_token is unknown, or was issued to another application"
    REFRESH_TOKEN_REVOKED = "The refresh_token was revoked"
    REFRESH_TOKEN_USED = "The refresh_token was already used: use the latest one"
    WIDER = "The scope exceeds what the user granted"
    SCOPE = "A scope is unknown"

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error

    def body(self, page: str) -> dict[str, Any]:
        """Return the error code and the reason."""
        return {"error": self.error, "error_description": super().body(page)["message"]}


class ClientRefused(TokenRefused):
    """The credentials of the application are missing or invalid."""

    name = "client-refused"
    headers = (*TokenRefused.headers, ("WWW-Authenticate", 'Basic realm="Flowdock"'))

    ANOTHER = "The Authorization header does not match the client_id"
    NONE = "The client_id and client_secret are required, in the body or as Basic credentials"
    UNKNOWN = "The client_id is unknown, or the client_secret does not match it"

    def __init__(self, description: str) -> None:
        super().__init__("invalid_client", description)


class BrokenContract(Worded):
    """A bug of fakeflowdock: a response that its own pages do not allow."""

    name = "broken-contract"

    STATUS = "{contract.title} answered {reply.status}, which {contract.page} does not document"
    MEDIA_TYPE = "{contract.title} answered {reply.status} as {reply.media}, against {contract.page}"
    LOCATION = "{contract.title} answered {reply.status} with a Location header"
    NO_LOCATION = "{contract.title} answered {reply.status} without a Location header"
    BODY = "{contract.title} answered {reply.status} with {place}: it {why}, against {schema}"
    THE_BODY = "the body"
    RECORD = "a stream would send {event} with {place}: it {why}, against {schema}"
    THE_RECORD = "the record"
    NO_BODY = "{contract.title} answered {reply.status} with a body, but {contract.page} documents none"
    RAISED = "{operation} raised {error} at {where}"
    ERROR = "{operation} answered {error}, which its page does not list"
    OF_ERROR = "{operation} refused with {place} against {schema}"

    def __init__(self, what: str) -> None:
        super().__init__(brief(f"fakeflowdock broke its own contract: {what}", LONGEST))
