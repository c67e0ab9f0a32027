"""A proxy that forwards requests unchanged, and checks them and their responses against Flowdock's docs."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException, HTTPResponse
from socket import SHUT_RDWR, socket
from threading import Lock
from typing import TYPE_CHECKING, Any

from ..api.environ import path_of
from ..api.internal_routes import is_own
from ..api.messages import Headers, Request, Response
from ..api.responses import Answer, Broken
from ..contract.errors import MAX_BODY
from ..contract.findings import MOST, Findings
from ..http.errors import HOST_NOT_REACHED, refusal
from ..http.response_writer import head_of
from ..http.streamed import STREAM
from ..redaction import shortened, shown_target
from . import errors
from .contract import Contract
from .recordings.entries import plain
from .remote import reason_of
from .replies import CheckedReply
from .stream_records import Records

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from http.client import HTTPConnection

    from _typeshed.wsgi import WSGIEnvironment

    from ..contract.contracts import OperationContract
    from ..http.meter import Meter
    from ..http.streamed import StreamedConnection
    from .remote import Remote

KEPT = MAX_BODY + 1  # bytes of a body that are checked; the rest is only forwarded
SILENCE = 120.0  # seconds without data from a stream, which is kept alive more often
PIECE = 65536  # bytes of a response that are forwarded at a time
# RFC 9110, section 7.6.1. Our own server handles `Expect`.
HOP_BY_HOP = frozenset(
    (
        *("connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"),
        *("te", "trailer", "transfer-encoding", "upgrade"),
    )
)
HeaderPairs = list[tuple[str, str]]


@dataclass
class Passed:
    """A forwarded exchange.

    Attributes:
        request: method, path and query, without secrets.
        status: of the response; 502 without a response.
        operation: the name of the requested operation; None if unknown.
        findings: the deviations from the docs.
        note: why there is no response, or why it was not checked.
    """

    request: str
    status: int
    operation: str | None
    findings: Findings = field(default_factory=Findings)
    note: str = ""

    def __str__(self) -> str:
        violations, warnings = len(self.findings.violations), len(self.findings.warnings)
        counts = [f"{n} {word}{'s' * (n > 1)}" for n, word in ((violations, "violation"), (warnings, "warning")) if n]
        parts = [part for part in (", ".join(counts), self.note) if part] or ["as documented"]
        operation = f" {self.operation}" if self.operation else ""
        lines = [f"{self.request} → {self.status}{operation}: {'; '.join(parts)}"]
        lines += [f"    {line}" for line in str(self.findings).splitlines()]
        return shortened("\n".join(lines))

    def as_json(self) -> dict[str, Any]:
        """Return the exchange as JSON."""
        values = {**vars(self), "findings": self.findings.as_json(), "note": shortened(self.note)}
        return {"event": "exchange", **values}


class _Kept:
    """The beginning of a forwarded body."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.passed = 0
        self.whole = True

    def add(self, piece: bytes) -> None:
        self.passed += len(piece)
        self.body += piece[: KEPT - len(self.body)]


