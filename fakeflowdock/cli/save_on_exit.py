"""The file in which a server saves its world, on exit and while it runs: locked by one server, and never incomplete."""

from __future__ import annotations

import errno
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .. import atomic_file
from ..world import diff, serialization
from ..world.clock import FROZEN
from ..world.errors import WorldFileError
from .errors import CommandError, NotSaved

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from ..world.store import Store

try:
    import fcntl
except ImportError:  # Windows: the file is not locked
    fcntl = None  # type: ignore[assignment]  # stands for its absence

JUMP = 1.0  # seconds that a running clock may deviate from the system's: more was set
PATIENCE = 0.3  # seconds for the last request
ATTEMPTS = 100


class Saving:
    """A context manager that locks the file while the server runs.

    Args:
        file: its path. It need not exist.
        every: the seconds between two saves while the server runs. Default: it is saved on request only.

    Attributes:
        is_failing: whether the last save failed.

    Raises:
        CommandError: the file cannot be written, or another server has locked it.
    """

    def __init__(self, file: str, every: float | None = None) -> None:
        self.file = file
        self.is_failing = False
        self._every = every
        self._path = Path(os.path.realpath(file))
        self._saving = threading.Lock()  # held by a save, which may wait for a request
        self._writing = threading.Lock()  # held only while the file is written
        self._stopped = threading.Event()
        self._saved: tuple[Store, float] | None = None  # what was saved last, frozen, and when
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
        self._stopped.set()
        if not self._writing.acquire(blocking=False):
            return  # a thread still writes: the lock ends with the process
        if fcntl is None:  # Windows cannot remove an open file
            os.close(self._descriptor)
        with suppress(OSError):
            self._lock.unlink()
        if fcntl is not None:
            os.close(self._descriptor)

    def _failure(self, reason: str) -> CommandError:
        return CommandError.of(CommandError.NOT_SAVABLE, file=self.file, reason=reason)

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

    def begin(self, store_of: Callable[[], Store], note: Callable[[str], None]) -> None:
        """Save from now on, in a thread, if the world has changed.

        Args:
            store_of: returns the world, which may be replaced by another one.
            note: called with a message when saving starts to fail, and when it succeeds again.
        """
        self._store_of, self._note = store_of, note
        if self._every is not None:
            threading.Thread(target=self._save_repeatedly, args=(self._every,), name="saving", daemon=True).start()

    def _save_repeatedly(self, seconds: float) -> None:
        while not self._stopped.wait(seconds):
            with suppress(OSError):  # it was noted
                self._save(only_if_changed=True)

    def save_now(self) -> int:
        """Write the current world. Returns the bytes of the file, which are on the disk.

        Raises:
            OSError: it cannot be written.
        """
        return self._save()

    def _save(self, *, only_if_changed: bool = False) -> int:
        with self._saving:
            frozen, now = self._store_of().freeze(), time.monotonic()
            if only_if_changed and self._saved is not None and not _changed(*self._saved, frozen, now):
                return 0
            try:
                text = serialization.dumps(frozen)
                with self._writing:
                    if self._stopped.is_set():  # a newer world has been written
                        raise OSError(errno.ECANCELED, os.strerror(errno.ECANCELED))
                    size = self._write(text)
            except OSError as error:
                if self._stopped.is_set():
                    raise
                if not self.is_failing:
                    again = "" if self._every is None else NotSaved.AGAIN.format(seconds=self._every)
                    self._note(NotSaved.WORLD.format(file=self.file, reason=reason_of(error)) + again)
                self.is_failing = True
                raise
            if self.is_failing:
                self._note(NotSaved.NO_LONGER.format(file=self.file))
            self.is_failing = False
            self._saved = frozen, now
            return size

    def _write(self, text: str) -> int:
        with atomic_file.written(self._path, private=True, durable=True) as draft:
            draft.write(text)
        return len(text.encode())

    def save(self, store: Store) -> None:
        """Write the world for the last time.

        Raises:
            NotSaved: it cannot be written.
        """
        self._stopped.set()
        with self._writing:
            try:
                self._write(_dumped(store))
            except OSError as error:
                raise NotSaved.of(NotSaved.WORLD, file=self.file, reason=reason_of(error)) from None


def _dumped(store: Store) -> str:
    """Return the world, even if a request that does not end holds its lock. Then it must be a world that can be loaded.

    Raises:
        OSError: it stays incomplete.
    """
    if store.lock.acquire(timeout=PATIENCE):
        try:
            frozen = store.freeze()
        finally:
            store.lock.release()
        return serialization.dumps(frozen)
    for _ in range(ATTEMPTS):
        with suppress(RuntimeError, WorldFileError):  # it changes meanwhile
            text = serialization.dumps(store)
            serialization.loads(text, "")
            return text
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))


def reason_of(error: OSError) -> str:
    """Return why a file cannot be written."""
    return error.strerror or str(error)


def _changed(before: Store, then: float, after: Store, now: float) -> bool:
    """Return whether a world has changed, apart from the time that passed."""
    passed = (after.now - before.now).total_seconds()
    if FROZEN not in (before.clock.moves, after.clock.moves) and abs(passed - (now - then)) < JUMP:
        return not diff.are_same(before, after, at_any_time=True)
    return not diff.are_same(before, after)
