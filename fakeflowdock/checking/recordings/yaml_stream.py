"""Read YAML event by event, as plain values: no tag can build an object.

No constructor of PyYAML is used. Cassettes contain text, numbers, booleans, bytes, lists and mappings; a value with any
other tag stays as it is written, in a `Tagged`.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import Malformed, UnreadableRecording
from .entries import printable
from .json_stream import LARGEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed import SupportsRead

DEPTH = 100  # levels
ANCHORED = 1 << 27  # characters of all values with an anchor, which stay in memory
EXPANDED = 10  # characters of all aliases, if they were written out, for each byte of the file
CORE = "tag:yaml.org,2002:"
# Cassettes of Python 2 have the two tags of Python.
TEXTS = (f"{CORE}str", f"{CORE}python/unicode", f"{CORE}python/str", f"{CORE}timestamp", "!", "!str")
LISTS = (None, "!", f"{CORE}seq", f"{CORE}python/tuple")
MAPPINGS = (None, "!", f"{CORE}map")
BOOLEANS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


@dataclass(frozen=True)
class Tagged:
    """A value that its tag would make an object, or that is invalid.

    Attributes:
        problem: what is wrong: `unsupported tag !mine: it would build an object`.
        tag: the tag in the file.
        value: a text, a list or a mapping; None if it was not read.
    """

    problem: str
    tag: str = ""
    value: Any = None


class _Bounded:
    """A file of which only so much is read for one value."""

    def __init__(self, file: SupportsRead[bytes]) -> None:
        self._file = file
        self.left = LARGEST
        self.total = 0

    def read(self, size: int) -> bytes:
        raw = self._file.read(size)
        self.left -= len(raw)
        self.total += len(raw)
        return raw if self.left >= 0 else b""  # an exception would not pass through libyaml


class YamlStream:
    """A YAML text, read from its beginning to its end.

    Args:
        file: with the text.

    Raises:
        UnreadableRecording: PyYAML is not installed.
    """

    def __init__(self, file: SupportsRead[bytes]) -> None:
        try:
            import yaml
        except ImportError:
            raise UnreadableRecording(UnreadableRecording.NO_YAML, 1) from None
        self._yaml = yaml
        self._file = _Bounded(file)
        self._line = 1
        self._anchors: dict[str, tuple[Any, int]] = {}  # values, with their characters if aliases were written out
        self._size = 0  # characters of the current value, if aliases were written out
        self._aliased = self._anchored = 0  # those of all aliases, and of all anchors
        self._loader: Any = self._guarded(getattr(yaml, "CSafeLoader", yaml.SafeLoader), self._file)

    def _guarded(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call PyYAML. Its errors become errors of the file."""
        try:
            value = function(*arguments)
        except (self._yaml.YAMLError, UnicodeDecodeError) as error:
            mark = getattr(error, "problem_mark", None)
            reason = getattr(error, "problem", None) or getattr(error, "reason", None) or UnreadableRecording.UNPARSED
            line, column = (1, None) if mark is None else (int(mark.line) + 1, int(mark.column) + 1)
            self._check_size()
            raise UnreadableRecording(UnreadableRecording.YAML, line, column, reason=reason) from None
        self._check_size()
        return value

    def _check_size(self) -> None:
        if self._file.left < 0:
            raise UnreadableRecording(UnreadableRecording.TOO_LONG, self._line, limit=LARGEST >> 20)

    def _next(self) -> Any:
        return self._guarded(self._loader.get_event)

    @staticmethod
    def line_of(event: Any) -> int:
        """Return the line on which an event begins, from 1."""
        return int(event.start_mark.line) + 1

    def _unreadable(self, event: Any, text: str, **values: object) -> UnreadableRecording:
        return UnreadableRecording(text, self.line_of(event), None, **values)

    def begin(self) -> Any:
        """Return the first event of the next document; None if there is no more."""
        self._anchors.clear()
        self._anchored = 0
        outside = (self._yaml.StreamStartEvent, self._yaml.DocumentStartEvent, self._yaml.DocumentEndEvent)
        while True:
            event = self._next()
            if event is None or isinstance(event, self._yaml.StreamEndEvent):
                return None
            if not isinstance(event, outside):
                return event

    def is_mapping(self, event: Any) -> bool:
        """Return whether an event begins a mapping."""
        return isinstance(event, self._yaml.MappingStartEvent)

    def is_list(self, event: Any) -> bool:
        """Return whether an event begins a list."""
        return isinstance(event, self._yaml.SequenceStartEvent)

    def members(self, depth: int = 0) -> Iterator[tuple[Any, Any]]:
        """Yield the names of the current mapping, each with the first event of its value. The caller reads the rest."""
        while not isinstance(event := self._next(), self._yaml.MappingEndEvent):
            if depth == 0:
                self._begin_value(event)
            yield _name(self.value(event, depth)), self._next()

    def elements(self, depth: int = 0) -> Iterator[tuple[int, Any]]:
        """Yield the values of the current list, each with its line."""
        while not isinstance(event := self._next(), self._yaml.SequenceEndEvent):
            if depth == 0:
                self._begin_value(event)
            yield self.line_of(event), self.value(event, depth)

    def _begin_value(self, event: Any) -> None:
        self._file.left, self._line, self._size = LARGEST, self.line_of(event), 0

    def value(self, event: Any, depth: int = 0) -> Any:
        """Return the value that begins with an event."""
        yaml = self._yaml
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise self._unreadable(event, UnreadableRecording.ANCHOR, anchor=str(event.anchor)[:40])
            return self._aliased_value(event)
        before = self._size
        self._size += 1
        if isinstance(event, yaml.ScalarEvent):
            value: Any = self._scalar(event)
            self._size += len(event.value)
        elif depth > DEPTH:
            value = self._skipped()
        elif self.is_list(event):
            value = _tagged(event.tag, [item for _, item in self.elements(depth + 1)], LISTS)
        else:
            held = {name: self.value(first, depth + 1) for name, first in self.members(depth + 1)}
            value = _tagged(event.tag, held, MAPPINGS)
        if event.anchor is not None:
            self._keep(event, value, self._size - before)
        return value

    def _skipped(self) -> Tagged:
        """Read to the end of the current list or mapping."""
        yaml, depth = self._yaml, 1
        while depth:
            event = self._next()
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        return Tagged(Malformed.NESTED.format(depth=DEPTH))

    def _keep(self, event: Any, value: Any, size: int) -> None:
        self._anchored += size
        if self._anchored > ANCHORED:
            raise self._unreadable(event, UnreadableRecording.ANCHORED)
        self._anchors[event.anchor] = value, size

    def _aliased_value(self, event: Any) -> Any:
        """Return the value of an alias. It costs as much as if it were written out."""
        value, size = self._anchors[event.anchor]
        self._size += size
        self._aliased += size
        if self._size > LARGEST or self._aliased > max(ANCHORED, EXPANDED * self._file.total):
            raise self._unreadable(event, UnreadableRecording.ANCHORED)
        return value

    def _scalar(self, event: Any) -> Any:
        tag, text = event.tag, event.value
        if tag is None or (tag == "!" and event.implicit[0]):
            if not event.implicit[0]:  # it is quoted
                return text
            tag = self._loader.resolve(self._yaml.ScalarNode, text, (True, False))
        if tag in TEXTS:
            return text
        if tag not in _READ:
            return _tagged(tag, text, ())
        try:
            return _READ[tag](text)
        except (ValueError, binascii.Error):
            return Tagged(Malformed.SCALAR.format(kind="binary"), tag)


