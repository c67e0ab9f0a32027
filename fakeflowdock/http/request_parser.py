"""From bytes to WSGI environs, by llhttp, the parser of Node."""

from __future__ import annotations

import io
import re
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from httptools.parser import parser as _httptools

from ..api import internal_routes
from ..api.environ import REFUSED, REQUEST_ID
from ..api.parameters import DRAINED
from ..contract.errors import MAX_BODY, TooLarge
from ..redaction import shortened
from . import errors
from .errors import Rejected, refusal
from .heads import EMPTY, RepeatedLines, id_of, key_of, set_target

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ..api.responses import Answer

HEAD = 65_536  # bytes of a request line and its headers
httptools: Any = _httptools  # not the package: if that is imported again, its errors are others than those raised
STREAM = internal_routes.STREAM.encode()

METHOD = re.compile(rb"([!#$&'*+.^_`|~0-9A-Za-z-]{1,1000})( |\Z)")  # of a request, as far as it has arrived
UNKNOWN = ("method", "Preface")  # in what llhttp says of a method that it does not know
INVALID_METHOD = "Invalid method encountered"  # as llhttp says it
POST = b"POST"  # stands for a method that llhttp does not know

_line_ends = re.compile(rb"[\r\n]*")


class _Cut(io.RawIOBase):
    """An incomplete body, or one with invalid chunks."""

    def read(self, _size: int = -1) -> bytes:
        raise OSError


