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
NO_SPACE = re.compile(r"[^ \t\r\n]")


class JsonStream:
    """A JSON text, from its beginning to its end.

    Args:
        file: where it comes from.
        told: is called with the bytes that were read so far, after each block.

    Attributes:
        line: the line of what comes next, from 1.
    """

    def __init__(self, file: BinaryIO, told: Callable[[int], None] | None = None) -> None:
        self._file = file
        self._told = told
        self._decode = codecs.getincrementaldecoder("utf-8-sig")()
        self._scan = json.JSONDecoder().raw_decode
        self._text = ""
        self._at = 0  # in the window
        self._bytes = 0
        self.line, self._column = 1, 1

    # The window

    def _go(self, to: int) -> None:
        """Go on to a place in the window."""
        self.line += self._text.count("\n", self._at, to)
        begun = self._text.rfind("\n", self._at, to)
        self._column = to - begun if begun >= 0 else self._column + to - self._at
        self._at = to

    def _unreadable(self, words: str, at: int | None = None) -> UnreadableRecording:
        self._go(self._at if at is None else at)
        return UnreadableRecording(words, self.line, self._column)

    def _more(self, wanted: int = 0) -> bool:
        """Move the window on. Return whether there was more in the file."""
        raw = self._file.read(max(BLOCK, wanted))
        self._bytes += len(raw)
        try:
            text = self._decode.decode(raw, final=not raw)
        except UnicodeDecodeError as error:
            self._text += error.object[: error.start].decode()
            place = self._bytes - len(error.object) + error.start
            raise self._unreadable(f"it is not UTF-8: see byte {place}", len(self._text)) from None
        if self._told is not None:
            self._told(self._bytes)
        self._text = self._text[self._at :] + text
        self._at = 0
        return bool(raw)

    def _wider(self) -> bool:
        held = len(self._text) - self._at
        if held > LARGEST:
            raise self._unreadable(f"one value has more than {LARGEST >> 20} million characters")
        return self._more(held)

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while (found := NO_SPACE.search(self._text, self._at)) is None:
            self._go(len(self._text))
            if not self._more():
                return ""
        self._go(found.start())
        return found[0]

    def _wanted(self, words: str, *characters: str) -> str:
        """The next character, which must be one of some."""
        came = self.peek()
        if came not in characters:
            raise self._unreadable(f"{words} should be here{'' if came else ', and the file ends'}")
        return came

    def _take(self, *characters: str) -> str:
        """The same, and go past it."""
        came = self._wanted(f"a {' or '.join(characters)}", *characters)
        self._go(self._at + 1)
        return came

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
                    self._go(self._at + end - begun)
                    return value

    def _items(self, opening: str, closing: str) -> Iterator[None]:
        """Stop before each item of the object or the list that comes next."""
        self._take(opening)
        if self.peek() == closing:
            self._take(closing)
            return
        yield
        while self._take(",", closing) == ",":
            yield

    def members(self) -> Iterator[str]:
        """The names in the object that comes next. Whoever iterates takes the value of each."""
        for _ in self._items("{", "}"):
            self._wanted("a name", '"')
            name = self.value()
            self._take(":")
            yield str(name)

    def elements(self) -> Iterator[tuple[int, Any]]:
        """The values in the list that comes next, each with its line."""
        for _ in self._items("[", "]"):
            self.peek()
            yield self.line, self.value()

    def end(self) -> None:
        """Nothing may follow."""
        if self.peek():
            raise self._unreadable("something follows the end of the JSON")
