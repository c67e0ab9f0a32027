"""A fake as others reach it: at an address, from a child process, or in a browser."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

from ..api.internal_routes import PREFIX, STREAM


class ServedRun(Protocol):
    """A world with a live server, which starts on first access."""

    @property
    def url(self) -> str:
        """The address of the server."""
        ...

    @property
    def environ(self) -> dict[str, str]:
        """The environment for a child process."""
        ...


class Reachable(ABC):
    """Something with a world that others can reach."""

    @property
    @abstractmethod
    def active(self) -> bool:
        """Whether it is started."""

    @property
    @abstractmethod
    def _run(self) -> ServedRun:
        """The current world."""

    @property
    def url(self) -> str:
        """The address of a live server on 127.0.0.1, which starts on first access. The fake has to be started."""
        self._check_active()
        return self._run.url

    @property
    def stream_url(self) -> str:
        """The address of its streams, which ends in `/flows`: clients know it as `FLOWDOCK_STREAM_URL`. See `url`."""
        return f"{self.url}{STREAM}/flows"

    @property
    def inspector_url(self) -> str:
        """The address of a page that shows this world in a browser, also while a debugger holds a test. See `url`."""
        return f"{self.url}{PREFIX}"

    @property
    def environ(self) -> dict[str, str]:
        """The environment for a child process whose requests go to this world: `{**os.environ, **fake.environ}`.

        With it, clients in most languages reach this fake at `https://api.flowdock.com`. It sets a proxy, which starts
        on first access, intercepts Flowdock's hosts and rejects all others; the CA certificate to trust, which
        `FAKEFLOWDOCK_CA_FILE` names alone; for Node, Ruby and PHP, a file that redirects connections; and
        `FLOWDOCK_API_URL` and `FLOWDOCK_STREAM_URL`, `url` and `stream_url`. Your own CAs and options are kept.

        Raises:
            RuntimeError: the fake is not started, or trustme is not installed.
        """
        self._check_active()
        return self._run.environ

    def _check_active(self) -> None:
        if not self.active:
            raise RuntimeError("the fake is not running: call start() first")
