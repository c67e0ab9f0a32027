"""Terminal output: help in colour, text in the terminal's encoding, errors in one line."""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

NO_BREAK = "\x1f"  # a space in help at which no line ends
PLAIN = {"\u2013": "-", "…": "...", "→": "->"}


class Formatter(click.HelpFormatter):
    """Help in colour. Click removes the colours if the output is not a terminal."""

    def write_heading(self, heading: str) -> None:
        """Write a heading."""
        super().write_heading(click.style(heading, bold=True))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 25, col_spacing: int = 2) -> None:
        """Write a list of options or commands."""
        super().write_dl([(click.style(name, fg="cyan"), words) for name, words in rows], col_max, col_spacing)

    def getvalue(self) -> str:
        """Return the text."""
        return super().getvalue().replace(NO_BREAK, " ")


class HelpContext(click.Context):
    """The context of a command."""

    formatter_class = Formatter


def wants_color() -> bool | None:
    """Return False if NO_COLOR is set, or None: it depends on whether the output is a terminal."""
    return False if os.environ.get("NO_COLOR") else None


def encode_safely() -> None:
    """Make standard output and standard error replace characters that they cannot encode."""
    codecs.register_error("fakeflowdock", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="fakeflowdock")


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(PLAIN.get(each, each.encode("ascii", "backslashreplace").decode()) for each in text), error.end


def complain(message: str) -> None:
    """Print an error as one line on standard error."""
    from ..http.console import printable

    line = f"{click.style('fakeflowdock:', fg='red')} {printable(message)}"
    click.echo(line, file=sys.stderr, err=True, color=wants_color())
