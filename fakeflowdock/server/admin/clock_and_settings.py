"""The operations of docs/admin/clock.md and docs/admin/settings.md."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ...world.clock import LAST, timestamp
from .operations import AdminCall, invalid, of_a_world

if TYPE_CHECKING:
    from ...world.clock import Clock


@of_a_world("GET clock")
def read_clock(asked: AdminCall) -> dict[str, Any]:
    """What the clock shows."""
    return _shown(asked.store.clock)


@of_a_world("PUT clock")
def set_clock(asked: AdminCall) -> dict[str, Any]:
    """Move the clock, and let it stand still or run."""
    given, store = asked.fields, asked.store
    if "now" in given and "advance" in given:
        raise invalid("stands in the place of now, and both are given", "/advance")
    with store.lock:
        clock = store.clock
        pointer = "/now" if "now" in given else "/advance"
        try:
            step = timedelta(seconds=given.get("advance", 0))
            if "now" in given:
                step = _moment(given["now"]) - clock.now
            if step > clock.left:
                raise OverflowError
        except OverflowError:
            raise invalid(f"is after the year {LAST.year}", pointer) from None
        if step < timedelta():
            raise invalid(f"is in the past: a clock goes forwards, and it is {timestamp(clock.now)}", pointer)
        clock.advance(step)
        if "frozen" in given:
            (clock.freeze if given["frozen"] else clock.run)()
        return _shown(clock)


@of_a_world("GET settings")
def read_settings(asked: AdminCall) -> dict[str, Any]:
    """The choices of a world."""
    return asdict(asked.store.settings)


@of_a_world("PUT settings")
def change_settings(asked: AdminCall) -> dict[str, Any]:
    """Make those that are named."""
    settings = asked.store.settings
    for name, value in asked.fields.items():
        setattr(settings, name, value)
    return asdict(settings)


def _moment(text: str) -> datetime:
    """A date-time of RFC 3339. Raises Invalid."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise invalid("is no date-time with its offset from UTC, as in 2030-01-01T00:00:00Z", "/now")
    return moment


def _shown(clock: Clock) -> dict[str, Any]:
    return {"now": timestamp(clock.now), "frozen": clock.frozen}
