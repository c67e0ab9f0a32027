"""FakeFlowdock: the object that a test holds."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from .contract import explanations  # noqa: F401  # reads files, which a test may fake later
from .decorator import Decorating
from .interception import errors
from .interception.activation import Interception
from .runs import Runs, Scope, UnknownPaths
from .server.reaching import Reachable
from .testing import watching
from .testing.calling import suggesting
from .testing.changing import Changing
from .testing.configuring import Configurable
from .testing.exchanges import Exchanges, has_unknown_path
from .testing.performing import Performing
from .testing.private import Talking
from .world import diff, serialization, templates
from .world.copies import Copies
from .world.settings import JOURNAL, JOURNAL_BYTES, KEEP_ALIVE, Settings
from .world.snapshots import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from os import PathLike
    from typing import Self

    from .api.app import App
    from .contract.findings import Finding
    from .contract.strictness import Strict
    from .runs import WorldRun
    from .testing.configuring import OtherHosts, Shape
    from .world.store import Store


@suggesting
class FakeFlowdock(Configurable, Talking, Performing, Changing, Decorating, Reachable):
    """Flowdock, in memory. Requests to Flowdock's hosts are intercepted and answered from one world.

    Requests made with `requests`, `httpx`, `aiohttp`, `urllib3` and `urllib.request` are answered in this process.
    `url` is the address of a live server for the same world. `environ` is the environment for a child process that uses
    it.

    Use it as a context manager (`with FakeFlowdock() as fake:`), as a decorator (`@FakeFlowdock()`), or with `start()`
    and `stop()`. Each new object is a new world; `start()` after `stop()` continues with the same world. The world can
    be read at any time.

    The decorator accepts functions, coroutine functions and classes. Each call, or each test method of a class, gets a
    fresh world. In a class of tests, that world has what was added in `setUpModule`, `setUpClass`, or a fixture of the
    class or module. Functions, tests and `setUp` methods with a parameter `fake_flowdock` receive the fake.

    Args:
        world: `empty` (one organization, flow, user and application, no source) or `docs` (the data in the examples of
            Flowdock's page "Sources"). Default: `empty`.
        state: a world file to load instead. docs/api/world-files.md describes the format.
        seed: a world in short form instead: a mapping, or a file in YAML, JSON or TOML. docs/admin/seeds.md describes
            the fields.
        clock: `world`, the default, starts at the time of the world and moves with writes. `system` follows the system
            clock, also if freezegun or time-machine replaces it. A datetime, or one as ISO 8601, is where it starts.
        auto_consent: whether `/oauth/authorize` grants consent at once, as the first user, without a consent page. Can
            be changed at any time through the attribute. Default: false.
        refresh_tokens: `always` issues a refresh token with each access token, as the real service did;
            `offline_access` issues it with that scope only, as Flowdock documents it. Default: `always`.
        shape: the fields of responses: `default`; `minimal`, only those that are always present; `maximal`, all that
            the page lists; or `drift`, with unknown fields and an unknown event. Can be changed at any time through the
            attribute.
        journal: how many requests are recorded, at least 1. The oldest are dropped first. Default: 1000.
        journal_bytes: how much memory they may use, in bytes. If it is exceeded, large bodies are shortened first, and
            then the oldest requests are dropped. Default: 64 MiB.
        strict: whether contract warnings fail a test: an unknown parameter, a missing Content-Type, a deprecated
            operation, an obsolete route, a secret in a URL. A mapping has `ignore`, `warn` or `error` for rules, and
            all others are errors: `{"request.deprecated": "ignore"}`. Default: false.
        keep_alive: after how many seconds without an event a stream is kept alive, in real time. Can be changed at any
            time through the attribute. Default: 30.
        callbacks: which integrations `perform` requests over the network: `loopback`, those on this machine; `none`; or
            `any`. Can be changed at any time through the attribute. Default: `loopback`.
        other_hosts: `refuse` raises an error for each request to another host, except to this machine, unless a mock
            answers it. Default: `allow`.
        unknown_paths: whether requests to paths that Flowdock never had `fail` the test, or `allow`. Default: `fail`.

    Raises:
        OSError: a file cannot be read.
        ValueError: an argument or a file is invalid.
    """

    _runs: Runs
    _interception: Interception | None
    _lock: threading.RLock
    _starts: int  # without their stop

    def __init__(
        self,
        world: Literal["empty", "docs"] | None = None,
        *,
        state: str | PathLike[str] | None = None,
        seed: Mapping[str, Any] | str | PathLike[str] | None = None,
        clock: Literal["world", "system"] | datetime | str = "world",
        auto_consent: bool = False,
        refresh_tokens: Literal["always", "offline_access"] = "always",
        shape: Shape = "default",
        journal: int = JOURNAL,
        strict: Strict = False,
        journal_bytes: int = JOURNAL_BYTES,
        other_hosts: OtherHosts = "allow",
        keep_alive: float = KEEP_ALIVE,
        callbacks: Literal["loopback", "none", "any"] = "loopback",
        unknown_paths: UnknownPaths = "fail",
    ) -> None:
        self._unknown_paths: UnknownPaths = unknown_paths
        settings = Settings(auto_consent, refresh_tokens, shape, journal, strict, journal_bytes, keep_alive, callbacks)
        self._begin(templates.initial(world, state, seed, clock), settings)
        self.other_hosts = other_hosts

    def _begin(self, world: Store, settings: Settings) -> None:
        runs = Runs(world, settings, self._unknown_paths)
        # Setting an attribute would check its name.
        vars(self).update(_settings=settings, _runs=runs, _interception=None, _lock=threading.RLock(), _starts=0)

    def __repr__(self) -> str:
        state = "started" if self.active else "stopped"
        if self._runs.process is not None:
            return f"<FakeFlowdock, {state}, of process {self._runs.process}>"
        return f"<FakeFlowdock, {state}; flows: {len(self._store.flows)}, sources: {len(self._store.sources)}>"

    # Start and stop

    @property
    def active(self) -> bool:
        """Whether the fake is started."""
        return self._interception is not None

    def start(self) -> Self:
        """Start intercepting requests. Returns the fake itself.

        Each `start()`, and each `with`, needs its own `stop()`. The fake stops with the last one.
        """
        with self._lock:
            self._starts += 1
            if self._interception is None:
                self._interception = Interception(
                    lambda: self._runs.current.app, self._leave, refuse=self._other_hosts == "refuse"
                )
                self._interception.start()
                watching.started(self, lambda: self._runs.current)
        return self

    def stop(self) -> None:
        """Stop intercepting requests, unless the fake was started several times. Does nothing if already stopped.

        Open streams end, and the live server stops.

        Raises:
            BrokenContract: fakeflowdock broke its own contract. If an exception is being handled, it gets a note
                instead.
            ContractViolation: the fake is strict and recorded a violation, and no exception is being handled.
        """
        self._stop(sys.exception())

    def _stop(self, under_way: BaseException | None) -> None:
        with self._lock:
            self._starts = max(self._starts - 1, 0)
            if self._starts:
                return
            run = None if self._runs.process is not None else self._runs.current
            if run is not None:
                run.app.streams.end()  # while child processes can still be told
            if self._interception is not None:
                self._interception.stop()
                self._interception = None
                watching.stopped(self, is_here=run is not None)
                self.note_report(under_way)
            if run is None:
                return
            run.stop_server()
        watching.end(run, under_way)

    def _leave(self) -> None:
        """Leave the worlds to the parent of this forked process. Another thread may have held the lock."""
        self._lock = threading.RLock()
        self._runs.leave()

    def settle(self, under_way: BaseException | None = None) -> None:
        """Raise any contract violation recorded since the last call. `stop` calls it, and the plugin after each test.

        Args:
            under_way: an exception that is being raised anyway. It gets a note about bugs; violations are ignored.

        Raises:
            BrokenContract: fakeflowdock has a bug, and `under_way` is None.
            ContractViolation: the fake is strict and recorded a violation, and `under_way` is None.
        """
        self._runs.current.settle(under_way)

    def reset(self) -> None:
        """Replace the world by a new one in its initial state, and remove all faults. The live server keeps running.

        A world that was loaded from a file is dropped too.
        """
        self._runs.reset()

    def load(self, file: str | PathLike[str]) -> None:
        """Replace the world by one from a file. If the file cannot be read, the world stays as it was.

        Raises:
            OSError: the file cannot be read.
            WorldFileError: the file is invalid. The message starts with file and line.
        """
        run = self._runs.current
        before = run.app.store
        store = templates.over(serialization.load(file), before.settings)
        store.clock.move_like(before.clock.mode)
        run.begin_again(store, store.freeze())

    def dump(self, file: str | PathLike[str]) -> None:
        """Write the world, including secrets, to a file. docs/api/world-files.md describes the format.

        Raises:
            OSError: the file cannot be written. An existing file stays as it was.
        """
        serialization.dump(self._store, file)

    # Snapshots

    def snapshot(self) -> Snapshot:
        """Return a snapshot of the world, with its clock, ids and tokens, for `restore`. The cost is constant.

        The journal, contract warnings, settings and live server are not included.
        """
        return Snapshot(self._store.freeze())

    def restore(self, snapshot: Snapshot) -> None:
        """Replace the world by a snapshot of this fake or of another.

        A snapshot can be restored any number of times. The live server keeps running.
        """
        self._runs.restore(snapshot.store)

    def fork(self) -> Self:
        """Return another fake that starts with a copy of this world and its settings. It is not started.

        The cost is constant, also of the first change. The fork has a journal and a live server of its own; `reset`
        brings it back to its initial state.
        """
        twin = copy(self)
        twin._begin(self._store.freeze(), replace(self._settings))
        twin.integration = self.integration
        return twin

    def same_world(self, other: FakeFlowdock | Snapshot) -> bool:
        """Return whether two worlds are equal in all that a world file holds: entities, secrets, ids and the clock."""
        return self.snapshot() == (other if isinstance(other, Snapshot) else other.snapshot())

    def difference(self, other: FakeFlowdock | Snapshot) -> list[str]:
        """Return the differences between this world and another, as readable lines.

        Each line starts with `+` (only in this world), `-` (only in the other) or `~` (changed, old value first).
        Secrets are shortened. Differing settings are listed too, although they are not part of a world.
        """
        there, here = other if isinstance(other, Snapshot) else other.snapshot(), self.snapshot()
        return [*diff.everything(there.store, here.store)]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self._stop(error)

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self._stop(error)

    @contextmanager
    def fresh_world(self, scope: Scope = "call") -> Iterator[None]:
        """Start the fake with a fresh world, for a decorated call, for a class or module of tests, or for a test.

        The world of a class or test starts as a copy of the one around it, which has what `setUpClass` added, for
        example. Concurrent calls, in threads or tasks, have separate worlds. The last one stays readable.
        """
        self.start()
        try:
            with self._runs.another(scope) as run:
                try:
                    yield
                except BaseException as error:
                    watching.end(run, error)
                    self.note_report(error)
                    raise
                watching.end(run, None)
        finally:
            with self._lock:
                if self._starts == 1:
                    self._runs.keep()
                self._stop(None)

    @property
    def other_hosts(self) -> OtherHosts:
        """Whether requests to other hosts are allowed: `allow` or `refuse`."""
        return self._other_hosts

    @other_hosts.setter
    def other_hosts(self, choice: OtherHosts) -> None:
        if choice not in ("allow", "refuse"):
            raise ValueError(errors.OTHER_HOSTS.format(given=choice))
        self._other_hosts: OtherHosts = choice
        if self._interception is not None:
            self._interception.change(refuse=choice == "refuse")

    def _resize(self) -> None:
        self._runs.current.app.journal.resize(self.journal, self.journal_bytes)

    @property
    def requests(self) -> Exchanges:
        """The last `journal` requests with their responses, oldest first, in process and over the network.

        `requests.clear()` forgets them, and keeps the world.
        """
        app = self._runs.current.app
        return Exchanges(app.journal, app.store, app.journal)

    @property
    def unknown_paths(self) -> Exchanges:
        """The requests to paths that Flowdock never had, or that are not answered yet, except the fake's own."""
        return Exchanges(filter(has_unknown_path, self.requests))

    def report(self) -> str:
        """Return the report of a failed test: requests, reasons for rejections, faults, and changes in the world."""
        return watching.Watched(self._runs.current).report()

    def note_report(self, error: BaseException | None) -> None:
        """Add the report to an exception as a note. Does nothing under pytest, whose report has it in a section."""
        if self._runs.process is None:
            watching.add_note(error, lambda: watching.report_of(self._runs.current, error))

    @property
    def contract_warnings(self) -> Copies[Finding]:
        """The last thousand contract warnings, oldest first: unknown parameters, and what the docs advise against."""
        return Copies(self._runs.current.app.warnings)

    @property
    def _run(self) -> WorldRun:
        return self._runs.current

    @property
    def _app(self) -> App:
        return self._runs.current.app

    @property
    def _store(self) -> Store:
        return self._runs.current.store
