"""The worlds of one fake: its own, and one for each call of a decorated function."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from .api.app import App
from .contract.findings import ContractViolation
from .server.worlds import Held
from .testing import watching
from .testing.nets import Noticed
from .world import templates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .contract.errors import BrokenContract
    from .http.server import Server
    from .server.child_environment import Door
    from .server.site import Site
    from .world.settings import Settings
    from .world.store import Store


Scope = Literal["call", "test", "class"]  # a class may be a module too
UnknownPaths = Literal["fail", "allow"]


class WorldRun(Held):
    """A world with its app, its live server and the bugs found.

    Args:
        began: the initial world. It is shared and never changes.
        settings: how the fake behaves.
        scope: what it is for.
        unknown_paths: whether requests to unknown paths `fail` a test.
    """

    def __init__(
        self, began: Store, settings: Settings, scope: Scope = "call", unknown_paths: UnknownPaths = "fail"
    ) -> None:
        self.scope = scope
        self._broken: list[BrokenContract] = []
        super().__init__(App(templates.over(began.branch(), settings), self._broken.append), began)
        self.noticed = Noticed(unknown_paths)
        self.app.notice = self.noticed.notice
        self._server: Server | None = None
        self._door: Door | None = None
        self._starting = threading.RLock()  # concurrent first accesses get the same server

    @property
    def store(self) -> Store:
        """The store, for the test, which may change it."""
        self.turns.test(self.app.store)
        self.turns.looked = self.app.journal.count
        return self.app.store

    @cached_property
    def site(self) -> Site:
        """The worlds of the live server; this one is the first."""
        from .server.site import site_of

        return site_of(self)

    @property
    def url(self) -> str:
        """The address of the live server, which starts on first access."""
        with self._starting:
            if self._server is None:
                from .http.server import Server

                self._server = Server(self.site)
                self._server.start()
            return self._server.url

    @property
    def environ(self) -> dict[str, str]:
        """Return the environment for a child process. The proxy starts on first access.

        Raises:
            NoCertificate: TLS is not available.
        """
        with self._starting:
            if self._door is None:
                from .server.child_environment import Door

                self._door = Door(self.site)
            return self._door.environ(os.environ, self.url)

    def stop_server(self) -> None:
        """Stop the live server and the proxy, if they are running."""
        if self._door is not None:
            self._door.stop()
            self._door = None
        if self._server is not None:
            self._server.stop()
            self._server = None

    def leave_server(self) -> None:
        """Leave the live server and the proxy to the parent of this forked process."""
        self._door = self._server = None

    def settle(self, under_way: BaseException | None) -> None:
        """Raise what was recorded since the last call, or add notes about bugs to an exception under way.

        Raises:
            BrokenContract: there was a bug, and no exception is under way.
            ContractViolation: a strict fake recorded a violation, and no exception is under way.
        """
        broken, due = self._broken[:], self.app.warnings.due()
        self._broken.clear()
        for one in broken:
            if under_way is None:
                raise one
            under_way.add_note(str(one))
        if due and under_way is None:
            raise ContractViolation(due)


# The runs of this thread or task, innermost last, of all fakes.
_entered: ContextVar[tuple[WorldRun, ...]] = ContextVar("fakeflowdock_runs", default=())


class Runs:
    """All runs of one fake.

    Args:
        began: the initial world of each.
        settings: how each behaves.
        unknown_paths: whether requests to unknown paths `fail` a test, or `allow`.

    Raises:
        ValueError: `unknown_paths` is neither.
    """

    def __init__(self, began: Store, settings: Settings, unknown_paths: UnknownPaths = "fail") -> None:
        if unknown_paths not in ("fail", "allow"):
            raise ValueError(f"invalid unknown_paths {unknown_paths!r}: expected 'fail' or 'allow'")
        self._unknown_paths: UnknownPaths = unknown_paths
        self._began = began
        self._settings = settings
        self._last = self._ended = WorldRun(began, settings, unknown_paths=unknown_paths)
        self._open: list[WorldRun] = []
        self.process: int | None = None  # that has the worlds, if it is not this one

    def leave(self) -> None:
        """Leave the worlds to the parent of this forked process."""
        self.process = os.getppid()
        for run in (*self._open, self._last):
            run.leave_server()

    @property
    def current(self) -> WorldRun:
        """The run of this thread or task; in another thread, such as one of the code under test, the latest run.

        Raises:
            RuntimeError: this process was forked by that of the fake.
        """
        if self.process is not None:
            where = f"this fake belongs to process {self.process}, which started this one"
            raise RuntimeError(f"{where}: only requests reach it from here. Set up and check its world there.")
        for run in reversed(_entered.get()):
            if run in self._open:
                return run
        return self._open[-1] if self._open else self._last

    @contextmanager
    def another(self, scope: Scope = "call") -> Iterator[WorldRun]:
        """Open a separate run for this thread or task.

        That of a class or test starts with a copy of the world of the class around it. In a test that is set up, the
        call of the test itself has no other.
        """
        began = self._began
        around = self.current if self._open else None
        if around is not None and scope != "call" and around.scope != "call":
            if scope == around.scope == "test":
                yield around
                return
            began = around.app.store.freeze()
        run = WorldRun(began, self._settings, scope, self._unknown_paths)
        run.app.integration = (around or self._last).app.integration
        self._open.append(run)
        watching.opened(run)
        token = _entered.set((*_entered.get(), run))
        try:
            yield run
        finally:
            _entered.reset(token)
            self._open.remove(run)
            watching.closed(run)
            run.stop_server()
            run.app.streams.end()
            if scope != "class":
                self._ended = run

    def reset(self) -> None:
        """Reset the current run to its initial world, without faults."""
        self.current.begin_again(templates.over(self._began.branch(), self._settings), self._began)
        self.current.app.faults.remove()

    def restore(self, frozen: Store) -> None:
        """Replace the world of the current run by a branch of a frozen one."""
        run = self.current
        run.turns.test(run.app.store)
        run.app.store = templates.over(frozen.branch(), self._settings)

    def keep(self) -> None:
        """Keep the run that ended last as the fake's own, so that it can be read."""
        self._last = self._ended
