"""Reseed a world: the same entities, with new credentials derived from a name."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from .random_ids import join_key_of, short
from .store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

# The secrets of each kind of entity, and what they are drawn as.
DRAWN = {
    "organizations": {"scim_token": "scim_token"},
    "users": {"api_token": "api_token", "password": "password"},
    "flows": {"api_token": "flow api_token", "join_key": "join_key"},
    "applications": {"client_id": "client_id", "client_secret": "client_secret"},
    "sources": {"flow_token": "flow_token"},
    "deleted_sources": {"flow_token": "flow_token"},
    "access_tokens": {"access_token": "access_token"},
    "refresh_tokens": {"refresh_token": "refresh_token"},
    "codes": {"code": "code"},
    "sessions": {"cookie": "session"},
}
DERIVED = {"join_key": join_key_of, "scim_token": short}
LONGEST = 254  # characters of an e-mail address


def reseeded(world: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a world, in the form of its file, with the credentials of a named world.

    Args:
        world: a world as in docs/api/world-files.md. It is not modified.
        name: of the new world. The same name gives the same credentials.
    """
    made = deepcopy(dict(world))
    made["seed"] = f"world {name}"
    drawing, drawn = Store(made["seed"]), Counter[str]()

    def draw(kind: str) -> str:
        drawn[kind] += 1
        return drawing.drawn(kind, drawn[kind])

    for entities, secrets in DRAWN.items():
        for entity in made[entities]:
            there = {field: kind for field, kind in secrets.items() if entity.get(field)}
            entity |= {field: DERIVED.get(kind, str)(draw(kind)) for field, kind in there.items()}
    for message in made["messages"]:
        for file in message["attachments"]:
            file["file_token"] = short(draw("file"))
    for user in made["users"]:
        if user["email"]:
            before, user["email"] = user["email"], _address(user["email"], name, drawing.drawn("email", user["id"]))
            if user.get("sso_name") == before:
                user["sso_name"] = user["email"]
    for kind, number in drawn.items():
        made["counters"][f"drawn {kind}"] = max(number, made["counters"].get(f"drawn {kind}", 0))
    return made


def _address(email: str, name: str, otherwise: str) -> str:
    """Return an e-mail address unique to a world: `ada@example.com` becomes `ada+suite-1@example.com`."""
    mailbox, _, domain = email.rpartition("@")
    address = f"{mailbox}+{name}@{domain}"
    plain = "." not in (name[0], name[-1]) and ".." not in name
    return address if plain and len(address) <= LONGEST else f"{otherwise}@{domain}"
