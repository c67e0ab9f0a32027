"""The worlds that a fake begins with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from . import arrange
from .clock import TICK, Clock
from .settings import Settings
from .store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

ZENDESK_ICON = "https://dxgv4vuja9avs.cloudfront.net/applications/327/64981f9198413209.png"
AVATARS = "https://d2cxspbh1aoie1.cloudfront.net/avatars/"
FLOW = "0b5a1a52-58f5-4a56-a2d6-6ad9c2b7a00"
JOIN_KEY = "5d1f0c9ab3e84f7210aa77e4c2d9b6830f1e2d3c"


def make(name: str, settings: Settings | None = None) -> Store:
    """A new world.

    Args:
        name: `empty`: organization `example`, its flow `main`, one user who is a member, one application, no
            source. `docs`: what the examples of Flowdock's page "Sources" show.
        settings: how it behaves; those of nobody else when left out.

    Raises:
        ValueError: there is no such world.
    """
    if callable(name):
        raise TypeError("FakeFlowdock takes a world, not a function: write @FakeFlowdock(), with parentheses")
    if name not in WORLDS:
        raise ValueError(f"there is no world {name!r}, only {' and '.join(WORLDS)}")
    store = _template(name).copy()
    store.settings = Settings() if settings is None else settings
    return store


@cache
def _template(name: str) -> Store:
    store = Store()
    WORLDS[name](store)
    return store


def _empty(store: Store) -> None:
    organization = arrange.add_organization(store, "example")
    user = arrange.add_user(
        store, name="Ada Example", nick="Ada", email="ada@example.com", organization=organization, admin=True
    )
    arrange.add_flow(store, "example/main", members=[user], name="Main")
    arrange.add_application(store, name="Example Application")


def _docs(store: Store) -> None:
    """Users 1, 2 and 9, applications 327 and 1, flows `main` and `other`, sources 1 and 2, as Flowdock shows them.

    What Flowdock's examples do not name is ours: the names of users 2 and 9, and a flow `lobby` that is open to all.
    """
    organization = arrange.add_organization(store, "example")
    first = arrange.add_user(
        store,
        id=1,
        name="User",
        nick="User",
        email="testuser@example.com",
        website="http://www.example.com/",
        avatar=f"{AVATARS}f0b4520a6e0001636bf8fc1431af151c",
        organization=organization,
        admin=True,
    )
    second, ninth = (
        arrange.add_user(
            store,
            id=number,
            name=f"{nick} Example",
            nick=nick,
            email=f"{nick.lower()}@example.com",
            avatar=f"{AVATARS}{nick.lower()}",
            organization=organization,
        )
        for number, nick in ((2, "Ulla"), (9, "Joni"))
    )
    main = arrange.add_flow(store, "example/main", members=[first, second, ninth], id=f"{FLOW}1")
    arrange.add_flow(store, "example/other", members=[first, second], id=f"{FLOW}2")
    arrange.add_flow(
        store, "example/lobby", members=[second], id=f"{FLOW}3", access_mode="organization", join_key=JOIN_KEY
    )
    zendesk = arrange.add_application(store, id=327, name="Zendesk", icon_url=ZENDESK_ICON)
    arrange.add_application(store, id=1, name="AwesomeApp", icon_url=ZENDESK_ICON)
    for fields, moment in (
        ({"name": "Example"}, datetime(2014, 10, 14, 11, 5, 27, 176000, UTC)),
        (
            {"name": "Engineering", "external_url": "https://acme.example.com/polls/helsinki"},
            datetime(2014, 10, 14, 11, 5, 27, 7000, UTC),
        ),
    ):
        source = arrange.add_source(store, flow=main, application=zendesk, creator=first, **fields)
        store.sources[source.id] = replace(source, created_at=moment, updated_at=moment)
    # The next write is the creation that the page shows, 61 seconds later.
    store.clock = Clock(datetime(2014, 10, 14, 11, 6, 28, 131000, UTC) - TICK)


WORLDS: dict[str, Callable[[Store], None]] = {"docs": _docs, "empty": _empty}
