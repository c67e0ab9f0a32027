"""`python -m fakeflowdock exec`: a command whose calls to Flowdock's hosts reach a fake."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies_environment

from . import option_table, options
from .options import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..api.app import App
    from ..api.journal import Exchange
    from ..contract.findings import Finding

# Of what the ready line of a server has, what the command is told, as FAKEFLOWDOCK_API_TOKEN and so on. None has the
# name of an option of the server; those that `conform` has mean the same there.
TOLD = (
    "organization",
    "api_token",
    "access_token",
    "client_id",
    "client_secret",
    "email",
    "password",
    "flow_api_token",
    "second_api_token",
    "spare_api_token",
)
SHOWN = 20  # lines of what was not as documented
HINT = "; --tunnel leads to all others, --tunnel-to to some"


def add(commands: Any) -> None:
    """Add the command to the parser's own."""
    parser = commands.add_parser(
        "exec",
        help="run a command whose calls to Flowdock reach a fake",
        usage="fakeflowdock exec [OPTION ...] -- COMMAND [ARGUMENT ...]",
        description="""\
Start a fake and a proxy on this machine, and run COMMAND in an environment in
which clients of most languages ask that proxy and trust its certificate.
Flowdock's hosts are the fake; other hosts are refused, unless an option leads
to them; this machine is asked without the proxy. The command finds the address
of the fake in FLOWDOCK_API_URL, and credentials in FAKEFLOWDOCK_API_TOKEN,
_ACCESS_TOKEN, _EMAIL, _PASSWORD and so on. Needs the extra tls of this package.""",
        epilog="Status: that of the command; 128 + n where the signal n ended it; 127 where\n"
        "there is none, 126 where it cannot be run; 1 the world could not be saved; 2 a\n"
        "wrong option or file.",
    )
    parser.add_argument("line", nargs=argparse.REMAINDER, metavar="COMMAND", help="it, and its arguments")
    options.add(parser, option_table.EXEC)


def run(given: argparse.Namespace) -> int:
    """The command. Returns the exit status of the other one.

    Raises:
        CommandError: there is nothing to run, the state is no world, there can be no TLS, or the world cannot be saved.
    """
    line = given.line[1:] if given.line[:1] == ["--"] else given.line
    if not line:
        raise CommandError("exec needs a command, as in: fakeflowdock exec -- pytest")
    if not hasattr(os, "posix_spawnp"):
        raise CommandError("exec needs a system with POSIX's signals")
    from ..api.app import App
    from ..http.certificates import NoCertificate
    from ..server.child_environment import Door
    from ..server.site import site_of
    from ..world.scopes import SCOPES
    from . import startup
    from .child_process import NotStarted, Signals

    notes = startup.notes_of(given)
    noted: Counter[str] = Counter()

    def count(found: Finding) -> None:
        noted[f"{found.severity}: {found}"] += 1

    with ExitStack() as stack:
        saving = stack.enter_context(startup.saving(given))
        app = App(startup.world_of(given), notes.bug, count)
        credentials = startup.credentials_of(app.store)
        signals = stack.enter_context(Signals())
        try:
            others = ("*",) if given.tunnel else given.tunnel_to
            door = Door(
                site_of(app),
                startup.log_of(given),
                notes.note,
                others=others,
                proxies=getproxies_environment(),
                hint=HINT,
            )
            stack.callback(door.stop)
            environ = {**os.environ, **door.environ(os.environ, door.url)}
        except (NoCertificate, OSError) as error:
            raise CommandError(str(error)) from None
        for name in ("ALL_PROXY", "all_proxy"):
            del environ[name]
        environ |= {f"FAKEFLOWDOCK_{name.upper()}": credentials[name] for name in TOLD if credentials[name]}
        environ["FAKEFLOWDOCK_SCOPES"] = " ".join(SCOPES)  # those of the access token
        try:
            status = signals.run(line, environ)
        except NotStarted as error:
            notes.note(str(error))
            return error.status
        if saving is not None:
            saving.save(app.store)
    for line in _summary([*noted.items(), *_unknown(app)]):
        notes.note(line)
    return status


def _unknown(app: App) -> Iterator[tuple[str, int]]:
    """What the last requests asked for that Flowdock never had, or that is not answered yet, and how often."""
    from ..api import internal_routes
    from ..contract.errors import NoSuchRoute

    lost = (each for each in app.journal if isinstance(each.refusal, NoSuchRoute))
    yield from Counter(_why_unknown(each) for each in lost if not each.path.startswith(internal_routes.PREFIX)).items()


def _why_unknown(exchange: Exchange) -> str:
    from ..api.environ import STREAM_HOST

    if STREAM_HOST.fullmatch(exchange.request.headers.get("host", "")):
        return f"{exchange.method} {exchange.shown_path} of stream.flowdock.com is not answered yet"
    return f"{exchange.method} {exchange.shown_path} is nothing that Flowdock had"


def _summary(lines: list[tuple[str, int]]) -> Iterator[str]:
    """What was not as documented; nothing where all was."""
    for text, count in lines[:SHOWN]:
        yield text if count == 1 else f"{text} ({count} times)"
    if len(lines) > SHOWN:
        yield f"and {len(lines) - SHOWN} more"