class RequestParser:
    """Parser for the requests of one connection.

    Args:
        scheme: http or https.
    """

    _name = _port = _far = ""
    _ending = False

    def __init__(self, scheme: str) -> None:
        self._scheme = scheme
        self._parser = httptools.HttpRequestParser(self)
        self._rest, self._at = b"", 0  # what was received, and how much of it has been parsed
        self._tail = b""  # the end of what was parsed before that, if it may belong to an empty line
        self._unread = 0  # bytes received since the last call by the parser
        self._in_request = self._in_line = self._in_body = self._headless = False
        self._left: int | None = None  # bytes of a body of known length
        self._line = bytearray()  # the beginning of a request line that arrives in pieces
        self._method = ""  # if llhttp does not know it
        self._in_method = False  # whether it does not know the method that is arriving
        self._environ: WSGIEnvironment = {}
        self._parts: list[bytes] = []
        self._head = b""  # the beginning of the request
        self._repeated = RepeatedLines()

    # Defined by subclasses

    @abstractmethod
    def _take(self, environ: WSGIEnvironment, *, keep: bool) -> None:
        """Answer a complete request."""

    @abstractmethod
    def _continue(self) -> None:
        """Tell the client to send the body."""

    @abstractmethod
    def _end_with(self, answer: Answer, environ: WSGIEnvironment) -> None:
        """Send a refusal after the answers to earlier requests, and close the connection."""

    def _introduced(self, environ: WSGIEnvironment) -> WSGIEnvironment:
        """Add what the server knows about a refused request."""
        return environ

    def _held(self) -> bool:
        """Return whether nothing more is parsed for now."""
        return False

    def _begun(self) -> None:
        """Note that a request begins."""

    def _expect_body(self) -> None:
        """Note that a body begins."""

    def _kept(self, count: int) -> None:
        """Note that some bytes of a body are kept. Raises Rejected."""

    def _released(self) -> None:
        """Note that no body is kept any more."""

    # Called by subclasses

    def feed(self, data: bytes) -> None:
        """Parse some bytes."""
        self._rest, self._at = self._rest[self._at :] + data if self._rest else data, 0
        self._parse()

    def _parse(self) -> None:
        """Parse what was received: up to the end of each message, because it may have to be answered first."""
        while self._at < len(self._rest) and not (self._ending or self._held()):
            is_new = not self._in_request
            data = self._piece()
            if is_new:
                if (environ := self._repeated.environ_of(data)) is not None:
                    self._received = 0
                    self._take(environ, keep=True)
                    continue
                self._head = data
            while data and not self._ending:
                try:
                    if self._in_method and not (data := self._renamed(data, "")):
                        break
                    self._unread += len(data)
                    self._parser.feed_data(data)
                    if self._in_line:
                        self._line += data
                    if self._unread > 2 * HEAD and not self._ending:  # a line without an end
                        self.refuse(errors.HEAD_TOO_LARGE, Rejected.HEAD.format(limit=HEAD))
                    break
                except httptools.HttpParserUpgrade as upgrade:  # not supported: HTTP goes on
                    data = b"" if self._ending else self._after_upgrade(data[upgrade.args[0] :])
                except httptools.HttpParserCallbackError as error:
                    if not isinstance(error.__context__, Rejected):
                        raise
                    self.refuse(error.__context__.name, str(error.__context__))
                except httptools.HttpParserError as error:
                    data = self._renamed(data, str(error))
        if self._at >= len(self._rest):
            self._rest, self._at = b"", 0

    def _renamed(self, data: bytes, reason: str) -> bytes:
        """Return a request with a method that llhttp knows, empty until its own has arrived. Others are refused.

        Args:
            data: the piece that llhttp did not understand.
            reason: what it did not understand.
        """
        line = bytes(self._line) + data
        new = self._in_method or (any(word in reason for word in UNKNOWN) and not (self._in_body or self._method))
        found = METHOD.match(line) if new else None
        self._in_method = found is not None and not found[2]
        if found is None:
            self._not_understood(reason or INVALID_METHOD)
            return b""
        if self._in_method:
            self._line += data
            return b""
        self._method, self._parser = found[1].decode(), httptools.HttpRequestParser(self)
        self._line.clear()
        return POST + line[found.end(1) :]

    def _after_upgrade(self, data: bytes) -> bytes:
        """Replace the parser. If a body follows, the new one gets a head for it."""
        self._parser = httptools.HttpRequestParser(self)
        return self._framing() + data if self._headless else data

    @property
    def _unparsed(self) -> int:
        """The number of bytes that were received and not yet parsed."""
        return len(self._rest) - self._at

    def _piece(self) -> bytes:
        """Return the next bytes, up to an empty line or the end of a body. Each message ends at one of them."""
        data, at = self._rest, self._at
        if not self._in_request:
            if data[at] in EMPTY:
                at = _line_ends.match(data, at).end()  # type: ignore[union-attr]  # it always matches
                if at == len(data):
                    self._at = at
                    return b""
            self._begun()
            self._in_line, self._tail, self._left, self._method = True, b"", None, ""
            if self._line:
                self._line.clear()
        if self._left is not None:
            end = min(len(data), at + self._left)
            self._left -= end - at
        elif not self._tail and (found := data.find(EMPTY, at)) >= 0:
            end = found + len(EMPTY)
        else:
            end = self._across(data, at)
        self._at = end
        piece = data[at:end]
        if self._in_line:
            if not piece.isascii():
                piece = _escaped(piece)
            self._in_line = b"\n" not in piece
        return piece

    def _across(self, data: bytes, at: int) -> int:
        """Return the end of the next piece if the empty line may have begun before it."""
        tail = self._tail
        if tail and (found := (tail + data[at : at + 3]).find(EMPTY)) >= 0:
            self._tail = b""
            return at + found + len(EMPTY) - len(tail)
        if (found := data.find(EMPTY, at)) >= 0:
            self._tail = b""
            return found + len(EMPTY)
        self._tail = (tail + data[max(at, len(data) - 3) :])[-3:]
        return len(data)

    def _forget(self) -> None:
        """Drop everything at the end of a connection. The parser refers to this object, and it may hold a body."""
        self._ending = True
        self._rest, self._at, self._environ, self._parts = b"", 0, {}, []
        del self._parser

    def feed_end(self) -> None:
        """Answer an incomplete request at the end of the stream."""
        if self._in_body:
            self._cut_short()
        elif self._in_request:
            self.refuse(errors.NO_HTTP, Rejected.INCOMPLETE)

    # Invalid requests

    def _cut_short(self) -> None:
        """Answer a request with an incomplete or invalid body."""
        environ = self._environ
        if self._chunked:
            environ["wsgi.input"], environ["wsgi.input_terminated"] = _Cut(), True
        else:
            environ["wsgi.input"] = io.BytesIO(b"".join(self._parts))
            environ["CONTENT_LENGTH"] = environ.get("HTTP_CONTENT_LENGTH", "0")
        self._in_request = self._in_body = False
        self._environ, self._parts = {}, []
        self._take(environ, keep=False)
        self._ending = True

    def _not_understood(self, reason: str) -> None:
        if self._in_body:
            self._cut_short()
        elif "HTTP version" in reason:
            self.refuse(errors.VERSION_REFUSED, Rejected.VERSION)
        else:
            self.refuse(errors.NO_HTTP, Rejected.INVALID.format(reason=reason))

    def refuse(self, name: str, message: str) -> None:
        """Refuse the current request, after the answers to earlier ones, and close the connection.

        Args:
            name: a constant of `errors`, or the name of an error.
            message: the reason.
        """
        if self._ending:
            return
        environ: WSGIEnvironment = {"REMOTE_ADDR": self._far, "SERVER_PROTOCOL": "HTTP/1.1"}
        environ[REFUSED] = f"{name}: {shortened(message)}"
        if self._in_request and self._target:
            method = self._environ["REQUEST_METHOD"] or self._method or self._parser.get_method().decode("ascii")
            environ |= {**self._environ, "REQUEST_METHOD": method, "RAW_URI": self._target.decode("latin-1")}
        environ.setdefault(REQUEST_ID, id_of(environ.get("HTTP_X_REQUEST_ID")))
        self._in_request = self._in_body = False
        self._ending, self._environ, self._parts = True, {}, []
        self._end_with(refusal(name, message, self._introduced(environ)), environ)

    # Called by llhttp

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._unread = 0
        if self._headless:
            return
        self._in_request = True
        self._target = b""
        self._size = self._received = 0
        self._chunked = self._expects = False
        self._environ = {
            "REQUEST_METHOD": "",
            "SCRIPT_NAME": "",
            "PATH_INFO": "",
            "QUERY_STRING": "",
            "SERVER_NAME": self._name,
            "SERVER_PORT": self._port,
            "REMOTE_ADDR": self._far,
            "wsgi.url_scheme": self._scheme,
        }

    def on_url(self, url: bytes) -> None:
        """Add a piece of the target."""
        if self._headless:
            return
        self._target += url
        if len(self._target) > HEAD:
            name = errors.NO_HTTP if self._target.startswith(STREAM) else errors.TARGET_TOO_LONG
            raise Rejected(name, Rejected.TARGET.format(limit=HEAD))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header, or ignore a trailer."""
        self._unread = 0
        self._size += len(name) + len(value) + 4
        if self._size > HEAD:
            raise Rejected(errors.HEAD_TOO_LARGE, Rejected.HEAD.format(limit=HEAD))
        if self._in_body:
            return  # a trailer, or the head of `_framing`
        key = key_of(name)
        if key is None:
            return
        text = value.decode("latin-1")
        environ = self._environ
        environ[key] = f"{environ[key]},{text}" if key in environ else text
        if key == "HTTP_TRANSFER_ENCODING":
            self._chunked = True
        elif key == "HTTP_EXPECT":
            self._expects = text.lower() == "100-continue"

    def on_headers_complete(self) -> None:
        """Complete the head."""
        if self._headless:
            return
        environ, parser = self._environ, self._parser
        target = self._target.decode("latin-1")
        environ["REQUEST_METHOD"] = self._method or parser.get_method().decode("ascii")
        set_target(environ, target)
        version = parser.get_http_version()
        if version not in ("1.0", "1.1"):  # llhttp accepts 0.9 and 2.0 too
            raise Rejected(errors.VERSION_REFUSED, Rejected.VERSION)
        environ["SERVER_PROTOCOL"] = f"HTTP/{version}"
        self._in_body = True
        length = environ.get("HTTP_CONTENT_LENGTH")
        if self._chunked or length is not None:
            self._left = int(length) if length is not None and length.strip().isdecimal() else None
            self._expect_body()
        if self._expects and version == "1.1" and not self._ending:
            self._continue()

    def _framing(self) -> bytes:
        """Return a head for the body of the current request."""
        name, value = "Content-Length", self._environ.get("HTTP_CONTENT_LENGTH")
        if self._chunked:
            name, value = "Transfer-Encoding", self._environ["HTTP_TRANSFER_ENCODING"]
        return f"POST / HTTP/1.1\r\n{name}: {value}\r\n\r\n".encode("latin-1")

    def on_body(self, body: bytes) -> None:
        """Add a piece of the body."""
        self._unread = 0
        self._received += len(body)
        if self._received <= MAX_BODY:
            self._parts.append(body)
            self._kept(len(body))
        elif self._received > DRAINED:
            raise Rejected(TooLarge.name, TooLarge().message)
        elif self._parts:
            self._parts.clear()  # keep reading, so that the client gets the answer
            self._released()

    def on_message_complete(self) -> None:
        """Complete the request, or wait for its body if llhttp stopped before it for an upgrade."""
        if not self._headless:
            self._keep = self._parser.should_keep_alive()
            if self._parser.should_upgrade() and (self._chunked or "HTTP_CONTENT_LENGTH" in self._environ):
                self._headless = True
                return
        self._headless = False
        self._in_request = self._in_body = False
        self._whole()

    def _whole(self) -> None:
        environ, parts = self._environ, self._parts
        self._environ, self._parts = {}, []
        environ["wsgi.input"] = io.BytesIO(b"".join(parts))
        environ["CONTENT_LENGTH"] = str(self._received)
        if self._keep and not parts:
            self._repeated.keep(self._head, environ)
        self._take(environ, keep=self._keep)


def _escaped(data: bytes) -> bytes:
    """Return a request with an ASCII request line. Some clients do not encode URLs."""
    line, end, rest = data.partition(b"\n")
    return re.sub(rb"[\x80-\xff]", lambda letter: b"%%%02X" % letter[0][0], line) + end + rest
