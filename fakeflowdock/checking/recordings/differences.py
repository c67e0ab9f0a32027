"""Differences between a recording and a fake."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """A difference between a recorded response and that of a fake.

    Attributes:
        pointer: the place in the body, as a JSON pointer; empty for the whole body, `status` for the status.
        docs: the documented value.
        recording: the recorded value, as shortened JSON; None if missing.
        fake: the value in the response of the fake; None if missing.
    """

    pointer: str
    docs: str
    recording: str | None
    fake: str | None

    def __str__(self) -> str:
        return (
            f"{self.pointer or 'body'}: docs {self.docs} | recording {self.recording or '—'} | fake {self.fake or '—'}"
        )

    def as_json(self) -> dict[str, str | None]:
        """Return the difference as JSON."""
        return dict(vars(self))
