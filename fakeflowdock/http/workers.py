"""Threads for requests that may take long. The event loop goes on meanwhile."""

from __future__ import annotations

import sys
import threading
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ..api.responses import Broken

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from ..api.pauses import Pause
    from ..api.responses import Answer

    Outcome = Answer | Pause | Broken | None  # None: the system gives no more threads

AT_ONCE = 16  # threads, besides those that wait for other servers
ASIDE = "fakeflowdock: a request that may take long"  # the name of a thread


class Job(NamedTuple):
    """A part of a request.

    Attributes:
        run: called by the thread.
        done: called by the event loop, with the outcome.
    """

    run: Callable[[], Outcome]
    done: Callable[[Outcome], None]


class Workers:
    """Threads that run jobs. All methods are called by the event loop.

    Args:
        loop: the event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._running = 0
        self._ready: deque[tuple[Job, object]] = deque()
        self._lanes: dict[object, deque[Job]] = {}  # those with a job that is ready or runs, and the jobs behind it

    def run(self, job: Job, lane: object = None) -> None:
        """Run a job in a thread, as soon as one is free.

        Args:
            lane: jobs of one lane run one after the other. Default: None, which is no lane.
        """
        if lane is not None:
            if (behind := self._lanes.get(lane)) is not None:
                behind.append(job)
                return
            self._lanes[lane] = deque()
        self._ready.append((job, lane))
        self._start()

    def run_alone(self, job: Job) -> None:
        """Run a job that waits for another server in a thread of its own. Such jobs do not count."""
        self._thread(job.run, job.done)

    def _start(self) -> None:
        while self._ready and self._running < AT_ONCE:
            job, lane = self._ready.popleft()
            self._running += 1
            self._thread(job.run, partial(self._ended, job, lane))

    def _ended(self, job: Job, lane: object, outcome: Outcome) -> None:
        self._running -= 1
        if lane is not None:
            if behind := self._lanes[lane]:
                self._ready.append((behind.popleft(), lane))
            else:
                del self._lanes[lane]
        self._start()
        job.done(outcome)

    def _thread(self, run: Callable[[], Outcome], done: Callable[[Outcome], None]) -> None:
        try:
            threading.Thread(target=self._work, args=(run, done), name=ASIDE, daemon=True).start()
        except RuntimeError:
            self._loop.call_soon(done, None)

    def _work(self, run: Callable[[], Outcome], done: Callable[[Outcome], None]) -> None:
        try:
            outcome = run()
        except BaseException:  # a bug
            outcome = Broken("closed")
            threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))
        with suppress(RuntimeError):  # the server may have stopped meanwhile
            self._loop.call_soon_threadsafe(done, outcome)
