"""FakeFlowdock: the object that a test holds."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from . import arrange, world_files, worlds
from .decoration import decorated
from .interception.through_requests import Interception
from .runs import Runs
from .settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from os import PathLike
    from types import TracebackType
    from typing import Self

    from .clock import Clock
    from .contract_warnings import ContractWarning
    from .models import Application, Flow, Organization, Source, User
    from .store import Store

F = TypeVar("F", bound="Callable[..., Any]")
C = TypeVar("C", bound="type[Any]")


class FakeFlowdock:
    """Flowdock, in memory: a world, and the calls of `requests` to Flowdock's hosts led to it.

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

    Raises:
        ValueError: there is no such world.
    """

    def __init__(
        self,
        world: Literal["empty", "docs"] = "empty",
        *,
        auto_consent: bool = False,
        refresh_tokens: Literal["always", "offline_access"] = "always",
    ) -> None:
        self._settings = Settings(auto_consent, refresh_tokens)
        self._runs = Runs(world, self._settings)
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
        """
        self._stop(sys.exception())

    def _stop(self, under_way: BaseException | None) -> None:
        if self._interception is not None:
            self._interception.stop()
            self._interception = None
        self._runs.current.stop_server()
        self.raise_broken_contract(under_way)

    def raise_broken_contract(self, under_way: BaseException | None = None) -> None:
        """Raise the first bug of fakeflowdock's own since the last time, or note each on an exception.

        Args:
            under_way: an exception that is raised anyway.

        Raises:
            BrokenContract: there was one, and nothing is under way.
        """
        self._runs.current.raise_broken_contract(under_way)

    def reset(self) -> None:
        """Forget the world, a loaded one too, and begin with a new one, as this fake began. A live server goes on."""
        self._runs.reset()

    def load(self, file: str | PathLike[str]) -> None:
        """Put the world of a file in the place of the present one. Where it cannot be read, the present one stays.

        Raises:
            OSError: the file cannot be read.
            WorldFileError: it is no world; the message begins with file and line.
        """
        run = self._runs.current
        before = run.app.store
        store = worlds.over(world_files.load(file), before.settings)
        if not before.clock.frozen:
            store.clock.run()
        run.app.store = store

    def dump(self, file: str | PathLike[str]) -> None:
        """Write the world to a file, secrets included. docs/api/world-files.md.

        Raises:
            OSError: it cannot be written; what was there before stays.
        """
        world_files.dump(self._store, file)

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
                    run.raise_broken_contract(error)
                    raise
                run.raise_broken_contract(None)
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
        if not self.active:
            raise RuntimeError("the fake is stopped, and so is its live server: start() it first")
        return self._runs.current.url

    @property
    def auto_consent(self) -> bool:
        """Whether an application that asks for consent gets it at once, from the first user."""
        return self._settings.auto_consent

    @auto_consent.setter
    def auto_consent(self, at_once: bool) -> None:
        self._settings.auto_consent = at_once

    def advance(self, time: float | timedelta) -> None:
        """Move the world's clock: codes and access tokens die when their time has come.

        Args:
            time: seconds, or a timedelta.

        Raises:
            ValueError: the clock would go backwards.
        """
        with self._store.lock:
            self.clock.advance(time)

    def revoke(self, access_token: str) -> None:
        """Take back what a user allowed: the access token is dead, and whatever else came of the same consent.

        Raises:
            ValueError: this world has no such access token.
        """
        arrange.revoke(self._store, access_token)

    def revoke_application(self, application: Application | None = None, *, user: User | None = None) -> None:
        """Take back all that users allowed an application so far. They may allow it again; its sources stay.

        Args:
            user: of this user alone; of everybody when left out.
        """
        arrange.revoke_application(self._store, application or self.application, user)

    # What is there

    @property
    def clock(self) -> Clock:
        """The clock of the world: it stands still but for a millisecond per write, unless it is let run."""
        return self._store.clock

    @property
    def _store(self) -> Store:
        return self._runs.current.app.store

    @property
    def organization(self) -> Organization:
        """The organization that was there first."""
        return next(iter(self._store.organizations.values()))

    @property
    def flow(self) -> Flow:
        """The flow that was there first; the default of each method that takes one."""
        return next(iter(self._store.flows.values()))

    @property
    def user(self) -> User:
        """The user who was there first; the default of each method that takes one."""
        return next(iter(self._store.users.values()))

    @property
    def application(self) -> Application:
        """The application that was there first; the default of each method that takes one."""
        return next(iter(self._store.applications.values()))

    @property
    def organizations(self) -> list[Organization]:
        """Every organization, oldest first."""
        return list(self._store.organizations.values())

    @property
    def flows(self) -> list[Flow]:
        """Every flow, oldest first."""
        return list(self._store.flows.values())

    @property
    def users(self) -> list[User]:
        """Every user, oldest first."""
        return list(self._store.users.values())

    @property
    def applications(self) -> list[Application]:
        """Every OAuth application, oldest first."""
        return list(self._store.applications.values())

    @property
    def sources(self) -> list[Source]:
        """Every source, oldest first."""
        return list(self._store.sources.values())

    @property
    def contract_warnings(self) -> list[ContractWarning]:
        """The undocumented fields that requests had, oldest first; the last thousand."""
        return list(self._runs.current.app.warnings)

    # What a test arranges

    def add_organization(self, parameterized_name: str, *, name: str | None = None) -> Organization:
        """Add an organization.

        Args:
            parameterized_name: its name in URLs.
            name: what it is called; made from the other when left out.

        Raises:
            ValueError: the name is taken, or none.
        """
        return arrange.add_organization(self._store, parameterized_name, name=name)

    def add_user(
        self,
        *,
        name: str | None = None,
        nick: str | None = None,
        email: str | None = None,
        password: str | None = None,
        website: str | None = None,
        avatar: str | None = None,
        organization: Organization | None = None,
        admin: bool = False,
    ) -> User:
        """Add a user, a member of no flow yet. What is left out is made up.

        Args:
            organization: where they belong; the default organization when left out.
            admin: whether they administer it.

        Raises:
            ValueError: the e-mail address is taken, or a value is none that Flowdock shows.
        """
        return arrange.add_user(
            self._store,
            name=name,
            nick=nick,
            email=email,
            password=password,
            website=website,
            avatar=avatar,
            organization=organization or self.organization,
            admin=admin,
        )

    def add_flow(
        self,
        path: str,
        *,
        members: Iterable[User] | None = None,
        name: str | None = None,
        access_mode: str = "invitation",
    ) -> Flow:
        """Add a flow, and its organization where there is none of that name.

        Args:
            path: the two names in its URL, `acme/ops`.
            members: who sees it; the default user when left out.
            name: what it is called; made from the path when left out.
            access_mode: `invitation`, `link`, or `organization`, which each user of the organization may join.

        Raises:
            ValueError: the path is taken, or none; or there is no such mode.
        """
        members = [self.user] if members is None else members
        return arrange.add_flow(self._store, path, members=members, name=name, access_mode=access_mode)

    def add_member(self, user: User, *, flow: Flow | str | None = None) -> Flow:
        """Make a user a member of a flow. Returns the flow as it is from now on."""
        return arrange.add_member(self._store, self._flow(flow), user)

    def add_application(
        self,
        *,
        name: str | None = None,
        icon_url: str | None = None,
        redirect_uri: str | None = None,
        owner: User | None = None,
    ) -> Application:
        """Add an OAuth application, with its `client_id` and `client_secret`.

        Args:
            redirect_uri: where its users are led with a code; when left out, nowhere: the code is shown to them.
            owner: who registered it, and may read its secret; nobody when left out.

        Raises:
            ValueError: a value is none that Flowdock shows.
        """
        return arrange.add_application(
            self._store, name=name, icon_url=icon_url, redirect_uri=redirect_uri, owner=owner
        )

    def add_source(
        self,
        *,
        name: str = "Example",
        flow: Flow | str | None = None,
        application: Application | None = None,
        creator: User | None = None,
        external_url: str | None = None,
        error_message: str | None = None,
        configuration_url: str | None = None,
    ) -> Source:
        """Add a source, as if `application` had created it for `creator`. Returns it, with its `flow_token`.

        Args:
            flow: a flow or its path, `acme/ops`.

        Raises:
            ValueError: a value is none that Flowdock would take.
        """
        return arrange.add_source(
            self._store,
            flow=self._flow(flow),
            application=application or self.application,
            creator=creator or self.user,
            name=name,
            external_url=external_url,
            error_message=error_message,
            configuration_url=configuration_url,
        )

    def access_token(
        self,
        *,
        user: User | None = None,
        application: Application | None = None,
        scope: str | None = None,
        expires_in: float | timedelta | None = None,
    ) -> str:
        """An OAuth access token, as if the user had authorised the application.

        Args:
            scope: scopes with spaces between, `"flow integration"`; every scope when left out; the scopes that
                Flowdock gives by default when empty.
            expires_in: how long it lives, in seconds or as a timedelta; as long as the world when left out.

        Raises:
            ValueError: a scope is none of Flowdock's.
        """
        if expires_in is not None and not isinstance(expires_in, timedelta):
            expires_in = timedelta(seconds=expires_in)
        return arrange.add_access_token(
            self._store, user or self.user, application or self.application, scope, expires_in
        ).access_token

    def authorize(
        self,
        *,
        user: User | None = None,
        application: Application | None = None,
        scope: str | None = None,
        redirect_uri: str | None = None,
    ) -> str:
        """An authorization code, as if the user had clicked Authorize; it is exchanged at `POST /oauth/token`.

        Args:
            scope: as for `access_token`.
            redirect_uri: as the application names it when it asks; the exchange must then name it too.

        Raises:
            ValueError: a scope is none of Flowdock's, or the redirect URI is not that of the application.
        """
        return arrange.add_code(
            self._store, user or self.user, application or self.application, scope, redirect_uri
        ).code

    def _flow(self, flow: Flow | str | None) -> Flow:
        if isinstance(flow, str):
            return arrange.flow_at(self._store, flow)
        return flow or self.flow
