"""A proxy that passes each request on unchanged, and holds it and its reply against Flowdock's docs."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from threading import Lock
from typing import TYPE_CHECKING, Any

from ..api.environ import path_of
from ..api.messages import Headers, Request, Response
from ..contract.errors import MAX_BODY
from ..contract.findings import Findings
from ..http.rejections import HOST_NOT_REACHED, NO_HTTP, refusal
from ..http.threaded_server import Handler
from ..redaction import shortened, shown_target
from .contract import Contract

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from http.client import HTTPConnection

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from .remote import Remote

KEPT = MAX_BODY + 1  # bytes of a body that are held against the docs; the rest only passes
PIECE = 65536  # bytes that are passed on at once
# RFC 9110, section 7.6.1. `Expect` was answered by our own server.
HOP_BY_HOP = frozenset(
    (
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
HeaderPairs = list[tuple[str, str]]


@dataclass
class Passed:
    """One exchange that passed.

    Attributes:
        request: method, path and query, without secrets.
        status: of the reply; 502 where none came.
        operation: the name of what was asked for, or None.
        findings: what is not as documented.
        note: what is to be said besides: that no reply came, or why it was not held against the docs.
    """

    request: str
    status: int
    operation: str | None
    findings: Findings = field(default_factory=Findings)
    note: str = ""

    def __str__(self) -> str:
        violations, warnings = len(self.findings.violations), len(self.findings.warnings)
        counts = [f"{n} {word}{'s' * (n > 1)}" for n, word in ((violations, "violation"), (warnings, "warning")) if n]
        words = ", ".join(counts) or ("" if self.note else "as documented")
        said = "; ".join(part for part in (words, self.note) if part)
        lines = [f"{self.request} → {self.status}{f' {self.operation}' if self.operation else ''}: {said}"]
        lines += [f"    {line}" for line in str(self.findings).splitlines()]
        return shortened("\n".join(lines))

    def as_json(self) -> dict[str, Any]:
        """The same, for a machine to read."""
        return {
            "event": "exchange",
            "request": self.request,
            "status": self.status,
            "operation": self.operation,
            "findings": self.findings.as_json(),
            "note": shortened(self.note),
        }


class _ProxyHandler(Handler):
    """The server's handler, which hands on the headers as they came and adds none of its own."""

    def make_environ(self) -> WSGIEnvironment:
        environ = super().make_environ()
        environ["fakeflowdock.headers"] = self.headers.items()
        return environ

    def send_response(self, code: int, message: str | None = None) -> None:
        self.send_response_only(code, message)


HANDLER = _ProxyHandler


class _ClientGone(ConnectionError):
    """The client hung up within its request."""


class _BrokeOff(ConnectionError):
    """The server hung up within its reply, so the client's connection has to end within it too."""


