"""Worlds that several servers share: each processes the same entries of one log, in the same order."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
from collections import OrderedDict, deque
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

from ..api.app import App
from ..api.environ import AUTHORIZED, EXCHANGE, OPERATION, REQUEST_ID, WORLD
from ..api.responses import Answer
from ..http.connection import LARGE
from ..version import __version__
from ..world import clock
from . import shared_deliveries, shared_journal, shared_state
from .entries import Outcome, Ticket, applied, unpacked
from .shared_deliveries import DELIVERED, DUE, SharedDeliveries
from .shared_journal import SharedJournal
from .shared_log import MOST, NoLog, SharedClock, SharedLog, raise_unless_expected, reason_of, shown_url
from .shared_upkeep import AGAIN, EXPIRED, GONE, LEFT, Upkeep, end_all

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from _typeshed.wsgi import WSGIEnvironment

    from ..api.exchange import Exchange
    from ..api.streams.stream import Stream
    from ..contract.findings import Finding
    from ..http.protocols import Answering
    from .worlds import ServedWorld, Worlds

EVERY = 2_000  # entries between two snapshots, at least
REQUEST, READ = "request", "read"  # the kinds of most entries
KEPT = (LEFT, GONE, EXPIRED, DELIVERED)  # the kinds that are appended as soon as the log is there again
REMEMBERED = 1_000  # servers whose last entry is known, so that none is processed twice
PATIENCE = 15.0  # seconds that a request waits for the log


class Replica:
    """What one server does to share its worlds.

    Args:
        worlds: the worlds.
        url: of Redis.
        route: returns the app that answers a request.
        note: called with a line when the log is lost, and when it is there again.
        is_local: whether reads are answered without asking the log.

    Attributes:
        problem: why nothing can be processed, or None.
        is_foreign: whether an entry of another server is being processed.
    """

    def __init__(
        self,
        worlds: Worlds,
        url: str,
        route: Callable[[WSGIEnvironment], Answering],
        note: Callable[[str], None],
        *,
        is_local: bool = False,
    ) -> None:
        self.worlds, self.url, self._route, self._note = worlds, url, route, note
        self.is_local = is_local
        self.id = secrets.token_hex(6)
        self.problem: str | None = None
        self.is_foreign = False
        self._halted: str | None = None
        self._clock = SharedClock()
        running = [each.store.clock for each in worlds.worlds if each.store.clock.mode == clock.RUNNING]
        for each in running:
            each.freeze()
        clock.follow_machine(self._clock)
        self._running = running  # as soon as the time of the log is known
        self.seen, self.position, self.saved = "0-0", 0, 0
        self._last: OrderedDict[str, int] = OrderedDict()  # by server: the number of its last entry
        self._mine: dict[int, Ticket] = {}
        self._queue: deque[Ticket] = deque()
        self._lock = threading.Lock()  # for the queue and its numbers
        self._number = 0
        self.touched: dict[str, int] = {}  # by world: the milliseconds of its last entry
        self._tasks: set[asyncio.Task[Any]] = set()
        self._busy = asyncio.Lock()  # while entries are processed
        self._loop: asyncio.AbstractEventLoop | None = None
        self.upkeep = Upkeep(self)
        worlds.replica = self
        for world in worlds.worlds:
            self.dress(world)

    def dress(self, world: ServedWorld) -> None:
        """Let a new world share what happens in it."""

        def left(stream: Stream) -> None:
            if stream in world.app.streams.open and not stream.is_elsewhere:
                self.submit(None, f"{world.name} {stream.number}".encode(), LEFT)

        note = world.app.note

        def note_own(finding: Finding) -> None:
            if note is not None and not self.is_foreign:  # another server has told it
                note(finding)

        world.app.journal = SharedJournal(world, None if self.is_local else self._tell)
        world.app.sharing = SharedDeliveries(world, self._wait_for)
        world.app.streams.left, world.app.note = left, note_own
        self.touched[world.name] = int(self._clock.passed() * 1000)

    def _tell(self, world: ServedWorld, exchange: Exchange, content: bytes) -> None:
        """Tell all servers of a request that only reads."""
        ticket = self.submit(None, content, READ)
        ticket.result = exchange
        if ticket.problem is not None:
            world.app.journal.keep(exchange)

    def _wait_for(self, content: bytes, kind: str) -> Any:
        """Append an entry, and return what came of it. Called by a thread that may wait."""
        done = threading.Event()
        ticket = self.submit(None, content, kind)
        ticket.listeners[done.set] = None
        if not ticket.count:
            done.wait(PATIENCE)
        return ticket.result

    # The start and the end

    async def start(self) -> None:
        """Load the shared worlds, or share those that are there. Raises NoLog."""
        self._log = SharedLog(self.url, self._clock)
        try:
            await self._log.look()
            for each in self._running:
                each.run()
            await self._log.begin(shared_state.dumps(self.frozen()))
            await self._load()
            await self._round([])
        except Exception as error:
            if isinstance(error, NoLog):
                raise
            raise_unless_expected(error)
            raise NoLog(NoLog.NOT_REACHED.format(url=shown_url(self.url), reason=reason_of(error))) from None
        finally:
            await self._log.close()
        if self._halted is not None:
            raise NoLog(self._halted)

    async def ends(self) -> None:
        """Stop between two entries, and write a last snapshot, so that another version can go on from it."""
        async with self._busy:
            await end_all(self._tasks)
        self._loop = None
        with suppress(Exception):
            await self._log.close()
            await self.upkeep.ends()
        self._log = SharedLog(self.url, self._clock)
        with suppress(Exception):  # the log has everything
            self.submit(None, self.id.encode(), GONE)
            await self._round([*self._queue])
            if self._halted is None:
                await self._log.save(shared_state.dumps(self.frozen()), self.seen, self.position)
            await self._log.forget(self.id)
        await self._log.close()

    def begins(self) -> None:
        """Go on in the event loop of the server."""
        self._loop = asyncio.get_running_loop()
        self._wanted = asyncio.Event()
        self._thread = threading.get_ident()
        self._log = SharedLog(self.url, self._clock)
        for each in (self._run(), *self.upkeep.begins(SharedLog(self.url, self._clock))):
            self.spawn(each)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Start something in the event loop of the server."""
        assert self._loop is not None
        task = self._loop.create_task(work)
        self._tasks.add(task)  # otherwise nothing keeps it
        task.add_done_callback(self._tasks.discard)

    def frozen(self) -> dict[str, Any]:
        """Return everything on which the next entry depends."""
        return {**shared_state.frozen(self.worlds), "last": list(self._last.items()), "touched": {**self.touched}}

    async def _load(self) -> None:
        """Begin again from the newest snapshot."""
        kept = await self._log.newest()
        if kept is None:
            raise NoLog(NoLog.EMPTY)
        try:
            more = await asyncio.to_thread(shared_state.restore, self.worlds, kept.data)
        except ValueError:
            raise NoLog(NoLog.FORMAT.format(found=kept.version, own=__version__)) from None
        self._last, self.touched = OrderedDict((name, number) for name, number in more["last"]), more["touched"]
        self.seen, self.position, self.saved = kept.place, kept.position, kept.position
        for world in self.worlds.worlds:
            for stream in world.app.streams.open:
                self._leave_again(world.name, stream)

    def _leave_again(self, world: str, stream: Stream) -> None:
        """Tell that a stream of this server is over, because the world that it was open in was replaced."""
        if stream.server == self.id:
            self.submit(None, f"{world} {stream.number}".encode(), LEFT)

    # Rounds

    def submit(self, environ: WSGIEnvironment | None, content: bytes | None = None, kind: str = REQUEST) -> Ticket:
        """Append an entry, or learn what is in the log. Called by any thread."""
        ticket = Ticket(environ, content)
        ticket.is_kept = kind in KEPT
        if self.problem is not None and kind not in KEPT:
            ticket.done(problem=self.problem)
            return ticket
        with self._lock:
            if content is not None:
                self._number += 1
                ticket.number = self._number
                ticket.content = f"{self.id} {self._number} {__version__} {kind}\n".encode() + content
                self._mine[self._number] = ticket
            self._queue.append(ticket)
        self.wake()
        return ticket

    def wake(self) -> None:
        """Look at the log. Called by any thread."""
        if self._loop is None:
            return
        if threading.get_ident() == self._thread:
            self._wanted.set()
            return
        with suppress(RuntimeError):  # the server has stopped
            self._loop.call_soon_threadsafe(self._wanted.set)

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            with self._lock:
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), MOST))]
                if self._queue:
                    self._wanted.set()
            for patience in (True, False):  # a connection may just be an old one
                try:
                    await self._round(batch)
                except Exception as error:
                    raise_unless_expected(error)
                    if not patience:
                        self._lose(batch, reason_of(error))
                else:
                    self._find()
                    break

    def _lose(self, batch: list[Ticket], reason: str) -> None:
        """Answer what waits, and try again later."""
        if self.problem is None:
            self._note(f"the worlds cannot be shared: {shown_url(self.url)}: {reason}")
        self.problem = reason
        with self._lock:
            waiting = [*batch, *self._queue]
            self._queue = deque(each for each in waiting if each.is_kept)  # in order: numbers only grow
        for ticket in waiting:
            if not ticket.is_kept:
                self._mine.pop(ticket.number, None)
                ticket.done(problem=reason)
        assert self._loop is not None
        self._loop.call_later(AGAIN, self._wanted.set)

    def _find(self) -> None:
        if self._halted is not None:
            self.problem = self._halted
        elif self.problem is not None:
            self._note("the worlds are shared again")
            self.problem = None

    async def _round(self, batch: list[Ticket]) -> None:
        """Append the entries of a batch, and process all that the log has."""
        entries = [ticket.content for ticket in batch if ticket.content is not None]
        found = await self._log.exchange(self.seen, entries)
        async with self._busy:
            if found is None:
                await self._load()  # the log was trimmed meanwhile, or has lost its last entries
                if (found := await self._log.exchange(self.seen, entries)) is None:
                    raise NoLog(NoLog.GONE)
            while found:
                await self._process_all(found)
                found = await self._log.exchange(self.seen) if len(found) >= MOST and self._halted is None else []
        for ticket in batch:
            self._mine.pop(ticket.number, None)
            lost = ticket.content is not None or self._halted is not None
            ticket.done(problem=(self._halted or NoLog.GONE) if lost else None)
        if self._loop is not None and self.position - self.saved >= EVERY and self.upkeep.may_save:
            self.saved = self.position
            self.spawn(self.upkeep.save(self.frozen(), self.seen, self.position))

    # Entries

    async def _process_all(self, entries: list[tuple[str, bytes]]) -> None:
        """Process entries, unless there is one that this server cannot process."""
        for number, content in entries:
            if self._halted is None:
                try:
                    await self._process(number, content)
                except Exception as bug:
                    self._halted = NoLog.BUG.format(number=number, bug=repr(bug))
                    raise NoLog(self._halted) from bug

    async def _process(self, place: str, content: bytes) -> None:
        """Process an entry."""
        head, _, rest = content.partition(b"\n")
        server, number, version, kind = head.decode().split(" ")
        if version != __version__:
            self._halted = NoLog.VERSION.format(found=version, own=__version__)
            return
        is_new = int(number) > self._last.get(server, 0)
        if is_new:
            self._last[server] = int(number)
            self._last.move_to_end(server)
            while len(self._last) > REMEMBERED:
                self._last.popitem(last=False)
            ticket = self._mine.pop(int(number), None) if server == self.id else None
            milliseconds = int(place.partition("-")[0])
            self._clock.stop(milliseconds)
            self.is_foreign = ticket is None
            try:
                if kind == REQUEST:
                    await self._request(place, rest, server, ticket)
                else:
                    self._other(kind, rest, milliseconds, ticket)
                    if ticket is not None:
                        ticket.done()
            finally:
                self.is_foreign = False
                self._clock.go_on()
        self.seen = place
        self.position += 1

    async def _request(self, place: str, content: bytes, server: str, ticket: Ticket | None) -> None:
        environ = unpacked(content, place)
        environ[AUTHORIZED] = True
        if ticket is not None and ticket.environ is not None and REQUEST_ID in ticket.environ:
            environ[REQUEST_ID] = ticket.environ[REQUEST_ID]
        app = self._route(environ)
        lock = app.store.lock if isinstance(app, App) else None
        if len(content) <= LARGE and lock is not None and lock.acquire(blocking=False):
            try:
                outcome = applied(app, environ)
            finally:
                lock.release()
        else:  # it may take long, or wait for who does
            outcome = await asyncio.to_thread(self._aside, app, environ)
        world = environ.get(WORLD, self.worlds.default.name)
        self.touched[world] = int(place.partition("-")[0])
        stream = outcome.answer.stream if isinstance(outcome.answer, Answer) else None
        if stream is not None:
            stream.server, stream.is_elsewhere = server, ticket is None
            if ticket is None:
                self._leave_again(world, stream)
        if ticket is not None:
            if ticket.environ is not None:
                ticket.environ.update({key: environ[key] for key in (EXCHANGE, OPERATION, WORLD) if key in environ})
            if stream is not None and ticket.is_left:
                stream.leave()
            ticket.done(outcome)

    def _aside(self, app: Answering, environ: WSGIEnvironment) -> Outcome:
        """Process a request while nothing else happens in the worlds that it may change."""
        with ExitStack() as locks:
            for lock in [app.store.lock] if isinstance(app, App) else [each.store.lock for each in self.worlds.worlds]:
                locks.enter_context(lock)
            return applied(app, environ)

    def _other(self, kind: str, content: bytes, milliseconds: int, ticket: Ticket | None) -> None:
        """Process an entry that is no request."""
        if kind == READ:
            if (world := self.worlds.named(shared_journal.world_of(content))) is not None:
                own: Exchange | None = None if ticket is None else ticket.result
                if isinstance(journal := world.app.journal, SharedJournal):
                    journal.tell(content, own)
        elif kind in (DUE, DELIVERED):
            about = json.loads(content)
            if (world := self.worlds.named(about["world"])) is not None:
                result = shared_deliveries.process(world.app, kind, about)
                if ticket is not None:
                    ticket.result = result
        elif kind == GONE:
            self.upkeep.end_streams(server := content.decode())
            if self._loop is not None:
                self.spawn(self.upkeep.forget(server))
        else:
            self.upkeep.process(kind, content, milliseconds)

    def status(self) -> dict[str, Any]:
        """Return what it is connected to, and how far behind it is."""
        return {"url": shown_url(self.url), **self.upkeep.status()}
