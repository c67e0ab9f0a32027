"""Options in a TOML file: those of the server at its top, those of another command in a table of its name."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..suggestions import did_you_mean, nearest
from .errors import CommandError
from .options import BOOLEAN_OR_FILE, FILE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .options import Option

NAMES = {bool: "a boolean", int: "an integer", float: "a float", str: "a string", list: "an array", dict: "a table"}


def values(name: str, own: str, commands: Mapping[str, Sequence[Option]]) -> dict[str, Any]:
    """Return the values in a file for one command. The whole file is validated.

    Args:
        name: the file. Files that it names are relative to it.
        own: the command. What it shares with the server may stand at the top for both.
        commands: the options of every command; the first is the server.

    Raises:
        CommandError: the file is unreadable or invalid; the message has the file and the line.
    """
    text = ""
    try:
        text = Path(name).read_text("utf-8")
        held = tomllib.loads(text)
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise CommandError.of(CommandError.UTF8, file=name, line=line) from None
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).partition(" (at ")
        at = re.match(r"line (\d+)", place)
        raise CommandError(f"{name}:{at[1] if at else text.count(chr(10)) + 1}: {reason}") from None
    file = _File(name, text)
    server, *others = commands
    tables = [each for each in others if commands[each]]
    found = {table: file.table(held.pop(table), commands[table], table) for table in [*held] if table in tables}
    top = file.table(held, commands[server], None, tables)
    shared = {option.name for option in commands[own] if option in commands[server]}
    return {key: value for key, value in top.items() if key in shared} | found.get(own, {})


class _File:
    """A file that is read."""

    def __init__(self, name: str, text: str) -> None:
        self._name, self._folder, self._text = name, Path(name).parent, text

    def table(
        self, held: Any, options: Sequence[Option], table: str | None, tables: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Return the values in one table. Raises CommandError."""
        if not isinstance(held, dict):
            raise self._failure(None, table or "", CommandError.NO_TABLE.format(table=table))
        known = {option.name: option for option in options if option.name != "config"}
        found = {}
        for key, value in held.items():
            if key not in known:
                near = nearest(key.replace("-", "_"), [*known, *tables])
                hint = did_you_mean(near, CommandError.EXPECTED.format(known=", ".join(known)))
                whole = f"{table}.{key}" if table else key
                raise self._failure(table, key, CommandError.KEY.format(key=whole, hint=hint))
            try:
                found[key] = self._value(value, known[key])
            except CommandError as error:
                raise self._failure(table, key, error.message) from None
        return found

    def _value(self, value: Any, option: Option) -> Any:
        types = getattr(option.type, "toml", (str,))
        if type(value) not in types:
            expected = " or ".join(NAMES[each] for each in types)
            kind = NAMES.get(type(value), "a date")
            raise CommandError.of(CommandError.TYPE, option=option.name, expected=expected, kind=kind)
        if isinstance(value, bool):
            return value
        read = option.type.convert(str(value), option, None)
        return str(self._folder / read) if read and option.type in (FILE, BOOLEAN_OR_FILE) else read

    def _failure(self, table: str | None, key: str, reason: str) -> CommandError:
        """Return an error with the line of a key; with line 1 if the key is written in an unusual way."""
        name = rf"[ \t]*[\"']?{re.escape(key)}[\"']?[ \t]*"
        heading = re.search(rf"^[ \t]*\[[ \t]*[\"']?{table}[\"']?[ \t]*\]", self._text, re.MULTILINE)
        place = re.compile(rf"^(?:{name}[=.]|[ \t]*\[{name}\])", re.MULTILINE)
        found = place.search(self._text, heading.end() if heading else 0)
        line = self._text.count("\n", 0, found.start()) + 1 if found else 1
        return CommandError(f"{self._name}:{line}: {reason}")
