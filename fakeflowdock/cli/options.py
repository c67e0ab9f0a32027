"""The options of the command line: each is an entry in `option_table.py`, and has twins in environment and file."""

from __future__ import annotations

import argparse
import math
import os
import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

WIDTH = 80  # columns of `--help`, on any terminal
INDENT = 25  # where its words begin
TRUTH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


class CommandError(Exception):
    """The command cannot do what it was asked for; the text is the line for standard error.

    Attributes:
        status: the exit status.
    """

    status = 2


class Parser(argparse.ArgumentParser):
    """One that raises CommandError where the command line is wrong."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{"formatter_class": Formatter, "allow_abbrev": False, **given})

    def error(self, message: str) -> NoReturn:
        """Raise CommandError."""
        raise CommandError(message)

    def look(self, arguments: Iterable[str]) -> None:
        """See that each option and the command are some: argparse takes the value of one that is none for a command.

        Raises:
            CommandError: one is none; the text has the nearest.
        """
        known, commands = self._option_string_actions, self._commands()
        runs_another = any(action.nargs == argparse.REMAINDER for action in self._actions)
        rest = deque(arguments)
        while rest:
            word = rest.popleft()
            flag, equals, _ = word.partition("=")
            if word == "--":
                return
            if flag in known:
                takes = known[flag].nargs if not equals else 0
                if rest and (takes is None or (takes == "?" and not rest[0].startswith("-"))):
                    rest.popleft()  # its value
            elif word.startswith("--"):
                raise CommandError(f"there is no option {flag}{_hint(flag, known)}")
            elif word.startswith("-"):
                continue
            elif runs_another:
                return
            elif commands:
                if word not in commands:
                    raise CommandError(f"there is no command {word}{_hint(word, commands)}")
                commands[word].look(rest)
                return

    def _commands(self) -> Mapping[str, Parser]:
        return next((each.choices for each in self._actions if isinstance(each.choices, dict)), {})


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Help that is as wide on each terminal, and whose descriptions and epilogs are as they were written."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=INDENT, width=WIDTH)


def _hint(word: str, known: Iterable[str]) -> str:
    from ..suggestions import nearest

    near = nearest(word, known)
    return f": did you mean {near}?" if near else "; --help lists what there is"


@dataclass(frozen=True)
class Option:
    """One option of a command.

    Attributes:
        name: `auto-consent` is `--auto-consent`, `FAKEFLOWDOCK_AUTO_CONSENT` in the environment and `auto_consent` in
            a file.
        help: what it says, in a few words.
        default: its value where nobody gave one.
        read: its value in a text; it raises argparse.ArgumentTypeError where the text has none. An option that is read
            by `truth` takes no value on the command line, one that is read by `truth_or_file` may have one.
        metavar: what stands for the value in `--help`.
        unset: what `--help` and the guide say of the default, where its value does not tell.
    """

    name: str
    help: str
    default: Any = None
    read: Callable[[str], Any] = str
    metavar: str | None = None
    unset: str = ""

    @property
    def key(self) -> str:
        """Its name in a file, and among the values: `auto_consent`."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """Its twin in the environment."""
        return f"FAKEFLOWDOCK_{self.key.upper()}"

    @property
    def shown_default(self) -> str:
        """Its default in words; empty where there is nothing to say."""
        if self.unset or self.default in (None, "", ()) or isinstance(self.default, bool):
            return self.unset
        return format(self.default, "g") if isinstance(self.default, float) else str(self.default)

    @property
    def words(self) -> str:
        """What `--help` says: the meaning, the default, and the twin without the prefix that all have."""
        default = f" ({self.shown_default})" if self.shown_default else ""
        return f"{self.help}{default} _{self.key.upper()}"


def add(parser: argparse.ArgumentParser, options: Iterable[Option]) -> None:
    """Let a parser know options. What was given before a command of the same option stays."""
    group = parser.add_argument_group("options, with (default) and FAKEFLOWDOCK_… in the environment")
    for option in options:
        said: Any = {"dest": option.key, "default": argparse.SUPPRESS, "help": option.words}
        if option.read is truth:
            group.add_argument(f"--{option.name}", action="store_const", const=True, **said)
            said["help"] = argparse.SUPPRESS
            group.add_argument(f"--no-{option.name}", action="store_const", const=False, **said)
        else:
            if option.read is truth_or_file:
                said |= {"nargs": "?", "const": True}
            group.add_argument(f"--{option.name}", type=option.read, metavar=option.metavar or "TEXT", **said)


def settle(given: argparse.Namespace, options: Iterable[Option], filed: Mapping[str, Any] | None = None) -> None:
    """Give each option the value that holds: that of the command line, or of its twin, or of a file, or its default.

    Args:
        given: what the parser made; each option has its value there, under its key.
        filed: the values in a file.

    Raises:
        CommandError: a twin holds what the option cannot be.
    """
    for option in options:
        if hasattr(given, option.key):
            continue
        value = (filed or {}).get(option.key, option.default)
        if text := os.environ.get(option.variable):
            try:
                value = option.read(text)
            except argparse.ArgumentTypeError as error:
                raise CommandError(f"{option.variable}: {error}") from None
        setattr(given, option.key, value)


# Readers


def port(text: str) -> int:
    """A port, or 0."""
    if not text.isdecimal() or not text.isascii() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: a number from 0 to 65535")
    return int(text)


def count(text: str) -> int:
    """A number not below zero."""
    if not text.isdecimal() or not text.isascii() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 999999999")
    return int(text)


def admin_token(text: str) -> str:
    """A secret that fits into a header, and that nobody guesses."""
    if not (text.isascii() and text.isprintable() and " " not in text and 8 <= len(text) <= 256):
        raise argparse.ArgumentTypeError("an admin token has 8 to 256 characters, in ASCII and without spaces")
    return text


def truth(text: str) -> bool:
    """True or false."""
    if text.lower() not in TRUTH:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return TRUTH[text.lower()]


def file(text: str) -> str:
    """The path of a file; in a file of options it begins where that file is."""
    return text


def truth_or_file(text: str) -> bool | str:
    """True or false, or the path of a file."""
    if not text:
        raise argparse.ArgumentTypeError("a file has a name")
    return TRUTH.get(text.lower(), text)


def seconds(text: str) -> float:
    """A time that is longer than none."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return number


def hosts(text: str) -> tuple[str, ...]:
    """Hosts, with commas between: `example.com`, `*.example.com`, or `*` for all."""
    names = tuple(each.strip().lower() for each in text.split(",") if each.strip())
    for name in names:
        if name != "*" and not re.fullmatch(r"(?:\*\.)?[a-z0-9._-]+|[0-9a-f:.]+", name):
            raise argparse.ArgumentTypeError(f"{name!r} is no host: example.com, or *.example.com")
    return names


def one_of(words: Collection[str], what: str) -> Callable[[str], str]:
    """A reader of one of some words.

    Args:
        what: follows the text that is none of them: `is no world`.
    """

    def read(text: str) -> str:
        if text not in words:
            raise argparse.ArgumentTypeError(f"{text!r} {what}: {' or '.join(words)}")
        return text

    return read
