"""World: set up data and read it back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

from ..world import factories, naming, uploads
from ..world.bound import bound
from . import errors
from .lists import Applications, Flows, Messages, Organizations, Sources, Threads, Users

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime, timedelta

    from ..world.clock import Clock
    from ..world.models import Application, Flow, Message, Organization, Source, User
    from ..world.store import Store

T = TypeVar("T")


class World(ABC):
    """A world in the hands of a test. `FakeFlowdock` is one."""

    @property
    @abstractmethod
    def _store(self) -> Store:
        """The store of the world."""

    def _read(self, look: Callable[[Store], T]) -> T:
        """Return what `look` reads while no other thread, such as one of the code under test, can write."""
        store = self._store
        with store.lock:
            return look(store)

    def _bound(self, entity: T) -> T:
        """Return an entity that knows this world."""
        return bound(entity, self._store)

    def _first(self, kind: str) -> Any:
        """Return the first entity of a kind. Raises ValueError if none exists."""
        first = self._read(lambda store: next(iter(getattr(store, f"{kind}s").values()), None))
        if first is None:
            raise ValueError(errors.NONE.format(kind=kind))
        return self._bound(first)

    @property
    def clock(self) -> Clock:
        """The world's clock. It is frozen, except for a millisecond per write, unless `run()` is called."""
        return self._store.clock

    @clock.setter
    def clock(self, clock: str | datetime) -> None:
        """Set it as the constructor does: `world` freezes it, `system` follows the system clock; or a time."""
        known = self._store.clock
        if clock == "world":
            known.freeze()
        elif clock == "system":
            known.follow()
        else:
            known.set(clock)

    @property
    def organization(self) -> Organization:
        """The first organization."""
        first: Organization = self._first("organization")
        return first

    @property
    def flow(self) -> Flow:
        """The first flow: the default of each method that takes a flow."""
        first: Flow = self._first("flow")
        return first

    @property
    def user(self) -> User:
        """The first user: the default of each method that takes a user."""
        first: User = self._first("user")
        return first

    @property
    def application(self) -> Application:
        """The first application: the default of each method that takes an application."""
        first: Application = self._first("application")
        return first

    @property
    def organizations(self) -> Organizations:
        """All organizations, oldest first."""
        return self._read(lambda store: Organizations(store, store.organizations.values()))

    @property
    def flows(self) -> Flows:
        """All flows, oldest first."""
        return self._read(lambda store: Flows(store, store.flows.values()))

    @property
    def users(self) -> Users:
        """All users, oldest first."""
        return self._read(lambda store: Users(store, store.users.values()))

    @property
    def applications(self) -> Applications:
        """All OAuth applications, oldest first."""
        return self._read(lambda store: Applications(store, store.applications.values()))

    @property
    def sources(self) -> Sources:
        """All sources, oldest first."""
        return self._read(lambda store: Sources(store, store.sources.values()))

    @property
    def messages(self) -> Messages:
        """All messages, by flow, oldest first. Filter them with `messages.where(event="activity")`."""
        return self._read(lambda store: Messages(store, store.archive.messages(store.flows)))

    @property
    def threads(self) -> Threads:
        """All threads, by flow, oldest first. Filter them with `threads.where(source=source)`."""
        return self._read(lambda store: Threads(store, store.archive.threads(store.flows)))

    # Set up data

    def add_organization(self, parameterized_name: str, *, name: str | None = None) -> Organization:
        """Add an organization.

        Args:
            parameterized_name: its name in URLs.
            name: its display name. Default: derived from `parameterized_name`.

        Returns:
            The organization.

        Raises:
            ValueError: the name is taken or invalid.
        """
        return self._bound(factories.add_organization(self._store, parameterized_name, name=name))

    def add_user(
        self,
        *,
        name: str | None = None,
        nick: str | None = None,
        email: str | None = None,
        password: str | None = None,
        website: str | None = None,
        avatar: str | None = None,
        organization: Organization | str | None = None,
        admin: bool = False,
        sso_name: str | None = None,
    ) -> User:
        """Add a user, who is not a member of any flow yet. Omitted values are generated.

        Args:
            organization: the organization to join, or its name. Default: the first one.
            admin: whether the user is an administrator of it.
            sso_name: who the user is for Single Sign-On. Default: none, so that SCIM does not show the user.

        Returns:
            The user, with `email`, `password` and `api_token`.

        Raises:
            ValueError: the e-mail address is taken, or a value is invalid.
        """
        return self._bound(
            factories.add_user(
                self._store,
                name=name,
                nick=nick,
                email=email,
                password=password,
                website=website,
                avatar=avatar,
                organization=organization or self.organization,
                admin=admin,
                sso_name=sso_name,
            )
        )

    def add_flow(
        self,
        path: str,
        *,
        members: Iterable[User | str] | None = None,
        name: str | None = None,
        access_mode: str = "invitation",
    ) -> Flow:
        """Add a flow, and its organization if that does not exist. docs/api/flows.md.

        Args:
            path: the two names in its URL, `acme/ops`.
            members: its users, or their names. Default: the first user.
            name: its display name. Default: derived from `path`.
            access_mode: `invitation`, `link`, or `organization`, which every user of the organization may join.

        Returns:
            The flow.

        Raises:
            ValueError: the path is taken or invalid, or the access mode is invalid.
        """
        members = [self.user] if members is None else [members] if isinstance(members, str) else members
        return self._bound(factories.add_flow(self._store, path, members=members, name=name, access_mode=access_mode))

    def add_member(self, user: User | str, *, flow: Flow | str | None = None) -> Flow:
        """Make a user a member of a flow. Returns the updated flow."""
        return self._bound(factories.add_member(self._store, self._flow(flow), user))

    def add_application(
        self,
        *,
        name: str | None = None,
        icon_url: str | None = None,
        redirect_uri: str | None = None,
        owner: User | str | None = None,
        setup_uri: str | None = None,
        configuration_uri: str | None = None,
    ) -> Application:
        """Add an OAuth application, with its `client_id` and `client_secret`. docs/api/oauth.md.

        Args:
            redirect_uri: where users are redirected with a code. Default: none, so that the code is displayed.
            owner: the user who registered it, or their name, and may read its secret. Default: none.
            setup_uri, configuration_uri: as for `setup_url` and `configuration_url`. Default: none.

        Returns:
            The application.

        Raises:
            ValueError: a value is invalid.
        """
        return self._bound(
            factories.add_application(
                self._store,
                name=name,
                icon_url=icon_url,
                redirect_uri=redirect_uri,
                owner=owner,
                setup_uri=setup_uri,
                configuration_uri=configuration_uri,
            )
        )

    def add_source(
        self,
        *,
        name: str = "Example",
        flow: Flow | str | None = None,
        application: Application | str | None = None,
        creator: User | str | None = None,
        external_url: str | None = None,
        error_message: str | None = None,
        configuration_url: str | None = None,
    ) -> Source:
        """Add a source, as if `application` had created it for `creator`. docs/api/sources.md#create-source.

        Args:
            flow: a flow, its path, `acme/ops`, or its name.
            application, creator: entities or names. Default: the first ones.

        Returns:
            The source, with its `flow_token`.

        Raises:
            ValueError: a value is invalid.
        """
        return self._bound(
            factories.add_source(
                self._store,
                flow=self._flow(flow),
                application=application or self.application,
                creator=creator or self.user,
                name=name,
                external_url=external_url,
                error_message=error_message,
                configuration_url=configuration_url,
            )
        )

    def add_message(
        self,
        content: str | bytes | Mapping[str, Any] | None = None,
        *,
        event: str = "message",
        flow: Flow | str | None = None,
        user: User | str | None = None,
        source: Source | str | None = None,
        comments: Message | None = None,
        **fields: Any,
    ) -> Message:
        """Post a message, as if a user or a source had sent it. docs/api/messages.md#send-message.

        Args:
            content: the text; for a file its bytes, with `file_name`, or the object that `POST /messages` takes.
            event: `message`, `status`, `file`, `activity`, `discussion` or `mail`.
            flow: a flow, its path, `acme/ops`, or its name. A source implies its own.
            user: the sender, or their name, nick or e-mail address, unless `source` is one.
            source: the source that sends it, or its name; for a `mail`, the text of its parameter `source`.
            comments: the message to comment on. The event is then `comment` or `file`.
            fields: more parameters of `POST /messages`: `title`, `author`, `external_thread_id`, `thread`, `tags` and
                so on.

        Returns:
            The message.

        Raises:
            ValueError: Flowdock would reject it, or a name is unknown, or that of several.
        """
        given = uploads.with_content(content, fields)
        if isinstance(source, str) and event == "mail":
            given["source"], source = source, None
        if source is not None and user is not None:
            raise ValueError(errors.TWO_SENDERS)
        poster = None if source is not None else user or self.user
        where = self._flow(flow)
        return self._bound(
            factories.add_message(self._store, where, event, given, user=poster, source=source, parent=comments)
        )

    def advance(self, time: float | timedelta) -> None:
        """Advance the world's clock. Codes and access tokens expire accordingly.

        Args:
            time: seconds, or a timedelta.

        Raises:
            ValueError: the time is negative.
        """
        with self._store.lock:
            self.clock.advance(time)

    def _flow(self, flow: Flow | str | None) -> Flow:
        return naming.found(self._store, "flow", flow) if isinstance(flow, str) else flow or self.flow

    def _user(self, user: User | str | None) -> User:
        return naming.user_called(self._store, user) if isinstance(user, str) else user or self.user
