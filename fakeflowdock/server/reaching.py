"""A fake as others reach it: at an address, from a child process, or in a browser."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol

from ..api.internal_routes import PREFIX, STREAM
from ..testing.errors import NOT_STARTED
from ..testing.watching import WatchedRun

if TYPE_CHECKING:
    import os
    from pathlib import Path


class ServedRun(WatchedRun, Protocol):
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

    def inspect(self, file: str | os.PathLike[str]) -> Path:
        """Write the inspector, with this world and its requests frozen in it, to one HTML file without secrets.

        A browser opens it from the disk, without a network. It has at most 1 MiB: long texts are shortened, and then
        the oldest requests are left out. The page says what is missing. The fake may be stopped. For each failed test,
        `pytest --flowdock-inspect DIR` writes such a file.

        Args:
            file: its path. The file is written completely or not at all.

        Returns:
            The path.

        Raises:
            OSError: the file cannot be written. An existing file stays as it was.
        """
        from .artifact.writing import watched_now, write

        return write(file, watched_now(self._run))

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
            raise RuntimeError(NOT_STARTED)