def _tagged(tag: str | None, value: Any, plain: tuple[str | None, ...]) -> Any:
    if tag in plain:
        return value
    shown = printable(str(tag).replace(CORE, "!!")[:80])
    return Tagged(Malformed.TAG.format(tag=shown), shown, value)


def _name(value: Any) -> Any:
    """Return a name of a mapping. vcrpy wrote the names of aiohttp's headers as objects that hold one text."""
    if isinstance(value, Tagged):
        value = value.value
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        return value[0]
    return "?" if isinstance(value, (list, dict)) else value


def _integer(text: str) -> int | str:
    plain = text.replace("_", "")
    return int(plain) if plain.lstrip("+-").isdecimal() and len(plain) < 20 else text


def _number(text: str) -> float | str:
    try:
        return float(text.replace("_", ""))
    except ValueError:
        return text


def _bytes(text: str) -> bytes:
    return base64.b64decode("".join(text.split()), validate=True)


_READ: dict[str, Callable[[str], Any]] = {
    f"{CORE}null": lambda _: None,
    f"{CORE}bool": lambda text: BOOLEANS.get(text.lower(), text),
    f"{CORE}int": _integer,
    f"{CORE}float": _number,
    f"{CORE}binary": _bytes,
    "!binary": _bytes,  # of Ruby
    f"{CORE}merge": str,
    f"{CORE}value": str,
}
