"""The worlds of one fake: the one that it has, and one more for each call of what it decorates."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING

from .api.app import App
from .contract.findings import ContractViolation
from .world import templates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .contract.errors import BrokenContract
    from .http.server import Server
    from .server.child_environment import Door
    from .server.site import Site
    from .world.settings import Settings
    from .world.store import Store


class WorldRun:
    """A world with what belongs to it: the app that answers over it, its live server, the bugs that it met.

    Args:
        began: what the world is like at first. It is shared: nobody changes it.
        settings: how it behaves.

    Attributes:
        first: what it is like at first; `began`: the same, or the world that was loaded in its place.
    """

    def __init__(self, began: Store, settings: Settings) -> None:
        self._broken: list[BrokenContract] = []
        self.app = App(templates.over(began.branch(), settings), self._broken.append)
        self.first = self.began = began
        self._server: Server | None = None
        self._door: Door | None = None
        self._starting = threading.RLock()  # threads that ask at once are given the same

    @cached_property
    def site(self) -> Site:
        """All that the live server answers; this is the first of its worlds."""
        from .server.site import site_of

        return site_of(self)

    @property
    def url(self) -> str:
        """The address of the live server, which is started when it is first asked for."""
        with self._starting:
            if self._server is None:
                from .http.server import Server

                self._server = Server(self.site)
                self._server.start()
            return self._server.url

    @property
    def environ(self) -> dict[str, str]:
        """What a child process needs that calls Flowdock's addresses; what answers it is started when first asked for.

        Raises:
            NoCertificate: there can be no TLS.
        """
        with self._starting:
            if self._door is None:
                from .server.child_environment import Door

                self._door = Door(self.site)
            return self._door.environ(os.environ, self.url)

    def stop_server(self) -> None:
        """Stop the live server, and what answers child processes, if they are there."""
        if self._door is not None:
            self._door.stop()
            self._door = None
        if self._server is not None:
            self._server.stop()
            self._server = None

    def settle(self, under_way: BaseException | None) -> None:
        """Raise what nobody should overlook, since the last time; or note each bug on an exception that is under way.

        Raises:
            BrokenContract: there was a bug, and nothing is under way.
            ContractViolation: a strict fake found something, and nothing is under way.
        """
        broken, due = self._broken[:], self.app.warnings.due()
        self._broken.clear()
        for one in broken:
            if under_way is None:
                raise one
            under_way.add_note(str(one))
        if due and under_way is None:
            raise ContractViolation(due)


# The runs that this thread or task is in, innermost last, whichever fake they belong to.
_entered: ContextVar[tuple[WorldRun, ...]] = ContextVar("fakeflowdock_runs", default=())


class Runs:
    """All runs of one fake.

    Args:
        began: the world that each begins with.
        settings: how each behaves.
    """

    def __init__(self, began: Store, settings: Settings) -> None:
        self._began = began
        self._settings = settings
        self._last = self._ended = WorldRun(began, settings)
        self._open: list[WorldRun] = []

    @property
    def current(self) -> WorldRun:
        """The run that this thread or task is in; elsewhere, as in a thread of the code under test, the last begun."""
        for run in reversed(_entered.get()):
            if run in self._open:
                return run
        return self._open[-1] if self._open else self._last

    @contextmanager
    def another(self) -> Iterator[WorldRun]:
        """A run of its own for this thread or task."""
        run = WorldRun(self._began, self._settings)
        self._open.append(run)
        token = _entered.set((*_entered.get(), run))
        try:
            yield run
        finally:
            _entered.reset(token)
            self._open.remove(run)
            run.stop_server()
            self._ended = run

    def reset(self) -> None:
        """Give the present run a world as each begins, in which nothing goes wrong on purpose."""
        self.restore(self._began)
        self.current.began = self._began
        self.current.app.faults.remove()

    def restore(self, frozen: Store) -> None:
        """Give the present run a world that begins as a frozen one is."""
        self.current.app.store = templates.over(frozen.branch(), self._settings)

    @property
    def are_open(self) -> bool:
        """Whether any other run than the fake's own goes on."""
        return bool(self._open)

    def keep(self) -> None:
        """Let the run that ended last be the fake's own, to be looked at."""
        self._last = self._ended
