"""The initial worlds: files in `data`, in the format of docs/api/world-files.md."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.package_files import content
from . import errors, factories, serialization
from .reseeding import reseeded
from .settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .store import Store

WORLDS = ("docs", "empty")
DATA = Path(__file__).resolve().parent / "data"


def make(name: str, settings: Settings | None = None) -> Store:
    """Return a new world.

    Args:
        name: `empty`: organization `example`, its flow `main`, one user who is a member, one application, no source.
            `docs`: the data in the examples of Flowdock's page "Sources", with names of our own for users 2 and 9, and
            a flow `lobby` that everyone may join.
        settings: default: new ones.

    Raises:
        ValueError: the name is unknown.
    """
    return over(template(name).branch(), settings)


def of_its_own(name: str, begin: str | Mapping[str, Any], settings: Settings) -> Store:
    """Return a world with unique credentials, including an access token with every scope.

    Args:
        name: what the credentials are derived from.
        begin: a name from `WORLDS`, or a valid world in the form of its file.
        settings: how it behaves.

    Raises:
        ValueError: the name in `begin` is unknown.
    """
    world = json.loads(serialization.dumps(template(begin))) if isinstance(begin, str) else begin
    store = over(serialization.built(reseeded(world, name)), settings)
    if store.users and store.applications:
        user, application = store.users[min(store.users)], store.applications[min(store.applications)]
        factories.add_access_token(store, user, application, None)
    return store


def over(store: Store, settings: Settings | None) -> Store:
    """Return the world with the given settings."""
    store.settings = Settings() if settings is None else settings
    return store


@cache
def template(name: str) -> Store:
    """Return the initial world of that name. It is shared and must not be changed.

    Raises:
        ValueError: the name is unknown.
    """
    if callable(name):
        raise TypeError(errors.NO_WORLD)
    if name not in WORLDS:
        raise ValueError(errors.WORLD.format(name=name, known=" or ".join(WORLDS)))
    return serialization.loads(content(f"world/data/{name}.json"), name)
