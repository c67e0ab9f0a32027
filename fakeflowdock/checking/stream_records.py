"""The records of a stream in the body of a response, and the objects of the page that describes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..api.media_types import EVENT_STREAM
from ..contract.event_pages import event_checks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..contract.validation import Check


class Records:
    """Splits a stream into its records as it arrives.

    Args:
        kind: its media type.
        longest: bytes of a record at most. A longer one ends the check.

    Attributes:
        too_long: whether there was a longer one.
    """

    def __init__(self, kind: str, longest: int) -> None:
        self._kind, self._longest = kind, longest
        self._end = b"\n\n" if kind == EVENT_STREAM else b"\r\n"
        self._rest = bytearray()
        self._searched = 0  # bytes of the rest, without an end of a record
        self.too_long = False

    def feed(self, piece: bytes) -> Iterator[str]:
        """Yield the texts of the records that are complete now."""
        if self.too_long:
            return
        rest, end = self._rest, self._end
        rest += piece
        if (at := rest.rfind(end, self._searched)) >= 0:
            whole = bytes(rest[: at + len(end)])
            del rest[: at + len(end)]
            yield from texts_of(whole.decode("utf-8", "replace"), self._kind)
        self._searched = max(len(rest) - len(end) + 1, 0)
        if len(rest) > self._longest:
            self.too_long = True
            rest.clear()


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
    if not isinstance(event, str):
        return next(iter(event_checks().values()))
    return event_checks(private="to" in record and "flow" not in record).get(event)
