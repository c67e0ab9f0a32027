"""The errors of the checks, with their texts: requests, responses, servers, recordings, the conformance suite."""

from __future__ import annotations

from ..contract.errors import Worded

# Requests and responses of client libraries
NO_URL = "missing url: a method requires one"
REQUEST_TYPE = "unsupported request type {kind.__module__}.{kind.__qualname__}"
RESPONSE_TYPE = "unsupported response type {kind.__module__}.{kind.__qualname__}"
NO_REQUEST = "this response does not know its request: pass the operation to check_reply too"

# Servers
URL = "invalid URL {given!r}: expected the http or https URL of a server"
NO_CERTIFICATE = "{file}: no PEM certificate found"
NO_RESPONSE = "{host} did not answer: {reason}"
PROXY = "fakeflowdock proxy: {reason}"
NO_CASE = "no case matches {only!r}: expected a part of its page or name"


class NotASuite(Worded, ValueError):
    """A file of the conformance suite is invalid."""

    KEY = "{call}: unknown key {unknown}"
    CALLER = "{call}: unknown caller {given!r}"
    SHADOWED = "{call}: cannot keep a value under the name of a credential: {names}"


class RecordingError(ValueError):
    """A file is not a valid recording. The message begins with the file and, if known, line and column."""


class UnreadableRecording(Exception):
    """A recording is invalid at some place. `Recording` adds the name of the file.

    Args:
        text: what is wrong, a constant of this class.
        line: from 1.
        column: from 1; None if unknown.
        values: replace the names in braces.
    """

    NEITHER = "neither a HAR file nor a cassette: it has no log with entries and no interactions"
    EMPTY = "the file is empty"
    ENCODING = "invalid {encoding} near byte {place}"
    BOMB = "it unpacks to more than {ratio} times its size, or so do the bodies beside it: unpack it first"
    SHORT = "the packed file ends too early"
    DAMAGED = "the packed file is damaged"
    LOCKED = "the archive is encrypted, or packed in an unsupported way: unpack it first"
    PACKER = "it is packed by {packer}: unpack it first"
    NOTHING_PACKED = "the archive has no file that ends with {endings}"
    STDIN = "standard input has more than {limit} GiB: save it to a file"
    JSON = "invalid JSON: {reason}"
    UTF8 = "invalid UTF-8 at byte {start}"
    TOO_LONG = "one value has more than {limit} million characters"
    EXPECTED = "expected {what}"
    EXPECTED_AT_THE_END = "expected {what}, but the file ends"
    A_NAME = "a name"
    CUT = "the file ends too early"
    MORE = "unexpected data after the end of the JSON"
    NESTED = "nested too deeply"
    NO_YAML = "YAML cassettes require PyYAML: pip install pyyaml"
    YAML = "invalid YAML: {reason}"
    UNPARSED = "it cannot be parsed"
    ANCHOR = "unknown anchor {anchor}"
    ANCHORED = "the values with an anchor are too large"

    def __init__(self, text: str, line: int, column: int | None = None, **values: object) -> None:
        self.message, self.line, self.column = text.format(**values), line, column
        super().__init__(self.message)


class NotChecked(Worded):
    """An entry of a recording is no exchange with a server, or says too little. The text is the reason."""

    CONNECT = "CONNECT opens a tunnel through a proxy, and Flowdock does not receive it"
    REDIRECTED = "the browser redirected it internally, and no server received it"
    REFUSED_BY_PROXY = "a proxy required credentials, and Flowdock did not receive it"
    ANSWERED_BY_PROXY = "a proxy answered instead of Flowdock"
    NOTHING = "{names}: nothing was {done}: {reasons}"


class Malformed(NotChecked):
    """An entry is malformed. The text completes `it has …`."""

    TAG = "the unsupported tag {tag}: it would build an object"
    SCALAR = "an invalid {kind}"
    NESTED = "a value that is nested too deeply, more than {depth} levels"
    NO_HOST = "a URL without a host"
    NO_VALUE = "a body that is neither a text nor JSON"

    REQUEST = "no request with a method and a {url_name}"
    METHOD = "a method that is not a text"
    BASE64 = "a body that is not valid Base64"
    BODY = "a body that is not a text"
    HEADER = "a header, method or URL that is not a text"
    NO_MAPPING = "headers that are not a mapping"
    NO_PAIRS = "headers without a name and a value"
    POST_DATA = "a postData that is not an object"
    PARAMS = "params without a name and a value"
    QUERY = "a queryString without a name and a value"
    NO_RESPONSE = "no response with a status"
    NO_STATUS = "a response without a status"
    STATUS = "a response whose status is not a number"

    def __str__(self) -> str:
        return f"it has {self.args[0]}"


class NotImported:
    """What the world of a recording leaves out."""

    NO_THREAD = "a message without its thread"
    FILE = "a message with a file of more than 1 MiB or of unknown size"
    INVALID = "a {kind} whose {reason}"
    MADE_UP = (
        "made up, because the recording does not show them: {tokens}; clients have to send those of the world file"
    )
