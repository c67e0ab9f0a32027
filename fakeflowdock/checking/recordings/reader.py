"""Read a recording of any format, one exchange at a time."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ...api.internal_routes import is_own
from ..errors import NotChecked, RecordingError, UnreadableRecording
from . import cassettes, har_import
from .entries import Hosts, Skipped
from .inferred_world import path_in
from .json_stream import JsonStream
from .opened import STDIN, recordings_in, standard_input
from .yaml_stream import YamlStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .entries import Entry
    from .opened import Files, Readable

    Reader = Callable[[Any, int, int, Hosts], Entry | None]
    Lists = Iterator[tuple[Reader, Iterator[tuple[int, Any]]]]  # the entries of each list, with their lines


class Recording:
    """A file with recorded exchanges. Each iteration reads it from its beginning, one exchange at a time.

    Args:
        path: the file; `-` is standard input.
        hosts: the hosts whose exchanges are returned.
        progress: called with the number of bytes read so far.

    Attributes:
        read: the number of exchanges read so far, including those with other hosts.
        others: the number of exchanges with other hosts.
        own: the number of requests to fakeflowdock's own paths.
    """

    def __init__(
        self, path: str | os.PathLike[str], hosts: Hosts | None = None, progress: Callable[[int], None] | None = None
    ) -> None:
        self.name = os.fspath(path)
        self.hosts = hosts or Hosts()
        self.read = self.others = self.own = 0
        self._progress = progress
        self._copy: IO[bytes] | None = None  # of standard input

    def __iter__(self) -> Iterator[Entry | Skipped]:
        """Yield the exchanges with the hosts, and the entries that are no exchanges.

        Raises:
            RecordingError: the file cannot be read. The message begins with file, line and column.
        """
        self.read = self.others = self.own = 0
        name = self.name
        try:
            with self._file() as whole:
                for name, file, files in recordings_in(self.name, whole, self._progress):
                    yield from self._entries(name, file, files)
        except UnreadableRecording as reason:
            column = "" if reason.column is None else f":{reason.column}"
            raise RecordingError(f"{name}:{reason.line}{column}: {reason.message}") from None
        except OSError as error:
            raise RecordingError(f"{self.name}: {error.strerror or error}") from None

    def close(self) -> None:
        """Forget standard input."""
        if self._copy is not None:
            self._copy.close()

    @contextmanager
    def _file(self) -> Iterator[IO[bytes]]:
        if self.name != STDIN:
            with Path(self.name).open("rb") as file:
                yield file
            return
        if self._copy is None:
            self._copy = standard_input()
        self._copy.seek(0)
        yield self._copy

    def _entries(self, name: str, file: Readable, files: Files) -> Iterator[Entry | Skipped]:
        if file.is_empty:
            raise UnreadableRecording(UnreadableRecording.EMPTY, 1)
        found = False
        for reader, elements in _in_json(file, files) if file.first in (b"{", b"[") else _in_yaml(file):
            found = True
            for line, held in elements:
                self.read += 1
                try:
                    entry = reader(held, self.read, line, self.hosts)
                except NotChecked as reason:
                    yield Skipped(name, self.read, line, str(reason))
                    continue
                if entry is None:
                    self.others += 1
                elif is_own(path_in(entry.request.url)):
                    self.own += 1
                else:
                    yield replace(entry, file=name)
        if not found:
            raise UnreadableRecording(UnreadableRecording.NEITHER, 1)


def _in_json(file: Readable, files: Files) -> Lists:
    stream = JsonStream(file)
    if stream.peek() == "[":  # an early format of cassettes
        yield cassettes.entry_of, stream.elements()
    else:
        for name in stream.members():
            if name == "log":
                for inner in stream.members():
                    if inner == "entries":
                        yield partial(har_import.entry_of, files=files), stream.elements()
                    else:
                        stream.value()
            elif name in cassettes.LISTS:
                yield cassettes.entry_of, stream.elements()
            else:
                stream.value()
    stream.end()


def _in_yaml(file: Readable) -> Lists:
    stream = YamlStream(file)
    while (first := stream.begin()) is not None:
        if stream.is_list(first):
            yield cassettes.entry_of, stream.elements()
        elif not stream.is_mapping(first):
            stream.value(first)
        else:
            for name, event in stream.members():
                if name in cassettes.LISTS and stream.is_list(event):
                    yield cassettes.entry_of, stream.elements()
                else:
                    stream.value(event)
