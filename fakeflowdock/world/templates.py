"""The worlds that a fake begins with: files in `data`, in the format of docs/api/world-files.md."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import factories, serialization
from .reseeding import reseeded
from .settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .store import Store

WORLDS = ("docs", "empty")
DATA = Path(__file__).resolve().parent / "data"


def make(name: str, settings: Settings | None = None) -> Store:
    """A new world.

    Args:
        name: `empty`: organization `example`, its flow `main`, one user who is a member, one application, no
            source. `docs`: what the examples of Flowdock's page "Sources" show, and, of ours, the names of users 2
            and 9 and a flow `lobby` that is open to all.
        settings: how it behaves; those of nobody else when left out.

    Raises:
        ValueError: there is no such world.
    """
    return over(template(name).branch(), settings)


def of_its_own(name: str, begin: str | Mapping[str, Any], settings: Settings) -> Store:
    """A world with credentials that no other name gives, one of them an access token with every scope.

    Args:
        name: what the credentials are drawn from.
        begin: a world of `WORLDS`, or one in the form of its file, with which nothing is `wrong`.
        settings: how it behaves.

    Raises:
        ValueError: there is no such world.
    """
    world = json.loads(serialization.dumps(template(begin))) if isinstance(begin, str) else begin
    store = over(serialization.built(reseeded(world, name)), settings)
    if store.users and store.applications:
        user, application = store.users[min(store.users)], store.applications[min(store.applications)]
        factories.add_access_token(store, user, application, None)
    return store


def over(store: Store, settings: Settings | None) -> Store:
    """A world that behaves as the settings say."""
    store.settings = Settings() if settings is None else settings
    return store


@cache
def template(name: str) -> Store:
    """The world of that name as each one begins. It is shared: nobody changes it.

    Raises:
        ValueError: there is no such world.
    """
    if callable(name):
        raise TypeError("FakeFlowdock takes a world, not a function: write @FakeFlowdock(), with parentheses")
    if name not in WORLDS:
        raise ValueError(f"there is no world {name!r}, only {' and '.join(WORLDS)}")
    return serialization.load(DATA / f"{name}.json")
