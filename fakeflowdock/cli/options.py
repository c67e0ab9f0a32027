"""Options, by Click. Each has a twin in the environment and a key in a config file."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from click.types import BoolParamType

from ..suggestions import either
from .errors import CommandError
from .terminal import NO_BREAK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from click.shell_completion import CompletionItem

    ParamType = click.ParamType[Any]
else:
    ParamType = click.ParamType

PREFIX = "FAKEFLOWDOCK_"
TRUTH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


@dataclass(eq=False)
class Type(ParamType):
    """The type of an option's value.

    Attributes:
        read: returns the value of a text; raises LookupError or ValueError if there is none.
        expected: describes valid texts, for error messages.
        valid: whether a value is valid.
        toml: the types that a config file may use.
        choices: the valid texts, for shell completion.
        secret: whether error messages hide the text.
    """

    read: Callable[[str], Any]
    expected: str
    valid: Callable[[Any], object] = lambda _: True
    toml: tuple[type, ...] = (str,)
    choices: Sequence[str] = ()
    secret: bool = False

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value of a text. Anything else is a value already."""
        if not isinstance(value, str):
            return value
        with suppress(LookupError, ValueError):
            if self.valid(found := self.read(value)):
                return found
        assert isinstance(param, Option)
        in_environment = ctx and ctx.get_parameter_source(param.name) is ParameterSource.ENVIRONMENT
        place = f"{param.envvar}: " if in_environment else ""
        shown = "" if self.secret else f" {value!r}"
        name = param.name.replace("_", "-")
        raise CommandError.of(CommandError.INVALID, place=place, name=name, shown=shown, expected=self.expected)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the choices that begin with a text."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(each) for each in self.choices if each.startswith(incomplete)]


class Boolean(Type, BoolParamType):
    """A boolean. Its option takes no value on the command line, and `--no-…` turns it off."""


def choice(*texts: str) -> Type:
    """Return the type of one of some texts."""
    return Type({text: text for text in texts}.__getitem__, either(texts), choices=texts)


def _integer(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else -1


def _public_url(text: str) -> str:
    from ..server.public_address import public_url

    return public_url(text)


BOOLEAN = Boolean(lambda text: TRUTH[text.lower()], "true or false", toml=(bool,))
BOOLEAN_OR_FILE = Type(lambda text: TRUTH.get(text.lower(), text), "a file name", lambda text: text != "", (bool, str))
PORT = Type(_integer, "0\u201365535", range(65536).__contains__, (int,))
COUNT = Type(_integer, "0\u2013999999999", range(10**9).__contains__, (int,))
BYTES = Type(_integer, "1\u2013999999999999", range(1, 10**12).__contains__, (int,))
SECONDS = Type(float, "a number of seconds greater than 0", lambda number: 0 < number < 1e6, (int, float))
CLOCK = Type(
    lambda text: text if text in ("world", "system") else datetime.fromisoformat(text),
    "world, system or a time such as 2030-01-01T00:00:00Z",
    toml=(str, datetime),
    choices=("world", "system"),
)
TOKEN = Type(str, "8 to 256 ASCII characters without spaces", re.compile("[!-~]{8,256}").fullmatch, secret=True)
URL = Type(_public_url, "a URL such as https://ci.example.com/flowdock")
STORE = Type(
    str, "a URL such as redis://host:6379/0", re.compile(r"(rediss?|valkeys?)://.+|unix://.+").fullmatch, secret=True
)
HOSTS = Type(
    lambda text: tuple(filter(None, map(str.strip, text.lower().split(",")))),
    "names such as example.com or *.example.com",
    lambda names: all(re.fullmatch(r"\*|(?:\*\.)?[a-z0-9._-]+|[0-9a-f:.]+", name) for name in names),
)
FILE = click.Path(readable=False)  # relative to the config file, if it is named there


class Option(click.Option):
    """An option of a command.

    Args:
        name: `auto-consent` is `--auto-consent`, `FAKEFLOWDOCK_AUTO_CONSENT` in the environment and `auto_consent` in
            a config file.
        short: another flag, such as `-p`.
        unset: describes the default in place of its value.
        twin: whether the environment and a config file may set it.
    """

    def __init__(
        self,
        name: str,
        help: str,
        default: Any = None,
        type: click.types.ParamType[Any] = click.STRING,
        metavar: str | None = None,
        *,
        short: str = "",
        unset: str = "",
        twin: bool = True,
        **more: Any,
    ) -> None:
        flags = [f"--{name}/--no-{name}" if type is BOOLEAN else f"--{name}", *filter(None, [short])]
        if type is BOOLEAN_OR_FILE:
            more |= {"is_flag": False, "flag_value": "true"}  # of the option without a value
        super().__init__(flags, help=help, default=default, type=type, metavar=metavar, **more)
        self._unset = unset
        self.envvar = PREFIX + self.name.upper() if twin else None

    @property
    def value(self) -> str:
        """The value in help and docs: ` PORT`, ` [FILE]` or nothing."""
        return (f" [{self.metavar}]" if self.type is BOOLEAN_OR_FILE else f" {self.metavar}") if self.metavar else ""

    @property
    def shown_default(self) -> str:
        """The default in words; empty if there is nothing to say."""
        return self._unset or ("" if self.default in (None, "", (), False) else str(self.default))

    def value_from_envvar(self, ctx: click.Context) -> str | None:
        """Return what the environment has: Click 8.2 takes the variable of a boolean for true, whatever it is."""
        return os.environ.get(str(self.envvar)) or None if self.envvar else None

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        """Return the option's line in `--help`."""
        flag = self.opts[0].replace("--", "--[no-]") if self.secondary_opts else self.opts[0] + self.value
        extra = {"env": self.envvar, "default": self.shown_default}
        tags = (f"[{name}: {words}]".replace(" ", NO_BREAK) for name, words in extra.items() if words)
        return ", ".join([*self.opts[1:], flag]), " ".join([str(self.help), *tags])


CA_FILE = Option("ca-file", "Trust these certificate authorities too.", "", FILE, "FILE")
