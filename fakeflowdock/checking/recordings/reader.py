"""Read a recording of any format, one exchange at a time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Malformed, RecordingError, UnreadableRecording
from . import cassettes, har_import
from .entries import Hosts
from .json_stream import JsonStream
from .yaml_stream import YamlStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import BufferedReader

    from .entries import Entry

    Reader = Callable[[Any, int, int, Hosts], Entry | None]
    Lists = Iterator[tuple[Reader, Iterator[tuple[int, Any]]]]  # the entries of each list, with their lines


class Recording:
    """A file with recorded exchanges. Each iteration reads it from its beginning, one exchange at a time.

    Args:
        path: the file.
        hosts: the hosts whose exchanges are returned.
        progress: called with the number of bytes read so far.

    Attributes:
        read: the number of exchanges read so far, including those with other hosts.
    """

    def __init__(
        self, path: str | os.PathLike[str], hosts: Hosts | None = None, progress: Callable[[int], None] | None = None
    ) -> None:
        self.name = os.fspath(path)
        self.hosts = hosts or Hosts()
        self.read = 0
        self._progress = progress

    def __iter__(self) -> Iterator[Entry]:
        """Yield the exchanges with the hosts.

        Raises:
            RecordingError: the file cannot be read. The message begins with file, line and column.
        """
        self.read = 0
        try:
            with Path(self.name).open("rb") as file:
                yield from self._entries(file)
        except UnreadableRecording as reason:
            column = "" if reason.column is None else f":{reason.column}"
            raise RecordingError(f"{self.name}:{reason.line}{column}: {reason.message}") from None
        except OSError as error:
            raise RecordingError(f"{self.name}: {error.strerror or error}") from None

    def _entries(self, file: BufferedReader) -> Iterator[Entry]:
        beginning = file.peek(64)[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        counted, found = _Counted(file, self._progress), False
        for reader, elements in _in_json(counted) if beginning in (b"{", b"[") else _in_yaml(counted):
            found = True
            for line, held in elements:
                self.read += 1
                try:
                    entry = reader(held, self.read, line, self.hosts)
                except Malformed as lack:
                    raise UnreadableRecording(UnreadableRecording.ENTRY, line, number=self.read, lack=lack) from None
                if entry is not None:
                    yield entry
        if not found:
            raise UnreadableRecording(UnreadableRecording.NEITHER, 1)


class _Counted:
    """A file that reports how many bytes were read."""

    def __init__(self, file: BufferedReader, progress: Callable[[int], None] | None) -> None:
        self._file, self._progress, self._bytes = file, progress, 0

    def read(self, size: int = -1) -> bytes:
        raw = self._file.read(size)
        self._bytes += len(raw)
        if self._progress is not None:
            self._progress(self._bytes)
        return raw


def _in_json(file: _Counted) -> Lists:
    stream = JsonStream(file)
    if stream.peek() == "[":  # an early format of cassettes
        yield cassettes.entry_of, stream.elements()
    else:
        for name in stream.members():
            if name == "log":
                for inner in stream.members():
                    if inner == "entries":
                        yield har_import.entry_of, stream.elements()
                    else:
                        stream.value()
            elif name in cassettes.LISTS:
                yield cassettes.entry_of, stream.elements()
            else:
                stream.value()
    stream.end()


def _in_yaml(file: _Counted) -> Lists:
    stream = YamlStream(file)
    first = stream.begin()
    if stream.is_list(first):
        yield cassettes.entry_of, stream.elements()
    elif stream.is_mapping(first):
        for name, event in stream.members():
            if name in cassettes.LISTS and stream.is_list(event):
                yield cassettes.entry_of, stream.elements()
            else:
                stream.value(event)
