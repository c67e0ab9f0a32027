"""The file to which a server writes its world at its end: one server at a time, and a file that is always whole."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .. import atomic_file
from ..world import serialization
from .options import CommandError

if TYPE_CHECKING:
    from typing import Self

    from ..world.store import Store

try:
    import fcntl
except ImportError:  # where there is no such lock, nobody is kept away
    fcntl = None  # type: ignore[assignment]  # as its absence is written


class NotSaved(CommandError):
    """The world could not be written; what the file held before is still there."""

    exit_code = 1


class Saving:
    """Where a world is saved, as long as the server runs, which is a context.

    Args:
        file: it may be there or not.

    Raises:
        CommandError: nothing can be written there, or another server saves there.
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
        if fcntl is None:  # nor can a file be removed there that is open
            os.close(self._descriptor)
        with suppress(OSError):
            self._lock.unlink()
        if fcntl is not None:
            os.close(self._descriptor)

    def _failure(self, reason: str) -> CommandError:
        return CommandError(f"the world cannot be saved to {self._file}: {reason}")

    def _locked(self) -> int:
        """The descriptor of the lock, which ends with this process, however it ends."""
        while True:
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)  # no child has it
            try:
                if fcntl is not None:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._lock.exists() and os.path.samestat(os.fstat(descriptor), self._lock.stat()):
                    return descriptor
            except BlockingIOError:
                os.close(descriptor)
                raise self._failure("another server saves there") from None
            os.close(descriptor)  # who had it removed it meanwhile

    def save(self, store: Store) -> None:
        """Write the world.

        Raises:
            NotSaved: it cannot be written.
        """
        try:
            with store.lock:
                text = serialization.dumps(store)
            with atomic_file.written(self._path, private=True, durable=True) as draft:
                draft.write(text)
        except OSError as error:
            raise NotSaved(f"the world is not saved to {self._file}: {error.strerror}") from None
