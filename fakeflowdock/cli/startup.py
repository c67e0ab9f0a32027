"""What a server or a command begins with, as its options say: a world, and credentials of it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..http.access_log import JSON, NONE, AccessLog
from ..http.console import Notes
from ..version import __version__
from ..world import validation
from .options import CommandError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ..world.store import Store
    from .save_on_exit import Saving


def _file_to_save(given: argparse.Namespace) -> str:
    """Where the world is written at the end; empty where it is not. Raises CommandError."""
    if given.save_on_exit is True and not given.state:
        raise CommandError("--save-on-exit needs a file: its own, or that of --state")
    return str(given.state if given.save_on_exit is True else given.save_on_exit or "")


@contextmanager
def saving(given: argparse.Namespace) -> Iterator[Saving | None]:
    """Where the world is saved at the end, as long as a server or a command goes on; None where it is not.

    Raises:
        CommandError: nothing can be written there.
    """
    file = _file_to_save(given)
    if not file:
        yield None
        return
    from .save_on_exit import Saving

    with Saving(file) as there:
        yield there


def log_of(given: argparse.Namespace) -> AccessLog | None:
    """Who is told of each request, or None."""
    return AccessLog(given.access_log) if given.access_log != NONE else None


def notes_of(given: argparse.Namespace) -> Notes:
    """What tells of all else, in the form of the access log."""
    return Notes(as_json=given.access_log == JSON)


def world_of(given: argparse.Namespace) -> Store:
    """The world to begin with. Raises CommandError."""
    from ..world import serialization, templates
    from ..world.settings import Settings

    settings = Settings(given.auto_consent, given.refresh_tokens, given.shape)
    if given.save_on_exit is True and not Path(given.state).exists():
        given.state = ""  # the first run, at whose end it is written
    try:
        store = (
            templates.over(serialization.load(given.state), settings)
            if given.state
            else templates.make(given.world, settings)
        )
    except OSError as error:
        raise CommandError(f"{given.state}: {error.strerror}") from None
    except validation.WorldFileError as error:
        raise CommandError(str(error)) from None
    if not store.users or not store.applications or not store.flows:
        raise CommandError(
            f"{given.state} has no user, no application or no flow, for which the server could print credentials"
        )
    store.clock.run()
    return store


def credentials_of(store: Store) -> dict[str, Any]:
    """What the ready line has of the world. docs/guide/server.md."""
    from ..world import factories

    user, application = store.users[min(store.users)], store.applications[min(store.applications)]
    flow = next(iter(store.flows.values()))
    organization = store.organizations[flow.organization_id]
    others = [
        each.api_token
        for each in store.users_of_organization(organization)
        if each.id != user.id and not store.administers(each, organization.id)
    ]
    # That of an earlier run, or else a new one.
    token = factories.whole_access_token(store, user, application)
    token = token or factories.add_access_token(store, user, application, None)
    return {
        "organization": organization.parameterized_name,
        "flow": f"{organization.parameterized_name}/{flow.parameterized_name}",
        "api_token": user.api_token,
        "access_token": token.access_token,
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
