"""The options that `serve` and `exec` share: the initial world, its credentials, the access log."""

from __future__ import annotations

import os
import re
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ..http.console import Notes
from ..version import __version__
from ..world.settings import CALLBACKS, DEFAULT, JOURNAL_BYTES, KEEP_ALIVE, REFRESH_TOKENS, SHAPES
from .errors import CommandError
from .options import BOOLEAN, BOOLEAN_OR_FILE, BYTES, CLOCK, FILE, SECONDS, Option, choice

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import SimpleNamespace

    from ..http.access_log import AccessLog
    from ..server.shared_site import SharedSite
    from ..server.worlds import Worlds
    from ..world.store import Store
    from .save_on_exit import Saving

READS = ("linearizable", LOCAL := "local")
# A line of `--help` has 55 columns for the sentence.
OPTIONS = (
    Option("world", "docs, empty.", "docs", choice("docs", "empty"), "WORLD"),
    Option("state", "Load the initial world.", "", FILE, "FILE"),
    Option("seed", "Make it from a seed.", "", FILE, "FILE"),
    Option("clock", "The time: of the world, of the system, or another.", "world", CLOCK, "CLOCK"),
    Option("save-on-exit", "Save it on exit.", False, BOOLEAN_OR_FILE, "FILE"),
    Option("save-every", "Save while running.", None, SECONDS, "SECONDS"),
    Option("auto-consent", "Skip consent page.", False, BOOLEAN),
    Option("refresh-tokens", "Issue them always or for offline_access.", "always", choice(*REFRESH_TOKENS), "WHEN"),
    Option("shape", "Of responses: default, minimal, maximal or drift.", DEFAULT, choice(*SHAPES), "SHAPE"),
    Option("journal-bytes", "Use this much memory for the requests of all worlds.", JOURNAL_BYTES, BYTES, "N"),
    Option("keep-alive", "Keep silent streams alive at this interval.", KEEP_ALIVE, SECONDS, "SECONDS", unset="30"),
    Option("callbacks", "Request integrations: loopback, none or any.", CALLBACKS[0], choice(*CALLBACKS), "WHICH"),
    Option("access-log", "Log requests: none, text or json.", "none", choice("none", "text", "json"), "FORM"),
)


def saving(given: SimpleNamespace) -> AbstractContextManager[Saving | None]:
    """Return a context manager for the file in which the world is saved, if any. Raises CommandError."""
    if given.save_on_exit is True and not given.state:
        raise CommandError(CommandError.NO_FILE)
    file = given.state if given.save_on_exit is True else given.save_on_exit
    if given.save_every is not None and not file:
        raise CommandError(CommandError.EVERY_ALONE)
    if not file:
        return nullcontext()
    from .save_on_exit import Saving

    return Saving(file, given.save_every)


def log_of(given: SimpleNamespace) -> AccessLog | None:
    """Return the access log, or None."""
    if given.access_log == "none":
        return None
    from ..http.access_log import AccessLog

    return AccessLog(given.access_log)


def notes_of(given: SimpleNamespace) -> Notes:
    """Return what reports everything else, in the format of the access log."""
    return Notes(as_json=given.access_log == "json")


def world_of(given: SimpleNamespace) -> Store:
    """Return the initial world. Raises CommandError."""
    from ..world import templates
    from ..world.settings import Settings

    settings = Settings(
        given.auto_consent,
        given.refresh_tokens,
        given.shape,
        journal_bytes=given.journal_bytes,
        keep_alive=given.keep_alive,
        callbacks=given.callbacks,
    )
    kind = _initial(given)
    try:
        begin = templates.initial(**{kind: getattr(given, kind)}, clock=given.clock)
    except OSError as error:
        raise CommandError(f"{given.state or given.seed}: {error.strerror}") from None
    except ValueError as error:
        raise CommandError(str(error)) from None
    store = templates.over(begin.branch(), settings)
    if not store.users or not store.applications or not store.flows:
        raise CommandError.of(CommandError.EMPTY_WORLD, file=given.state)
    if store.clock.frozen:
        store.clock.run()
    return store


def shared(given: SimpleNamespace, worlds: Worlds, notes: Notes) -> SharedSite | None:
    """Return the worlds as several servers share them, or None. Raises CommandError."""
    if not given.store:
        return None
    from ..server.shared_log import NoLog
    from ..server.shared_site import SharedSite

    url = re.sub("^valkey", "redis", given.store)
    try:
        site = SharedSite(worlds, url, notes.note, is_local=given.reads == LOCAL)
        site.start()
    except NoLog as error:
        raise CommandError.of(CommandError.STORE, reason=error) from None
    return site


def _initial(given: SimpleNamespace) -> str:
    """Return which of `state`, `seed` and `world` the initial world is, and empty the file of the others.

    The command line overrides the environment, and that a config file. Raises CommandError: one of them has two.
    """
    if given.save_on_exit is True:
        if Path(given.state).exists():  # a saved state replaces what it began with
            given.seed = ""
            return "state"
        given.state = ""  # the first run creates it
    source_of = click.get_current_context().get_parameter_source
    for source in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT, ParameterSource.DEFAULT_MAP):
        chosen = [name for name in ("state", "seed", "world") if getattr(given, name) and source_of(name) is source]
        if len(chosen) > 1:
            raise CommandError.of(CommandError.TWO_WORLDS, one=chosen[0], other=chosen[1])
        if chosen:
            given.state, given.seed = (getattr(given, name) if name in chosen else "" for name in ("state", "seed"))
            return chosen[0]
    return "world"


def credentials_of(store: Store) -> dict[str, Any]:
    """Return the fields of the ready line, with an access token that may be new. docs/guide/server.md has them."""
    from ..world import factories

    user, application = store.users[min(store.users)], store.applications[min(store.applications)]
    if factories.whole_access_token(store, user, application) is None:
        factories.add_access_token(store, user, application, None)
    return known_credentials(store)


def known_credentials(store: Store) -> dict[str, Any]:
    """Return the fields of the ready line."""
    from ..server import credentials

    return {**credentials.credentials_of(store), "version": __version__, "pid": os.getpid()}
