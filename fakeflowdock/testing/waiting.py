"""Wait for what other threads, tasks and processes do to a world."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from . import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..api.app import App

LONGEST = 3600  # seconds
UNHEARD = 0.1  # seconds until a look at whether something happened that no listener is told of


def wait_until(app: Callable[[], App], within: float | None, holds: Callable[[], bool]) -> str:
    """Wait until a condition holds, or the time is over.

    It is evaluated at the start, and then after something happened: a request was answered, or the world changed.

    Args:
        app: returns the app of the world, which may be replaced meanwhile.
        within: seconds in real time. None: there is no wait.

    Returns:
        A note for the explanation of why it does not hold; empty without a wait.

    Raises:
        ValueError: the time is invalid.
    """
    if within is None:
        return ""
    if type(within) not in (int, float) or not 0 < within <= LONGEST:
        raise ValueError(errors.WITHIN.format(given=within))
    until, woken = time.monotonic() + within, threading.Event()
    seen: Any = None
    while True:
        woken.clear()
        world = app()
        with _listening(world, woken):
            state = _state(world)
            if state != seen:
                seen = state
                if holds():
                    break
            left = until - time.monotonic()
            if left <= 0:
                break
            woken.wait(min(left, UNHEARD))
    events = sys.modules.get("asyncio.events")
    in_loop = events is not None and events._get_running_loop() is not None
    note = errors.WITHIN_NOTE.format(within=within, seconds="second" if within == 1 else "seconds")
    return note + (errors.IN_LOOP if in_loop else "")


@contextmanager
def _listening(app: App, woken: threading.Event) -> Iterator[None]:
    def hear(_: object = None) -> None:
        woken.set()

    store = app.store
    app.journal.listeners[hear] = app.deliveries.listeners[hear] = None
    with store.lock:
        store.listeners.append(hear)
    try:
        yield
    finally:
        app.journal.listeners.pop(hear, None)
        app.deliveries.listeners.pop(hear, None)
        with store.lock:
            if hear in store.listeners:
                store.listeners.remove(hear)


def _state(app: App) -> tuple[Any, ...]:
    """Return what differs when something happened."""
    store = app.store
    with store.lock:
        world = id(store), dict(store.counters), store.clock.now if store.clock.frozen else None
        return *world, app.journal.count, app.deliveries.number, len(store.sources)
