"""Options in a file of TOML: those of the server at its top, those of another command in a table of its name."""

from __future__ import annotations

import argparse
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .options import CommandError, count, file, port, seconds, truth, truth_or_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .options import Option

    Commands = Mapping[str | None, Sequence[Option]]

# What TOML has for what a reader reads; a string for all others.
KINDS: dict[Callable[[str], Any], tuple[tuple[type, ...], str]] = {
    port: ((int,), "a whole number"),
    count: ((int,), "a whole number"),
    seconds: ((int, float), "a number"),
    truth: ((bool,), "true or false"),
    truth_or_file: ((bool, str), "true, false or a string"),
}
STRING: tuple[tuple[type, ...], str] = (str,), "a string"
SAID = {bool: "a truth", int: "a number", float: "a number", str: "a string", list: "a list", dict: "a table"}


def values(name: str, commands: Commands, command: str | None) -> dict[str, Any]:
    """The values in a file for one command. The whole file is read, and everything that is wrong in it is told.

    Args:
        name: the file. Files that it names are looked for from where it is.
        commands: the options of each command; None is the server.
        command: an option that a command has in common with the server holds for both where it stands at the top.

    Raises:
        CommandError: it cannot be read, is no TOML, or has what it cannot have; the text has file and line.
    """
    path, text = Path(name), ""
    try:
        text = path.read_text("utf-8")
        held = tomllib.loads(text)
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise CommandError(f"{name}:{line}: it is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise CommandError(_broken(name, str(error), text)) from None
    reading = _Reading(name, text, path.parent)
    tables = {table: options for table, options in commands.items() if table is not None}
    every = {
        table: reading.table(held.pop(table), table, options) for table, options in tables.items() if table in held
    }
    top = reading.table(held, None, commands[None], tuple(tables))
    own = commands.get(command, ())
    shared = {option.key for option in own for served in commands[None] if option is served}
    return {key: value for key, value in top.items() if key in shared} | every.get(command or "", {})


def _broken(name: str, reason: str, text: str) -> str:
    at = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", reason)
    line = at[1] if at is not None and at[1] else str(text.count("\n") + 1)
    return f"{name}:{line}: {reason[: at.start()] if at is not None else reason}"


class _Reading:
    """One file that is read."""

    def __init__(self, name: str, text: str, folder: Path) -> None:
        self._name = name
        self._lines = text.splitlines()
        self._folder = folder

    def table(
        self, held: Any, table: str | None, options: Sequence[Option], tables: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """The values in one table of it. Raises CommandError."""
        if not isinstance(held, dict):
            raise self._failure(None, table or "", f"{table} is a table of the options of {table}")
        known = {option.key: option for option in options if option.name != "config"}
        return {key: self._value(value, table, key, known, tables) for key, value in held.items()}

    def _value(
        self, value: Any, table: str | None, key: str, known: Mapping[str, Option], tables: tuple[str, ...]
    ) -> Any:
        where = f"{table}.{key}" if table is not None else key
        if key not in known:
            from ..suggestions import nearest

            near = nearest(key.replace("-", "_"), [*known, *tables])
            hint = f": did you mean {near}?" if near else f", only {', '.join(known)}"
            raise self._failure(table, key, f"there is no option {where}{hint}")
        option = known[key]
        types, words = KINDS.get(option.read, STRING)
        if type(value) not in types:
            raise self._failure(table, key, f"{where} is {words}, not {SAID.get(type(value), 'a date')}")
        if isinstance(value, bool):
            return value
        try:
            read = option.read(str(value))
        except argparse.ArgumentTypeError as error:
            raise self._failure(table, key, f"{where}: {error}") from None
        if option.read in (file, truth_or_file) and isinstance(read, str) and read:
            return str(self._folder / read)
        return read

    def _failure(self, table: str | None, key: str, reason: str) -> CommandError:
        return CommandError(f"{self._name}:{self._line(table, key)}: {reason}")

    def _line(self, table: str | None, key: str) -> int:
        """Where a key stands; 1 where it is written in a way that nobody uses."""
        within: str | None = None
        names = "|".join(re.escape(f"{quote}{key}{quote}") for quote in ("", '"', "'"))
        for number, line in enumerate(self._lines, 1):
            if heading := re.match(r"\s*\[\s*[\"']?([^\]\"']*?)[\"']?\s*\]", line):
                within = heading[1]
                if within == key and table is None:
                    return number
            elif within == table and re.match(rf"\s*(?:{names})\s*[=.]", line):
                return number
        return 1