class _Kept:
    """The beginning of a body that passes."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.passed = 0
        self.whole = True

    def add(self, piece: bytes) -> None:
        self.passed += len(piece)
        self.body += piece[: KEPT - len(self.body)]


class Proxy:
    """The proxy, as a WSGI application for a server with `HANDLER`.

    Args:
        upstream: where requests go.
        tell: is told each exchange, before the client has the end of its reply.
        strict: whether what the docs advise against is a violation.
        timeout: the seconds for which the upstream may be silent.

    Attributes:
        exchanges, violations, warnings, unanswered: how many there were.
    """

    def __init__(
        self, upstream: Remote, tell: Callable[[Passed], None], *, strict: bool = False, timeout: float = 30
    ) -> None:
        self._upstream = upstream
        self._tell = tell
        self._timeout = timeout
        self._contract = Contract(strict=strict)
        self._lock = Lock()
        self.exchanges = self.violations = self.warnings = self.unanswered = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The WSGI interface."""
        passing = _Passing(environ)
        length = environ.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdecimal()):
            return self._refuse(passing, start_response, NO_HTTP, f"{length!r} is no Content-Length")
        connection = self._upstream.connection(self._timeout)
        try:
            reply = self._forward(connection, passing)
        except _ClientGone:
            connection.close()
            raise
        except (OSError, HTTPException, ValueError) as error:
            connection.close()
            reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            return self._refuse(
                passing, start_response, HOST_NOT_REACHED, f"{self._upstream.host} did not answer: {reason}"
            )
        headers = _to_pass(reply.getheaders(), chunked=reply.chunked)
        body = self._body(connection, reply, passing)
        if environ.get("SERVER_PROTOCOL") == "HTTP/1.0" and reply.getheader("Content-Length") is None:
            whole = b"".join(body)  # its client knows no chunks
            headers.append(("Content-Length", str(len(whole))))
            body = iter([whole])
        start_response(f"{reply.status} {reply.reason}", headers)
        return body

    def _forward(self, connection: HTTPConnection, passing: _Passing) -> HTTPResponse:
        """Send a request on, and wait for the status and the headers of its reply."""
        connection.connect()
        target = self._upstream.prefix + passing.target
        connection.putrequest(passing.method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in _to_pass(passing.headers, chunked=passing.chunked):
            if name.lower() != "host":
                connection.putheader(name, value)
        connection.putheader("Host", self._upstream.host)
        connection.putheader("Connection", "close")
        if passing.chunked:
            connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        try:
            for piece in passing.pieces():
                connection.send(b"%x\r\n%s\r\n" % (len(piece), piece) if passing.chunked else piece)
            if passing.chunked:
                connection.send(b"0\r\n\r\n")
        except _ClientGone:
            raise
        except (BrokenPipeError, ConnectionResetError):
            passing.sent.whole = False  # it may have answered before it read everything
        return connection.getresponse()

    def _body(self, connection: HTTPConnection, reply: HTTPResponse, passing: _Passing) -> Iterator[bytes]:
        """The body of a reply. Its last piece is passed on when the exchange was told."""
        kept, held, note = _Kept(), b"", "the client hung up"
        left = reply.length  # 0 where there is no body, None where only its end tells
        try:
            while left is None or left > 0:
                try:
                    piece = reply.read1(PIECE if left is None else min(PIECE, left))
                except (OSError, HTTPException, ValueError) as error:
                    note = f"{self._upstream.host} broke off: {type(error).__name__}"
                    raise _BrokeOff(note) from error
                if not piece:
                    break
                kept.add(piece)
                left = None if left is None else left - len(piece)
                if left == 0:
                    held = piece
                else:
                    yield piece
            if left:
                note = f"{self._upstream.host} broke off: {left} bytes are missing"
                raise _BrokeOff(note)
            note = ""
        finally:
            reply.close()
            connection.close()
            self._passed(passing, reply, kept, note)
        if held:
            yield held

    def _passed(self, passing: _Passing, reply: HTTPResponse, kept: _Kept, note: str) -> None:
        """Hold an exchange against the docs, and tell of it."""
        encoding = (reply.getheader("Content-Encoding") or "identity").strip().lower()
        if not note and kept.passed > len(kept.body):
            note = f"the reply has {kept.passed} bytes and was not held against the docs"
        elif not note and encoding not in ("identity", "gzip", "deflate"):
            note = f"the reply is compressed by {encoding} and was not held against the docs"
        found = Findings()
        try:
            if passing.sent.whole or passing.sent.passed >= KEPT:
                found += self._contract.check_request(passing.asked)
            if not note:
                body = bytes(kept.body) if encoding == "identity" else _decompressed(bytes(kept.body))
                came = Response(reply.status, Headers(reply.getheaders()), body, passing.asked)
                found += self._contract.check_reply(came)
        except Exception as error:  # a bug of ours, for which no client should be without its reply
            note = f"fakeflowdock could not hold this against the docs: {type(error).__name__}: {error}"
        operation = self._contract.match(passing.method, passing.path)
        self._count(Passed(passing.shown, reply.status, None if operation is None else operation.name, found, note))

    def _refuse(self, passing: _Passing, start_response: StartResponse, refused: str, words: str) -> Iterable[bytes]:
        """Answer in the place of the server."""
        operation = self._contract.match(passing.method, passing.path)
        name = None if operation is None else operation.name
        with self._lock:
            self.unanswered += 1
        answer = refusal(refused, f"fakeflowdock proxy: {words}", passing.environ)
        self._count(Passed(passing.shown, answer.status, name, note=words))
        start_response(answer.line, answer.headers)
        return [answer.body]

    def _count(self, passed: Passed) -> None:
        with self._lock:
            self.exchanges += 1
            self.violations += len(passed.findings.violations)
            self.warnings += len(passed.findings.warnings)
            self._tell(passed)

    def summary(self) -> dict[str, int]:
        """How much there was of everything."""
        with self._lock:
            return {
                "exchanges": self.exchanges,
                "violations": self.violations,
                "warnings": self.warnings,
                "unanswered": self.unanswered,
            }


class _Passing:
    """A request on its way through."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        raw = str(environ["RAW_URI"])
        slash = raw.find("/", raw.find("://") + 3) if not raw.startswith("/") and "://" in raw else 0
        self.target = raw[slash:] if slash >= 0 else "/"
        self.path = path_of(environ)
        self.headers: HeaderPairs = list(environ["fakeflowdock.headers"])
        self.chunked = bool(environ.get("wsgi.input_terminated"))
        self.sent = _Kept()

    def pieces(self) -> Iterator[bytes]:
        """The body, as it comes. Raises _ClientGone where it does not come whole."""
        left = None if self.chunked else int(self.environ.get("CONTENT_LENGTH") or 0)
        while left is None or left > 0:
            try:
                piece = self.environ["wsgi.input"].read(PIECE if left is None else min(PIECE, left))
            except OSError as error:
                raise _ClientGone(str(error)) from error
            if not piece and left is not None:
                raise _ClientGone("the client hung up within its request")
            if not piece:
                return
            self.sent.add(piece)
            left = None if left is None else left - len(piece)
            yield piece

    @property
    def asked(self) -> Request:
        """The request, as the contract takes it."""
        return Request(self.method, self.target, Headers(self.headers), bytes(self.sent.body))

    @property
    def shown(self) -> str:
        """Method, path and query, with each secret in them cut to its first characters."""
        return f"{self.method} {shown_target(self.target)}"


def _to_pass(headers: HeaderPairs, *, chunked: bool) -> HeaderPairs:
    """The headers but for those that are between two neighbours alone; and for a length that chunks overrule."""
    named = {name.strip().lower() for key, value in headers if key.lower() == "connection" for name in value.split(",")}
    dropped = HOP_BY_HOP | named | ({"content-length"} if chunked else set())
    return [(name, value) for name, value in headers if name.lower() not in dropped]


def _decompressed(body: bytes) -> bytes:
    """A body without its compression; as it is where it has none."""
    for window in (47, -15):  # gzip or zlib, as their first bytes tell; and deflate without either's
        try:
            return zlib.decompressobj(window).decompress(body, KEPT)
        except zlib.error:
            continue
    return body
