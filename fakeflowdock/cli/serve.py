"""`python -m fakeflowdock serve`: run the server. It is the default command."""

from __future__ import annotations

import gc
import json
import os
import shlex
import signal
import socket
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from ..version import __version__
from ..world.settings import MOST_WORLDS
from . import startup
from .command import CONFIG, Command
from .errors import CommandError
from .options import BOOLEAN, COUNT, FILE, PORT, SECONDS, STORE, TOKEN, URL, Option, choice
from .signals import listen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import SimpleNamespace


def run(given: SimpleNamespace) -> None:
    """Serve.

    Raises:
        CommandError: the state is invalid, TLS is not possible, the address cannot be bound, or the world cannot be
            saved.
    """
    from ..api.app import App
    from ..api.internal_routes import DOCS, PREFIX, STREAM
    from ..http.addresses import is_loopback
    from ..http.server import Server
    from ..server.memory import Memory
    from ..server.public_address import PublicAddress
    from ..server.site import Site
    from ..server.worlds import OFF, Held, Worlds
    from .tls_options import chosen

    if given.store and (given.state or given.save_on_exit):
        raise CommandError(CommandError.STORE_AND_FILE)
    if given.reads == startup.LOCAL and not given.store:
        raise CommandError(CommandError.READS_ALONE)
    if given.store and given.admin_token is None and not (given.host == "localhost" or is_loopback(given.host)):
        raise CommandError(CommandError.STORE_ALONE)  # each would make one of its own
    with startup.saving(given) as saving:
        notes = startup.notes_of(given)
        app = App(startup.world_of(given), notes.bug, notes.finding)
        tls, ca_file = chosen(given, notes.note)
        credentials = startup.credentials_of(app.store)  # may add a token: before the initial state is fixed
        worlds = Worlds(
            Held(app),
            saver=saving,
            cites=True,
            limit=given.max_worlds,
            ttl=given.world_ttl,
            public=PublicAddress(given.public_url or "", given.trust_forwarded),
            admin_token=given.admin_token,
            noting=lambda world: partial(notes.finding, world=world),
            freed=Memory().give_back,
            inspector=given.inspector,
        )
        shared = startup.shared(given, worlds, notes)
        if shared is not None:
            credentials = startup.known_credentials(app.store)  # the world may be another one now
        site = shared or Site(worlds)
        speaking = {**tls, "log": startup.log_of(given), "note": notes.note}
        speaking["stops"] = partial(_notify_systemd, b"STOPPING=1")
        server = listen(lambda: Server(site, given.host, given.port, **speaking), given.host, given.port)
        notes.docs = f"{given.public_url or server.url}{DOCS}"
        public = {"public_url": given.public_url} if given.public_url else {}
        own = {} if given.inspector == OFF else {"inspector_url": f"{given.public_url or server.url}{PREFIX}"}
        urls = {"url": server.url, **public, **own, "stream_url": f"{server.url}{STREAM}/flows"}
        ready = {"event": "ready", **urls, "world": given.state or given.seed or given.world, **credentials, **ca_file}
        if worlds.admin_token is not None:
            ready["admin_token"] = worlds.admin_token
        if saving is not None:
            saving.begin(lambda: app.store, notes.note)
        print(json.dumps(ready) if given.json else _greeting(ready), flush=True)
        _dedicate()
        if given.until_eof:
            threading.Thread(target=_end_with_input, daemon=True).start()
        _notify_systemd(b"READY=1")
        server.serve()
        if saving is not None:
            saving.save(app.store)


def _dedicate() -> None:
    """Allow as many connections as possible, and leave what is there now to no garbage collection."""
    gc.freeze()
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with suppress(ValueError, OSError):  # macOS reports no limit, but has one
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def _end_with_input() -> None:
    """Stop the server at the end of standard input: a pipe ends with the process that holds it, however that ends."""
    with suppress(OSError):
        while os.read(0, 65536):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


