"""`python -m fakeflowdock exec`: run a command whose requests to Flowdock reach a fake."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from . import startup
from .command import CONFIG, Command
from .errors import CommandError, NotStarted
from .options import BOOLEAN, HOSTS, Option

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import SimpleNamespace

    from ..api.app import App
    from ..api.exchange import Exchange
    from ..contract.findings import Finding

# Fields of the ready line that the command does not get. It gets the others as FAKEFLOWDOCK_API_TOKEN and so on: none
# is an option of the server, and those that `conform` has mean the same there.
NOT_PASSED = ("flow", "version", "pid")
SHOWN = 20  # lines of the summary
HINT = "; --tunnel allows all other hosts, --tunnel-to some"


def run(given: SimpleNamespace) -> int:
    """Run the command. Returns its exit status.

    Raises:
        CommandError: the command is missing, the state is invalid, TLS is not available, or the world cannot be saved.
    """
    if not given.line:
        raise CommandError(CommandError.NOTHING_TO_RUN)
    if not hasattr(os, "posix_spawnp"):
        raise CommandError(CommandError.NO_SIGNALS)
    from urllib.request import getproxies_environment

    from ..api.app import App
    from ..http.errors import NoCertificate
    from ..server.child_environment import ANY_SCHEME, Door
    from ..server.site import site_of
    from ..world.scopes import SCOPES
    from .child_process import Signals

    notes = startup.notes_of(given)
    noted: Counter[str] = Counter()

    def count(found: Finding) -> None:
        noted[f"{found.severity}: {found}"] += 1

    with ExitStack() as stack:
        saving = stack.enter_context(startup.saving(given))
        app = App(startup.world_of(given), notes.bug, count)
        credentials = startup.credentials_of(app.store)
        if saving is not None:
            saving.begin(lambda: app.store, notes.note)
        signals = stack.enter_context(Signals())
        try:
            more = {"others": ("*",) if given.tunnel else given.tunnel_to, "proxies": getproxies_environment()}
            door = Door(site_of(app), startup.log_of(given), notes.note, **more, hint=HINT)
            stack.callback(door.stop)
            environ = {**os.environ, **door.environ(os.environ, door.url)}
        except (NoCertificate, OSError) as error:
            raise CommandError(str(error)) from None
        for name in ANY_SCHEME:
            environ.pop(name, None)
        for name, value in credentials.items():
            if value and name not in NOT_PASSED:
                environ[f"FAKEFLOWDOCK_{name.upper()}"] = value
        environ["FAKEFLOWDOCK_SCOPES"] = " ".join(SCOPES)  # of the access token
        try:
            status = signals.run(given.line, environ)
        except NotStarted as error:
            notes.note(str(error))
            return error.status
        if saving is not None:
            saving.save(app.store)
    for line in _summary([*noted.items(), *_unknown(app)]):
        notes.note(line)
    return status


NEVER_HAD = "is not in Flowdock's API"


def _unknown(app: App) -> Iterator[tuple[str, int]]:
    """Yield each unknown or unsupported path among the last requests, and how often it was requested."""
    from ..api.environ import STREAM_HOST
    from ..testing.exchanges import has_unknown_path
    from ..testing.hints import unanswered

    def why(exchange: Exchange) -> str:
        streams = STREAM_HOST.fullmatch(exchange.request.headers.get("host", ""))
        what = f"{exchange.method} {exchange.shown_path}{' of stream.flowdock.com' if streams else ''}"
        return f"{what} {unanswered(exchange) or NEVER_HAD}"

    yield from Counter(map(why, filter(has_unknown_path, app.journal))).items()


def _summary(lines: list[tuple[str, int]]) -> Iterator[str]:
    """Yield the lines of the summary."""
    for text, count in lines[:SHOWN]:
        yield text if count == 1 else f"{text} ({count} times)"
    if len(lines) > SHOWN:
        yield f"and {len(lines) - SHOWN} more"


exec_command = Command(
    "exec",
    run,
    [
        click.Argument(["line"], metavar="-- COMMAND [ARGUMENT]...", nargs=-1, type=click.UNPROCESSED),
        *startup.OPTIONS,
        Option("tunnel", "Allow requests to all other hosts.", False, BOOLEAN),
        Option("tunnel-to", "Allow requests to these: a.org,*.b.org.", (), HOSTS, "HOSTS"),
        CONFIG,
    ],
    context_settings={"allow_interspersed_args": False},
    help="""\
Run a command whose requests to Flowdock reach a fake. It runs in an environment in which clients of most languages use
a proxy on this machine and trust its certificate. Requests to other hosts are refused unless an option allows them;
those to this machine bypass the proxy. COMMAND finds the fake's address in FLOWDOCK_API_URL, and credentials in
FAKEFLOWDOCK_API_TOKEN, _ACCESS_TOKEN, _EMAIL, _PASSWORD and so on, and the certificate to trust in
FAKEFLOWDOCK_CA_FILE.""",
    epilog="""\
\b
Status: that of COMMAND; 128 + n signal n ended it; 127 not found; 126 not
executable; 1 the world could not be saved; 2 invalid option or file.""",
)
