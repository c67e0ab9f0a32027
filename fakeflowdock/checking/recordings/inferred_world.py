"""The world that a recording was made in, as far as the recording shows it, for a fake to begin with."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ...api import routing
from ...contract.errors import Refusal
from ...world import factories
from ...world.models import Source
from ...world.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ...world.models import Application, Flow, User
    from .entries import Entry

SOURCE_URL = re.compile(r"/flows/([^/]+)/([^/]+)/sources/([0-9]+)")
CREATED = {"create-source": "sources", "create-application": "applications"}
FALLBACK = "example/main"
FOUND = range(200, 400)
MANY = 1_000  # of one kind: a world that is larger is not made from what happens to be in a recording


class Needs:
    """What a recording shows of its world.

    Attributes:
        users, applications, sources: by number, as they were shown.
        flows: by path, `example/main`.
        flow_ids: the id of each flow whose id was shown, to its path.
        sources_of_tokens: `flow_token` to the number of its source.
        users_of_tokens: what followed Basic or Bearer to the number of who it was.
        flows_of_tokens: a flow's `api_token` to its path.
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
        self._made: dict[str, set[int]] = {"sources": set(), "applications": set()}
        for entry in entries:
            self._look(entry)

    def _look(self, entry: Entry) -> None:
        reply = entry.reply
        if reply is None or reply.status not in FOUND:
            return
        if (user := reply.headers.get("Flowdock-User") or "").isdecimal() and len(user) < 19:
            self._add(self.users, int(user), {})
            given = entry.request.headers.get("authorization", "")
            if len(self.users_of_tokens) < MANY:
                self.users_of_tokens[given.rpartition(" ")[2]] = int(user)
        path = None
        with suppress(Refusal):
            match = routing.match(entry.request.method, routing.normal(path_in(entry.request.url)))
            values = match.values
            if "organization" in values and "flow" in values:
                path = f"{values['organization']}/{values['flow']}"
                self._add(self.flows, path, {})
            kind = CREATED.get(match.operation.name)
            body = json_in(reply.body)
            if kind is not None and isinstance(body, dict) and type(body.get("id")) is int:
                self._made[kind].add(body["id"])
            self._see(body, path)
            if isinstance(body, dict) and type(body.get("id")) is int and "creator" in body:
                for token in re.findall(r"[0-9a-f]{32}", f"{entry.request.url} {entry.request.body[:4096]!r}"):
                    self.sources_of_tokens.setdefault(token, body["id"])

    def _see(self, value: Any, path: str | None, depth: int = 0) -> None:
        """Keep what can be seen of the world in a reply."""
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
        """What was shown first counts: the rest may have come of what the recording asked for."""
        if (key in kept or len(kept) < MANY) and not kept.get(key):
            kept[key] = seen

    # The world

    def world(self) -> Store:
        """A store with all this in it: whoever belongs to it sees every flow, and administers it."""
        store = Store("recording")
        ids = {path: flow_id for flow_id, path in self.flow_ids.items()}
        paths = [path for path in self.flows if path.count("/") == 1] or [FALLBACK]
        for path in paths:
            name = path.partition("/")[0]
            if store.organization_named(name) is None:
                with suppress(ValueError):
                    factories.add_organization(store, name, name=_text(self.organizations.get(name, {}).get("name")))
        users = [self._user(store, number) for number in sorted(self.users)] or [self._user(store, 1)]
        for organization in store.organizations.values():
            for user in users:
                store.join(organization, user, admin=True)
        for path in paths:
            shown = self.flows.get(path, {})
            with suppress(ValueError):
                factories.add_flow(store, path, members=users, name=_text(shown.get("name")), id=ids.get(path))
        if not store.flows:
            factories.add_flow(store, FALLBACK, members=users)
        for number in sorted({*self.applications} - self._made["applications"]) or [1]:
            self._application(store, number)
        for number in sorted({*self.sources} - self._made["sources"]):
            self._source(store, number)
        return store

    def _user(self, store: Store, number: int) -> User:
        shown = self.users.get(number, {})
        fields = {name: _text(shown.get(name)) for name in ("name", "nick", "email", "avatar", "website")}
        try:
            return factories.add_user(store, id=number, **fields)  # type: ignore[arg-type]
        except ValueError:  # what was shown is none that Flowdock could show, or an address that stands twice
            return factories.add_user(store, id=None if number in store.users else number)

    def _application(self, store: Store, number: int) -> Application:
        shown = self.applications.get(number, {})
        owner = store.users[min(store.users)]
        try:
            return factories.add_application(
                store, id=number, name=_text(shown.get("name")), icon_url=_text(shown.get("icon_url")), owner=owner
            )
        except ValueError:
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
                external_url=_text(shown.get("external_url")),
                error_message=_text(shown.get("error_message")),
                configuration_url=_text(shown.get("configuration_url")),
                created_at=now,
                updated_at=now,
                flow_token=store.draw("flow_token"),
            )
        )


def flow_of(store: Store, path: str | None) -> Flow:
    """The flow of a path, or else the one that was there first."""
    organization, _, name = (path or "").partition("/")
    return store.flow_named(organization, name) or next(iter(store.flows.values()))


def path_in(url: str) -> str:
    """The path of a URL, encoded as it is."""
    path = url.partition("?")[0].partition("#")[0]
    return "/" + path.partition("//")[2].partition("/")[2] if "//" in path else path


def json_in(body: bytes) -> Any:
    """The value in a body, or None where there is none."""
    try:
        return json.loads(body) if body else None
    except (ValueError, RecursionError):
        return None


def _number(shown: Any, known: Mapping[int, object]) -> int:
    """The number of what was shown, or else the first that there is."""
    number = shown.get("id") if isinstance(shown, dict) else None
    return number if type(number) is int and number in known else min(known)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None
