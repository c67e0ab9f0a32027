"""Replace files atomically: a file keeps its content until the new content is complete, even after a crash."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import stat
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

try:
    import fcntl
except ImportError:  # Windows, where files are not locked
    fcntl = None  # type: ignore[assignment]  # a module or nothing

CANNOT_REPLACE = (errno.EBUSY, errno.EXDEV, errno.EPERM, errno.EACCES, errno.EROFS)  # a mount or a read-only directory
LONGEST_NAME = 60  # bytes of a file's name that the names of our own files repeat


class InPlaceError(OSError):
    """A file could not be written in place; a whole copy is kept.

    Attributes:
        copy: the path of the copy.
    """

    def __init__(self, error: OSError, copy: Path) -> None:
        super().__init__(error.errno, f"{error.strerror}; a whole copy is kept in {copy}", error.filename)
        self.copy = copy


@contextmanager
def written(
    file: str | os.PathLike[str], *, private: bool, errors: str = "strict", durable: bool = False
) -> Iterator[TextIO]:
    """Open a draft for writing, which replaces a file when it is complete.

    Symbolic links are followed. An existing file keeps its mode and owner. If it cannot be replaced (it is a mount, has
    several hard links, or its directory is read-only) it is written in place, from a whole copy. Pipes and devices are
    written directly.

    Args:
        file: the path.
        private: whether only its owner may read a new file, because it holds secrets.
        errors: how to handle characters that UTF-8 cannot encode, as in `open`.
        durable: whether to wait until the data is on the disk.

    Raises:
        OSError: the file cannot be written. It keeps its content, or `InPlaceError` names a copy.
    """
    path = Path(os.path.realpath(file))
    before = _status(path)
    if before is not None and not stat.S_ISREG(before.st_mode):
        with open(path, "w", encoding="utf-8", errors=errors) as text:
            yield text
        return
    descriptor, draft = _draft(path, before, private=private)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors=errors) as text:
            yield text
            text.flush()
            if durable:
                os.fsync(text.fileno())
            owned = before is None or _dress(text.fileno(), before)
            if fcntl is None:
                text.close()  # an open file cannot be renamed there
            if not (owned and _replaced(draft, path, before)):
                _overwrite(path, draft.replace(name_of(path, "copy", draft.parent)))
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    if durable:
        _settle(path.parent)


def check_writable(file: str | os.PathLike[str]) -> None:
    """Raise the OSError that writing a file would raise, without changing the file."""
    path = Path(os.path.realpath(file))
    before = _status(path)
    if before is not None and not stat.S_ISREG(before.st_mode):
        reason = errno.EISDIR if stat.S_ISDIR(before.st_mode) else errno.EINVAL
        raise OSError(reason, "it is a directory" if reason == errno.EISDIR else "it is not a regular file", str(path))
    descriptor, draft = _draft(path, before, private=True)
    os.close(descriptor)
    beside = draft.parent == path.parent
    draft.unlink()
    if before is not None and not (beside and os.access(path, os.W_OK)):
        with open(path, "r+b"):
            pass


def recover(file: str | os.PathLike[str]) -> bool:
    """Clean up after a killed process: finish an interrupted write in place, and delete abandoned drafts.

    Returns:
        Whether the file was completed from its copy.

    Raises:
        OSError: the copy cannot be read, or the file cannot be written.
    """
    path = Path(os.path.realpath(file))
    found = False
    for folder in dict.fromkeys((path.parent, Path(tempfile.gettempdir()))):
        copy = name_of(path, "copy", folder)
        if copy.is_file():
            torn = path.exists() and path.stat().st_size < copy.stat().st_size and _begins(copy, path)
            if torn:
                _overwrite(path, copy)
            copy.unlink(missing_ok=True)
            found |= torn
        prefix = name_of(path, "draft", folder).name
        with suppress(OSError):
            for draft in folder.iterdir():
                if draft.name.startswith(prefix) and _is_abandoned(draft):
                    draft.unlink(missing_ok=True)
    return found


def name_of(path: Path, kind: str, folder: Path | None = None) -> Path:
    """Return the path of a file of our own that belongs to another file.

    Args:
        path: the other file, resolved.
        kind: `draft`, `copy` or `lock`.
        folder: its directory. Default: that of the other file.
    """
    readable = os.fsdecode(os.fsencode(path.name)[:LONGEST_NAME]).encode("utf-8", "ignore").decode()
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
    return (folder or path.parent) / f".{readable}.{digest}.fakeflowdock-{kind}"


def folder_for(path: Path) -> Path:
    """Return the directory for files of our own that belong to another file."""
    return path.parent if os.access(path.parent, os.W_OK) or not path.exists() else Path(tempfile.gettempdir())


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _draft(path: Path, before: os.stat_result | None, *, private: bool) -> tuple[int, Path]:
    """Create a draft beside a file, or elsewhere if the file exists and its directory is read-only."""
    folders = [path.parent] if before is None else [path.parent, Path(tempfile.gettempdir())]
    mode = 0o600 if private or before is not None else 0o666
    for folder in folders:
        draft = name_of(path, "draft", folder)
        draft = draft.with_name(f"{draft.name}-{secrets.token_hex(4)}")
        try:
            descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), mode)
        except OSError as error:
            if folder is folders[-1] or error.errno not in CANNOT_REPLACE:
                raise
        else:
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # not abandoned: see `recover`
            return descriptor, draft
    raise AssertionError("the loop returns or raises")


def _is_abandoned(draft: Path) -> bool:
    """Return whether the process that wrote a draft has ended."""
    if fcntl is None:
        return True
    try:
        with open(draft, "rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _dress(descriptor: int, before: os.stat_result) -> bool:
    """Give a draft the mode and owner of the file that it replaces. Returns whether it succeeded."""
    if hasattr(os, "fchmod"):
        now = os.fstat(descriptor)
        if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
            try:
                os.fchown(descriptor, before.st_uid, before.st_gid)
            except OSError:
                return False
        os.fchmod(descriptor, stat.S_IMODE(before.st_mode))
    return True


def _replaced(draft: Path, path: Path, before: os.stat_result | None) -> bool:
    """Replace a file by its draft. Returns whether it succeeded."""
    if before is not None and (before.st_nlink > 1 or draft.parent != path.parent):
        return False
    try:
        draft.replace(path)
    except OSError as error:
        if before is None or error.errno not in CANNOT_REPLACE:
            raise
        return False
    return True


def _overwrite(path: Path, copy: Path) -> None:
    """Write a file in place from a whole copy, which is then deleted. Until then `recover` can finish the write."""
    try:
        with open(copy, "rb") as whole, open(path, "r+b") as file:
            file.truncate(0)  # so that an interrupted write leaves the beginning of the copy, which `recover` detects
            shutil.copyfileobj(whole, file)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise InPlaceError(error, copy) from None
    copy.unlink()


def _begins(whole: Path, part: Path) -> bool:
    """Return whether a file begins with the content of another."""
    with open(whole, "rb") as one, open(part, "rb") as other:
        while block := other.read(1 << 20):
            if one.read(len(block)) != block:
                return False
    return True


def _settle(folder: Path) -> None:
    """Wait until a rename within a directory is on the disk, if the system supports that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
