"""The options of each command as tables for docs/guide: `python -m fakeflowdock.cli.option_rows`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .command import CONFIG
from .main import MODULES, command_named

if TYPE_CHECKING:
    from .command import Command


def rows(command: Command) -> str:
    """Return the options of a command as a table in Markdown."""
    lines = ["| option | environment | in a file | default | |", "| --- | --- | --- | --- | --- |"]
    for option in command.options:
        flags = ", ".join([*(f"`{each}`" for each in option.opts[1:]), f"`{option.opts[0]}{option.value}`"])
        key = "" if option is CONFIG else f"`{option.name}`"
        lines.append(f"| {flags} | `{option.envvar}` | {key} | {option.shown_default} | {option.help} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print("\n\n".join(rows(command) for command in map(command_named, MODULES) if command.options))
