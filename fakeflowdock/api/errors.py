"""The texts of the errors about faults, broken connections, the journal and limits.

`str.format` replaces the names in braces. The errors of Flowdock's operations are in `contract/errors.py`.
"""

from __future__ import annotations

from ..contract.errors import Unreadable, Worded

# Bodies
NOT_JSON = "the body is not JSON{what}: use {instead}"
EMPTY = ", but empty"
OF_TYPE = ", but {kind}"
INSTEAD_OF_JSON = "text, or exchange.parameters"

TIMED_OUT = "timed out"
BROKEN = "a fault broke the connection: {loss}"

# Streams
CUT_OFF = "the connection ended before the stream did"
NEVER_ENDS = "gave up after {seconds:g} seconds: this call reads to the end, but a stream never ends. {instead}"
USE_REQUESTS = "Pass stream=True, and iterate over response.iter_lines()."
USE_URLLIB3 = "Pass preload_content=False, and iterate over the response."
USE_HTTP_CLIENT = "Iterate over the response instead of calling read()."
USE_HTTPX = "Use client.stream(...), and iterate over the response."
USE_AIOHTTP = "Iterate over response.content."
USE_WERKZEUG = "Iterate over response.response, without buffered=True."

# Failure
NOTHING_FAILS = "empty failure: give a status, body, content_type, headers, latency or connection"
STATUS = "invalid status {given!r}: expected 200 to 599"
BODY = "invalid body {given!r}: expected bytes, text or a JSON value"
NO_BODY = "invalid body: a response with status {status} has none"
CONTENT_TYPE = "invalid content_type {given!r}: expected one line of ASCII"
HEADERS = "invalid headers {given!r}: expected names and values of one line of ASCII each"
TWO_RETRY_AFTER = "invalid headers: pass either retry_after or the header Retry-After, not both"
HEADER_OF_OURS = "invalid header {name}: the server sets it"
BODY_OF_DELIVERY = "invalid body: the response of an integration cannot be computed"
RETRY_AFTER = "invalid retry_after {given!r}: expected a whole number of seconds"
RETRY_AFTER_ALONE = "retry_after needs a status: 429 or 503"
LATENCY = "invalid latency {given!r}: expected 0 to {limit} seconds"
CONNECTION = "invalid connection {given!r}: expected {known}"
NO_RESPONSE = "connection={connection!r} sends no response: remove status, body and headers"
TIMEOUT_AND_LATENCY = "connection='timeout' cannot have a latency: the client gets no response at all"
REFUSED_AFTER = "connection='refused' cannot be combined with after: no request is received"
EVENTS = "invalid events {given!r}: expected a whole number, not below zero"
EVENTS_ALONE = "events needs a connection that ends an open stream: {known}"
EVENTS_AND_RESPONSE = "events cannot be combined with a response or after: the stream opens"
EVENTS_OF = "events needs an operation with a stream: {operation} has none"

# Fault
METHOD = "invalid method {given!r}: expected capitals"
PATH = "invalid path {given!r}: expected a leading / and no query"
CALLER = "invalid caller {given!r}: expected a user, source or application of this world"
NUMBER = "invalid {name} {given!r}: expected a positive integer"
PROBABILITY = "invalid probability {given!r}: expected a number greater than 0, and at most 1"
SEED = "invalid seed {given!r}: expected an integer"
SEED_ALONE = "seed needs a probability"
SEQUENCE = "invalid sequence {given!r}: expected a Failure or None for each request, at least one"
SEQUENCE_AND_FAILURE = "sequence cannot be combined with a failure: use Failure(status=500) or None as its items"


# Thread actions
FLAW = "invalid flaw {given!r}: expected {known}"
NO_THREAD = "unknown thread {name!r}: expected a thread, its id or its external_thread_id"
SEVERAL_THREADS = "ambiguous thread {name!r}: several sources have it; pass the thread or its id"
NO_ACTION = "unknown action {name!r}; actions of the thread: {listed}"
SEVERAL_ACTIONS = "ambiguous action {name!r}: pass its position; actions of the thread: {listed}"
VIEW_ACTION = "action {name!r} is a ViewAction, a link to {url}: only an UpdateAction is performed"
NO_SOURCE = "the thread has no source: its application would sign the request, so no action of it can be performed"
TEMPLATE = "action {name!r} has the urlTemplate {given!r}: expected an http or https URL without credentials"
ARCHIVED = "flow {flow} is archived, so the actions of its threads cannot be performed"
PERFORMER = "user {user} cannot see flow {flow}, so they cannot perform its actions"
CHALLENGED = "the user has to sign in at the integration first"
ANSWERED = "the integration answered {status}"
NOT_FOLLOWED = "; a redirect is not followed"
NO_CHALLENGE = "invalid WWW-Authenticate header {given!r} of a 401: expected Flowdock-Token url=https://…"
ACCEPTED = "the integration accepted an invalid request, instead of answering 403: {why}"
REFUSED_VALID = "the integration refused a valid request"

# Events that a test emits
NO_EVENT = "invalid event {given!r}: expected an object with the name of the event as 'event'"
EVENT_IS_NO_JSON = "invalid event {name!r}: expected JSON values"
EVENT = "invalid event {name!r}: {pointer} {why} ({page})"


class ShortenedBody(Worded, ValueError):
    """A whole body is needed, but the journal has shortened it."""

    BODY = "the body was shortened: {left}; increase `journal_bytes`, or read it earlier"


class NotDelivered(Worded):
    """An integration was requested, and there is no whole response."""

    TIMEOUT = "no response within {seconds:g} seconds"
    CONNECTION = "no response from {host}:{port}: {error}"
    LARGE = "the response has more than {limit:,} bytes"
    NO_HTTP = "the response is not HTTP/1.1"
    CUT = "the connection ended before the response did"
    RAISED = "the integration raised {error}"
    NO_RESPONSE = "the integration ended without a response"
    FAULT = "a fault: {failure}"


class NotSent(Worded):
    """An integration was not requested."""

    NONE = "callbacks='none': the request is only kept"
    KEPT = "send is false: the request is only kept"
    ELSEWHERE = "host {host} is not this machine: pass the integration itself, or allow it with callbacks='any'"
    FLOWDOCK = "host {host} is Flowdock's, which is never requested"


class BeyondLimit(Unreadable):
    """The body or the query is valid, and has more than is read here."""

    is_limit = True

    TOO_DEEP = "The body is not valid JSON: it is nested more than {depth} levels deep"
    TOO_MANY = "The {what} has more than {limit} values"
    HEADS = "The headers of the parts have more than {limit} bytes"
    FIELD_TOO_DEEP = "The field {field} is nested more than {depth} levels deep"
