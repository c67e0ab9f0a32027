"""Whatever is sent, to the socket or to the WSGI application: no 500, no hang, and no memory that is kept."""

from __future__ import annotations

import gc
import re
import socket
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fakeflowdock.api.app import App
from fakeflowdock.api.responses import Broken
from fakeflowdock.world.templates import make

from ..memory import in_batches, memory_of
from .inputs import credentials, environs, requests
from .serving import PATIENCE, Wrong, served

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

    from fakeflowdock.contract.errors import BrokenContract

BATCH = 5_000  # inputs between two looks
CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
STATUS = re.compile(rb"^HTTP/1\.1 (\d{3}) ", re.MULTILINE)


def each_of(inputs: SearchStrategy[Any], number: int, seed: int, run: Callable[[Any], None]) -> None:
    """Run something with inputs that Hypothesis makes, the same ones for the same seed; and shrink what fails."""
    phases = (Phase.generate, Phase.shrink)
    quiet = settings(max_examples=number, deadline=None, database=None, phases=phases, suppress_health_check=CHECKS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hypothesis.seed(seed)(quiet(given(inputs)(run)))()


def on_the_socket(number: int) -> str:
    """Send inputs to a server, each over a connection of its own.

    Raises:
        Wrong: one of them got a 500 or no answer to its end.
        Grown: the server's memory did.
    """
    statuses: dict[str, int] = {}
    with served() as server:
        inputs = requests(credentials(server.ready))

        def run(pieces: list[bytes]) -> None:
            for status in send(server.address, pieces):
                statuses[status] = statuses.get(status, 0) + 1

        figures = in_batches(number, BATCH, lambda count, seed: each_of(inputs, count, seed, run), server.rest)
    return f"{number:,} connections with {sum(statuses.values()):,} answers: {_told(statuses)}; {figures}"


def send(address: tuple[str, int], pieces: list[bytes]) -> list[str]:
    """Send bytes, and read to the end. Returns the status of each answer.

    Raises:
        Wrong: one is 500, or the end did not come.
    """
    got = bytearray()
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        with suppress(OSError):  # it may have been refused before all was sent
            for piece in pieces:
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
        try:
            while data := connection.recv(65536):
                got += data
        except TimeoutError:
            raise Wrong(f"no answer to its end within {PATIENCE:g} s: {pieces!r}") from None
        except ConnectionError:
            pass
    statuses = [status.decode() for status in STATUS.findall(bytes(got))]
    if "500" in statuses:
        raise Wrong(f"{bytes(got)!r} answered {pieces!r}")
    return statuses


def on_the_application(number: int) -> str:
    """Call the WSGI application with inputs.

    Raises:
        Wrong: one of them got a 500, or raised.
        Grown: the memory did.
    """
    statuses: dict[str, int] = {}
    bugs: list[BrokenContract] = []
    app = App(make("docs"), bugs.append)
    store = app.store
    user, application = store.users[min(store.users)], store.applications[min(store.applications)]
    ready = {
        "api_token": user.api_token,
        "access_token": "0" * 32,
        "client_id": application.client_id,
        "client_secret": application.client_secret,
        "flow_api_token": next(iter(store.flows.values())).api_token,
    }
    inputs = environs(credentials(ready))

    def run(environ: dict[str, Any]) -> None:
        shown = {name: value for name, value in environ.items() if name != "wsgi.input"}
        try:
            answer = app.answer(environ)
        except Broken:
            raise Wrong(f"no answer without a fault: {shown!r}") from None
        if bugs:
            raise Wrong(f"{bugs.pop()} at {shown!r}")
        status = answer.line.partition(" ")[0]
        statuses[status] = statuses.get(status, 0) + 1

    def rest() -> float:
        app.store = make("docs")
        gc.collect()
        return memory_of()

    figures = in_batches(number, BATCH, lambda count, seed: each_of(inputs, count, seed, run), rest)
    return f"{number:,} environs: {_told(statuses)}; {figures}"


def at_both_doors(number: int) -> str:
    """Ask the same in process and over a socket, as the test of the doors does.

    Raises:
        Wrong: the answers or the worlds differ.
    """
    from tests.http.test_both_doors import (
        AdministeredDoors,
        Doors,
        asked_like_an_operator,
        asked_like_the_pages,
        filled,
    )

    asked, doors = 0, Doors()

    def run(those: list[Any]) -> None:
        nonlocal asked
        shown = doors.begin()
        for each in those:
            asked += 1
            inside, outside = doors.ask(filled(each, shown))
            if inside != outside:
                raise Wrong(f"{inside!r} in process and {outside!r} over a socket answered {each!r}")
        one, other = doors.worlds()
        if one != other:
            raise Wrong(f"the worlds differ after {those!r}")

    of_pages, of_operator = asked_like_the_pages(), asked_like_an_operator() | asked_like_the_pages()
    try:
        each_of(st.lists(of_pages, min_size=1, max_size=4), number // 2, 0, run)
        doors.close()
        doors = AdministeredDoors()
        each_of(st.lists(of_operator, min_size=1, max_size=4), number // 2, 0, run)
    finally:
        doors.close()
    return f"{asked:,} requests were answered alike"


def _told(statuses: dict[str, int]) -> str:
    return ", ".join(f"{status} {count:,}" for status, count in sorted(statuses.items()))
