"""A list of 1,000 sources in process: what validation adds, and whether a larger world makes it slower.

The peer of the first is the same answer with validation taken out, here alone; that of the second is a small world.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING
from unittest.mock import patch

from fakeflowdock.api.app import App
from fakeflowdock.contract.validation import Check
from fakeflowdock.world import factories, templates

from .comparing import Comparison, Table, compare, microseconds, seconds_of
from .environs import environ_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed.wsgi import WSGIEnvironment

    from fakeflowdock.contract.errors import BrokenContract
    from fakeflowdock.world.models import Source, User

API = "https://api.flowdock.com"
LISTED = 1_000
SMALL, LARGE = 1_000, 100_000
LOOK_UPS = 200
CONSTANT = 1.25  # a dict of 100,000 is no slower to ask than one of 1,000, but it lies further away in memory


def table() -> Table:
    """Measure it all."""
    table = Table(f"validation: a list of {LISTED:,} sources in process, and worlds of {SMALL:,} and {LARGE:,}")
    add_validation(table)
    add_growth(table)
    return table


# What validation adds


def add_validation(table: Table) -> None:
    again = a_world(LISTED).list_request()
    timed = compare(lambda: checked(*again), lambda: unchecked(*again), pairs=40)
    table.at_most("a list asked for again, validated by not validated", timed, 1.5)
    table.note("validated, not validated", f"{microseconds(timed.ours)}, {microseconds(timed.peer)}")
    number = count(1)
    first = compare(lambda: checked(*unseen(next(number))), lambda: unchecked(*unseen(next(number))), pairs=20)
    table.at_most("a list of URLs and times never seen before, the same", first, 1.5)
    table.note("validated, not validated", f"{microseconds(first.ours)}, {microseconds(first.peer)}")


def checked(app: App, environ: WSGIEnvironment) -> float:
    bodies: list[bytes] = []
    seconds = seconds_of(lambda: bodies.append(app.answer(environ).body))
    assert bodies[0].count(b'"_links"') == LISTED
    return seconds


def unchecked(app: App, environ: WSGIEnvironment) -> float:
    with without_validation():
        return checked(app, environ)


@contextmanager
def without_validation() -> Iterator[None]:
    """Take the checks of requests and replies out of the path."""
    with (
        patch.object(Check, "violations", lambda *_: []),
        patch("fakeflowdock.api.handling.check_reply", lambda *_: None),
    ):
        yield


def unseen(number: int) -> tuple[App, WSGIEnvironment]:
    """A list in which each URL and each time of creation is new, as in a test that asks only once.

    Addresses and dates that were found to be right are remembered; here that is of no help.
    """
    return a_world(LISTED, hours=number).list_request(f"http://api.flowdock.com:{10_000 + number}")


# Worlds


@dataclass(frozen=True)
class World:
    """An app over a world with some thousand sources, and whoever sees `LISTED` of them."""

    app: App
    user: User

    def request(self, url: str) -> WSGIEnvironment:
        """A GET by the user."""
        return environ_of("GET", url, auth=(self.user.api_token, ""))

    def list_request(self, base: str = API) -> tuple[App, WSGIEnvironment]:
        """The app, and a request for all sources that the user sees."""
        return self.app, self.request(f"{base}/sources")

    def find_requests(self) -> list[WSGIEnvironment]:
        """Requests for sources by id: some of those that the user sees, from the first to the last."""
        store = self.app.store
        mine = spread(store.sources_of_user(self.user))
        return [self.request(f"{API}/flows/example/main/sources/{source.id}") for source in mine]

    def own_requests(self) -> list[WSGIEnvironment]:
        """Requests of sources for themselves by `flow_token`: some of all, from the first to the last."""
        tokens = [source.flow_token for source in spread(list(self.app.store.sources.values()))]
        return [environ_of("GET", f"{API}/sources?flow_token={one}") for one in tokens]


def spread(sources: list[Source]) -> list[Source]:
    """`LOOK_UPS` of some sources, at even distances."""
    return sources[:: len(sources) // LOOK_UPS][:LOOK_UPS]


def a_world(total: int, hours: int = 0) -> World:
    """A world of that many sources, and as many flows, users and tokens where there are more than are listed.

    The listed sources are all in one flow, and lie among the others at even distances.
    """
    store = templates.make("empty")
    store.clock.advance(timedelta(hours=hours))
    user, main = next(iter(store.users.values())), next(iter(store.flows.values()))
    application = next(iter(store.applications.values()))
    for number in range(total):
        flow, creator = main, user
        if number % (total // LISTED):
            creator = factories.add_user(store)
            flow = factories.add_flow(store, f"example/flow-{number}", members=[creator])
            factories.add_access_token(store, creator, application, scope=None)
        factories.add_source(store, flow=flow, application=application, creator=creator, name=f"Source {number}")
    return World(App(store, no_bug), user)


def no_bug(broken: BrokenContract) -> None:
    """What the app is to tell of its own bugs: an answer with one is not what is measured here."""
    raise broken


# Whether a larger world makes it slower


def add_growth(table: Table) -> None:
    small, large = an_undisturbed_world(SMALL), an_undisturbed_world(LARGE)
    few, many = small.list_request(), large.list_request()
    listed = compare(lambda: checked(*many), lambda: checked(*few), pairs=40)
    table.at_most(f"a listed source, among {LARGE:,} by among {SMALL:,}", listed, CONSTANT)
    table.note("large, small", f"{per_source(listed.ours)}, {per_source(listed.peer)}")
    for what, requests_of in (("id", World.find_requests), ("flow_token", World.own_requests)):
        found = compare_answers(large, requests_of(large), small, requests_of(small))
        table.at_most(f"a look-up by {what}, the same", found, CONSTANT)
        table.note("large, small", f"{microseconds(found.ours)}, {microseconds(found.peer)}")


def an_undisturbed_world(total: int) -> World:
    """A world made without the garbage collector, which would look through all of it again and again meanwhile."""
    gc.disable()
    try:
        return a_world(total)
    finally:
        gc.enable()


def compare_answers(
    large: World, of_large: list[WSGIEnvironment], small: World, of_small: list[WSGIEnvironment]
) -> Comparison:
    """The answers to some requests in a large world against as many in a small one, in seconds per answer."""
    return compare(lambda: answered(large, of_large), lambda: answered(small, of_small), pairs=40)


def answered(world: World, environs: list[WSGIEnvironment]) -> float:
    """The seconds that each of some answers takes, on average."""
    waiting = iter(environs)
    return seconds_of(lambda: world.app.answer(next(waiting)), len(environs))


def per_source(seconds: float) -> str:
    return f"{seconds / LISTED * 1e6:.2f} µs"
