"""The records of a stream in the body of a response, and the objects of the page that describes them."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from ..contract.contracts import contracts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..contract.validation import Check

PAGE = "events"
EVENT_STREAM = "text/event-stream"


def texts_of(body: str, kind: str) -> Iterator[str]:
    """Yield the text of each complete record. Lines that only keep the stream alive are left out.

    Args:
        body: what was received, from the beginning on.
        kind: its media type.
    """
    if kind != EVENT_STREAM:
        lines = body.split("\r\n")[:-1]
        yield from (text for line in lines if (text := line.strip("\n")))
        return
    for block in re.split(r"\r?\n\r?\n", body)[:-1]:
        data = [line[5:].removeprefix(" ") for line in block.splitlines() if line.startswith("data:")]
        if data:
            yield "\n".join(data)


def check_of(record: Any) -> Check | None:
    """Return the schema of a record; None if its event is on no page, and clients ignore it."""
    event = record.get("event") if isinstance(record, dict) else None
    return _by_event().get(event) if isinstance(event, str) else next(iter(_by_event().values()))


@cache
def _by_event() -> dict[str, Check]:
    found: dict[str, Check] = {}
    for check in contracts().objects.values():
        if check.page == PAGE:
            event = check.place.schema.get("properties", {}).get("event", {})
            found.update(dict.fromkeys(event.get("enum", [event["const"]] if "const" in event else []), check))
    return found