class Proxy:
    """The application of a server that uses `StreamedConnection`.

    Args:
        upstream: the server that receives the requests.
        tell: called with each exchange, before the client receives the end of the response.
        strict: whether warnings are violations.
        timeout: seconds without data from the upstream.

    Attributes:
        exchanges, violations, warnings, unanswered: their numbers.
    """

    may_wait = True  # for the upstream

    def __init__(
        self, upstream: Remote, tell: Callable[[Passed], None], *, strict: bool = False, timeout: float = 30
    ) -> None:
        self._upstream = upstream
        self._tell = tell
        self._timeout = timeout
        self._contract = Contract(strict=strict)
        self._lock = Lock()
        self.exchanges = self.violations = self.warnings = self.unanswered = 0

    def app_of(self, environ: WSGIEnvironment) -> Proxy:  # noqa: ARG002  # there is only one
        """Return the application for a request."""
        return self

    def introduce(self, environ: WSGIEnvironment) -> None:
        """Do nothing: it shows no pages."""

    def listens(self, host: str, bound: str, meter: Meter) -> None:
        """Ignore the server's address, and its counts."""

    def begins(self) -> None:
        """Do nothing: no event loop is needed."""

    async def ends(self) -> None:
        """Do nothing."""

    def tidy(self) -> None:
        """Do nothing: there is nothing to tidy."""

    def guard(self, environ: WSGIEnvironment) -> None:
        """Return that each request may take long."""

    def begin(self, environ: WSGIEnvironment) -> Answer:
        """Forward a request and stream its response. Return the end of the response.

        Raises:
            Broken: the client disconnected, or the upstream within its response.
        """
        passing = _Passing(environ)
        connection = self._upstream.connection(self._timeout)
        try:
            reply, upstream = self._forward(connection, passing)
        except (OSError, HTTPException, ValueError) as error:
            connection.close()
            if isinstance(error, Broken):
                raise
            return self._refuse(passing, errors.NO_RESPONSE.format(host=self._upstream.host, reason=reason_of(error)))
        chunked = reply.length is None
        headers = _to_pass(reply.getheaders(), chunked=chunked)
        stream = self._stream_of(passing, reply) if chunked else None
        with closing(self._body(connection, reply, passing, stream)) as pieces:
            whole = b""
            if chunked and environ["SERVER_PROTOCOL"] == "HTTP/1.0":  # which has no chunks
                whole, chunked = b"" if stream is not None else b"".join(pieces), False
                headers += [] if stream is not None else [("Content-Length", str(len(whole)))]
            if chunked:
                headers.append(("Transfer-Encoding", "chunked"))
            unsent = head_of(f"{reply.status} {reply.reason}", headers, environ, keep=False) + whole
            passing.client.begun = True
            if stream is not None:
                upstream.settimeout(SILENCE)
                passing.client.leaves = partial(stream.leave, upstream)
                passing.client.send(unsent)
                unsent = b""
            for piece in pieces:
                passing.client.send(unsent + (_chunk(piece) if chunked else piece))
                unsent = b""
        return Answer(reply.status, headers, unsent + (_chunk(b"") if chunked else b""))

    def _stream_of(self, passing: _Passing, reply: HTTPResponse) -> _Streamed | None:
        """Return what checks the records of a stream; None if the response is no stream."""
        operation = self._contract.match(passing.method, passing.url)
        if operation is None or passing.method == "HEAD" or reply.status not in operation.streams:
            return None
        return _Streamed(
            operation, Response(reply.status, Headers(reply.getheaders())), strict=bool(self._contract.strict)
        )

    def _forward(self, connection: HTTPConnection, passing: _Passing) -> tuple[HTTPResponse, socket]:
        """Forward a request, and wait for the status and the headers of its response. Return it with its socket."""
        connection.connect()
        upstream: socket = connection.sock
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
            passing.sent.whole = False  # the upstream may respond before it has read the body
        return connection.getresponse(), upstream

    def _body(
        self, connection: HTTPConnection, reply: HTTPResponse, passing: _Passing, stream: _Streamed | None
    ) -> Generator[bytes, None, None]:
        """Yield the body of a response. Its last piece follows when the exchange has been reported."""
        kept, held, note = _Kept(), b"", "the client hung up"
        left = reply.length  # 0 without a body, None without a length
        try:
            while left is None or left > 0:
                try:
                    piece = reply.read1(PIECE if left is None else min(PIECE, left))
                except (OSError, HTTPException, ValueError) as error:
                    note = f"{self._upstream.host} broke off: {type(error).__name__}"
                    raise Broken("closed") from error
                if not piece:
                    break
                if stream is None:
                    kept.add(piece)
                else:
                    stream.add(piece)
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
            self._passed(passing, reply, kept, note, stream)
        if held:
            yield held

    def _passed(self, passing: _Passing, reply: HTTPResponse, kept: _Kept, note: str, stream: _Streamed | None) -> None:
        """Check an exchange, and report it."""
        encoding = reply.getheader("Content-Encoding")
        body, is_known = plain(bytes(kept.body), encoding, KEPT)
        is_whole = not note or stream is not None  # a stream ends when its client leaves
        if stream is not None:
            note = "; ".join(filter(None, (stream.note if is_known else "", "" if stream.has_left else note)))
        if not note and kept.passed > len(kept.body):
            note = f"the response has {kept.passed} bytes and was not checked"
        elif not note and not is_known:
            note = f"the response is compressed by {encoding} and was not checked"
        found = Findings()
        if is_own(passing.path):
            self._count(passing, reply.status, found, note or "a path of fakeflowdock's own, which was not checked")
            return
        sent = Headers(passing.headers).get("content-encoding")
        passing.sent.body[:], is_plain = plain(bytes(passing.sent.body), sent, KEPT)
        try:
            if is_plain and (passing.sent.whole or passing.sent.passed >= KEPT):
                found += self._contract.check_request(passing.request)
            if is_whole and is_known and kept.passed == len(kept.body):
                response = Response(reply.status, Headers(reply.getheaders()), body, passing.request)
                found += self._contract.check_reply(response)
                found += [] if stream is None else stream.found
        except Exception as error:  # a bug of ours: the client gets its response anyway
            note = f"fakeflowdock could not check this exchange: {type(error).__name__}: {error}"
        if not is_plain:
            note = note or f"the request is compressed by {sent} and was not checked"
        self._count(passing, reply.status, found, note)

    def _refuse(self, passing: _Passing, words: str) -> Answer:
        """Respond instead of the upstream."""
        with self._lock:
            self.unanswered += 1
        answer = refusal(HOST_NOT_REACHED, errors.PROXY.format(reason=words), passing.environ)
        self._count(passing, answer.status, Findings(), words)
        return answer

    def _count(self, passing: _Passing, status: int, findings: Findings, note: str) -> None:
        operation = self._contract.match(passing.method, passing.url)
        shown = f"{passing.method} {shown_target(passing.target)}"
        passed = Passed(shown, status, None if operation is None else operation.name, findings, note)
        with self._lock:
            self.exchanges += 1
            self.violations += len(passed.findings.violations)
            self.warnings += len(passed.findings.warnings)
            self._tell(passed)

    def summary(self) -> dict[str, int]:
        """Return the number of exchanges, violations, warnings and unanswered requests."""
        with self._lock:
            return {name: getattr(self, name) for name in ("exchanges", "violations", "warnings", "unanswered")}


