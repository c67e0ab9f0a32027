"""World: what a test reads from a world, and what it arranges in one."""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from ..world import factories
from . import credentials
from .lists import Messages, Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..world.clock import Clock
    from ..world.models import Application, Flow, Message, Organization, Source, User
    from ..world.store import Store
    from .credentials import Credentials

T = TypeVar("T")


class World(ABC):
    """A world in the hands of a test. `FakeFlowdock` is one."""

    @property
    @abstractmethod
    def _store(self) -> Store:
        """What the world holds."""

    def _read(self, look: Callable[[Store], T]) -> T:
        """What the world holds at one moment: threads of the code under test may go on writing meanwhile."""
        store = self._store
        with store.lock:
            return look(store)

    @property
    def clock(self) -> Clock:
        """The clock of the world: it stands still but for a millisecond per write, unless it is let run."""
        return self._store.clock

    @property
    def organization(self) -> Organization:
        """The organization that was there first."""
        return self._read(lambda store: next(iter(store.organizations.values())))

    @property
    def flow(self) -> Flow:
        """The flow that was there first; the default of each method that takes one."""
        return self._read(lambda store: next(iter(store.flows.values())))

    @property
    def user(self) -> User:
        """The user who was there first; the default of each method that takes one."""
        return self._read(lambda store: next(iter(store.users.values())))

    @property
    def application(self) -> Application:
        """The application that was there first; the default of each method that takes one."""
        return self._read(lambda store: next(iter(store.applications.values())))

    @property
    def organizations(self) -> list[Organization]:
        """Every organization, oldest first."""
        return self._read(lambda store: list(store.organizations.values()))

    @property
    def flows(self) -> list[Flow]:
        """Every flow, oldest first."""
        return self._read(lambda store: list(store.flows.values()))

    @property
    def users(self) -> list[User]:
        """Every user, oldest first."""
        return self._read(lambda store: list(store.users.values()))

    @property
    def applications(self) -> list[Application]:
        """Every OAuth application, oldest first."""
        return self._read(lambda store: list(store.applications.values()))

    @property
    def sources(self) -> list[Source]:
        """Every source, oldest first."""
        return self._read(lambda store: list(store.sources.values()))

    @property
    def messages(self) -> Messages:
        """Every message, flow by flow, oldest first; `messages.where(event="activity")` has some of them."""
        return self._read(lambda store: Messages(store, store.archive.messages(store.flows)))

    @property
    def threads(self) -> Threads:
        """Every thread, flow by flow, oldest first; `threads.where(source=source)` has some of them."""
        return self._read(lambda store: Threads(store, store.archive.threads(store.flows)))

    # What a test arranges

    def add_organization(self, parameterized_name: str, *, name: str | None = None) -> Organization:
        """Add an organization.

        Args:
            parameterized_name: its name in URLs.
            name: what it is called; made from the other when left out.

        Raises:
            ValueError: the name is taken, or none.
        """
        return factories.add_organization(self._store, parameterized_name, name=name)

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
        return factories.add_user(
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
        return factories.add_flow(self._store, path, members=members, name=name, access_mode=access_mode)

    def add_member(self, user: User, *, flow: Flow | str | None = None) -> Flow:
        """Make a user a member of a flow. Returns the flow as it is from now on."""
        return factories.add_member(self._store, self._flow(flow), user)

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
        return factories.add_application(
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
        return factories.add_source(
            self._store,
            flow=self._flow(flow),
            application=application or self.application,
            creator=creator or self.user,
            name=name,
            external_url=external_url,
            error_message=error_message,
            configuration_url=configuration_url,
        )

    def add_message(
        self,
        content: str | bytes | Mapping[str, Any] | None = None,
        *,
        event: str = "message",
        flow: Flow | str | None = None,
        user: User | None = None,
        source: Source | str | None = None,
        comments: Message | None = None,
        **fields: Any,
    ) -> Message:
        """Post a message, as if a user had sent it, or a source. Returns it.

        Args:
            content: what it says; of a file, its bytes, with `file_name`, or the object that `POST /messages` takes.
            event: `message`, `status`, `file`, `activity`, `discussion` or `mail`.
            flow: a flow or its path, `acme/ops`; a source has its own.
            user: who sends it, where no source does.
            source: the source that sends it; or, as text, the parameter `source` of a `mail`.
            comments: the message that it comments; the event is then `comment`, or `file`.
            fields: more parameters of `POST /messages`, as `title`, `author`, `external_thread_id`, `thread`, `tags`.

        Raises:
            ValueError: Flowdock would refuse it.
        """
        given = dict(fields)
        if isinstance(content, bytes):
            name = given.pop("file_name", "file")
            given["content"] = {"data": base64.b64encode(content).decode(), "file_name": name}
        elif content is not None:
            given["content"] = content
        if isinstance(source, str):
            if event != "mail":
                raise ValueError(f"source is a Source; as text, {source!r}, it is a parameter of a mail")
            given["source"], source = source, None
        if source is not None and user is not None:
            raise ValueError("a message is sent by a source or by a user, and not by both")
        poster = None if source is not None else user or self.user
        where = self._flow(flow)
        return factories.add_message(self._store, where, event, given, user=poster, source=source, parent=comments)

    def as_user(self, user: User | None = None) -> Credentials:
        """A user with their credentials, by the `api_token`: `requests.get(url, **fake_flowdock.as_user())`."""
        return credentials.user(user or self.user)

    def as_source(self, source: Source | None = None) -> Credentials:
        """A source with its `flow_token`: the one given, or the one that was there first.

        Raises:
            ValueError: none was given, and there is none.
        """
        known = source or next(iter(self.sources), None)
        if known is None:
            raise ValueError("there is no source to act as: add_source() makes one")
        return credentials.source(known)

    def as_application(
        self, application: Application | None = None, *, user: User | None = None, scope: str | None = None
    ) -> Credentials:
        """An application with a new access token of a user.

        Args:
            scope: as for `access_token`.

        Raises:
            ValueError: a scope is none of Flowdock's.
        """
        known = application or self.application
        return credentials.application(known.name, self.access_token(user=user, application=known, scope=scope))

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
        return factories.add_access_token(
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
        return factories.add_code(
            self._store, user or self.user, application or self.application, scope, redirect_uri
        ).code

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
        factories.revoke(self._store, access_token)

    def revoke_application(self, application: Application | None = None, *, user: User | None = None) -> None:
        """Take back all that users allowed an application so far. They may allow it again; its sources stay.

        Args:
            user: of this user alone; of everybody when left out.
        """
        factories.revoke_application(self._store, application or self.application, user)

    def _flow(self, flow: Flow | str | None) -> Flow:
        if isinstance(flow, str):
            return factories.flow_at(self._store, flow)
        return flow or self.flow
