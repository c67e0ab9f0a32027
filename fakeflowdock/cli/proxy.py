"""`python -m fakeflowdock proxy`: check the traffic between a client and any server against the docs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from ..http.console import say
from .command import CONFIG, Command
from .errors import CommandError
from .options import BOOLEAN, CA_FILE, PORT, SECONDS, Option
from .signals import listen

if TYPE_CHECKING:
    from types import SimpleNamespace

    from ..checking.reporting_proxy import Passed


def run(given: SimpleNamespace) -> int:
    """Run the proxy. Returns the exit status.

    Raises:
        CommandError: the address cannot be bound, or the URL is invalid.
    """
    from ..checking.remote import Remote
    from ..checking.reporting_proxy import Proxy
    from ..http.server import Server
    from ..http.streamed import StreamedConnection

    def tell(passed: Passed) -> None:
        say(json.dumps(passed.as_json(), ensure_ascii=False) if given.json else str(passed))

    try:
        proxy = Proxy(Remote(given.upstream, given.ca_file), tell, strict=given.strict, timeout=given.timeout)
    except ValueError as error:
        raise CommandError(str(error)) from None
    server = listen(lambda: Server(proxy, given.host, given.port, StreamedConnection), given.host, given.port)
    ready = {"event": "ready", "url": server.url, "upstream": given.upstream}
    greeting = f"fakeflowdock forwards {server.url} to {given.upstream}.\nCtrl-C stops it."
    print(json.dumps(ready) if given.json else greeting, flush=True)
    server.serve()
    summary = proxy.summary()
    words = ", ".join(f"{n} {name.removesuffix('s') if n == 1 else name}" for name, n in summary.items())
    say(json.dumps({"event": "summary", **summary}) if given.json else f"fakeflowdock: {words}")
    return 1 if given.fail and summary["violations"] else 0


proxy_command = Command(
    "proxy",
    run,
    [
        click.Argument(["upstream"], metavar="URL"),
        Option("host", "Listen on this address; :: for all of them.", "127.0.0.1", metavar="ADDRESS"),
        Option("port", "Listen on this port; 0 is any free one.", 8081, PORT, "PORT", short="-p"),
        Option("json", "Print the ready line and each exchange as JSON.", False, BOOLEAN),
        Option("strict", "Treat what the docs advise against as a violation.", False, BOOLEAN),
        Option("fail", "Exit with status 1 if there were violations.", False, BOOLEAN),
        Option("timeout", "Wait this long for the server.", 30, SECONDS, "SECONDS"),
        CA_FILE,
        CONFIG,
    ],
    help="""\
Forward requests to a server and report differences from the docs. Requests go unchanged to the server at URL, such as
http://127.0.0.1:8080, and its responses back, until a signal. What differs from Flowdock's docs is printed on standard
error, with secrets shortened. Redirects are not followed and URLs in responses are not rewritten, so a client that
follows them leaves the proxy. If the server does not answer, the proxy responds with 502.""",
    epilog="""\
\b
Status: 0 after a signal; 1 with --fail, if there were violations; 2 invalid
option or address; 128 + n second signal n.""",
)
