"""`python -m fakeflowdock`, without a command: the server."""

from __future__ import annotations

import json
import os
import shlex
import socket
import traceback
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__
from .access_log import JSON, NONE, AccessLog, printable, say
from .options import Failure
from .stopping import listen

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from .errors import BrokenContract
    from .findings import Finding
    from .models import AccessToken, Application, User
    from .store import Store


def run(given: argparse.Namespace) -> None:
    """The command.

    Raises:
        Failure: the state is no world, there can be no TLS, the address cannot be served, or the world cannot be saved.
    """
    from . import process, tls_options
    from .app import App
    from .directory import Alone, Directory
    from .server import Server

    file = _file_to_save(given)
    with ExitStack() as stack:
        saving = None
        if file:
            from .saving import Saving

            saving = stack.enter_context(Saving(file))
        app = App(_world(given), _say_bug, _say_note) if given.access_log != JSON else App(_world(given), _bug, _note)
        tls = tls_options.chosen(given)
        credentials = _credentials(app.store)  # one of which is made now, and which a reset does not lose
        worlds = Directory(Alone(app), limit=given.max_worlds, admin_token=given.admin_token or None)
        log = AccessLog(given.access_log) if given.access_log != NONE else None
        server = listen(lambda: Server(worlds, given.host, given.port, **tls.speaking, log=log), given.host, given.port)
        ready = {"event": "ready", "url": server.url, "world": given.state or given.world, **credentials, **tls.ready}
        if worlds.admin_token is not None:
            ready["admin_token"] = worlds.admin_token
        print(json.dumps(ready) if given.json else _greeting(ready), flush=True)
        process.dedicate()
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


def _file_to_save(given: argparse.Namespace) -> str:
    """Where the world is written at the end; empty where it is not. Raises Failure."""
    if given.save_on_exit is True and not given.state:
        raise Failure("--save-on-exit needs a file: its own, or that of --state")
    return str(given.state if given.save_on_exit is True else given.save_on_exit or "")


def _world(given: argparse.Namespace) -> Store:
    """The world to begin with. Raises Failure."""
    from . import world_files, worlds
    from .settings import Settings

    settings = Settings(given.auto_consent, given.refresh_tokens, given.shape)
    if given.save_on_exit is True and not Path(given.state).exists():
        given.state = ""  # the first run, at whose end it is written
    try:
        store = (
            worlds.over(world_files.load(given.state), settings) if given.state else worlds.make(given.world, settings)
        )
    except OSError as error:
        raise Failure(f"{given.state}: {error.strerror}") from None
    except world_files.WorldFileError as error:
        raise Failure(str(error)) from None
    if not store.users or not store.applications or not store.flows:
        raise Failure(
            f"{given.state} has no user, no application or no flow, for which the server could print credentials"
        )
    store.clock.run()
    return store


def _credentials(store: Store) -> dict[str, Any]:
    """What the ready line has of the world. docs/guide/server.md."""
    user, application = store.users[min(store.users)], store.applications[min(store.applications)]
    flow = next(iter(store.flows.values()))
    organization = store.organizations[flow.organization_id]
    others = [
        each.api_token
        for each in store.users_of_organization(organization)
        if each.id != user.id and not store.administers(each, organization.id)
    ]
    return {
        "organization": organization.parameterized_name,
        "flow": f"{organization.parameterized_name}/{flow.parameterized_name}",
        "api_token": user.api_token,
        "access_token": _access_token(store, user, application).access_token,
        "client_id": application.client_id,
        "client_secret": application.client_secret,
        "email": user.email,
        "password": user.password,
        "flow_api_token": flow.api_token,
        "second_api_token": others[0] if others else None,
        "spare_api_token": others[1] if len(others) > 1 else None,
        "version": __version__,
        "pid": os.getpid(),
    }


def _access_token(store: Store, user: User, application: Application) -> AccessToken:
    """One with every scope that lives as long as its world: the one of an earlier run, or else a new one."""
    from . import arrange
    from .scopes import SCOPES

    whole = user.id, application.id, frozenset(SCOPES), None
    for each in store.access_tokens:
        if (each.user_id, each.application_id, each.scopes, each.expires_at) == whole and not store.is_revoked(each):
            return each
    return arrange.add_access_token(store, user, application, None)


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


def _say_bug(broken: BrokenContract) -> None:
    say("".join(traceback.format_exception(broken)).rstrip("\n"))


def _bug(broken: BrokenContract) -> None:
    say(json.dumps({"event": "bug", "message": "".join(traceback.format_exception(broken))}))


def _say_note(found: Finding) -> None:
    say(f"fakeflowdock: {found.severity}: {printable(str(found))}")


def _note(found: Finding) -> None:
    say(json.dumps({"event": found.severity, "message": str(found)}))
