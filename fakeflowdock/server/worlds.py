"""The worlds of one server: each credential belongs to one of them, and so does the request that shows it."""

from __future__ import annotations

import re
import secrets
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from ..api.app import App
from ..api.environ import WORLD
from ..http.addresses import is_loopback
from ..world import templates
from ..world.secrets import digest_of
from ..world.settings import MOST_WORLDS
from .admin.errors import Invalid, Taken

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIEnvironment

    from ..contract.findings import Finding
    from ..world.snapshots import Snapshot
    from ..world.store import Store
    from .shown_credentials import Shown

DEFAULT = "default"  # the name of the server's own world
NAME = re.compile("[A-Za-z0-9._-]{1,64}")
REMEMBERED = 10_000  # credentials of which it is remembered whose they are
LONGEST = 512  # characters of those


class Held(Protocol):
    """A world with what belongs to it.

    Attributes:
        app: answers over it.
        first: what it is like when it is reset; `began`: what it was like when it began, or was loaded. Both are shared
            and never changed.
    """

    app: App
    first: Store
    began: Store


class Alone:
    """A world that belongs to nobody but its server.

    Args:
        app: answers over it; how its world is now is how it begins.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self.first = self.began = app.store.freeze()


@dataclass
class ServedWorld:
    """One world of a server.

    Attributes:
        snapshots: name to snapshot, oldest first.
    """

    name: str
    held: Held
    snapshots: dict[str, Snapshot] = field(default_factory=dict)

    @property
    def app(self) -> App:
        """What answers over it."""
        return self.held.app

    @property
    def store(self) -> Store:
        """What it holds."""
        return self.held.app.store


class Worlds:
    """All worlds of one server, and the way from a request to one of them.

    Args:
        held: the server's own world, to which each request belongs that shows no credential of another one.
        limit: how many worlds there may be besides.
        admin_token: what is asked of whoever administers the server; where there is none it is asked for nothing,
            unless the server listens where others can reach it.
        noting: the name of another world, to what is told each warning there; that of the server's own if left out.
    """

    def __init__(
        self,
        held: Held,
        *,
        limit: int = MOST_WORLDS,
        admin_token: str | None = None,
        noting: Callable[[str], Callable[[Finding], None]] | None = None,
    ) -> None:
        self.default = ServedWorld(DEFAULT, held)
        self.limit = limit
        self.admin_token = admin_token
        self._noting = noting
        self.host = self.bound = ""
        self._others: dict[str, ServedWorld] = {}  # never changed, only replaced: who reads it needs no lock
        self._owners: dict[Shown, tuple[ServedWorld, Store]] = {}
        self._lock = threading.RLock()

    def listens(self, host: str, bound: str) -> None:
        """Be told where the server listens.

        Args:
            host: the name or address that it was given; `bound`: the address that this is.
        """
        self.host, self.bound = host, bound
        if self.admin_token is None and not is_loopback(bound):
            self.admin_token = f"fakeflowdock-admin-{secrets.token_urlsafe(24)}"

    # From a request to its world

    def world_of(self, environ: WSGIEnvironment) -> ServedWorld:
        """The world that a request belongs to. Where there are several, its name is in `environ` afterwards."""
        if not self._others:
            return self.default
        world = self._shown(environ)
        environ[WORLD] = world.name
        return world

    def _shown(self, environ: WSGIEnvironment) -> ServedWorld:
        from .shown_credentials import shown_in

        for shown in shown_in(environ):
            if (owner := self._owner(shown)) is not None:
                return owner
        return self.default

    def _owner(self, shown: Shown) -> ServedWorld | None:
        """The world of a credential, dead ones too, or None."""
        name, password = shown
        world, store = self._owners.get(shown, (None, None))
        # Else it was reset, restored or loaded meanwhile, or is gone.
        if world is not None and world.app.store is store and self.named(world.name) is world:
            return world
        digest = digest_of(name)
        candidates = [(each, held) for each in self.worlds if (held := each.app.store).knows(name, digest)]
        if not candidates:
            return None
        if len(candidates) > 1 and password is not None:  # somebody took the address of somebody elsewhere
            candidates.sort(key=lambda each: each[1].user_by_password(name, password) is None)
        # An e-mail address alone may be another world's tomorrow, and what is long may be anything.
        if "@" not in name and len(name) + len(password or "") <= LONGEST:
            if len(self._owners) >= REMEMBERED:
                self._owners.clear()
            self._owners[shown] = candidates[0]
        return candidates[0][0]

    # The worlds themselves

    @property
    def worlds(self) -> list[ServedWorld]:
        """All of them, the server's own first, then as they were made."""
        others = self._others
        return [self.default, *others.values()]

    def named(self, name: str) -> ServedWorld | None:
        """The world of that name, or None."""
        return self.default if name == DEFAULT else self._others.get(name)

    def free_name(self) -> str:
        """A name that no world has, `world-1`."""
        taken = {each.casefold() for each in self._others}
        return next(name for number in range(1, len(taken) + 2) if (name := f"world-{number}") not in taken)

    def make(
        self, name: str | None, begin: str | dict[str, Any], choices: dict[str, Any], *, again: bool
    ) -> ServedWorld:
        """Make a world whose credentials are drawn from its name.

        Args:
            name: one that is free when left out.
            begin: what it begins as: `docs`, `empty`, or a world as its file has it, with which nothing is wrong.
            choices: settings that are not those of the default world.
            again: whether it takes the place of the world that has the name.

        Raises:
            Invalid: the name is none.
            Taken: the name is taken, there may be no more worlds, or another one has a credential of it.
            ValueError: a setting is none.
        """
        if name is not None and (NAME.fullmatch(name) is None or set(name) == {"."}):
            raise Invalid.at("/name", Invalid.NAME)
        with self._lock:
            if name is None:
                name = self.free_name()
            known = next((each for each in self.worlds if each.name.casefold() == name.casefold()), None)
            if known is not None and not (again and known.name == name != DEFAULT):
                same = Taken.DEFAULT_WORLD if name == DEFAULT else Taken.WORLD
                text = same if known.name == name else Taken.WORLD_IN_CAPITALS
                raise Taken.of(text, name=known.name, asked=name)
            if known is None and len(self._others) >= self.limit:
                raise Taken.of(Taken.WORLDS, limit=self.limit)
            default = self.default.app
            store = templates.of_its_own(name, begin, replace(default.store.settings, **choices))
            if not default.store.clock.frozen:
                store.clock.run()
            self._check(store, but=known)
            note = default.note if self._noting is None else self._noting(name)
            world = ServedWorld(name, Alone(App(store, default.report, note)))
            self._others = {**self._others, name: world}
            self._owners.clear()
            return world

    def delete(self, world: ServedWorld) -> None:
        """Take a world away. Raises Taken where it is the server's own."""
        if world is self.default:
            raise Taken(Taken.OWN_WORLD)
        with self._lock:
            self._others = {name: each for name, each in self._others.items() if each is not world}
            self._owners.clear()  # or it would keep the world, with all that was asked of it

    def put(self, world: ServedWorld, store: Store, *, loaded: bool = False) -> None:
        """Give a world another content.

        Args:
            loaded: whether it is what the world begins as, from now on.

        Raises:
            Taken: it has a credential that another world has. Nothing changes.
        """
        with self._lock:
            self._check(store, but=world, loaded=loaded)
            held = world.held
            began = store.freeze() if loaded else held.began
            held.app.store, held.began = templates.over(store, held.app.store.settings), began
            self._owners.clear()

    def reset(self, world: ServedWorld) -> None:
        """Let a world be what it was at first, in which nothing goes wrong on purpose.

        Raises:
            Taken: another world has a credential of it meanwhile. Nothing changes.
        """
        with self._lock:
            self.put(world, world.held.first.branch())
            world.held.began = world.held.first
            world.app.faults.remove()

    def _check(self, store: Store, *, but: ServedWorld | None, loaded: bool = False) -> None:
        """Refuse a content that shares a credential with another world."""
        for other in self.worlds:
            if other is not but and (shared := store.shared_with(other.app.store)) is not None:
                raise Taken.of(Taken.LOADED if loaded else Taken.CREDENTIAL, name=other.name, credential=shared)
