"""The store of a world: one mapping per kind of entity, and the look-ups that URLs and tokens need."""

from __future__ import annotations

import hashlib
import hmac
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .clock import Clock
from .conversations import Conversations
from .copy_on_write import Groups, Inheriting, branch, in_both, later
from .identities import Identities
from .invitations import Invitations
from .message_store import Archive
from .secrets import OwnedSecrets, Secrets, _raw
from .settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, MutableMapping

    from .authorization import AccessToken, AuthorizationCode, Grant, RefreshToken, Session
    from .models import Application, Event, Flow, Message, Organization, Source, User, UserEvent

    Happening = Message | Event | UserEvent | None  # None: somebody's access was taken away
    Listener = Callable[[Happening], None]

START = datetime(2015, 1, 1, tzinfo=UTC)
LIVE = ("lock", "clock", "settings", "listeners", "origin")  # shared with a frozen copy, not branched


class Store(Inheriting):
    """Everything in one world. Hold `lock` while reading and then writing.

    Ids count up and are never reused. Tokens are derived from `seed`, and the clock starts at a fixed time, so that the
    same calls always create the same world.

    Attributes:
        client_ids: the applications by `client_id`, including removed ones.
        listeners: called with each event when it happens, while the lock is held. A copy of the world has none.
    """

    refresh_tokens: OwnedSecrets[RefreshToken] = later(OwnedSecrets)
    codes: OwnedSecrets[AuthorizationCode] = later(OwnedSecrets)
    sessions: OwnedSecrets[Session] = later(OwnedSecrets)
    archive: Archive = later(Archive)
    conversations: Conversations = later(Conversations)
    invitations: Invitations = later(Invitations)
    identities: Identities = later(Identities)
    _organizations_of_user: Groups[int, MutableMapping[int, None]] = later(Groups)
    _flows_of_user: Groups[int, MutableMapping[str, None]] = later(Groups)
    _flows_of_organization: Groups[int, MutableMapping[str, None]] = later(Groups)
    _api_tokens: Secrets[int] = later(Secrets)
    _client_secrets: Secrets[int] = later(Secrets)
    _flow_tokens: Secrets[int] = later(Secrets)
    _flow_api_tokens: Secrets[str] = later(Secrets)

    def __init__(self, seed: str = "") -> None:
        self.seed, self.lock, self.clock = seed, threading.RLock(), Clock(START)
        self.organizations: MutableMapping[int, Organization] = {}
        self.users: MutableMapping[int, User] = {}
        self.flows: MutableMapping[str, Flow] = {}
        self.applications: MutableMapping[int, Application] = {}
        self.access_tokens: OwnedSecrets[AccessToken] = OwnedSecrets()
        self.revoked_grants: MutableMapping[int, None] = {}
        self.settings = Settings()
        self.listeners: list[Listener] = []
        self.sources: MutableMapping[int, Source] = {}
        self.deleted_sources: MutableMapping[int, Source] = {}
        self.counters: MutableMapping[str, int] = {}
        self._organization_ids: MutableMapping[str, int] = {}
        self._user_ids: MutableMapping[str, int] = {}
        self._flow_ids: MutableMapping[tuple[str, str], str] = {}
        self._members: Groups[int, MutableMapping[int, bool]] = Groups()  # by organization, by user: is administrator
        self._flow_order: MutableMapping[str, int] = {}
        self._sourced_flows: Groups[int, MutableMapping[str, None]] = Groups()  # by user: the flows with a source
        self._sources_of_flow: Groups[str, MutableMapping[int, None]] = Groups()
        self.client_ids: MutableMapping[str, int] = {}

    def freeze(self) -> Store:
        """Return a frozen copy of the current state, for reading and branching. This store remains usable."""
        with self.lock:
            self.take_over()
            frozen = object.__new__(Store)
            vars(frozen).update(vars(self))
            frozen.lock, frozen.listeners, frozen.origin = threading.RLock(), [], None
            frozen.clock, frozen.settings = self.clock.held(), replace(self.settings)
            for name, value in vars(frozen).items():
                if name not in LIVE:
                    setattr(self, name, branch(value))
            return frozen

    def branch(self) -> Store:
        """Return a new world that starts like a frozen one, with its settings."""
        twin = super().branch()
        twin.lock, twin.listeners = threading.RLock(), []
        return twin

    # Events

    def emit(self, event: Happening) -> None:
        """Tell the listeners of an event. The lock of the world is held."""
        for listener in tuple(self.listeners):
            listener(event)

    # Ids, tokens, time

    def next_id(self, kind: str, wanted: int | None = None) -> int:
        """Return the number for a new entity: the wanted one, or the next."""
        last = self.counters.get(kind, 0)
        number = last + 1 if wanted is None else wanted
        self.counters[kind] = number if number > last else last
        return number

    def draw(self, kind: str) -> str:
        """Return a new secret or random id: 32 hexadecimal digits, the next of its kind."""
        return self.drawn(kind, self.next_id(f"drawn {kind}"))

    def drawn(self, kind: str, number: int) -> str:
        """Return the nth secret of a kind."""
        return hashlib.blake2b(f"{self.seed}/{kind}/{number}".encode(), digest_size=16).hexdigest()

    def tick(self) -> datetime:
        """Return the time of a write, in UTC, to the millisecond."""
        return self.clock.tick()

    @property
    def now(self) -> datetime:
        """The current time, in UTC."""
        return self.clock.now

    # Organizations, users, flows, applications

    def add_organization(self, organization: Organization) -> Organization:
        """Add or update an organization."""
        self.identities.set_up(self.organizations.get(organization.id), organization)
        self.organizations[organization.id] = organization
        self._organization_ids[organization.parameterized_name] = organization.id
        self._members.own(organization.id, dict)
        return organization

    def join(self, organization: Organization, user: User, *, admin: bool) -> None:
        """Add a user to an organization, as an administrator or not."""
        self._members.own(organization.id)[user.id] = admin
        self._organizations_of_user.own(user.id, dict)[organization.id] = None

    def belongs(self, user: User, organization_id: int) -> bool:
        """Return whether a user belongs to an organization."""
        return user.id in self._members[organization_id]

    def administers(self, user: User, organization_id: int) -> bool:
        """Return whether a user is an administrator of an organization."""
        return self._members[organization_id].get(user.id, False)

    def shared_organization(self, user: User, other: User) -> int | None:
        """Return the id of the oldest organization to which both users belong, or None."""
        groups = self._organizations_of_user
        return min(in_both(groups.get(user.id, ()), groups.get(other.id, ())), default=None)

    def belongs_to_any(self, user: User) -> bool:
        """Return whether a user belongs to an organization."""
        return bool(self._organizations_of_user.get(user.id))

    def users_of_organization(self, organization: Organization) -> list[User]:
        """Return the users of an organization, by number."""
        return [self.users[user_id] for user_id in sorted(self._members[organization.id])]

    def count_users(self, organization: Organization) -> int:
        """Return the number of users of an organization."""
        return len(self._members[organization.id])

    def remove_from_organization(self, organization: Organization, user: User) -> None:
        """Remove a user from an organization and from each of its flows."""
        for flow_id in list(self._flows_of_user.get(user.id, ())):
            flow = self.flows[flow_id]
            if flow.organization_id == organization.id:
                self.add_flow(flow.without(user))
        del self._organizations_of_user.own(user.id)[organization.id]
        del self._members.own(organization.id)[user.id]

    def organizations_of(self, user: User) -> list[Organization]:
        """Return the organizations of a user, oldest first."""
        return [self.organizations[id_] for id_ in sorted(self._organizations_of_user.get(user.id, ()))]

    def organization_named(self, parameterized_name: str) -> Organization | None:
        """Return the organization with that name in URLs, or None."""
        return self.organizations.get(self._organization_ids.get(parameterized_name, 0))

    def add_user(self, user: User) -> User:
        """Add a user, who can sign in from now on."""
        self.users[user.id] = user
        self._index_email(user)
        self.identities.link(None, user)
        self._api_tokens.add(user.api_token, user.id)
        return user

    def update_user(self, user: User, **changes: str | None) -> User:
        """Update a user."""
        now = self.tick()
        self._user_ids.pop(user.email.casefold(), None)
        changed = replace(user, updated_at=now, **changes)  # type: ignore[arg-type]
        self.identities.link(user, changed)
        self._index_email(changed)
        self.users[user.id] = changed
        return changed

    def _index_email(self, user: User) -> None:
        if user.email:
            self._user_ids[user.email.casefold()] = user.id

    def user_by_email(self, email: str) -> User | None:
        """Return the user with an e-mail address, ignoring case, or None."""
        return self.users.get(self._user_ids.get(email.casefold(), 0))

    def user_by_password(self, email: str, password: str) -> User | None:
        """Return the user with an e-mail address and password, or None."""
        known = "" if (user := self.user_by_email(email)) is None else user.password
        return user if hmac.compare_digest(_raw(known), _raw(password)) else None

    def user_by_api_token(self, api_token: str) -> User | None:
        """Return the user with an `api_token`, or None."""
        return self.users.get(self._api_tokens.find(api_token) or 0)

    def add_flow(self, flow: Flow) -> Flow:
        """Add or update a flow, with its members."""
        organization = self.organizations[flow.organization_id]
        before = self.flows.get(flow.id)
        self.flows[flow.id] = flow
        self._flow_ids[organization.parameterized_name, flow.parameterized_name] = flow.id
        self._flow_order.setdefault(flow.id, len(self._flow_order))
        if before is None:
            self._flow_api_tokens.add(flow.api_token, flow.id)
        self._flows_of_organization.own(organization.id, dict)[flow.id] = None
        for user_id in flow.member_ids - before.member_ids if before else flow.member_ids:
            self._flows_of_user.own(user_id, dict)[flow.id] = None
        for user_id in before.member_ids - flow.member_ids if before else ():
            del self._flows_of_user.own(user_id)[flow.id]
        if flow.id in self._sources_of_flow and before is not None:
            self._show_sources(flow.id, flow.seen_by - before.seen_by)
            self._hide_sources(flow.id, before.seen_by - flow.seen_by)
        return flow

    def flows_of_user(self, user: User) -> list[Flow]:
        """Return the flows that a user joined, except those that blocked the user, oldest first."""
        joined = sorted(self._flows_of_user.get(user.id, ()), key=self._flow_order.__getitem__)
        return [flow for id_ in joined if (flow := self.flows[id_]).is_seen_by(user)]

    def flows_of_user_in(self, user: User, organization: Organization) -> list[Flow]:
        """Return those of `flows_of_user` that are in one organization."""
        joined, there = self._flows_of_user.get(user.id, ()), self._flows_of_organization.get(organization.id, ())
        found = sorted(in_both(joined, there), key=self._flow_order.__getitem__)
        return [flow for id_ in found if (flow := self.flows[id_]).is_seen_by(user)]

    def share_flow(self, user_id: int, other_id: int) -> bool:
        """Return whether both users see one of the flows."""
        user, other, groups = self.users[user_id], self.users[other_id], self._flows_of_user
        shared = in_both(groups.get(user_id, ()), groups.get(other_id, ()))
        return any(self.flows[id_].is_seen_by(user) and self.flows[id_].is_seen_by(other) for id_ in shared)

    def flows_of_organization(self, organization: Organization) -> list[Flow]:
        """Return the flows of an organization, oldest first."""
        return [self.flows[id_] for id_ in self._flows_of_organization.get(organization.id, ())]

    def path_of(self, flow: Flow) -> str:
        """Return the two names of a flow in URLs, `example/main`."""
        return f"{self.organizations[flow.organization_id].parameterized_name}/{flow.parameterized_name}"

    def flow_named(self, organization: str, flow: str) -> Flow | None:
        """Return the flow with those two names in URLs, or None."""
        return self.flows.get(self._flow_ids.get((organization, flow), ""))

    def flow_by_api_token(self, api_token: str) -> Flow | None:
        """Return the flow with an `api_token`, or None."""
        return self.flows.get(self._flow_api_tokens.find(api_token) or "")

    def add_application(self, application: Application) -> Application:
        """Add an OAuth application."""
        self.applications[application.id] = application
        self.client_ids[application.client_id] = application.id
        self._client_secrets.add(application.client_secret, application.id)
        return application

    def application_by_client_id(self, client_id: str) -> Application | None:
        """Return the application with a client id, or None if there is none or it was removed."""
        found = self.applications.get(self.client_ids.get(client_id, 0))
        return None if found is None or found.disabled else found

    def application_by_client_secret(self, client_id: str, client_secret: str) -> Application | None:
        """Return the application with a client id and secret, or None."""
        application = self.application_by_client_id(client_id)
        owner = self._client_secrets.find(client_secret)
        return application if application is not None and application.id == owner else None

    # Grants

    def access_token(self, access_token: str) -> AccessToken | None:
        """Return the access token, even if expired or revoked, or None if it never existed."""
        return self.access_tokens.find(access_token)

    def revoke(self, grant_id: int) -> None:
        """Revoke everything issued for one consent."""
        self.revoked_grants[grant_id] = None
        self.emit(None)

    def is_revoked(self, held: Grant) -> bool:
        """Return whether a token or code is revoked."""
        return held.grant_id in self.revoked_grants

    # Sources

    def add_source(self, source: Source) -> Source:
        """Add a source."""
        self.sources[source.id] = source
        if source.flow_id not in self._sources_of_flow:
            self._show_sources(source.flow_id, self.flows[source.flow_id].seen_by)
        self._sources_of_flow.own(source.flow_id, dict)[source.id] = None
        self._flow_tokens.add(source.flow_token, source.id)
        return source

    def update_source(self, source: Source, **changes: str | None) -> Source:
        """Update a source, and its `updated_at`."""
        changed = replace(source, updated_at=self.tick(), **changes)  # type: ignore[arg-type]
        self.sources[source.id] = changed
        return changed

    def delete_source(self, source: Source) -> None:
        """Delete a source. Its threads still refer to it, and its `flow_token` stays known as deleted."""
        self.tick()
        del self.sources[source.id]
        self.bury(source)
        of_flow = self._sources_of_flow.own(source.flow_id)
        del of_flow[source.id]
        if not of_flow:
            self._sources_of_flow.discard(source.flow_id)
            self._hide_sources(source.flow_id, self.flows[source.flow_id].seen_by)

    def bury(self, source: Source) -> None:
        """Record a source as deleted."""
        self.deleted_sources[source.id] = source
        self._flow_tokens.add(source.flow_token, source.id)

    def source_once(self, source_id: int) -> Source:
        """Return a source, even if deleted."""
        return self.sources.get(source_id) or self.deleted_sources[source_id]

    def source_id_by_flow_token(self, flow_token: str) -> int | None:
        """Return the id of the source with a `flow_token`, even if deleted, or None if it never existed."""
        return self._flow_tokens.find(flow_token)

    def sources_of_flow(self, flow: Flow) -> list[Source]:
        """Return the sources of a flow, oldest first."""
        return [self.sources[id_] for id_ in self._sources_of_flow.get(flow.id, ())]

    def sources_of_user(self, user: User) -> list[Source]:
        """Return the sources of all flows of a user, oldest first."""
        flows = self._sourced_flows.get(user.id, ())
        return [self.sources[id_] for id_ in sorted(id_ for flow in flows for id_ in self._sources_of_flow[flow])]

    def _show_sources(self, flow_id: str, user_ids: Iterable[int]) -> None:
        for user_id in user_ids:
            self._sourced_flows.own(user_id, dict)[flow_id] = None

    def _hide_sources(self, flow_id: str, user_ids: Iterable[int]) -> None:
        for user_id in user_ids:
            del self._sourced_flows.own(user_id)[flow_id]
