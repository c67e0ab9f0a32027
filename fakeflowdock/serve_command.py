"""`python -m fakeflowdock`, without a command: the server."""

from __future__ import annotations

import json
import shlex
import sys
import traceback
from typing import TYPE_CHECKING

from . import __version__
from .options import Failure
from .stopping import listen

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from .errors import BrokenContract
    from .findings import Finding


def run(options: argparse.Namespace) -> None:
    """The command.

    Raises:
        Failure: the state is no world, there can be no TLS, or the address cannot be served.
    """
    from . import arrange, process, tls_options, world_files, worlds
    from .app import App
    from .directory import Alone, Directory
    from .server import Server
    from .settings import Settings

    host, port, world, state = options.host, options.port, options.world, options.state
    settings = Settings(options.auto_consent, options.refresh_tokens, options.shape)
    try:
        store = worlds.over(world_files.load(state), settings) if state else worlds.make(world, settings)
    except (OSError, world_files.WorldFileError) as error:
        raise Failure(str(error)) from None
    if not store.users or not store.applications or not store.flows:
        raise Failure(f"{state} has no user, no application or no flow, for which the server could print credentials")
    store.clock.run()
    tls = tls_options.chosen(options)
    user, application = store.users[min(store.users)], store.applications[min(store.applications)]
    flow = next(iter(store.flows.values()))
    access_token = arrange.add_access_token(store, user, application, None).access_token  # which a reset does not lose
    directory = Directory(
        Alone(App(store, _report, _note)), limit=options.max_worlds, admin_token=options.admin_token or None
    )
    server = listen(lambda: Server(directory, host, port, **tls.speaking), host, port)
    ready = {
        "event": "ready",
        "url": server.url,
        "world": state or world,
        "api_token": user.api_token,
        "access_token": access_token,
        "client_id": application.client_id,
        "client_secret": application.client_secret,
        "email": user.email,
        "password": user.password,
        "flow_api_token": flow.api_token,
        **({} if directory.admin_token is None else {"admin_token": directory.admin_token}),
        **tls.ready,
    }
    print(json.dumps(ready) if options.json else _greeting(ready), flush=True)
    process.dedicate()
    server.serve()


def _greeting(ready: Mapping[str, str]) -> str:
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
            f"       {ready['url']}/flows/example/main/sources",
            "Post with that flow_token, as the source, or as old clients did, and read what was posted:",
            f"  curl -d flow_token=… -d event=message -d content=Done {ready['url']}/messages",
            "  curl -d external_user_name=CI -d content=Done \\",
            f"       {ready['url']}/v1/messages/chat/{ready['flow_api_token']}",
            f"  curl -u {ready['api_token']}: {ready['url']}/flows/example/main/messages",
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


def _report(broken: BrokenContract) -> None:
    print("".join(traceback.format_exception(broken)), file=sys.stderr, end="", flush=True)


def _note(found: Finding) -> None:
    # In one line, and nothing in it that a terminal obeys: names are what somebody sent.
    text = "".join(each if each.isprintable() else repr(each)[1:-1] for each in str(found))
    print(f"fakeflowdock: {found.severity}: {text}", file=sys.stderr, flush=True)
