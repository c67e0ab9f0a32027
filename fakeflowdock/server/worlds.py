"""The worlds of one server. A credential belongs to one world, and so does each request that carries it."""

from __future__ import annotations

import re
import secrets
import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

from ..api.app import App
from ..api.environ import DEFAULT_WORLD as DEFAULT
from ..api.environ import WORLD
from ..http.addresses import is_loopback
from ..testing.turns import Turns
from ..world import templates
from ..world.known_secrets import knows
from ..world.secrets import digest_of
from ..world.settings import MOST_WORLDS
from ..world.sharing import shared_credential
from .admin.errors import Invalid, Taken
from .lifetimes import Lifetime

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIEnvironment

    from ..api.actions.delivery import Delivery
    from ..api.actions.request import ActionRequest
    from ..contract.findings import Finding
    from ..http.meter import Meter
    from ..world.snapshots import Snapshot
    from ..world.store import Store
    from .public_address import PublicAddress
    from .shown_credentials import Shown

INSPECTOR = FULL, READ, OFF = ("full", "read", "off")  # the modes of the inspector
NAME = re.compile("[A-Za-z0-9._-]{1,64}")
REMEMBERED = 10_000  # credentials whose world is cached
LONGEST = 512  # characters of a cached credential


class Saver(Protocol):
    """Saves the server's own world.

    Attributes:
        file: the path of the file.
        is_failing: whether the last save failed.
    """

    file: str
    is_failing: bool

    def save_now(self) -> int:
        """Write the world. Returns the bytes of the file. Raises OSError."""
        ...


class Sharing(Protocol):
    """Shares the worlds with other servers."""

    def dress(self, world: ServedWorld) -> None:
        """Let a new world share what happens in it."""
        ...

    def status(self) -> dict[str, Any]:
        """Return what it is connected to, as docs/admin/health.md has it."""
        ...


def _deliver_by_url(app: App, request: ActionRequest) -> Delivery:
    """Send the request for an action. The code for that is imported with the first one: it takes long."""
    from ..testing.performing import deliver_by_url

    return deliver_by_url(app, request)


class Held:
    """A world with its initial state.

    Args:
        app: answers requests.
        began: the initial state, frozen. Default: the current one.

    Attributes:
        first: the world after a reset. It is shared and never changes.
        began: the world at the start, or as loaded. It is shared and never changes.
        turns: who changed the world when.
    """

    def __init__(self, app: App, began: Store | None = None) -> None:
        self.app = app
        app.deliver = _deliver_by_url
        self.first = self.began = app.store.freeze() if began is None else began
        self.turns = Turns(self.began)
        app.before_request = self.turns.request

    def begin_again(self, store: Store, began: Store) -> None:
        """Replace the world by another one, with its initial state."""
        self.app.store, self.began = store, began
        self.turns.restart(began)


@dataclass
class ServedWorld:
    """One world of a server.

    Attributes:
        expires_in: after how many seconds without being used it is deleted; None for never.
        lifetime: when it was last used.
        snapshots: name to snapshot, oldest first.
        watchers: called after each request of the admin API that may have changed it.
        writes: tells one such request from another.
    """

    name: str
    held: Held
    expires_in: float | None = None
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    watchers: dict[Callable[[], None], None] = field(default_factory=dict)
    writes: int = 0

    def __post_init__(self) -> None:
        self.lifetime = Lifetime(self.app, self.expires_in)
        self._numbers = count(1)

    @property
    def app(self) -> App:
        """The app that answers requests."""
        return self.held.app

    @property
    def store(self) -> Store:
        """The store of the world."""
        return self.held.app.store

    def written(self) -> None:
        """Tell the watchers that the admin API may have changed the world."""
        self.writes = next(self._numbers)
        for each in list(self.watchers):
            each()

    def arranging(self) -> Store:
        """Return the store, for somebody who may change it in the place of a test."""
        self.held.turns.test(self.store)
        return self.store


