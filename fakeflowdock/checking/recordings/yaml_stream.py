"""Read YAML event by event, as plain values: no tag can build an object.

No constructor of PyYAML is used. Cassettes contain text, numbers, booleans, bytes, lists and mappings; any other tag
is an error at its line.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from ..errors import UnreadableRecording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed import SupportsRead

DEPTH = 100  # levels
CORE = "tag:yaml.org,2002:"
# Cassettes of Python 2 have the two tags of Python.
TEXTS = (f"{CORE}str", f"{CORE}python/unicode", f"{CORE}python/str", f"{CORE}timestamp", "!")
BOOLEANS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


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
        self._loader: Any = self._guarded(getattr(yaml, "CSafeLoader", yaml.SafeLoader), file)
        self._anchors: dict[str, Any] = {}

    def _guarded(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call PyYAML. Its errors become errors of the file."""
        try:
            return function(*arguments)
        except (self._yaml.YAMLError, UnicodeDecodeError) as error:
            mark = getattr(error, "problem_mark", None)
            reason = getattr(error, "problem", None) or getattr(error, "reason", None) or UnreadableRecording.UNPARSED
            line, column = (1, None) if mark is None else (int(mark.line) + 1, int(mark.column) + 1)
            raise UnreadableRecording(UnreadableRecording.YAML, line, column, reason=reason) from None

    def _next(self) -> Any:
        return self._guarded(self._loader.get_event)

    @staticmethod
    def line_of(event: Any) -> int:
        """Return the line on which an event begins, from 1."""
        return int(event.start_mark.line) + 1

    def _unreadable(self, event: Any, text: str, **values: object) -> UnreadableRecording:
        return UnreadableRecording(text, self.line_of(event), None, **values)

    def begin(self) -> Any:
        """Return the first event of the document; None if it is empty."""
        while True:
            event = self._next()
            if event is None or isinstance(event, self._yaml.StreamEndEvent):
                return None
            if not isinstance(event, (self._yaml.StreamStartEvent, self._yaml.DocumentStartEvent)):
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
            name = self.value(event, depth)
            if isinstance(name, (list, dict)):
                raise self._unreadable(event, UnreadableRecording.NO_NAME)
            yield name, self._next()

    def elements(self, depth: int = 0) -> Iterator[tuple[int, Any]]:
        """Yield the values of the current list, each with its line."""
        while not isinstance(event := self._next(), self._yaml.SequenceEndEvent):
            yield self.line_of(event), self.value(event, depth)

    def value(self, event: Any, depth: int = 0) -> Any:
        """Return the value that begins with an event."""
        yaml = self._yaml
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise self._unreadable(event, UnreadableRecording.ANCHOR, anchor=str(event.anchor)[:40])
            return self._anchors[event.anchor]
        if depth > DEPTH:
            raise self._unreadable(event, UnreadableRecording.NESTED_YAML, depth=DEPTH)
        if isinstance(event, yaml.ScalarEvent):
            value: Any = self._scalar(event)
        elif self.is_list(event):
            self._plain(event, "seq")
            value = [item for _, item in self.elements(depth + 1)]
        else:
            self._plain(event, "map")
            value = {name: self.value(first, depth + 1) for name, first in self.members(depth + 1)}
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value

    def _plain(self, event: Any, kind: str) -> None:
        if event.tag not in (None, "!", f"{CORE}{kind}"):
            raise self._foreign(event)

    def _foreign(self, event: Any) -> UnreadableRecording:
        return self._unreadable(event, UnreadableRecording.TAG, tag=str(event.tag).replace(CORE, "!!")[:60])

    def _scalar(self, event: Any) -> Any:
        tag, text = event.tag, event.value
        if tag is None or (tag == "!" and event.implicit[0]):
            if not event.implicit[0]:  # it is quoted
                return text
            tag = self._loader.resolve(self._yaml.ScalarNode, text, (True, False))
        if tag in TEXTS:
            return text
        try:
            return _READ[tag](text)
        except KeyError:
            raise self._foreign(event) from None
        except (ValueError, binascii.Error):
            raise self._unreadable(event, UnreadableRecording.SCALAR, kind=tag.removeprefix(CORE)) from None


def _integer(text: str) -> int | str:
    plain = text.replace("_", "")
    return int(plain) if plain.lstrip("+-").isdecimal() and len(plain) < 20 else text


def _number(text: str) -> float | str:
    try:
        return float(text.replace("_", ""))
    except ValueError:
        return text


_READ: dict[str, Callable[[str], Any]] = {
    f"{CORE}null": lambda _: None,
    f"{CORE}bool": lambda text: BOOLEANS.get(text.lower(), text),
    f"{CORE}int": _integer,
    f"{CORE}float": _number,
    f"{CORE}binary": lambda text: base64.b64decode("".join(text.split()), validate=True),
    f"{CORE}merge": str,
    f"{CORE}value": str,
}
