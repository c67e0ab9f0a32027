"""The options of the command line: each is an entry in `option_table.py`, and has a twin in the environment."""

from __future__ import annotations

import argparse
import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

TRUTH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


class Failure(Exception):
    """The command cannot do what it was asked for; the text is the line for standard error."""


class Parser(argparse.ArgumentParser):
    """One that raises Failure where the command line is wrong."""

    def error(self, message: str) -> NoReturn:
        """Raise Failure."""
        raise Failure(message)


@dataclass(frozen=True)
class Option:
    """One option of a command.

    Attributes:
        name: `auto-consent` is `--auto-consent`, and `FAKEFLOWDOCK_AUTO_CONSENT` in the environment.
        help: what it says, in a few words.
        default: its value where nobody gave one.
        read: its value in a text; it raises argparse.ArgumentTypeError where the text has none. An option that is read
            by `truth` takes no value on the command line.
        metavar: what stands for the value in `--help`.
    """

    name: str
    help: str
    default: Any = None
    read: Callable[[str], Any] = str
    metavar: str | None = None

    @property
    def key(self) -> str:
        """Its name among the values: `auto_consent`."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """Its twin in the environment."""
        return f"FAKEFLOWDOCK_{self.key.upper()}"

    @property
    def words(self) -> str:
        """What `--help` says, with the default."""
        unsaid = self.default is None or self.default is False or self.default == ""
        shown = format(self.default, "g") if isinstance(self.default, float) else self.default
        return self.help if unsaid else f"{self.help} (default: {shown})"


def add(parser: argparse.ArgumentParser, options: Iterable[Option]) -> None:
    """Let a parser know options. What was given before a command of the same option stays."""
    for option in options:
        unset: Any = {"default": argparse.SUPPRESS, "help": option.words}
        if option.read is truth:
            parser.add_argument(f"--{option.name}", action="store_true", **unset)
        else:
            parser.add_argument(f"--{option.name}", type=option.read, metavar=option.metavar, **unset)


def settle(given: argparse.Namespace, options: Iterable[Option]) -> None:
    """Give each option the value that holds: that of the command line, or of its twin, or its default.

    Args:
        given: what the parser made; each option has its value there, under its key.

    Raises:
        Failure: a twin holds what the option cannot be.
    """
    for option in options:
        if hasattr(given, option.key):
            continue
        text = os.environ.get(option.variable)
        try:
            setattr(given, option.key, option.read(text) if text else option.default)
        except argparse.ArgumentTypeError as error:
            raise Failure(f"{option.variable}: {error}") from None


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


def seconds(text: str) -> float:
    """A time that is longer than none."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return number


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
