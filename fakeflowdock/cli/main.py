"""The command line: which commands there are. Each has a file of its own, and its options are in `option_table.py`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from ..version import __version__
from . import check as check_command
from . import conform, explain, option_table, options, proxy, serve
from . import exec as exec_command
from .options import CommandError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

RUNS: dict[str | None, Callable[[argparse.Namespace], int | None]] = {
    None: serve.run,
    "routes": explain.routes,
    "explain": explain.explain,
    "conform": conform.run,
    "proxy": proxy.run,
    "check": check_command.run,
    "exec": exec_command.run,
}


TWINS = """\
The command line comes before the environment, that before the file. In the file
an option is a key, auto_consent = true; --no-auto-consent takes a truth back."""
STATUSES = """\
Status: 0 all is well, as after SIGINT, SIGTERM or SIGHUP; 1 the world could not
be saved, or a command found what it looks for; 2 a wrong option, address or
file; 128 + n a second signal n, which waits for nothing."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command.

    Args:
        arguments: what follows the program's name; `sys.argv` when left out.

    Returns:
        The exit status: 0; 1 where a command found what it looks for, or the world could not be saved; 2 with one line
        on standard error when an option, the address or a file is wrong; 130 after a SIGINT that nobody waited for.
    """
    status = 0
    try:
        parser = _parser()
        arguments = sys.argv[1:] if arguments is None else arguments
        parser.look(arguments)
        given = parser.parse_args(arguments)
        _settle(given)
        status = RUNS[given.command](given) or 0
        if sys.stdout is not None:  # it was closed
            sys.stdout.flush()
    except BrokenPipeError:  # as in `fakeflowdock routes | head`
        _discard_output()
    except CommandError as failure:
        print(f"fakeflowdock: {failure}", file=sys.stderr)
        return failure.status
    except OSError as error:  # as with a full disk behind standard output
        print(f"fakeflowdock: {error.strerror or error}", file=sys.stderr)
        _discard_output()
        return 2
    except KeyboardInterrupt:  # before there was anything to stop
        return 130
    return status


def _settle(given: argparse.Namespace) -> None:
    """Give each option of the command the value that holds. Raises CommandError."""
    own = option_table.OPTIONS.get(given.command)
    if own is None:
        return
    options.settle(given, [option_table.CONFIG])
    filed = {}
    if given.config:
        from . import option_file

        filed = option_file.values(given.config, option_table.OPTIONS, given.command)
    options.settle(given, own, filed)


def _discard_output() -> None:
    """Let what is still to be printed go nowhere, or Python would complain at its end."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> options.Parser:
    parser = options.Parser(
        prog="fakeflowdock",
        usage="fakeflowdock [OPTION ...] [COMMAND ...]",
        description="Serve Flowdock's REST API from memory, until a signal; or run a command.",
        epilog=f"{TWINS}\n{STATUSES}",
        add_help=False,
    )
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", title="commands", prog="fakeflowdock", parser_class=options.Parser
    )
    options.add(parser, option_table.SERVE)
    more = parser.add_argument_group("more")
    more.add_argument("--version", action="version", version=f"fakeflowdock {__version__}", help="print the version")
    more.add_argument("-h", "--help", action="help", help="print this; COMMAND --help, that of a command")
    explain.add(commands)
    conform.add(commands)
    proxy.add(commands)
    check_command.add(commands)
    exec_command.add(commands)
    return parser
