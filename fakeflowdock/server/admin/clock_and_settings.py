"""The operations of docs/admin/clock.md and docs/admin/settings.md."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ...world.clock import LAST, SYSTEM, timestamp
from .errors import Invalid
from .operations import of_a_world

if TYPE_CHECKING:
    from ...world.clock import Clock
    from ...world.settings import Settings
    from ..worlds import ServedWorld
    from .operations import OperatorCall


@of_a_world("GET clock")
def read_clock(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Return the time, and whether the clock is frozen."""
    return _shown(world.store.clock)


@of_a_world("PUT clock")
def set_clock(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Advance, freeze or run the clock."""
    given, store = call.fields, world.store
    for one, other in (("advance", "now"), ("system", "now"), ("system", "advance"), ("system", "frozen")):
        if one in given and other in given:
            raise Invalid.at(f"/{one}", Invalid.NOT_BOTH.format(other=other))
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
            raise Invalid.at(pointer, Invalid.BEYOND.format(year=LAST.year)) from None
        if step < timedelta():
            raise Invalid.at(pointer, Invalid.PAST.format(now=timestamp(clock.now)))
        clock.advance(step)
        if "frozen" in given:
            (clock.freeze if given["frozen"] else clock.run)()
        if given.get("system"):
            clock.follow()
        return _shown(clock)


@of_a_world("GET settings")
def read_settings(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Return the settings of a world."""
    return _of(world.store.settings)


@of_a_world("PUT settings")
def change_settings(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Change the given settings."""
    settings = world.store.settings
    if "keep_alive" in call.fields:
        try:
            settings.take_keep_alive(call.fields["keep_alive"])
        except ValueError as error:
            raise Invalid.at("/keep_alive", str(error)) from None
    for name, value in call.fields.items():
        setattr(settings, name, value)
    return _of(settings)


def _moment(text: str) -> datetime:
    """Return a date-time of RFC 3339. Raises Invalid."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Invalid.at("/now", Invalid.MOMENT)
    return moment


def _shown(clock: Clock) -> dict[str, Any]:
    return {"now": timestamp(clock.now), "frozen": clock.frozen, "system": clock.mode == SYSTEM}


def _of(settings: Settings) -> dict[str, Any]:
    """Return the settings. Rules that a test has chosen for `strict` count as true."""
    return {**asdict(settings), "strict": bool(settings.strict)}
