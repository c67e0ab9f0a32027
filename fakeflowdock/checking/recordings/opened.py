"""Open a recording: a file as it is, in UTF-16, packed by gzip, or in a zip archive; or standard input."""

from __future__ import annotations

import codecs
import gzip
import os
import sys
import tempfile
import zipfile
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..errors import UnreadableRecording
from .entries import INFLATED, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed import SupportsRead

    Progress = Callable[[int], None]
    Files = Callable[[str], bytes | None]  # the content of a file beside a recording; None if there is none

STDIN = "-"
LARGEST_STDIN = 1 << 30  # bytes, which are kept in a temporary file
# Unpacked bytes: a recording is packed to a tenth, and a decompression bomb to a thousandth.
UNPACKED, RATIO = 1 << 28, 200
SNIFFED = 1 << 12  # bytes
RECORDINGS = (".har", ".json", ".yaml", ".yml")
GZIP, ZIP = (b"\x1f\x8b",), (b"PK\x03\x04", b"PK\x05\x06")
OTHERS = {b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"(\xb5/\xfd": "zstd", b"7z\xbc\xaf": "7-Zip", b"Rar!": "RAR"}
# The mark of UTF-32 begins with that of UTF-16.
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class _Budget:
    """The number of bytes that may be read of what is packed, or lies beside a recording."""

    def __init__(self, size: int) -> None:
        self._left = max(UNPACKED, RATIO * size)

    def take(self, size: int) -> None:
        """Take from it. Raises UnreadableRecording if that is too much."""
        self._left -= size
        if self._left < 0:
            raise UnreadableRecording(UnreadableRecording.BOMB, 1, ratio=RATIO)


class Readable:
    """A recording in UTF-8, read from its beginning to its end.

    Args:
        file: in any encoding that a mark or the first characters tell.
        progress: called with the number of bytes read so far.
        budget: for its bytes; None if they are not limited.

    Attributes:
        first: the first character that is not white space, if the first bytes have one.
        is_empty: whether there is nothing but white space.
    """

    def __init__(
        self, file: SupportsRead[bytes], progress: Progress | None = None, budget: _Budget | None = None
    ) -> None:
        self._file, self._progress, self._budget = file, progress, budget
        self._bytes = 0
        self._decoder: codecs.IncrementalDecoder | None = None
        beginning = self._raw(SNIFFED)
        name = next((name for mark, name in MARKS.items() if beginning.startswith(mark)), None)
        if name is None and len(beginning) > 1 and 0 in beginning[:2]:
            name = "utf-16-be" if beginning[0] == 0 else "utf-16-le"
        if name is not None:
            self._decoder = codecs.getincrementaldecoder(name)()
            beginning = self._decoded(beginning)
        self._ahead = beginning
        self.first = beginning.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
        self.is_empty = not self.first and self._bytes < SNIFFED

    def read(self, size: int = 1 << 16) -> bytes:
        """Return up to so many bytes; none at the end."""
        while not self._ahead:
            raw = self._raw(size)
            self._ahead = raw if self._decoder is None else self._decoded(raw)
            if not raw:
                break
        text, self._ahead = self._ahead[:size], self._ahead[size:]
        return text

    def _decoded(self, raw: bytes) -> bytes:
        assert self._decoder is not None
        try:
            return self._decoder.decode(raw, final=not raw).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise UnreadableRecording(
                UnreadableRecording.ENCODING, 1, encoding=error.encoding.upper(), place=self._bytes
            ) from None

    def _raw(self, size: int) -> bytes:
        with _unpacking():
            raw = self._file.read(size)
        self._bytes += len(raw)
        if self._budget is not None:
            self._budget.take(len(raw))
        if self._progress is not None:
            self._progress(self._bytes)
        return raw


@contextmanager
def _unpacking() -> Iterator[None]:
    """Turn the errors of unpacking into errors of the file."""
    try:
        yield
    except EOFError:
        raise UnreadableRecording(UnreadableRecording.SHORT, 1) from None
    except (zlib.error, gzip.BadGzipFile, zipfile.BadZipFile):
        raise UnreadableRecording(UnreadableRecording.DAMAGED, 1) from None
    except (RuntimeError, NotImplementedError):
        raise UnreadableRecording(UnreadableRecording.LOCKED, 1) from None


def recordings_in(
    name: str, file: IO[bytes], progress: Progress | None = None
) -> Iterator[tuple[str, Readable, Files]]:
    """Yield each recording in a file: its name, its text, and what gives the files beside it.

    Raises:
        UnreadableRecording: the file is packed in an unsupported way, or damaged.
    """
    magic, budget = _magic(file), _Budget(os.fstat(file.fileno()).st_size)
    if magic.startswith(ZIP):
        yield from _in_archive(name, file, budget)
        return
    beside = Path(name).parent if name != STDIN else None
    for mark, packer in OTHERS.items():
        if magic.startswith(mark):
            raise UnreadableRecording(UnreadableRecording.PACKER, 1, packer=packer)
    if magic.startswith(GZIP):
        with gzip.GzipFile(fileobj=file) as unpacked:
            yield name, Readable(unpacked, progress, budget), _Beside(beside, budget)
    else:
        yield name, Readable(file, progress), _Beside(beside, budget)


def _magic(file: IO[bytes]) -> bytes:
    peek: Callable[[int], bytes] = file.peek  # type: ignore[attr-defined]  # all files here are buffered
    return peek(8)[:8]


class _Beside:
    """The files in a folder that a recording may name."""

    def __init__(self, folder: Path | None, budget: _Budget) -> None:
        self._folder, self._budget = folder, budget

    def __call__(self, name: str) -> bytes | None:
        if self._folder is None or Path(name).name != name:
            return None
        with suppress(OSError, ValueError):
            if (self._folder / name).is_file():
                with (self._folder / name).open("rb") as file:
                    return _whole(file, self._budget)
        return None


def _whole(file: IO[bytes], budget: _Budget) -> bytes | None:
    """Return the content of a file; None if it is too large."""
    content = file.read(INFLATED + 1)
    budget.take(len(content))
    return content if len(content) <= INFLATED else None


def _in_archive(name: str, file: IO[bytes], budget: _Budget) -> Iterator[tuple[str, Readable, Files]]:
    with _unpacking():
        archive = zipfile.ZipFile(file)
    with archive:
        names = [each for each in archive.namelist() if each.lower().endswith(RECORDINGS)]
        hars = [each for each in names if each.lower().endswith(".har")]  # the others are the bodies of its exchanges

        def inside(other: str) -> bytes | None:
            with suppress(KeyError), _unpacking(), archive.open(other) as member:
                return _whole(member, budget)
            return None

        if not names:
            raise UnreadableRecording(UnreadableRecording.NOTHING_PACKED, 1, endings=", ".join(RECORDINGS))
        for each in hars or names:
            with _unpacking():
                member = archive.open(each)
            with member:
                yield f"{name}/{printable(each)}", Readable(member, budget=budget), inside


def standard_input() -> IO[bytes]:
    """Return standard input as a file, which can be read more than once.

    Raises:
        UnreadableRecording: it is too large.
    """
    copy = tempfile.TemporaryFile()  # noqa: SIM115  # the caller closes it
    while piece := sys.stdin.buffer.read(1 << 16):
        copy.write(piece)
        if copy.tell() > LARGEST_STDIN:
            copy.close()
            raise UnreadableRecording(UnreadableRecording.STDIN, 1, limit=LARGEST_STDIN >> 30)
    return copy