class Worlds:
    """All worlds of one server.

    Args:
        held: the server's own world. It gets each request without a credential of another world.
        limit: how many other worlds are allowed.
        public: the address of the server as its clients know it.
        cites: whether messages name the URL of a page, instead of the page.
        ttl: after how many seconds without being used they are deleted. None: never.
        admin_token: the token required by the admin API. Default: none on a loopback address, otherwise generated.
        noting: returns the function that receives the warnings of the world with a given name. Default: that of the
            server's own world.
        saver: saves the server's own world to a file, if there is one.
        freed: called after changes that may have freed memory.
        inspector: the mode of the inspector.

    Attributes:
        meters: of each server that serves them, its counts.
        number: that of the last name that nobody chose.
        replica: what shares them with other servers, if they are shared.
    """

    replica: Sharing | None = None

    def __init__(
        self,
        held: Held,
        *,
        limit: int = MOST_WORLDS,
        ttl: float | None = None,
        public: PublicAddress | None = None,
        cites: bool = False,
        admin_token: str | None = None,
        noting: Callable[[str], Callable[[Finding], None]] | None = None,
        saver: Saver | None = None,
        freed: Callable[[], None] = lambda: None,
        inspector: str = FULL,
    ) -> None:
        self.default = ServedWorld(DEFAULT, held)
        self.limit = limit
        self.ttl = ttl
        self.public = public
        self.cites = cites
        self.admin_token = admin_token
        self.saver = saver
        self.freed = freed
        self.inspector = inspector
        self._noting = noting
        self.host = self.bound = ""
        self.meters: list[Meter] = []
        self._others: dict[str, ServedWorld] = {}  # replaced, never changed: readers need no lock
        self._owners: dict[Shown, tuple[ServedWorld, Store]] = {}
        self.number = 0
        self._lock = threading.RLock()

    def listens(self, host: str, bound: str, meter: Meter) -> None:
        """Set where the server listens.

        Args:
            host: the configured name or address.
            bound: the resolved address.
            meter: counts its requests.
        """
        self.host, self.bound = host, bound
        self.meters.append(meter)
        if self.admin_token is None and not is_loopback(bound):
            self.admin_token = f"fakeflowdock-admin-{secrets.token_urlsafe(24)}"

    # From a request to its world

    def world_of(self, environ: WSGIEnvironment) -> ServedWorld:
        """Return the world of a request. If there are several worlds, its name is set in `environ`."""
        if not self._others:
            self.default.lifetime.use()
            return self.default
        from .shown_credentials import shown_in

        owners = (owner for shown in shown_in(environ) if (owner := self._owner(shown)) is not None)
        world = next(owners, self.default)
        environ[WORLD] = world.name
        world.lifetime.use()
        return world

    def _owner(self, shown: Shown) -> ServedWorld | None:
        """Return the world of a credential, even if it is revoked or expired, or None."""
        name, password = shown
        world, store = self._owners.get(shown, (None, None))
        # Otherwise the world was reset, restored, loaded or deleted meanwhile.
        if world is not None and world.app.store is store and self.named(world.name) is world:
            return world
        digest = digest_of(name)
        candidates = [(each, held) for each in self.worlds if knows(held := each.app.store, name, digest)]
        if not candidates:
            return None
        if len(candidates) > 1 and password is not None:  # two worlds have this e-mail address
            candidates.sort(key=lambda each: each[1].user_by_password(name, password) is None)
        # An e-mail address can move to another world, and long credentials would fill the memory.
        if "@" not in name and len(name) + len(password or "") <= LONGEST:
            if len(self._owners) >= REMEMBERED:
                self._owners.clear()
            self._owners[shown] = candidates[0]
        return candidates[0][0]

    # The worlds themselves

    @property
    def worlds(self) -> list[ServedWorld]:
        """All worlds, the server's own first, the others oldest first."""
        return [self.default, *self._others.values()]

    def named(self, name: str) -> ServedWorld | None:
        """Return the world of that name, or None."""
        return self.default if name == DEFAULT else self._others.get(name)

    def make(
        self,
        name: str | None,
        begin: str | dict[str, Any],
        choices: dict[str, Any],
        *,
        again: bool,
        expires_in: float | None = None,
    ) -> ServedWorld:
        """Make a world whose credentials are derived from its name.

        Args:
            name: its name. Default: the next free one of `world-1`, `world-2`, … None is chosen twice: a test that
                still knows a deleted world would use, or delete, that of another one.
            begin: its initial data: `docs`, `empty`, or the valid content of a world file.
            choices: settings that differ from those of the default world.
            again: whether to replace an existing world of the same name.
            expires_in: after how many seconds without being used it is deleted. Default: never.

        Raises:
            Invalid: the name is invalid.
            Taken: the name is taken, the limit is reached, or another world has one of its credentials.
            ValueError: a setting is invalid.
        """
        if name is not None and (NAME.fullmatch(name) is None or set(name) == {"."}):
            raise Invalid.at("/name", Invalid.NAME)
        self.expire()
        with self._lock:
            if name is None:
                taken = {each.casefold() for each in self._others}
                self.number = next(each for each in count(self.number + 1) if f"world-{each}" not in taken)
                name = f"world-{self.number}"
            known = next((each for each in self.worlds if each.name.casefold() == name.casefold()), None)
            if known is not None and not (again and known.name == name != DEFAULT):
                same = Taken.DEFAULT_WORLD if name == DEFAULT else Taken.WORLD
                text = same if known.name == name else Taken.WORLD_IN_CAPITALS
                raise Taken.of(text, name=known.name, asked=name)
            if known is None and len(self._others) >= self.limit:
                raise Taken.of(Taken.WORLDS, limit=self.limit)
            default = self.default.app
            store = templates.of_its_own(name, begin, replace(default.store.settings, **choices))
            store.clock.move_like(default.store.clock.mode)
            self._check(store, but=known)
            world = self.served(name, store, expires_in)
            self._others = {**self._others, name: world}
            if known is not None:
                known.app.close()
            self._owners.clear()
            return world

    def served(self, name: str, store: Store, expires_in: float | None, began: Store | None = None) -> ServedWorld:
        """Return a world that is not listed yet."""
        default = self.default.app
        note = default.note if self._noting is None else self._noting(name)
        app = App(store, default.report, note, default.journal.budget)
        world = ServedWorld(name, Held(app, began), expires_in)
        if self.replica is not None:
            self.replica.dress(world)
        return world

    def adopt(self, others: list[ServedWorld]) -> None:
        """Replace all worlds but the server's own."""
        with self._lock:
            known, self._others = self._others, {world.name: world for world in others}
            for world in known.values():
                world.app.close()
            self._owners.clear()

    def tidy(self) -> None:
        """Delete the worlds that were not used for too long, in a thread. A server calls this about once a second."""
        if self.replica is None and any(each.lifetime.is_over for each in self._others.values()):
            with suppress(RuntimeError):  # the system gives no more threads: next time
                threading.Thread(target=self.expire, name="fakeflowdock: worlds that expire", daemon=True).start()

    def expire(self) -> None:
        """Delete the worlds that were not used for too long. Servers that share them agree on that by their log."""
        if self.replica is not None:
            return
        with self._lock:
            over = [each for each in self._others.values() if each.lifetime.is_over]
            for world in over:
                self.delete(world)
        if over:
            self.freed()

    def delete(self, world: ServedWorld) -> None:
        """Delete a world. Raises Taken if it is the server's own."""
        if world is self.default:
            raise Taken(Taken.OWN_WORLD)
        with self._lock:
            self._others = {name: each for name, each in self._others.items() if each is not world}
            self._owners.clear()  # the cache would keep the world alive
            world.app.close()

    def put(self, world: ServedWorld, store: Store, began: Store | None = None, *, loaded: bool = False) -> None:
        """Replace the content of a world.

        Args:
            began: its initial state. Default: the one that it has.
            loaded: whether the content becomes its initial state.

        Raises:
            Taken: another world has one of its credentials. Nothing changes.
        """
        with self._lock:
            self._check(store, but=world, loaded=loaded)
            app, began = world.app, store.freeze() if loaded else began
            content = templates.over(store, app.store.settings)
            if began is None:
                world.held.turns.test(app.store)
                app.store = content
            else:
                world.held.begin_again(content, began)
            self._owners.clear()

    def reset(self, world: ServedWorld, to: Snapshot | None = None) -> None:
        """Reset a world to its first state, or to a snapshot, without faults. The report then begins there.

        Raises:
            Taken: another world has one of its credentials now. Nothing changes.
        """
        began = world.held.first if to is None else to.store
        with self._lock:
            self.put(world, began.branch(), began)
            world.app.faults.forget()

    def _check(self, store: Store, *, but: ServedWorld | None, loaded: bool = False) -> None:
        """Raise Taken if a content shares a credential with another world."""
        for other in self.worlds:
            if other is not but and (shared := shared_credential(store, other.app.store)) is not None:
                raise Taken.of(Taken.LOADED if loaded else Taken.CREDENTIAL, name=other.name, credential=shared)