class _Streamed:
    """The records of a forwarded stream, each checked as it passes."""

    def __init__(self, operation: OperationContract, reply: Response, *, strict: bool) -> None:
        self._checked = CheckedReply(operation, reply, "GET", strict=strict)
        self._records = Records(self._checked.kind, KEPT)
        self._count = 0
        self.found = Findings()
        self.has_left = False

    def add(self, piece: bytes) -> None:
        """Check the records that are complete now, until there are enough findings."""
        texts = list(self._records.feed(piece))
        if len(self.found) < MOST:
            self.found += self._checked.of_records(texts, self._count + 1)
        self._count += len(texts)

    def leave(self, upstream: socket) -> None:
        """Wake the thread that reads from the upstream, because the client has left."""
        self.has_left = True
        with suppress(OSError):
            upstream.shutdown(SHUT_RDWR)

    @property
    def note(self) -> str:
        """How many records there were, and why not all of them were checked."""
        count = f"{self._count} record{'' if self._count == 1 else 's'}"
        return f"{count}; one is too long, and those after it were not checked" if self._records.too_long else count


class _Passing:
    """A request that is being forwarded."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        raw = str(environ["RAW_URI"])
        slash = raw.find("/", raw.find("://") + 3) if not raw.startswith("/") and "://" in raw else 0
        self.target = raw[slash:] if slash >= 0 else "/"
        self.path = path_of(environ)
        self.url = f"http://{environ.get('HTTP_HOST', '')}{self.path}"  # of a host for streams or another one
        self.client: StreamedConnection = environ[STREAM]
        self.headers = self.client.headers
        self.chunked = "HTTP_TRANSFER_ENCODING" in environ
        self.sent = _Kept()

    def pieces(self) -> Iterator[bytes]:
        """Yield the body as it arrives. Raises Broken if it is incomplete."""
        while piece := self.client.read():
            self.sent.add(piece)
            yield piece

    @property
    def request(self) -> Request:
        """The request with the part of the body that was forwarded and is checked, which may be decompressed."""
        return Request(self.method, self.target, Headers(self.headers), bytes(self.sent.body))


def _to_pass(headers: HeaderPairs, *, chunked: bool) -> HeaderPairs:
    """Return the headers without hop-by-hop headers, and without a length that is overridden by chunks."""
    named = {name.strip().lower() for key, value in headers if key.lower() == "connection" for name in value.split(",")}
    dropped = HOP_BY_HOP | named | ({"content-length"} if chunked else set())
    return [(name, value) for name, value in headers if name.lower() not in dropped]


def _chunk(piece: bytes) -> bytes:
    """Return a chunk. The last chunk of a body is empty."""
    return b"%x\r\n%s\r\n" % (len(piece), piece)
