"""A proxy that passes each request on unchanged, and holds it and its reply against Flowdock's docs."""

from __future__ import annotations

import zlib
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from threading import Lock
from typing import TYPE_CHECKING, Any

from ..api.environ import path_of
from ..api.messages import Headers, Request, Response
from ..api.responses import Answer, Broken
from ..contract.errors import MAX_BODY
from ..contract.findings import Findings
from ..http.rejections import HOST_NOT_REACHED, refusal
from ..http.response_writer import head_of
from ..http.streamed import STREAM
from ..redaction import shortened, shown_target
from .contract import Contract

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from http.client import HTTPConnection

    from _typeshed.wsgi import WSGIEnvironment

    from ..api.faults import Wait
    from ..http.streamed import StreamedConnection
    from .remote import Remote

KEPT = MAX_BODY + 1  # bytes of a body that are held against the docs; the rest only passes
PIECE = 65536  # bytes of a reply that are passed on at once
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
IN_PATHS = ("flow_api_tokens", "code", "token")  # secrets that a path has


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
    """The proxy, as all that a server of `StreamedConnection`s answers.

    Args:
        upstream: where requests go.
        tell: is told each exchange, before the client has the end of its reply.
        strict: whether what the docs advise against is a violation.
        timeout: the seconds for which the upstream may be silent.

    Attributes:
        exchanges, violations, warnings, unanswered: how many there were.
    """

    may_wait = True

    def __init__(
        self, upstream: Remote, tell: Callable[[Passed], None], *, strict: bool = False, timeout: float = 30
    ) -> None:
        self._upstream = upstream
        self._tell = tell
        self._timeout = timeout
        self._contract = Contract(strict=strict)
        self._lock = Lock()
        self.exchanges = self.violations = self.warnings = self.unanswered = 0

    def app_of(self, environ: WSGIEnvironment) -> Proxy:  # noqa: ARG002  # it is the only one
        """Return who answers a request."""
        return self

    def listens(self, host: str, bound: str) -> None:
        """Be told where the server listens."""

    def answer(self, environ: WSGIEnvironment, *, wait: Wait | None = None) -> Answer:  # noqa: ARG002  # nor waits
        """Pass a request on, and its reply back. Its end is returned.

        Raises:
            Broken: the client hung up, or the upstream within its reply.
        """
        passing = _Passing(environ)
        connection = self._upstream.connection(self._timeout)
        try:
            reply = self._forward(connection, passing)
        except (OSError, HTTPException, ValueError) as error:
            connection.close()
            if isinstance(error, Broken):
                raise
            reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            return self._refuse(passing, f"{self._upstream.host} did not answer: {reason}")
        chunked = reply.length is None
        headers = _to_pass(reply.getheaders(), chunked=chunked)
        with closing(self._body(connection, reply, passing)) as pieces:
            whole = b""
            if chunked and environ["SERVER_PROTOCOL"] == "HTTP/1.0":  # its client knows no chunks
                whole, chunked = b"".join(pieces), False
                headers.append(("Content-Length", str(len(whole))))
            if chunked:
                headers.append(("Transfer-Encoding", "chunked"))
            unsent = head_of(f"{reply.status} {reply.reason}", headers, environ, keep=False) + whole
            passing.client.begun = True
            for piece in pieces:
                passing.client.send(unsent + (_chunk(piece) if chunked else piece))
                unsent = b""
        return Answer(reply.status, headers, unsent + (_chunk(b"") if chunked else b""))

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
                connection.send(_chunk(piece) if passing.chunked else piece)
            if passing.chunked:
                connection.send(_chunk(b""))
        except (BrokenPipeError, ConnectionResetError):
            passing.sent.whole = False  # it may have answered before it read everything
        return connection.getresponse()

    def _body(self, connection: HTTPConnection, reply: HTTPResponse, passing: _Passing) -> Generator[bytes, None, None]:
        """The body of a reply. Its last piece is passed on when the exchange was told."""
        kept, held, note = _Kept(), b"", "the client hung up"
        left = reply.length  # 0 where there is no body, None where only its end tells
        try:
            while left is None or left > 0:
                try:
                    piece = reply.read1(PIECE if left is None else min(PIECE, left))
                except (OSError, HTTPException, ValueError) as error:
                    note = f"{self._upstream.host} broke off: {type(error).__name__}"
                    raise Broken("closed") from error
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
                raise Broken("closed")
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
        self._count(passing, reply.status, found, note)

    def _refuse(self, passing: _Passing, words: str) -> Answer:
        """Answer in the place of the server."""
        with self._lock:
            self.unanswered += 1
        answer = refusal(HOST_NOT_REACHED, f"fakeflowdock proxy: {words}", passing.environ)
        self._count(passing, answer.status, Findings(), words)
        return answer

    def _count(self, passing: _Passing, status: int, findings: Findings, note: str) -> None:
        operation = self._contract.match(passing.method, passing.path)
        passed = Passed(passing.shown, status, None if operation is None else operation.name, findings, note)
        with self._lock:
            self.exchanges += 1
            self.violations += len(passed.findings.violations)
            self.warnings += len(passed.findings.warnings)
            self._tell(passed)

    def summary(self) -> dict[str, int]:
        """How much there was of everything."""
        with self._lock:
            return {name: getattr(self, name) for name in ("exchanges", "violations", "warnings", "unanswered")}


class _Passing:
    """A request on its way through."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        raw = str(environ["RAW_URI"])
        slash = raw.find("/", raw.find("://") + 3) if not raw.startswith("/") and "://" in raw else 0
        self.target = raw[slash:] if slash >= 0 else "/"
        self.path = path_of(environ)
        self.client: StreamedConnection = environ[STREAM]
        self.headers = self.client.headers
        self.chunked = "HTTP_TRANSFER_ENCODING" in environ
        self.sent = _Kept()

    def pieces(self) -> Iterator[bytes]:
        """The body, as it comes. Raises Broken where it does not come whole."""
        while piece := self.client.read():
            self.sent.add(piece)
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


def _chunk(piece: bytes) -> bytes:
    """A piece of a body in chunks; the last one is empty."""
    return b"%x\r\n%s\r\n" % (len(piece), piece)


def _decompressed(body: bytes) -> bytes:
    """A body without its compression; as it is where it has none."""
    for window in (47, -15):  # gzip or zlib, as their first bytes tell; and deflate without either's
        try:
            return zlib.decompressobj(window).decompress(body, KEPT)
        except zlib.error:
            continue
    return body
