"""`python -m fakeflowdock`, without a command: the server."""

from __future__ import annotations

import json
import os
import shlex
import socket
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from ..version import __version__
from . import startup
from .signals import listen

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping


def run(given: argparse.Namespace) -> None:
    """The command.

    Raises:
        CommandError: the state is invalid, TLS is not possible, the address cannot be bound, or the world cannot be
            saved.
    """
    from ..api.app import App
    from ..http.server import Server
    from ..server.site import Site
    from ..server.worlds import Alone, Worlds
    from . import process_limits, tls_options

    with startup.saving(given) as saving:
        notes = startup.notes_of(given)
        app = App(startup.world_of(given), notes.bug, notes.finding)
        tls = tls_options.chosen(given, notes.note)
        credentials = startup.credentials_of(app.store)  # one of which is made now, and which a reset does not lose
        worlds = Worlds(
            Alone(app),
            limit=given.max_worlds,
            admin_token=given.admin_token or None,
            noting=lambda world: partial(notes.finding, world=world),
        )
        speaking = {**tls.speaking, "log": startup.log_of(given)}
        server = listen(lambda: Server(Site(worlds), given.host, given.port, **speaking), given.host, given.port)
        ready = {"event": "ready", "url": server.url, "world": given.state or given.world, **credentials, **tls.ready}
        if worlds.admin_token is not None:
            ready["admin_token"] = worlds.admin_token
        print(json.dumps(ready) if given.json else _greeting(ready), flush=True)
        process_limits.dedicate()
        _tell_the_starter()
        server.serve()
        if saving is not None:
            saving.save(app.store)


def _tell_the_starter() -> None:
    """Tell systemd, where that started the server as a service of the type `notify`, that it is ready."""
    if not (path := os.environ.get("NOTIFY_SOCKET")):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as starter:
        starter.sendto(b"READY=1", path.replace("@", "\0", 1) if path.startswith("@") else path)


def _greeting(ready: Mapping[str, Any]) -> str:
    shown = f"-H 'Authorization: Bearer {ready['admin_token']}' " if "admin_token" in ready else ""
    greeting = "\n".join(
        (
            f"fakeflowdock {__version__} answers on {ready['url']}, with the world {ready['world']}.",
            "Ctrl-C stops it.",
            "",
            "List sources as a user:",
            f"  curl -u {ready['api_token']}: {ready['url']}/sources",
            "Create one through an OAuth application, and keep the flow_token of the reply:",
            f"  curl -H 'Authorization: Bearer {ready['access_token']}' -d name=Builds \\",
            f"       {ready['url']}/flows/{ready['flow']}/sources",
            "Post with that flow_token, as the source, or as old clients did, and read what was posted:",
            f"  curl -d flow_token=… -d event=message -d content=Done {ready['url']}/messages",
            "  curl -d external_user_name=CI -d content=Done \\",
            f"       {ready['url']}/v1/messages/chat/{ready['flow_api_token']}",
            f"  curl -u {ready['api_token']}: {ready['url']}/flows/{ready['flow']}/messages",
            "",
            "The user's e-mail address and password do as well:",
            f"  curl -u {ready['email']}:{ready['password']} {ready['url']}/sources",
            "",
            f"Make a world for a suite, with credentials of its own{', with the admin token' if shown else ''}:",
            f"  curl {shown}-H 'Content-Type: application/json' -d '{{}}' \\",
            f"       {ready['url']}/_fakeflowdock/worlds",
        )
    )
    trusting = f"  curl --cacert {shlex.quote(ready['ca_file'])} " if "ca_file" in ready else "  curl "
    return greeting.replace("  curl ", trusting)
