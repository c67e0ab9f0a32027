"""HTTP/1.1 on a connection: requests are answered in order."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from ..api.environ import BEGUN, REFUSED
from ..api.pauses import Pause
from ..api.responses import Answer, Broken
from . import deadlines, errors
from .addresses import shown
from .errors import Rejected, refusal
from .lingering import Lingering
from .protocols import Peer
from .request_parser import HEAD, RequestParser
from .response_writer import CONTINUE, is_chunked, written
from .sender import Sender
from .workers import Job

if TYPE_CHECKING:
    import asyncio

    from _typeshed.wsgi import WSGIEnvironment

    from ..api.pauses import Steps
    from ..api.streams.stream import Stream
    from .protocols import Answering, ServerContext
    from .workers import Outcome

LARGE = 8 * 1024  # bytes of a body and a query: more are not parsed in the event loop
HUGE = 1024 * 1024  # bytes of a body: of those with more, one is parsed at a time
BODIES = 64 * 1024 * 1024  # bytes of bodies that a server keeps, without the first `LARGE` of each
TURN = 2_000  # pieces of a connection that are parsed before it is the turn of others
ANSWER = 100  # pieces that take as long as an answer


class Connection(RequestParser, Peer):
    """A connection that speaks HTTP.

    Args:
        server: what the server shares with its connections.
        scheme: http or https.
    """

    def __init__(self, server: ServerContext, scheme: str = "http") -> None:
        RequestParser.__init__(self, scheme)
        Peer.__init__(self, server)
        self._site = server.site
        self._meter = server.meter
        self._busy = self._full = self._eof = self._gone = self._paused = self._woken = False
        self._is_new = True  # until the first answer
        self._turn = TURN
        self._in_budget = 0  # bytes
        # The current request.
        self._asked: WSGIEnvironment = {}
        self._keeps = False
        self._app: Answering | None = None  # unless only a thread should look for it
        self._steps: Steps | None = None
        self._pause: Pause | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._sender: Sender | None = None

    # Called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Register the connection, and note its addresses."""
        super().connection_made(transport)
        name, self._port = shown(transport.get_extra_info("sockname"))
        self._name = f"[{name}]" if ":" in name else name
        self._far, _ = shown(transport.get_extra_info("peername"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove the connection, with its unanswered requests."""
        super().connection_lost(exc)
        self._gone = True
        self._forget()
        self._released()
        self._resume(there=False)
        if self._sender is not None:
            self._sender.left()

    def pause_writing(self) -> None:
        """Stop answering and reading until the client reads again."""
        self._full = True
        self._settle()

    def resume_writing(self) -> None:
        """Answer the waiting requests, and read again; later, because asyncio forbids to close the connection here."""
        self._full = False
        self._loop.call_soon(self._resumed)

    def _resumed(self) -> None:
        if self._sender is not None:
            self._sender.send()
        self._go_on()

    def data_received(self, data: bytes) -> None:
        """Parse some bytes."""
        if self._turn > 0:
            self._turn = TURN
        self.feed(data)
        if self._rest or self._paused or self._eof:
            self._settle()

    def eof_received(self) -> bool:
        """Answer what the client has sent, and close the connection. A client that waits for one answer has left."""
        self._eof = True
        if self._sender is not None:
            self._sender.left()
            self._sender = None
            self._transport.close()
        if not self._unparsed:
            self._resume(there=False)
        self._settle()
        return True

    # Parsing

    def _held(self) -> bool:
        if self._busy or self._full or self._turn <= 0:
            return True
        self._turn -= 1
        if self._turn <= 0:
            self._loop.call_soon(self._go_on)
        return self._turn <= 0

    def _begun(self) -> None:
        self.since = self._loop.time()

    def _kept(self, count: int) -> None:
        if self._received > LARGE:
            self._in_budget += count
            self._server.bodies.kept += count
            if self._server.bodies.kept > BODIES:
                raise Rejected(errors.TOO_MANY_BODIES, Rejected.BODIES)

    def _released(self) -> None:
        self._server.bodies.kept -= self._in_budget
        self._in_budget = 0

    def _expect_body(self) -> None:
        self._sending = deadlines.Pace(self._loop.time(), self._received)

    def _continue(self) -> None:
        self._write(CONTINUE)

    def _go_on(self) -> None:
        """Parse what has arrived meanwhile."""
        if not self._gone:
            self._turn = TURN
            self._parse()
            self._settle()

    def _settle(self) -> None:
        """Read more or not, as it is needed. Close the connection if nothing can follow."""
        if self._gone or self._transport.is_closing():
            return
        held = self._busy or self._full or self._turn <= 0
        if self._eof and not held and not self._unparsed:
            self.feed_end()
            if not (self._busy or self._gone):
                self._transport.close()
        elif (paused := self._full or (held and self._unparsed > HEAD)) != self._paused:
            self._paused = paused
            if paused:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    # Answering

    def _take(self, environ: WSGIEnvironment, *, keep: bool) -> None:
        environ[BEGUN] = self._loop.time()
        self._busy, self._asked, self._keeps, self._app = True, environ, keep, None
        if self._is_short(environ):
            self._app = self._site.app_of(environ)
        self._turn = self._turn - ANSWER if self._turn > ANSWER else 1
        self._advance(None)

    def _is_short(self, environ: WSGIEnvironment) -> bool:
        """Return whether the world of a request is found without delay."""
        return self._received + len(environ["QUERY_STRING"]) <= LARGE

    def _advance(self, there: bool | None) -> None:
        """Run the next step of a request: here if it is short, else in a thread.

        Args:
            there: whether the client is still connected; None for the first step.
        """
        app = self._app
        lane: object = None
        if app is None:
            lane = self._site if self._received > HUGE else None
        elif (lock := app.guard(self._asked)) is not None:
            if lock.acquire(blocking=False):
                try:
                    outcome = self._step(there)
                finally:
                    lock.release()
                self._handle(outcome)
                return
            lane = app  # a long request holds the lock
        job = Job(partial(self._step, there), self._came)
        if app is not None and app.may_wait:
            self._server.workers.run_alone(job)
        else:
            self._server.workers.run(job, lane)

    def _step(self, there: bool | None) -> Outcome:
        try:
            if self._steps is None:
                if self._gone:
                    return Broken("closed")  # it would not be answered, so it must not change anything
                begun = (self._app or self._site.app_of(self._asked)).begin(self._asked)
                if isinstance(begun, Answer):
                    return begun
                self._steps = begun
                return next(begun)
            return self._steps.send(there is True)
        except StopIteration as end:
            answer: Answer = end.value
            return answer
        except Broken as broken:
            return broken

    def _came(self, outcome: Outcome) -> None:
        self._handle(outcome)
        self._go_on()

    def _handle(self, outcome: Outcome) -> None:
        if isinstance(outcome, Pause):
            self._wait(outcome)
            return
        environ, keep = self._asked, self._keeps
        self._busy, self._asked, self._app, self._steps = False, {}, None, None
        if self._in_budget:
            self._released()
        if outcome is None:
            name, message = errors.NO_THREAD_LEFT, Rejected.BUSY
            environ[REFUSED] = f"{name}: {message}"
            outcome = refusal(name, message, environ)
        if self._gone:
            if isinstance(outcome, Answer) and outcome.stream is not None:
                outcome.stream.leave()
            self._meter(environ, None, outcome.loss if isinstance(outcome, Broken) else "left")
        elif isinstance(outcome, Broken):
            self._break(outcome, environ)
        else:
            self._send(outcome, environ, keep=keep)

    # Waiting: no thread is needed for it

    @property
    def is_waiting(self) -> bool:
        """Whether a request waits, for a fault or for other requests."""
        return self._pause is not None

    def _wait(self, pause: Pause) -> None:
        if self._gone or (self._eof and not self._unparsed):
            self._advance(there=False)
            return
        self._pause, self._woken = pause, False
        seconds = deadlines.SILENCE if pause.seconds is None else pause.seconds
        self._timer = self._loop.call_later(seconds, self._resume)
        if (journal := pause.journal) is not None:
            journal.listeners[self._wake] = None
            if journal.count != pause.known:
                self._wake()

    def _wake(self) -> None:
        """End the pause, from any thread."""
        if not self._woken:
            self._woken = True
            with suppress(RuntimeError):  # the server has stopped
                self._loop.call_soon_threadsafe(self._resume)

    def _resume(self, *, there: bool = True) -> None:
        pause, self._pause = self._pause, None
        if pause is None or self._timer is None:
            return
        self._timer.cancel()
        if pause.journal is not None:
            pause.journal.listeners.pop(self._wake, None)
        if pause.journal is not None and not there:
            self._handle(self._step(there))  # looks at no more exchanges, and thousands of clients may leave
        else:
            self._advance(there)
        if not self._busy:
            self._go_on()

    # The end of a request

    def _introduced(self, environ: WSGIEnvironment) -> WSGIEnvironment:
        environ |= {"SERVER_NAME": self._name, "SERVER_PORT": self._port, "wsgi.url_scheme": self._scheme} | environ
        self._site.introduce(environ)
        return environ

    def _end_with(self, answer: Answer, environ: WSGIEnvironment) -> None:
        self._released()
        self._send(answer, environ, keep=False)

    def _write(self, data: bytes) -> None:
        self._written += len(data)
        self._transport.write(data)

    def _send(self, answer: Answer, environ: WSGIEnvironment, *, keep: bool) -> None:
        keep = keep and not answer.cut and not self._ending
        self._meter(environ, answer)  # before the answer, so that its client finds the line
        self._is_new, self.since = False, self._loop.time()
        if answer.stream is not None:
            keep = keep and is_chunked(environ)
            self._write(written(answer, environ, keep=keep))
            self._busy = True
            ended = partial(self._stream_ended, environ, answer.stream)
            self._sender = Sender(
                self, self._server, answer.stream, chunked=is_chunked(environ), keep=keep, ended=ended
            )
            return
        self._write(written(answer, environ, keep=keep))
        if not keep:
            self._ending = True
            self._close(at_once=answer.cut)

    # A stream, in the place of a body

    @property
    def is_full(self) -> bool:
        """Whether the client has to read before more is sent."""
        return self._full

    def send_piece(self, data: bytes) -> None:
        """Send a piece of a stream."""
        self._write(data)

    def _stream_ended(self, environ: WSGIEnvironment, stream: Stream) -> None:
        self._meter.ended(environ, stream)

    def end_stream(self, *, keep: bool) -> None:
        """Go on after the end of a stream."""
        self._sender, self._busy = None, False
        if keep and not self._ending:
            self._go_on()
        else:
            self._ending = True
            self._close()

    def _close(self, *, at_once: bool = False) -> None:
        """Close the connection after everything has been sent."""
        if at_once or self._eof or self._transport.is_closing():
            self._transport.close()
        else:
            Lingering(self._server, self._transport, self._written)
            self.connection_lost(None)

    def _break(self, broken: Broken, environ: WSGIEnvironment) -> None:
        """Break the connection as a fault demands. A reset discards unsent data."""
        self._meter(environ, None, broken.loss)
        self.break_off(reset=broken.loss in ("refused", "reset"))

    def break_off(self, *, reset: bool) -> None:
        """Break the connection, as a fault demands."""
        self._ending = True
        if reset:
            connection = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._transport.close()

    # Called by the server

    @property
    def is_idle(self) -> bool:
        """Whether there is no request, and no answer that is being read."""
        return not (self._busy or self._in_request or self._transport.get_write_buffer_size())

    def end(self) -> None:
        """Close the connection, after the answer to a request that is being processed."""
        self._ending = True
        if self._sender is not None:
            self._sender.stop()
        elif not self._busy or self.is_waiting:
            self._transport.close()

    def silent(self, now: float) -> None:
        """Close the connection if its client is too slow."""
        if self._sender is not None or self._is_being_read(now) or self._busy or self._transport.is_closing():
            return
        if self._in_body:
            if self._sending.is_too_slow(now, self._received, deadlines.BODY):
                self.refuse(errors.TIMEOUT, Rejected.SLOW.format(rate=deadlines.RATE))
        elif self._in_request:
            if now - self.since > deadlines.HEAD:
                self.refuse(errors.TIMEOUT, Rejected.SILENT.format(seconds=deadlines.HEAD))
        elif now - self.since > (deadlines.HEAD if self._is_new else deadlines.SILENCE):
            self.end()
