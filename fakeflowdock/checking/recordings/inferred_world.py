"""The world of a recording, as far as it can be inferred, as the start of a fake."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ...world import factories, single_sign_on
from ...world.models import Source
from ...world.store import Store
from ..requests import match_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ...world.models import Application, Flow, User
    from .entries import Entry

SOURCE_URL = re.compile(r"/flows/([^/]+)/([^/]+)/sources/([0-9]+)")
SCIM_URL = re.compile(r"/scim/([^/?#]+)")
CREATED = {"create-source": "sources", "create-application": "applications", "create-scim-user": "users"}
FALLBACK = "example/main"
FOUND = range(200, 400)
USER = ("name", "nick", "email", "avatar", "website", "sso_name")  # fields that an inferred user has
MANY = 1_000  # entities of one kind: no larger world is inferred


class Needs:
    """The entities in a recording.

    Attributes:
        users, applications, sources: by id, as in the responses.
        organizations: by `parameterized_name`.
        flows: by path, `example/main`.
        flow_ids: paths of flows by id.
        sources_of_tokens: ids of sources by `flow_token`.
        users_of_tokens: ids of users by Basic or Bearer credentials.
        flows_of_tokens: paths of flows by `api_token`.
        uid: that of an organization with Single Sign-On, or None.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.users: dict[int, dict[str, Any]] = {}
        self.applications: dict[int, dict[str, Any]] = {}
        self.organizations: dict[str, dict[str, Any]] = {}
        self.flows: dict[str, dict[str, Any]] = {}
        self.flow_ids: dict[str, str] = {}
        self.sources: dict[int, dict[str, Any]] = {}
        self.sources_of_tokens: dict[str, int] = {}
        self.users_of_tokens: dict[str, int] = {}
        self.flows_of_tokens: dict[str, str] = {}
        self.uid: str | None = None
        self._made: dict[str, set[int]] = {"sources": set(), "applications": set(), "users": set()}
        for entry in entries:
            self._look(entry)

    def _look(self, entry: Entry) -> None:
        reply = entry.reply
        if self.uid is None and (found := SCIM_URL.search(entry.request.url)):
            self.uid = found[1]
        if reply is None or reply.status not in FOUND:
            return
        if (user := reply.headers.get("Flowdock-User") or "").isdecimal() and len(user) < 19:
            self._add(self.users, int(user), {})
            given = entry.request.headers.get("authorization", "")
            if len(self.users_of_tokens) < MANY:
                self.users_of_tokens[given.rpartition(" ")[2]] = int(user)
        if (match := match_of(entry.request.method, entry.request.url)) is None:
            return
        path, values = None, match.values
        if "organization" in values and "flow" in values:
            path = f"{values['organization']}/{values['flow']}"
            self._add(self.flows, path, {})
        if re.fullmatch("[1-9][0-9]{0,17}", other := values.get("user_id", "")):
            self._add(self.users, int(other), {})
        body = json_in(reply.body)
        number = body.get("id") if isinstance(body, dict) else None
        if type(number) is int and (kind := CREATED.get(match.operation.name)) is not None:
            self._made[kind].add(number)
        self._see(body, path)
        if type(number) is int and "creator" in body:
            for token in re.findall(r"[0-9a-f]{32}", f"{entry.request.url} {entry.request.body[:4096]!r}"):
                self.sources_of_tokens.setdefault(token, number)

    def _see(self, value: Any, path: str | None, depth: int = 0) -> None:
        """Collect the entities in a JSON value."""
        if depth > 20:
            return
        if isinstance(value, list):
            for item in value:
                self._see(item, path, depth + 1)
        if not isinstance(value, dict):
            return
        number = value.get("id")
        if type(number) is int and number > 0:
            if "application" in value and (where := SOURCE_URL.search(str(value.get("url")))):
                self._add(self.sources, number, {**value, "flow": f"{where[1]}/{where[2]}"})
                self._add(self.flows, f"{where[1]}/{where[2]}", {})
            elif "userName" in value:
                self._add(self.users, number, _provisioned(value))
            elif "nick" in value:
                self._add(self.users, number, value)
            elif "icon_url" in value:
                self._add(self.applications, number, value)
        if isinstance(organization := value.get("organization"), dict) and "parameterized_name" in value:
            self._see_flow(value, organization)
        elif path is not None and "event" in value and isinstance(value.get("flow"), str):
            self.flow_ids.setdefault(value["flow"], path)
        for inner in value.values():
            self._see(inner, path, depth + 1)

    def _see_flow(self, value: dict[str, Any], organization: dict[str, Any]) -> None:
        owner = str(organization.get("parameterized_name"))
        path = f"{owner}/{value['parameterized_name']}"
        self._add(self.organizations, owner, organization)
        self._add(self.flows, path, value)
        if isinstance(value.get("id"), str):
            self.flow_ids.setdefault(value["id"], path)
        if isinstance(value.get("api_token"), str):
            self.flows_of_tokens.setdefault(value["api_token"], path)

    @staticmethod
    def _add(kept: dict[Any, dict[str, Any]], key: Any, seen: dict[str, Any]) -> None:
        """Keep the first occurrence: later ones may be the result of recorded requests."""
        if (key in kept or len(kept) < MANY) and not kept.get(key):
            kept[key] = seen

    # The world

    def world(self) -> Store:
        """Return a store with these entities. Each user is a member of every flow, and an administrator."""
        store = Store("recording")
        ids = {path: flow_id for flow_id, path in self.flow_ids.items()}
        paths = [path for path in self.flows if path.count("/") == 1] or [FALLBACK]
        for path in paths:
            name = path.partition("/")[0]
            if store.organization_named(name) is None:
                with suppress(ValueError):
                    factories.add_organization(store, name, name=_text(self.organizations.get(name, {}).get("name")))
        known = sorted({*self.users} - self._made["users"])
        users = [self._user(store, number) for number in known] or [self._user(store, 1)]
        for organization in store.organizations.values():
            for user in users:
                store.join(organization, user, admin=True)
        for path in paths:
            shown = self.flows.get(path, {})
            with suppress(ValueError):
                factories.add_flow(store, path, members=users, name=_text(shown.get("name")), id=ids.get(path))
        if not store.flows:
            factories.add_flow(store, FALLBACK, members=users)
        if self.uid is not None:
            with suppress(ValueError):
                single_sign_on.add_sso(store, next(iter(store.organizations.values())), self.uid)
        for number in sorted({*self.applications} - self._made["applications"]) or [1]:
            self._application(store, number)
        for number in sorted({*self.sources} - self._made["sources"]):
            self._source(store, number)
        return store

    def _user(self, store: Store, number: int) -> User:
        shown = self.users.get(number, {})
        fields = {name: _text(shown.get(name)) for name in USER}
        try:
            return factories.add_user(store, id=number, **fields)  # type: ignore[arg-type]
        except ValueError:  # invalid values, or a duplicate e-mail address
            return factories.add_user(store, id=None if number in store.users else number)

    def _application(self, store: Store, number: int) -> Application:
        shown = self.applications.get(number, {})
        owner = store.users[min(store.users)]
        name, icon_url = _text(shown.get("name")), _text(shown.get("icon_url"))
        with suppress(ValueError):
            return factories.add_application(store, id=number, name=name, icon_url=icon_url, owner=owner)
        return factories.add_application(store, owner=owner)

    def _source(self, store: Store, number: int) -> None:
        shown = self.sources[number]
        flow = flow_of(store, shown["flow"])
        creator, application = shown.get("creator"), shown.get("application")
        now = store.tick()
        store.next_id("source", number)
        store.add_source(
            Source(
                id=number,
                flow_id=flow.id,
                application_id=_number(application, store.applications),
                creator_id=_number(creator, store.users),
                name=_text(shown.get("name")) or "Source",
                **{name: _text(shown.get(name)) for name in ("external_url", "error_message", "configuration_url")},
                created_at=now,
                updated_at=now,
                flow_token=store.draw("flow_token"),
            )
        )


