"""The file in which a server saves its world on exit: locked by one server, and never incomplete."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .. import atomic_file
from ..world import serialization
from ..world.errors import WorldFileError
from .errors import CommandError, NotSaved

if TYPE_CHECKING:
    from typing import Self

    from ..world.store import Store

try:
    import fcntl
except ImportError:  # Windows: the file is not locked
    fcntl = None  # type: ignore[assignment]  # stands for its absence


PATIENCE = 0.3  # seconds for the last request
ATTEMPTS = 100


class Saving:
    """A context manager that locks the file while the server runs.

    Args:
        file: its path. It need not exist.

    Raises:
        CommandError: the file cannot be written, or another server has locked it.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._path = Path(os.path.realpath(file))
        self._lock = atomic_file.name_of(self._path, "lock", atomic_file.folder_for(self._path))

    def __enter__(self) -> Self:
        try:
            atomic_file.check_writable(self._path)
            self._descriptor = self._locked()
            atomic_file.recover(self._path)
        except OSError as error:
            raise self._failure(error.strerror or str(error)) from None
        return self

    def __exit__(self, *_: object) -> None:
        if fcntl is None:  # Windows cannot remove an open file
            os.close(self._descriptor)
        with suppress(OSError):
            self._lock.unlink()
        if fcntl is not None:
            os.close(self._descriptor)

    def _failure(self, reason: str) -> CommandError:
        return CommandError.of(CommandError.NOT_SAVABLE, file=self._file, reason=reason)

    def _locked(self) -> int:
        """Return the descriptor of the lock. The system releases it when this process ends, however it ends."""
        while True:
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)  # not inherited by child processes
            try:
                if fcntl is not None:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._lock.exists() and os.path.samestat(os.fstat(descriptor), self._lock.stat()):
                    return descriptor
            except BlockingIOError:
                os.close(descriptor)
                raise self._failure(CommandError.LOCKED) from None
            os.close(descriptor)  # its owner has just removed it

    def save(self, store: Store) -> None:
        """Write the world.

        Raises:
            NotSaved: it cannot be written.
        """
        try:
            text = _dumped(store)
            with atomic_file.written(self._path, private=True, durable=True) as draft:
                draft.write(text)
        except OSError as error:
            raise NotSaved.of(NotSaved.WORLD, file=self._file, reason=error.strerror) from None


def _dumped(store: Store) -> str:
    """Return the world, even if a request that does not end holds its lock. Then it must be a world that can be loaded.

    Raises:
        OSError: it stays incomplete.
    """
    if store.lock.acquire(timeout=PATIENCE):
        try:
            return serialization.dumps(store)
        finally:
            store.lock.release()
    for _ in range(ATTEMPTS):
        with suppress(RuntimeError, WorldFileError):  # it changes meanwhile
            text = serialization.dumps(store)
            serialization.loads(text, "")
            return text
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
