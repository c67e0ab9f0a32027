"""How long the worlds of a server live: one that is not used for some time is deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..api.app import App


class Lifetime:
    """The lifetime of one world.

    Args:
        app: the app of the world.
        seconds: how long it lives without being used. None: it does not expire.

    Attributes:
        seconds: the same.
    """

    def __init__(self, app: App, seconds: float | None = None) -> None:
        self.seconds = seconds
        self._app = app
        self._used = monotonic()

    def use(self) -> None:
        """Note that the world is used now."""
        self._used = monotonic()

    @property
    def is_in_use(self) -> bool:
        """Whether a stream is open, or a request waits for something."""
        app = self._app
        listeners = (app.journal.listeners, app.streams.listeners, app.deliveries.listeners)
        return bool(app.streams.open or app.delayed or any(listeners))

    @property
    def idle(self) -> float:
        """For how many seconds it was not used; 0 if it is in use."""
        return 0.0 if self.is_in_use else monotonic() - self._used

    @property
    def is_over(self) -> bool:
        """Whether the world was not used for too long. If it is in use, its lifetime begins again."""
        if self.seconds is None:
            return False
        if self.is_in_use:
            self.use()
        return monotonic() - self._used >= self.seconds

    @property
    def last_used_at(self) -> datetime:
        """When it was last used, by the clock of the machine."""
        now = datetime.now(UTC)
        return now if self.is_in_use else now - timedelta(seconds=monotonic() - self._used)
