"""The sections of docs/api/events.md by the names of their events."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from .contracts import contracts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .validation import Check

PAGE = "events"
ABOUT_A_USER = ("flow-add", "flow-remove", "presence")  # the sections of the events that are in no flow


@cache
def event_checks(*, private: bool = False) -> Mapping[str, Check]:
    """Return the schema of each event that a page has, by the name of the event.

    Args:
        private: those of private conversations, which have a recipient in `to`, or all others.
    """
    found: dict[str, Check] = {}
    for check in contracts().objects.values():
        properties = check.place.schema.get("properties", {})
        if check.page == PAGE and ("to" in properties) is private:
            event = properties.get("event", {})
            for name in event.get("enum", [event["const"]] if "const" in event else ()):
                found[name] = check
    return found


def is_about_a_user(name: str) -> bool:
    """Return whether the events of that name are in no flow."""
    return name in event_checks() and event_checks()[name].anchor in ABOUT_A_USER
