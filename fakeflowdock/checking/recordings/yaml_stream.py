"""YAML, read event by event: plain values, and nothing that a tag could have built.

No constructor of PyYAML is used. What a cassette holds is text, numbers, truths, bytes, lists and mappings; a file
with any other tag is refused at its line.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from .errors import UnreadableRecording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

DEPTH = 100  # levels
CORE = "tag:yaml.org,2002:"
# The two of Python are text, as cassettes of Python 2 write it.
TEXTS = (f"{CORE}str", f"{CORE}python/unicode", f"{CORE}python/str", f"{CORE}timestamp", "!")
TRUTHS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


class _Told:
    """A file that tells how much of it was read."""

    def __init__(self, file: BinaryIO, told: Callable[[int], None]) -> None:
        self._file, self._told, self._bytes = file, told, 0

    def read(self, size: int = -1) -> bytes:
        raw = self._file.read(size)
        self._bytes += len(raw)
        self._told(self._bytes)
        return raw


class YamlStream:
    """A YAML text, from its beginning to its end.

    Args:
        file: where it comes from.
        told: is called with the bytes that were read so far.

    Raises:
        UnreadableRecording: PyYAML is not installed.
    """

    def __init__(self, file: BinaryIO, told: Callable[[int], None] | None = None) -> None:
        try:
            import yaml
        except ImportError:
            raise UnreadableRecording("a cassette in YAML needs PyYAML: pip install pyyaml", 1) from None
        self._yaml = yaml
        source: Any = file if told is None else _Told(file, told)
        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        with self._readable():
            self._loader = loader(source)
        self._anchors: dict[str, Any] = {}

    def _readable(self) -> _Readable:
        return _Readable(self._yaml.YAMLError)

    def _next(self) -> Any:
        with self._readable():
            return self._loader.get_event()

    @staticmethod
    def line_of(event: Any) -> int:
        """The line on which an event begins, from 1."""
        return int(event.start_mark.line) + 1

    def begin(self) -> Any:
        """The first event of the document; None where it is empty."""
        while True:
            event = self._next()
            if event is None or isinstance(event, self._yaml.StreamEndEvent):
                return None
            if not isinstance(event, (self._yaml.StreamStartEvent, self._yaml.DocumentStartEvent)):
                return event

    def is_mapping(self, event: Any) -> bool:
        """Whether a mapping begins."""
        return isinstance(event, self._yaml.MappingStartEvent)

    def is_list(self, event: Any) -> bool:
        """Whether a list begins."""
        return isinstance(event, self._yaml.SequenceStartEvent)

    def members(self) -> Iterator[tuple[Any, Any]]:
        """The names of the mapping that began, each with the first event of its value. Whoever iterates takes it."""
        while not isinstance(event := self._next(), self._yaml.MappingEndEvent):
            name = self.value(event)
            yield name, self._next()

    def elements(self) -> Iterator[tuple[int, Any]]:
        """The values of the list that began, each with its line."""
        while not isinstance(event := self._next(), self._yaml.SequenceEndEvent):
            yield self.line_of(event), self.value(event)

    def value(self, event: Any, depth: int = 0) -> Any:
        """The value that begins with an event."""
        yaml = self._yaml
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise UnreadableRecording(f"nothing has the anchor {str(event.anchor)[:40]}", self.line_of(event))
            return self._anchors[event.anchor]
        if depth > DEPTH:
            raise UnreadableRecording(f"it is nested too deeply, more than {DEPTH} levels", self.line_of(event))
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._plain(event, "seq")
            value = []
            while not isinstance(inner := self._next(), yaml.SequenceEndEvent):
                value.append(self.value(inner, depth + 1))
        else:
            self._plain(event, "map")
            value = self._mapping(depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value

    def _mapping(self, depth: int) -> dict[Any, Any]:
        value: dict[Any, Any] = {}
        while not isinstance(inner := self._next(), self._yaml.MappingEndEvent):
            name = self.value(inner, depth + 1)
            if isinstance(name, (list, dict)):
                raise UnreadableRecording("a name is a text", self.line_of(inner))
            value[name] = self.value(self._next(), depth + 1)
        return value

    def _plain(self, event: Any, kind: str) -> None:
        if event.tag not in (None, "!", f"{CORE}{kind}"):
            raise self._foreign(event)

    def _foreign(self, event: Any) -> UnreadableRecording:
        tag = str(event.tag).replace(CORE, "!!")
        return UnreadableRecording(f"the tag {tag[:60]} is not read: it would build an object", self.line_of(event))

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
            raise UnreadableRecording(f"it is no {tag.removeprefix(CORE)}", self.line_of(event)) from None


class _Readable:
    """Lets an error of PyYAML be one of the file."""

    def __init__(self, kind: type[Exception]) -> None:
        self._kind = kind

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, (self._kind, UnicodeDecodeError)):
            mark = getattr(error, "problem_mark", None)
            words = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
            line, column = (1, None) if mark is None else (int(mark.line) + 1, int(mark.column) + 1)
            raise UnreadableRecording(f"it is no YAML: {words}", line, column) from None


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
    f"{CORE}bool": lambda text: TRUTHS.get(text.lower(), text),
    f"{CORE}int": _integer,
    f"{CORE}float": _number,
    f"{CORE}binary": lambda text: base64.b64decode("".join(text.split()), validate=True),
    f"{CORE}merge": str,
    f"{CORE}value": str,
}