def _notify_systemd(state: bytes) -> None:
    """Tell systemd the state of a service of the type `notify`."""
    if not (path := os.environ.get("NOTIFY_SOCKET")):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.sendto(state, path.replace("@", "\0", 1) if path.startswith("@") else path)


def _greeting(ready: Mapping[str, Any]) -> str:
    shown = f"-H 'Authorization: Bearer {ready['admin_token']}' " if "admin_token" in ready else ""
    public = f"\nIts public address is {ready['public_url']}." if "public_url" in ready else ""
    public += f"\nSee the world in a browser: {ready['inspector_url']}" if "inspector_url" in ready else ""
    greeting = f"""\
fakeflowdock {__version__} answers on {ready["url"]}, with the world {ready["world"]}.{public}
Ctrl-C stops it.

List sources as a user:
  curl -u {ready["api_token"]}: {ready["url"]}/sources
Create one through an OAuth application, and keep the flow_token of the reply:
  curl -H 'Authorization: Bearer {ready["access_token"]}' -d name=Builds \\
       {ready["url"]}/flows/{ready["flow"]}/sources
Post with that flow_token, as the source, or as old clients did, and read what was posted:
  curl -d flow_token=… -d event=message -d content=Done {ready["url"]}/messages
  curl -d external_user_name=CI -d content=Done \\
       {ready["url"]}/v1/messages/chat/{ready["flow_api_token"]}
  curl -u {ready["api_token"]}: {ready["url"]}/flows/{ready["flow"]}/messages
Stream what is posted, as it happens:
  curl -Nu {ready["api_token"]}: '{ready["stream_url"]}?filter={ready["flow"]}'

The user's e-mail address and password also work:
  curl -u {ready["email"]}:{ready["password"]} {ready["url"]}/sources

Make a world for a suite, with credentials of its own{", with the admin token" if shown else ""}:
  curl {shown}-H 'Content-Type: application/json' -d '{{}}' \\
       {ready["url"]}/_fakeflowdock/worlds"""
    trusting = f"  curl --cacert {shlex.quote(ready['ca_file'])} " if "ca_file" in ready else "  curl "
    return greeting.replace("  curl ", trusting)


serve_command = Command(
    "serve",
    run,
    [
        Option("host", "Listen on this address; :: for all of them.", "127.0.0.1", metavar="ADDRESS"),
        Option("port", "0 picks one.", 8080, PORT, "PORT", short="-p"),
        *startup.OPTIONS,
        Option("public-url", "Address for clients.", None, URL, "URL"),
        Option("trust-forwarded", "Trust proxies.", False, BOOLEAN),
        Option("json", "Print the ready line as JSON.", False, BOOLEAN),
        Option("until-eof", "Stop with its input.", False, BOOLEAN),
        Option("admin-token", "Token required by the admin API.", None, TOKEN, "TOKEN", unset="generated"),
        Option("inspector", "Webpage.", "full", choice("full", "read", "off"), "MODE"),
        Option("max-worlds", "Allow this many worlds besides the server's own.", MOST_WORLDS, COUNT, "N"),
        Option("world-ttl", "Delete unused ones.", None, SECONDS, "SECONDS"),
        Option("tls", "Serve HTTPS with a test CA.", False, BOOLEAN),
        Option("write-ca", "Write that CA to a file.", "", FILE, "FILE"),
        Option("tls-cert", "HTTPS certificate, PEM.", "", FILE, "FILE"),
        Option("tls-key", "Its key, if separate.", "", FILE, "FILE"),
        Option("store", "Share worlds through Redis.", None, STORE, "URL"),
        Option("reads", "linearizable or local.", None, choice(*startup.READS), "HOW"),
        CONFIG,
    ],
    help="Serve Flowdock's REST API from memory. This is the default command.",
    epilog="""\
\b
Status: 0 success, a signal; 1 not saved; 2 invalid; 128 + n second signal n.""",
)
