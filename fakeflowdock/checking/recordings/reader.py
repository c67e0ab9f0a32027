"""A recording, exchange by exchange, whichever format its file has."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import cassettes, har_import
from .entries import Hosts, Malformed
from .errors import RecordingError, UnreadableRecording
from .json_stream import JsonStream
from .yaml_stream import YamlStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import BufferedReader

    from .entries import Entry

    Held = tuple[int, Any]  # the line, and what is there
    Reader = Callable[[Any, int, int, Hosts], Entry | None]

NEITHER = "it is neither a HAR file nor a cassette: it has no log with entries, and no interactions"


class Recording:
    """A file with recorded exchanges. Iterating reads it, from its beginning each time, and holds one at a time.

    Args:
        path: the file.
        hosts: whose exchanges are wanted.
        told: is called with the bytes that were read so far, now and then.

    Attributes:
        read: how many exchanges were in it as far as it was read, those with other hosts too.
    """

    def __init__(
        self, path: str | os.PathLike[str], hosts: Hosts | None = None, told: Callable[[int], None] | None = None
    ) -> None:
        self.name = os.fspath(path)
        self.hosts = hosts or Hosts()
        self.read = 0
        self._told = told

    def __iter__(self) -> Iterator[Entry]:
        """The exchanges with the hosts that are wanted.

        Raises:
            RecordingError: it cannot be read; the message begins with file, line and column.
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
        in_json = beginning in (b"{", b"[")
        for reader, (line, held) in self._in_json(file) if in_json else self._in_yaml(file):
            self.read += 1
            try:
                entry = reader(held, self.read, line, self.hosts)
            except Malformed as lack:
                raise UnreadableRecording(f"entry {self.read} has {lack}", line) from None
            if entry is not None:
                yield entry

    def _in_json(self, file: BufferedReader) -> Iterator[tuple[Reader, Held]]:
        stream, found = JsonStream(file, self._told), False
        if stream.peek() == "[":  # a cassette as they were at first
            for held in stream.elements():
                yield cassettes.entry_of, held
            stream.end()
            return
        for name in stream.members():
            if name == "log":
                for inner in stream.members():
                    if inner == "entries":
                        found = True
                        for held in stream.elements():
                            yield har_import.entry_of, held
                    else:
                        stream.value()
            elif name in cassettes.LISTS:
                found = True
                for held in stream.elements():
                    yield cassettes.entry_of, held
            else:
                stream.value()
        stream.end()
        if not found:
            raise UnreadableRecording(NEITHER, 1)

    def _in_yaml(self, file: BufferedReader) -> Iterator[tuple[Reader, Held]]:
        stream, found = YamlStream(file, self._told), False
        begun = stream.begin()
        if stream.is_list(begun):
            for held in stream.elements():
                yield cassettes.entry_of, held
            return
        if not stream.is_mapping(begun):
            raise UnreadableRecording(NEITHER, 1)
        for name, event in stream.members():
            if name in cassettes.LISTS and stream.is_list(event):
                found = True
                for held in stream.elements():
                    yield cassettes.entry_of, held
            else:
                stream.value(event)
        if not found:
            raise UnreadableRecording(NEITHER, 1)
