"""Build a world from its short form, a seed. docs/admin/seeds.md."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..contract.contracts import contracts
from ..contract.validation import ADMIN
from ..suggestions import did_you_mean, nearest
from . import factories, naming, single_sign_on
from .errors import InvalidValues, SeedError
from .store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .models import Flow, Source, User

KINDS = ("organizations", "users", "flows", "applications", "sources", "messages", "private_messages")
TEXT = {
    "messages": "content",
    "private_messages": "content",
}  # what a text in place of an object is; otherwise its name
FIRST_USER = {"name": "Ada Example", "nick": "Ada"}  # those of the world `empty`
FIRST = {"organizations": "example", "applications": "Example Application", "flows": "main"}
FLOWDOCK_NAME = re.compile("[^a-z0-9]+")


def built(seed: Mapping[str, Any]) -> Store:
    """Return the world of a seed.

    Raises:
        SeedError: the seed is invalid. `pointer` says where.
    """
    if isinstance(seed, dict) and seed.keys() >= {"format", "now"}:
        raise SeedError("", SeedError.IS_WORLD)
    whole = _expanded(seed)
    violations = contracts(ADMIN).objects["seed"].violations(whole)
    for violation in sorted(violations, key=lambda violation: not violation.is_unknown):  # a misspelled name first
        name = violation.pointer.rpartition("/")[2]
        unknown = f"is unknown{did_you_mean(nearest(name, violation.known))}"
        reason = unknown if violation.known else violation.reason_in(whole)
        raise SeedError(violation.pointer, reason)
    return _Building(whole).store


def _expanded(seed: Any) -> dict[str, Any]:
    """Return a seed with an object for each text, and without keys that have no value."""
    if seed is not None and not isinstance(seed, dict):
        raise SeedError("", SeedError.NO_OBJECT)
    whole = {key: value for key, value in (seed or {}).items() if value is not None}
    for kind in KINDS:
        if isinstance(entities := whole.get(kind), list):
            name = TEXT.get(kind, "name")
            whole[kind] = [{name: each} if isinstance(each, str) else each for each in entities]
    return whole


class _Building:
    """A world that is being built.

    Args:
        seed: a valid seed.
    """

    def __init__(self, seed: Mapping[str, Any]) -> None:
        self.store = Store()
        self._admins: set[int] = set()
        for kind in KINDS:
            add: Callable[[dict[str, Any]], None] = getattr(self, f"_add_{kind}")
            default = [FIRST_USER] if kind == "users" else [{"name": FIRST[kind]}] if kind in FIRST else []
            for position, fields in enumerate(seed.get(kind) or default):
                with _at(f"/{kind}/{position}", fields):
                    add(dict(fields))

    # Entities

    def _add_organizations(self, fields: dict[str, Any]) -> None:
        name = fields["name"]
        parameterized = fields.get("parameterized_name") or _in_urls(name)
        shown = None if name == parameterized else name
        organization = factories.add_organization(self.store, parameterized, name=shown)
        if len(self.store.organizations) == 1:
            single_sign_on.add_sso(self.store, organization)  # as in every world of the fake

    def _add_users(self, fields: dict[str, Any]) -> None:
        admin = fields.pop("admin", not self.store.users)
        nick = fields.setdefault("nick", fields["name"].split()[0])
        fields.setdefault("email", f"{FLOWDOCK_NAME.sub('.', nick.lower()).strip('.') or 'user'}@example.com")
        user = factories.add_user(self.store, **fields)
        if admin:
            self._admins.add(user.id)
        for organization in self.store.organizations.values():
            self.store.join(organization, user, admin=admin)

    def _add_flows(self, fields: dict[str, Any]) -> None:
        owner, slash, name = fields["name"].rpartition("/")
        if slash and self.store.organization_named(owner) is None:
            organization = factories.add_organization(self.store, owner)
            for user in self.store.users.values():
                self.store.join(organization, user, admin=user.id in self._admins)
        owner = owner or next(iter(self.store.organizations.values())).parameterized_name
        members = [*self.store.users.values()]
        if "members" in fields:
            members = [
                self._found(given, "user", f"/members/{number}") for number, given in enumerate(fields["members"])
            ]
        parameterized = _in_urls(name)
        factories.add_flow(
            self.store,
            f"{owner}/{parameterized}",
            members=members,
            name=None if name == parameterized else name,
            access_mode=fields.get("access_mode", "invitation"),
        )

    def _add_applications(self, fields: dict[str, Any]) -> None:
        owner = self._user(fields, "owner")
        factories.add_application(self.store, **{**fields, "owner": owner})

    def _add_sources(self, fields: dict[str, Any]) -> None:
        flow, creator = self._flow(fields) or self._first("flows"), self._user(fields, "creator")
        application = self._named(fields, "application")
        factories.add_source(
            self.store,
            flow=flow,
            creator=creator or self._first("users"),
            application=application or self._first("applications"),
            **fields,
        )

    def _add_messages(self, fields: dict[str, Any]) -> None:
        source: Source | None = self._named(fields, "source")
        user, flow = self._user(fields, "user"), self._flow(fields)
        if source is not None and user is not None:
            raise SeedError("/user", SeedError.TWO_SENDERS)
        if flow is None:
            flow = self._first("flows") if source is None else self.store.flows[source.flow_id]
        comments: str | None = fields.pop("comments", None)
        parent = None
        if comments is not None:
            try:
                parent = naming.message_saying(self.store, flow.id, comments)
            except ValueError as error:
                raise SeedError("/comments", str(error)) from None
        event = fields.pop("event", "message")
        sender = None if source is not None else user or self._first("users")
        factories.add_message(self.store, flow, event, fields, user=sender, source=source, parent=parent)

    def _add_private_messages(self, fields: dict[str, Any]) -> None:
        sender, recipient = self._user(fields, "from_user"), self._user(fields, "to_user")
        assert recipient is not None  # as the page has it
        event = fields.pop("event", "message")
        factories.add_private_message(self.store, event, fields, user=sender or self._first("users"), to=recipient)

    # References

    def _first(self, kind: str) -> Any:
        return next(iter(getattr(self.store, kind).values()))

    def _user(self, fields: dict[str, Any], field: str) -> User | None:
        user: User | None = self._named(fields, field)
        return user

    def _flow(self, fields: dict[str, Any]) -> Flow | None:
        flow: Flow | None = self._named(fields, "flow")
        return flow

    def _named(self, fields: dict[str, Any], field: str) -> Any:
        """Take a field, and return the entity that it names; None without the field."""
        name = fields.pop(field, None)
        kind = "user" if field in ("owner", "creator", "from_user", "to_user") else field
        return None if name is None else self._found(name, kind, f"/{field}")

    def _found(self, name: str, kind: str, place: str) -> Any:
        try:
            return naming.found(self.store, kind, name)
        except ValueError as error:
            raise SeedError(place, str(error)) from None


@contextmanager
def _at(place: str, fields: Mapping[str, Any]) -> Iterator[None]:
    """Say where an error is: at one of the fields of the seed, or at the whole."""
    try:
        yield
    except SeedError as error:
        raise SeedError(place + error.pointer, error.reason) from None
    except InvalidValues as error:
        field, reasons = next(iter(error.fields.items()))
        if field.partition(".")[0] not in fields:
            raise SeedError(place, str(error)) from None
        raise SeedError(f"{place}/{field.replace('.', '/')}", " and ".join(reasons)) from None
    except ValueError as error:
        raise SeedError(place, str(error)) from None


def _in_urls(name: str) -> str:
    """Return a name as it is in URLs: small letters, digits and hyphens."""
    return FLOWDOCK_NAME.sub("-", name.lower()).strip("-")
