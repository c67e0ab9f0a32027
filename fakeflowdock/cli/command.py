"""Commands, by Click. Each takes its options from the command line, the environment or a config file."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import click

from ..suggestions import did_you_mean, nearest
from .errors import CommandError
from .options import FILE, PREFIX, Option
from .terminal import HelpContext

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Variables of other parts: the pytest plugin, `exec`, the tests, the benchmarks.
OTHER_VARIABLES = (
    *(
        "FAKEFLOWDOCK_SHAPES",
        "FAKEFLOWDOCK_JOURNAL",
        "FAKEFLOWDOCK_CLOCK",
        "FAKEFLOWDOCK_UNKNOWN_PATHS",
        "FAKEFLOWDOCK_OTHER_HOSTS",
        "FAKEFLOWDOCK_INSPECT",
    ),
    *("FAKEFLOWDOCK_PROXY", "FAKEFLOWDOCK_CLIENT_ID", "FAKEFLOWDOCK_CLIENT_SECRET", "FAKEFLOWDOCK_FLOW_API_TOKEN"),
    *("FAKEFLOWDOCK_SEEDS", "FAKEFLOWDOCK_API_DOCS", "FAKEFLOWDOCK_CLIENTS", "FAKEFLOWDOCK_MATRIX"),
    *("FAKEFLOWDOCK_PEERS", "FAKEFLOWDOCK_LONG", "FAKEFLOWDOCK_AXE", "FAKEFLOWDOCK_LANGUAGES"),
    *("FAKEFLOWDOCK_GENERATORS", "FAKEFLOWDOCK_SERVERS", "FAKEFLOWDOCK_OTHER_PYTHON", "FAKEFLOWDOCK_BROWSERS"),
)


class Command(click.Command):
    """A command, which runs a function that gets its values as attributes and returns the exit status."""

    context_class = HelpContext

    def __init__(
        self, name: str, run: Callable[[Any], int | None], params: Sequence[click.Parameter] = (), **more: Any
    ) -> None:
        super().__init__(name, callback=lambda **given: run(SimpleNamespace(**given)), params=[*params], **more)

    @property
    def options(self) -> list[Option]:
        """The options that the environment and a config file may set."""
        return [each for each in self.params if isinstance(each, Option) and each.envvar]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line, and refuse unknown variables. Raises click.ClickException."""
        own = {option.envvar for option in self.options}
        given = {name for name, value in os.environ.items() if value and name.startswith(PREFIX)} - own
        if own and given and not ctx.resilient_parsing:  # rare: it imports every command
            known = {*OTHER_VARIABLES, *(str(option.envvar) for each in every_option(ctx).values() for option in each)}
            for name in sorted(given - known):
                near = nearest(name.removeprefix(PREFIX), [each.removeprefix(PREFIX) for each in known])
                hint = did_you_mean(near and PREFIX + near, CommandError.SEE_HELP)
                raise CommandError.of(CommandError.VARIABLE, name=name, hint=hint)
        return super().parse_args(ctx, args)


def every_option(ctx: click.Context) -> dict[str, list[Option]]:
    """Return the options of every command of the program."""
    program: Any = ctx.find_root().command
    return {name: program.get_command(ctx, name).options for name in program.list_commands(ctx)}


def _read_config(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if value and not ctx.resilient_parsing:
        from .config_file import values

        ctx.default_map = values(value, str(ctx.command.name), every_option(ctx))
    return value


CONFIG = Option("config", "Read options from TOML.", "", FILE, "FILE", is_eager=True, callback=_read_config)
