"""Read JSON piece by piece: a file of any size takes the memory of its largest piece.

The standard library's scanner needs a whole value, so there is a window over the file. It moves on, and widens only if
a value does not fit.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING, Any

from ..errors import UnreadableRecording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import SupportsRead

BLOCK = 1 << 18  # bytes that are read at a time
LARGEST = 1 << 26  # characters of a value: a missing quotation mark should not load the whole file
ENDING = 16  # characters: an error so close to the end of the window may be caused by it
DIGITS = 640  # which Python converts under any limit
NO_SPACE = re.compile(r"[^ \t\r\n]")


def _number(digits: str) -> int | str:
    """Return an integer; the text of one that has too many digits, which no field can have."""
    return int(digits) if len(digits) <= DIGITS else digits


class JsonStream:
    """A JSON text, read from its beginning to its end.

    Args:
        file: with the text, in UTF-8.

    Attributes:
        line: the line of the next value, from 1.
    """

    def __init__(self, file: SupportsRead[bytes]) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")()
        self._scan = json.JSONDecoder().raw_decode
        self._text = ""
        self._at = 0  # in the window
        self._bytes = 0
        self.line, self._column = 1, 1

    # The window

    def _go(self, to: int) -> None:
        """Advance to a place in the window."""
        self.line += self._text.count("\n", self._at, to)
        newline = self._text.rfind("\n", self._at, to)
        self._column = to - newline if newline >= 0 else self._column + to - self._at
        self._at = to

    def _unreadable(self, text: str, at: int | None = None, **values: object) -> UnreadableRecording:
        self._go(self._at if at is None else at)
        return UnreadableRecording(text, self.line, self._column, **values)

    def _more(self, wanted: int = 0) -> bool:
        """Advance the window. Return whether there was more in the file."""
        raw = self._file.read(max(BLOCK, wanted))
        self._bytes += len(raw)
        try:
            text = self._decode.decode(raw, final=not raw)
        except UnicodeDecodeError as error:
            self._text += error.object[: error.start].decode()
            place = self._bytes - len(error.object) + error.start
            raise self._unreadable(UnreadableRecording.UTF8, len(self._text), start=place) from None
        self._text = self._text[self._at :] + text
        self._at = 0
        return bool(raw)

    def _wider(self) -> bool:
        held = len(self._text) - self._at
        if held > LARGEST:
            raise self._unreadable(UnreadableRecording.TOO_LONG, limit=LARGEST >> 20)
        return self._more(held)

    def peek(self) -> str:
        """Return the next character that is not white space; empty at the end."""
        while (found := NO_SPACE.search(self._text, self._at)) is None:
            self._go(len(self._text))
            if not self._more():
                return ""
        self._go(found.start())
        return found[0]

    def _wanted(self, words: str, *characters: str) -> str:
        """Return the next character, which must be one of those given."""
        found = self.peek()
        if found not in characters:
            text = UnreadableRecording.EXPECTED if found else UnreadableRecording.EXPECTED_AT_THE_END
            raise self._unreadable(text, what=words)
        return found

    def _take(self, *characters: str) -> str:
        """Consume the next character, which must be one of those given, and return it."""
        found = self._wanted(" or ".join(map(repr, characters)), *characters)
        self._go(self._at + 1)
        return found

    # Values

    def value(self) -> Any:
        """Return the next value."""
        self.peek()
        while True:
            start = self._at
            try:
                value, end = self._scan(self._text, start)
            except json.JSONDecodeError as error:
                cut = error.pos >= len(self._text) - ENDING or error.msg.startswith("Unterminated string")
                if not (cut and self._wider()):  # which moves the window even at the end of the file
                    place = self._at + error.pos - start
                    ends = cut and (place >= len(self._text) or "string" in error.msg)
                    text = UnreadableRecording.CUT if ends else UnreadableRecording.JSON
                    raise self._unreadable(text, place, reason=error.msg) from None
            except RecursionError:
                raise self._unreadable(UnreadableRecording.NESTED) from None
            except ValueError:  # a number has more digits than Python converts: slower from here on
                self._scan = json.JSONDecoder(parse_int=_number).raw_decode
            else:
                if end < len(self._text) or not self._wider():  # a number may continue after the window
                    self._go(self._at + end - start)
                    return value

    def _items(self, opening: str, closing: str) -> Iterator[None]:
        """Yield before each item of the next object or list."""
        self._take(opening)
        if self.peek() == closing:
            self._take(closing)
            return
        yield
        while self._take(",", closing) == ",":
            yield

    def members(self) -> Iterator[str]:
        """Yield the names in the next object. The caller reads each value."""
        for _ in self._items("{", "}"):
            self._wanted(UnreadableRecording.A_NAME, '"')
            name = self.value()
            self._take(":")
            yield str(name)

    def elements(self) -> Iterator[tuple[int, Any]]:
        """Yield the values in the next list, each with its line."""
        for _ in self._items("[", "]"):
            self.peek()
            yield self.line, self.value()

    def end(self) -> None:
        """Raise if anything follows."""
        if self.peek():
            raise self._unreadable(UnreadableRecording.MORE)
