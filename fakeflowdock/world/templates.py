"""The initial worlds: files in `data`, in the format of docs/api/world-files.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.package_files import content
from . import errors, factories, serialization
from .clock import FIRST, SYSTEM, Clock, parsed
from .reseeding import reseeded
from .settings import Settings

if TYPE_CHECKING:
    from datetime import datetime
    from os import PathLike

    from .store import Store

WORLDS = ("docs", "empty")
WORLD_CLOCK = "world"
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


def initial(
    world: str | None = None,
    state: str | PathLike[str] | None = None,
    seed: Mapping[str, Any] | str | PathLike[str] | None = None,
    clock: str | datetime = WORLD_CLOCK,
) -> Store:
    """Return an initial world. It may be shared and must not be changed.

    Args:
        world: a name from `WORLDS`. Default: `empty`, unless there is a `state` or a `seed`.
        state: a world file.
        seed: a seed, or a file that has one.
        clock: `world`, the time of the world, which is frozen; `system`, that of the system clock; or a time, also
            as ISO 8601.

    Raises:
        OSError: a file cannot be read.
        ValueError: an argument or a file is invalid.
    """
    if sum(given is not None for given in (world, state, seed)) > 1:
        raise ValueError(errors.ONE_WORLD)
    if state is not None:
        store = serialization.load(state)
    elif seed is not None:
        from . import seed_files, seeds

        store = seeds.built(seed) if isinstance(seed, Mapping) else seed_files.load(seed)
    else:
        store = template(world or "empty")
    if clock == WORLD_CLOCK:
        return store
    store = store.branch()
    set_clock(store, clock)
    return store.freeze()


def set_clock(store: Store, clock: str | datetime) -> None:
    """Set the clock of a new world: to a time, or to follow the system clock (`system`).

    Raises:
        ValueError: the time is in the past of the world, or the clock is neither.
    """
    if clock == SYSTEM:
        store.clock.follow()
        return
    try:
        moment = parsed(clock)
    except ValueError:
        raise ValueError(errors.CLOCK.format(given=clock)) from None
    if not (store.sources or "event" in store.counters):  # nothing has happened yet
        store.clock = Clock(FIRST)
    store.clock.set(moment)


@cache
def template(name: str) -> Store:
    """Return the initial world of that name. It is shared and must not be changed.

    Raises:
        ValueError: the name is unknown.
    """
    if callable(name):
        raise TypeError(errors.NO_WORLD)
    if name not in WORLDS:
        hint = errors.WORLD_FILE if Path(str(name)).suffix in (".json", ".yaml", ".yml", ".toml") else ""
        raise ValueError(errors.WORLD.format(name=name, known=" or ".join(WORLDS)) + hint)
    return serialization.built(json.loads(content(f"world/data/{name}.json")))  # a test checks these files
