"""`python -m fakeflowdock proxy`: what passes between a client and any server, held against the docs."""

from __future__ import annotations

import argparse
import json
import math
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .proxy import Passed


def add(commands: Any, port: Any) -> None:
    """Add the command to the parser's own; `port` reads a port."""
    parser = commands.add_parser(
        "proxy",
        help="pass requests on to a server, and tell what is not as documented",
        allow_abbrev=False,
        description="Listen, pass each request on to the server at URL as it is, and its reply back; and say on "
        "standard error what either has that Flowdock's docs do not, until SIGINT or SIGTERM. Secrets are shortened. "
        "Redirects are not followed, and addresses in replies stay as they are: a client that follows one leaves the "
        "proxy. Where the server does not answer, the proxy does, with 502.",
        epilog="Each setting has a twin in the environment: FAKEFLOWDOCK_HOST, _PORT, _JSON, _STRICT, _FAIL and "
        "_TIMEOUT; the command line wins.",
    )
    parser.add_argument("upstream", metavar="URL", help="the server, as in http://127.0.0.1:8080")
    # What was given before the command stays.
    unset: Any = argparse.SUPPRESS
    parser.add_argument("--host", default=unset, help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=port, default=unset, help="port to listen on, 0 for a free one (default: 8081)")
    parser.add_argument(
        "--json", action="store_true", default=unset, help="print a line of JSON for the address and for each exchange"
    )
    parser.add_argument(
        "--strict", action="store_true", default=None, help="take what the docs advise against for a violation"
    )
    parser.add_argument(
        "--fail", action="store_true", default=None, help="end with status 1 where there were violations"
    )
    parser.add_argument("--timeout", type=_seconds, help="seconds for which the server may be silent (default: 30)")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return seconds


def run(options: argparse.Namespace) -> int:
    """The command. Returns the exit status.

    Raises:
        Failure: the address cannot be served, or the URL is none.
    """
    from .cli import Failure, _listen, _port, _setting, _truth
    from .proxy import HANDLER, Proxy
    from .remote import Remote
    from .threaded import ThreadedServer

    host = _setting(options.host, "HOST", "127.0.0.1", str)
    port = _setting(options.port, "PORT", "8081", _port)
    in_json = _setting(options.json, "JSON", "false", _truth)
    strict = _setting(options.strict, "STRICT", "false", _truth)
    fails = _setting(options.fail, "FAIL", "false", _truth)
    timeout = _setting(options.timeout, "TIMEOUT", "30", _seconds)

    def tell(passed: Passed) -> None:
        _say(json.dumps(passed.as_json(), ensure_ascii=False) if in_json else str(passed))

    try:
        proxy = Proxy(Remote(options.upstream), tell, strict=strict, timeout=timeout)
    except ValueError as error:
        raise Failure(str(error)) from None
    server = _listen(lambda: ThreadedServer(proxy, host, port, HANDLER), host, port)
    ready = {"event": "ready", "url": server.url, "upstream": options.upstream}
    greeting = f"fakeflowdock passes {server.url} on to {options.upstream}.\nCtrl-C stops it."
    print(json.dumps(ready) if in_json else greeting, flush=True)
    server.serve()
    summary = proxy.summary()
    words = ", ".join(f"{n} {name.removesuffix('s') if n == 1 else name}" for name, n in summary.items())
    _say(json.dumps({"event": "summary", **summary}) if in_json else f"fakeflowdock: {words}")
    return 1 if fails and summary["violations"] else 0


def _say(line: str) -> None:
    with suppress(OSError):  # whoever read it may be gone, and the exchange goes on
        print(line, file=sys.stderr, flush=True)
