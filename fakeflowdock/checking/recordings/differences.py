"""Where a fake answers otherwise than a recording."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """One place at which the reply of a recording and that of a fake are not the same.

    Attributes:
        pointer: the place in the body, as a JSON pointer; empty for the body itself, `status` for the status.
        docs: what the docs say of it.
        recording: what was recorded, as JSON and shortened; None for nothing.
        fake: what the fake answered; None for nothing.
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
        """The same, for a machine to read."""
        return {"pointer": self.pointer, "docs": self.docs, "recording": self.recording, "fake": self.fake}
