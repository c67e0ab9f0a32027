"""JSON, read piece by piece: a file of any size takes the memory of its largest piece.

The standard library's scanner does the work. It wants a whole value before it, so there is a window over the file,
which moves on and is made wider only where one value does not fit.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING, Any

from .errors import UnreadableRecording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

BLOCK = 1 << 18  # bytes that are read at once
LARGEST = 1 << 26  # characters of one value: a broken file should not be held whole in search of a quotation mark
ENDING = 16  # characters: an error so near to the end of the window may be its end
SPACE = re.compile(r"[ \t\r\n]*")


class JsonStream:
    """A JSON text, from its beginning to its end.

    Args:
        file: where it comes from.
        told: is called with the bytes that were read so far, after each block.
    """

    def __init__(self, file: BinaryIO, told: Callable[[int], None] | None = None) -> None:
        self._file = file
        self._told = told
        self._decode = codecs.getincrementaldecoder("utf-8")()
        self._scan = json.JSONDecoder().raw_decode
        self._text = ""
        self._at = 0  # in the window
        self._ended = False
        self._bytes = 0
        self._line, self._counted = 1, 0  # the line of a place in the window
        self._before = 0  # characters of that line that lie before the window

    # Where it is

    @property
    def line(self) -> int:
        """The line of what comes next, from 1."""
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _unreadable(self, words: str, at: int | None = None) -> UnreadableRecording:
        at = self._at if at is None else at
        self._at = max(at, self._counted)
        begun = self._text.rfind("\n", 0, at)
        column = at - begun if begun >= 0 else at + self._before + 1
        return UnreadableRecording(words, self.line, column)

    # The window

    def _more(self, wanted: int = BLOCK) -> bool:
        """Move the window on. Returns whether there is more in it than before."""
        if self._ended:
            return False
        raw = self._file.read(wanted)
        self._ended = not raw
        try:
            text = self._decode.decode(raw, final=self._ended)
        except UnicodeDecodeError as error:
            self._text += error.object[: error.start].decode()
            place = self._bytes + len(raw) - len(error.object) + error.start
            raise self._unreadable(f"it is not UTF-8: see byte {place}", len(self._text)) from None
        if not self._bytes:
            text = text.removeprefix("\ufeff")
        self._bytes += len(raw)
        if self._told is not None:
            self._told(self._bytes)
        _ = self.line  # counts what is let go
        begun = self._text.rfind("\n", 0, self._at)
        self._before = self._at - begun - 1 if begun >= 0 else self._before + self._at
        self._text = self._text[self._at :] + text
        self._at = self._counted = 0
        return bool(text) or not self._ended

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            match = SPACE.match(self._text, self._at)
            assert match is not None
            self._at = match.end()
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, character: str) -> None:
        """Go past a character, which must come."""
        if self.peek() != character:
            raise self._unreadable(f"a {character} should be here" + ("" if self.peek() else ", and the file ends"))
        self._at += 1

    # What is in it

    def value(self) -> Any:
        """The next value, whatever it is."""
        self.peek()
        while True:
            begun = self._at
            try:
                value, end = self._scan(self._text, begun)
            except json.JSONDecodeError as error:
                cut = error.pos >= len(self._text) - ENDING or error.msg.startswith("Unterminated string")
                if not (cut and self._wider()):  # which moves the window, also where there is no more
                    place = self._at + error.pos - begun
                    ends = cut and (place >= len(self._text) or "string" in error.msg)
                    words = "the file ends too early" if ends else f"it is no JSON: {error.msg}"
                    raise self._unreadable(words, place) from None
            except RecursionError:
                raise self._unreadable("it is nested too deeply") from None
            except ValueError as error:
                words = "a number has too many digits" if "digits" in str(error) else str(error)
                raise self._unreadable(f"it is no JSON: {words}") from None
            else:
                if end < len(self._text) or not self._wider():  # a number may go on behind the window
                    self._at += end - begun
                    return value

    def _wider(self) -> bool:
        held = len(self._text) - self._at
        if held > LARGEST:
            raise self._unreadable(f"one value has more than {LARGEST >> 20} million characters")
        return self._more(max(BLOCK, held))

    def members(self) -> Iterator[str]:
        """The names in the object that comes next. Whoever iterates takes the value of each."""
        self.take("{")
        if self.peek() == "}":
            self._at += 1
            return
        while True:
            if self.peek() != '"':
                raise self._unreadable("a name should be here" + ("" if self.peek() else ", and the file ends"))
            name = self.value()
            self.take(":")
            yield str(name)
            if self._ends("}"):
                return

    def elements(self) -> Iterator[tuple[int, Any]]:
        """The values in the list that comes next, each with its line."""
        self.take("[")
        if self.peek() == "]":
            self._at += 1
            return
        while True:
            self.peek()
            line = self.line
            yield line, self.value()
            if self._ends("]"):
                return

    def _ends(self, character: str) -> bool:
        came = self.peek()
        if came not in (",", character) or not came:
            raise self._unreadable(f"a , or {character} should be here" + ("" if came else ", and the file ends"))
        self._at += 1
        return came == character

    def end(self) -> None:
        """Nothing may follow."""
        if self.peek():
            raise self._unreadable("something follows the end of the JSON")