def flow_of(store: Store, path: str | None) -> Flow:
    """Return the flow of a path; by default the first one."""
    organization, _, name = (path or "").partition("/")
    return store.flow_named(organization, name) or next(iter(store.flows.values()))


def _provisioned(shown: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a user whom SCIM has shown."""
    name, emails = shown.get("name"), shown.get("emails")
    names = [str(name.get(part, "")) for part in ("givenName", "familyName")] if isinstance(name, dict) else []
    first = emails[0] if isinstance(emails, list) and emails else None
    return {
        "name": " ".join(names).strip(),
        "nick": shown.get("nickName"),
        "email": first.get("value") if isinstance(first, dict) else None,
        "sso_name": shown.get("userName"),
    }


def path_in(url: str) -> str:
    """Return the encoded path of a URL."""
    path = url.partition("?")[0].partition("#")[0]
    return "/" + path.partition("//")[2].partition("/")[2] if "//" in path else path


def json_in(body: bytes) -> Any:
    """Return the JSON value in a body; None without one."""
    try:
        return json.loads(body) if body else None
    except (ValueError, RecursionError):
        return None


def _number(shown: Any, known: Mapping[int, object]) -> int:
    """Return the id of a shown entity; by default the first known one."""
    number = shown.get("id") if isinstance(shown, dict) else None
    return number if type(number) is int and number in known else min(known)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None
