"""The command line: which commands there are. Each has a file of its own, and its options are in `option_table.py`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from . import __version__, conform_command, explain_command, option_table, options, proxy_command, serve_command
from .options import Failure
from .recordings import command as check_command

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

RUNS: dict[str | None, Callable[[argparse.Namespace], int | None]] = {
    None: serve_command.run,
    "routes": explain_command.routes,
    "explain": explain_command.explain,
    "conform": conform_command.run,
    "proxy": proxy_command.run,
    "check": check_command.run,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command.

    Args:
        arguments: what follows the program's name; `sys.argv` when left out.

    Returns:
        The exit status: 0; 1 where a command found what it looks for; 2 with one line on standard error when an option,
        the address or a file is wrong.
    """
    status = 0
    try:
        given = _parser().parse_args(arguments)
        options.settle(given, option_table.OPTIONS.get(given.command, ()))
        status = RUNS[given.command](given) or 0
        if sys.stdout is not None:  # it was closed
            sys.stdout.flush()
    except BrokenPipeError:  # as in `fakeflowdock routes | head`
        _discard_output()
    except Failure as failure:
        print(f"fakeflowdock: {failure}", file=sys.stderr)
        return 2
    except OSError as error:  # as with a full disk behind standard output
        print(f"fakeflowdock: {error.strerror or error}", file=sys.stderr)
        _discard_output()
        return 2
    return status


def _discard_output() -> None:
    """Let what is still to be printed go nowhere, or Python would complain at its end."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = options.Parser(
        prog="fakeflowdock",
        allow_abbrev=False,
        description="Serve Flowdock's REST API from memory, until SIGINT or SIGTERM.",
        epilog="Each option has a twin in the environment, as FAKEFLOWDOCK_AUTO_CONSENT; the command line wins.",
    )
    options.add(parser, option_table.SERVE)
    parser.add_argument("--version", action="version", version=f"fakeflowdock {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=options.Parser)
    explain_command.add(commands)
    conform_command.add(commands)
    proxy_command.add(commands)
    check_command.add(commands)
    return parser
