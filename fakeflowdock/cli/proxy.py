"""`python -m fakeflowdock proxy`: what passes between a client and any server, held against the docs."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from . import option_table, options
from .options import CommandError
from .signals import listen

if TYPE_CHECKING:
    import argparse

    from ..checking.reporting_proxy import Passed


def add(commands: Any) -> None:
    """Add the command to the parser's own."""
    parser = commands.add_parser(
        "proxy",
        help="pass requests on, and tell what is not as documented",
        usage="fakeflowdock proxy [OPTION ...] URL",
        description="""\
Listen, pass each request on to the server at URL as it is, and its reply back;
and say on standard error what either has that Flowdock's docs do not, until a
signal. Secrets are shortened. Redirects are not followed, and addresses in
replies stay as they are: a client that follows one leaves the proxy. Where the
server does not answer, the proxy does, with 502.""",
        epilog="Status: 0 after a signal; 1 with --fail, where there were violations; 2 a wrong\n"
        "option or address; 128 + n a second signal n.",
    )
    parser.add_argument("upstream", metavar="URL", help="the server, as in http://127.0.0.1:8080")
    options.add(parser, option_table.PROXY)


def run(given: argparse.Namespace) -> int:
    """The command. Returns the exit status.

    Raises:
        CommandError: the address cannot be served, or the URL is none.
    """
    from ..checking.remote import Remote
    from ..checking.reporting_proxy import Proxy
    from ..http.server import Server
    from ..http.streamed import StreamedConnection

    def tell(passed: Passed) -> None:
        _say(json.dumps(passed.as_json(), ensure_ascii=False) if given.json else str(passed))

    try:
        proxy = Proxy(Remote(given.upstream, given.ca_file), tell, strict=given.strict, timeout=given.timeout)
    except ValueError as error:
        raise CommandError(str(error)) from None
    server = listen(lambda: Server(proxy, given.host, given.port, StreamedConnection), given.host, given.port)
    ready = {"event": "ready", "url": server.url, "upstream": given.upstream}
    greeting = f"fakeflowdock passes {server.url} on to {given.upstream}.\nCtrl-C stops it."
    print(json.dumps(ready) if given.json else greeting, flush=True)
    server.serve()
    summary = proxy.summary()
    words = ", ".join(f"{n} {name.removesuffix('s') if n == 1 else name}" for name, n in summary.items())
    _say(json.dumps({"event": "summary", **summary}) if given.json else f"fakeflowdock: {words}")
    return 1 if given.fail and summary["violations"] else 0


def _say(line: str) -> None:
    with suppress(OSError):  # whoever read it may be gone, and the exchange goes on
        print(line, file=sys.stderr, flush=True)
