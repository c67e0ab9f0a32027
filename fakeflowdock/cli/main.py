"""The command line. Each command is in a file of its own, which is imported only when it runs."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

import click
from click.exceptions import Exit

from ..suggestions import did_you_mean, nearest
from ..version import __version__
from . import terminal
from .errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem

    from .command import Command

MODULES = {name: name for name in ("serve", "routes", "explain", "conform", "proxy", "check", "import", "seed", "exec")}
MODULES |= {"routes": "explain", "import": "import_recording"}  # `import` is a keyword
SERVE = "serve"  # the command if none is given
# Its options in the help of the program.
COMMON = ("host", "port", "world", "state", "seed", "save_on_exit", "tls", "json")
EPILOG = """\
\b
Default command: serve. All of its options: fakeflowdock serve --help.
Precedence: command line, environment, config file.
Status: 0 success, also after SIGINT, SIGTERM or SIGHUP; 1 the world could not
be saved; 2 invalid option, address or file; 128 + n second signal n."""


class Program(click.Group):
    """The program. Without a command, it serves."""

    context_class = terminal.HelpContext

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return [*MODULES]

    def get_command(self, ctx: click.Context, cmd_name: str) -> Command | None:
        """Return a command, or None."""
        return command_named(cmd_name) if cmd_name in MODULES else None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the command in front of its options. Raises click.ClickException."""
        before: list[str] = []
        if args and args[0] not in MODULES:
            own = self.get_params(ctx)
            parser = command_named(SERVE).make_parser(ctx)
            for param in own:
                param.add_to_parser(parser, ctx)
            _, rest, order = parser.parse_args([*args])
            before, args = args[: len(args) - len(rest)], rest
            if general := [param.opts[-1] for param in order if param in own]:  # --help, --version
                return super().parse_args(ctx, general)
            if args and args[0] not in MODULES and not ctx.resilient_parsing:
                near = nearest(args[0], MODULES)
                raise CommandError.of(CommandError.COMMAND, name=args[0], hint=did_you_mean(near))
        if args or before or not ctx.resilient_parsing:
            args = [*(args[:1] or [SERVE]), *before, *args[1:]]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands and the common options of the server."""
        self.format_commands(ctx, formatter)
        common = [each for each in command_named(SERVE).params if each.name in COMMON]
        records = [each.get_help_record(ctx) for each in (*common, *self.get_params(ctx))]
        with formatter.section("Options"):
            formatter.write_dl([record for record in records if record])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands and options that begin with a text."""
        return [*super().shell_complete(ctx, incomplete), *command_named(SERVE).shell_complete(ctx, incomplete)]


def command_named(name: str) -> Command:
    """Return a command."""
    command: Command = getattr(import_module(f".{MODULES[name]}", __package__), f"{name}_command")
    return command


program = Program(
    "fakeflowdock",
    context_settings={"help_option_names": ["-h", "--help"], "terminal_width": 80},
    epilog=EPILOG,
    subcommand_metavar="[COMMAND] [ARGS]...",
)
program = click.version_option(__version__, prog_name="fakeflowdock", message="%(prog)s %(version)s")(program)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: what follows the program's name; `sys.argv` by default.

    Returns:
        The exit status: 0 success; 1 a command reports a failure, or the world could not be saved; 2 an option, the
        address or a file is invalid; 130 a SIGINT arrived before the server was ready.
    """
    if "_FAKEFLOWDOCK_COMPLETE" in os.environ:
        program.main(argv, prog_name="fakeflowdock")
    terminal.encode_safely()
    status, arguments = 0, sys.argv[1:] if argv is None else [*argv]
    try:
        with suppress(Exit), program.make_context("fakeflowdock", arguments, color=terminal.wants_color()) as context:
            status = program.invoke(context) or 0
        if sys.stdout is not None:  # None if it was closed
            sys.stdout.flush()
    except BrokenPipeError:  # as in `fakeflowdock routes | head`
        _discard_output()
    except click.ClickException as error:
        terminal.complain(_message(error))
        return error.exit_code
    except OSError as error:  # as with a full disk behind standard output
        terminal.complain(error.strerror or str(error))
        _discard_output()
        return 2
    except KeyboardInterrupt:  # before the server was ready
        return 130
    return status


def _message(error: click.ClickException) -> str:
    """Return the message of an error; one of Click's own in the style of the others."""
    if isinstance(error, click.NoSuchOption):
        near = nearest(error.option_name, error.possibilities or ())
        return CommandError.OPTION.format(name=error.option_name, hint=did_you_mean(near))
    if not isinstance(error, click.UsageError):
        return error.message
    message = error.format_message()
    return f"{message[:1].lower()}{message[1:].rstrip('.')} (see --help)"


def _discard_output() -> None:
    """Discard pending output, or Python would report an error when it exits."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
