"""FakeFlowdock: the object that a test holds."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, overload

from .api import internal_routes
from .contract.errors import NoSuchRoute
from .decorator import decorated
from .interception.activation import Interception
from .runs import Runs
from .testing import report
from .testing.exchanges import Exchanges
from .testing.failing import Failing
from .world import diff, serialization, templates
from .world.settings import JOURNAL, Settings
from .world.snapshots import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from os import PathLike
    from types import TracebackType
    from typing import Self

    from .api.faults import Faults
    from .contract.findings import Finding
    from .world.store import Store

    Shape = Literal["default", "minimal", "maximal", "drift"]

F = TypeVar("F", bound="Callable[..., Any]")
C = TypeVar("C", bound="type[Any]")


class FakeFlowdock(Failing):
    """Flowdock, in memory: a world, and the calls of every client library to Flowdock's hosts led to it.

    Those of `requests`, `httpx`, `aiohttp`, `urllib3` and `urllib.request` are answered in this process. `url` is the
    address of a live server over the same world, `environ` what a child process inherits to find it.

    A context manager (`with FakeFlowdock() as fake:`), a decorator of functions, classes and `async def`
    (`@FakeFlowdock()`: a fresh world per call, per test method of a class; what a class that is no
    `unittest.TestCase` does in `setup_method` is outside), or `start()` and `stop()`. Each new object is a new
    world; `start()` after `stop()` goes on with the same one. What the world holds can be read at any time.

    A decorated function that has a parameter `fake_flowdock` is given the fake; elsewhere, and in a `TestCase`, keep it
    in a name: `fake = FakeFlowdock()`, then `@fake`.

    Args:
        world: `empty` (one organization, flow, user and application, no source) or `docs` (what the examples of
            Flowdock's page "Sources" show).
        auto_consent: whether an application that asks for consent at `/oauth/authorize` gets it at once, from the
            first user; no page is shown then. It may be changed at any time, as the attribute of that name.
        refresh_tokens: whether tokens come with a refresh token `always`, as clients of the real service relied on,
            or with the scope `offline_access` alone, as its documentation says.
        shape: which fields answers have: the `default` ones; `minimal`, those that are always there and no other;
            `maximal`, every one that its page has; or `drift`, with fields and an event that no page knows. It may be
            changed at any time, as the attribute of that name.
        journal: how many requests are remembered, at least 1; the oldest are forgotten first.
        strict: whether what the docs advise against fails a test: a parameter that no page knows, a body that does not
            say what it is, a deprecated operation, an obsolete route, a secret in a URL. Else it is a warning.

    Raises:
        ValueError: there is no such world, or no such shape, or nothing would be remembered.
    """

    def __init__(
        self,
        world: Literal["empty", "docs"] = "empty",
        *,
        auto_consent: bool = False,
        refresh_tokens: Literal["always", "offline_access"] = "always",
        shape: Shape = "default",
        journal: int = JOURNAL,
        strict: bool = False,
    ) -> None:
        self._begin(templates.template(world), Settings(auto_consent, refresh_tokens, shape, journal, strict))

    def _begin(self, world: Store, settings: Settings) -> None:
        self._settings = settings
        self._runs = Runs(world, settings)
        self._interception: Interception | None = None
        self._lock = threading.RLock()
        self._started_by_call = False

    def __repr__(self) -> str:
        state = "started" if self.active else "stopped"
        return f"<FakeFlowdock, {state}; flows: {len(self._store.flows)}, sources: {len(self._store.sources)}>"

    # From start to stop

    @property
    def active(self) -> bool:
        """Whether the fake is started."""
        return self._interception is not None

    def start(self) -> Self:
        """Begin to answer; does nothing when it does already. Returns the fake itself."""
        if self._interception is None:
            self._interception = Interception(lambda: self._runs.current.app)
            self._interception.start()
        return self

    def stop(self) -> None:
        """Stop answering, and stop the live server; does nothing when it is stopped already.

        Raises:
            BrokenContract: fakeflowdock broke its own contract meanwhile. Where an exception is under way
                already, that one gets a note instead.
            ContractViolation: the fake is strict and found something, and no exception is under way.
        """
        self._stop(sys.exception())

    def _stop(self, under_way: BaseException | None) -> None:
        if self._interception is not None:
            self._interception.stop()
            self._interception = None
        self._runs.current.stop_server()
        self.settle(under_way)

    def settle(self, under_way: BaseException | None = None) -> None:
        """Raise what nobody should overlook, since the last time. `stop` does it, and the plugin after each test.

        Args:
            under_way: an exception that is raised anyway. A bug is noted on it, and what else there is stays untold.

        Raises:
            BrokenContract: there was a bug of fakeflowdock's own, and nothing is under way.
            ContractViolation: the fake is strict and found something, and nothing is under way.
        """
        self._runs.current.settle(under_way)

    def reset(self) -> None:
        """Forget the world, a loaded one too, and begin with a new one, as this fake began. A live server goes on.

        The faults are forgotten with it.
        """
        self._runs.reset()

    def load(self, file: str | PathLike[str]) -> None:
        """Put the world of a file in the place of the present one. Where it cannot be read, the present one stays.

        Raises:
            OSError: the file cannot be read.
            WorldFileError: it is no world; the message begins with file and line.
        """
        run = self._runs.current
        before = run.app.store
        store = templates.over(serialization.load(file), before.settings)
        if not before.clock.frozen:
            store.clock.run()
        run.app.store = store
        run.began = store.freeze()

    def dump(self, file: str | PathLike[str]) -> None:
        """Write the world to a file, secrets included. docs/api/world-files.md.

        Raises:
            OSError: it cannot be written; what was there before stays.
        """
        serialization.dump(self._store, file)

    # Snapshots

    def snapshot(self) -> Snapshot:
        """The world as it is now, with its clock, ids and tokens, to come back to. It costs the same for any world.

        The journal, contract warnings, settings and the live server are the fake's, and in no snapshot.
        """
        return Snapshot(self._store.freeze())

    def restore(self, snapshot: Snapshot) -> None:
        """Put the world of a snapshot, this fake's or another's, in the place of the present one.

        That may be done any number of times. A live server goes on.
        """
        self._runs.restore(snapshot.store)

    def fork(self) -> Self:
        """Another fake that begins with this world and these settings, and goes its own way. It is not started.

        It costs the same for any world, and so does the first change in it. It has a journal of its own, and a live
        server of its own when it is asked for one; `reset` brings it back to where it began.
        """
        twin = copy(self)
        twin._begin(self._store.freeze(), replace(self._settings))
        return twin

    def same_world(self, other: FakeFlowdock | Snapshot) -> bool:
        """Whether two worlds are the same in all that a world file holds: every entity, secret, id and the clock."""
        return self.snapshot() == (other if isinstance(other, Snapshot) else other.snapshot())

    def difference(self, other: FakeFlowdock | Snapshot) -> list[str]:
        """What this world has that another one has not, and the other way round, in lines for a person to read.

        Each line tells of what is only here (`+`), only there (`-`), or not the same (`~`, first as it is there).
        Secrets are shortened. Settings that differ are told too, though they are no part of a world.
        """
        there, here = other if isinstance(other, Snapshot) else other.snapshot(), self.snapshot()
        return [*diff.everything(there.store, here.store)]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop(error)

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop(error)

    @contextmanager
    def fresh_world(self) -> Iterator[None]:
        """The fake, started, over a world of its own: for one call of what it decorates.

        Calls that go on at the same time, in threads or as tasks, have a world each. The last one stays readable.
        """
        with self._lock:
            if not self.active:
                self._started_by_call = True
                self.start()
        try:
            with self._runs.another() as run:
                try:
                    yield
                except BaseException as error:
                    run.settle(error)
                    raise
                run.settle(None)
        finally:
            with self._lock:
                if self._started_by_call and not self._runs.are_open:
                    self._started_by_call = False
                    self._runs.keep()
                    self._stop(None)

    @overload
    def __call__(self, target: C) -> C: ...
    @overload
    def __call__(self, target: F) -> F: ...
    def __call__(self, target: Any) -> Any:
        """Decorate a function, a coroutine function or a class of tests."""
        return decorated(self, target)

    @property
    def url(self) -> str:
        """The address of a live server over this world, on 127.0.0.1, started when it is first asked for.

        Raises:
            RuntimeError: the fake is not started.
        """
        self._check_active()
        return self._runs.current.url

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a child process whose calls are to reach this world: `{**os.environ, **fake.environ}`.

        With it `https://api.flowdock.com` is this fake for clients in most languages, as they are: it names a proxy,
        started when it is first asked for, which answers for Flowdock's hosts and refuses every other; the certificate
        to trust; for Node what leads its connections here; and `FLOWDOCK_API_URL` and `FLOWDOCK_STREAM_URL`, the
        address of the live server. What was in `NO_PROXY` and `NODE_OPTIONS` stays.

        Raises:
            RuntimeError: the fake is not started, or trustme is not installed (`pip install 'fakeflowdock[tls]'`).
        """
        self._check_active()
        return self._runs.current.environ

    def _check_active(self) -> None:
        if not self.active:
            raise RuntimeError("the fake is stopped, and so is its live server: start() it first")

    @property
    def auto_consent(self) -> bool:
        """Whether an application that asks for consent gets it at once, from the first user."""
        return self._settings.auto_consent

    @auto_consent.setter
    def auto_consent(self, at_once: bool) -> None:
        self._settings.auto_consent = at_once

    @property
    def shape(self) -> Shape:
        """Which fields answers have: `default`, `minimal`, `maximal` or `drift`."""
        return cast("Shape", self._settings.shape)

    @shape.setter
    def shape(self, shape: Shape) -> None:
        self._settings.take_shape(shape)

    @property
    def requests(self) -> Exchanges:
        """Every request with its answer, through whichever door it came, oldest first; the last `journal` ones."""
        app = self._runs.current.app
        return Exchanges(app.journal, app.store)

    @property
    def unknown_paths(self) -> Exchanges:
        """The requests to paths that Flowdock never had, but for those to the fake itself."""
        lost = (each for each in self.requests if isinstance(each.refusal, NoSuchRoute))
        return Exchanges(each for each in lost if not each.path.startswith(internal_routes.PREFIX))

    def report(self) -> str:
        """What a failed test is told: its traffic, why requests were refused, its faults, what changed in the world."""
        run = self._runs.current
        return self._read(lambda store: report.text(self.requests, run.began, store, run.app.faults.remembered))

    @property
    def contract_warnings(self) -> list[Finding]:
        """What requests had that no page knows, or that its page advises against, oldest first; the last thousand."""
        return list(self._runs.current.app.warnings)

    @property
    def _store(self) -> Store:
        return self._runs.current.app.store

    @property
    def _faults(self) -> Faults:
        return self._runs.current.app.faults
