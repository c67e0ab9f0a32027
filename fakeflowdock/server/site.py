"""Which app answers a request to a server: the admin API, or the app of one of its worlds."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from ..api import internal_routes
from ..api.app import App
from ..api.environ import CITES, WORLD, path_of
from .assignment import HEADER, NoWorld, taken_from_path
from .worlds import OFF, Held, Worlds

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ..http.meter import Meter
    from ..http.protocols import Answering
    from .admin.app import Admin


SHORT = internal_routes.PREFIX.rstrip("/")


class Site:
    """Everything that one server answers.

    Args:
        worlds: the worlds of the server.
    """

    def __init__(self, worlds: Worlds) -> None:
        self.worlds = worlds

    @cached_property
    def _admin(self) -> Admin:
        """The admin API. It is imported with its first request, because that takes a fifth of the time of a start."""
        from .admin.app import Admin

        return Admin(self.worlds)

    def app_of(self, environ: WSGIEnvironment) -> Answering:
        """Return the app that answers a request, whose public address it sets."""
        self.introduce(environ)
        return self.route(environ)

    def route(self, environ: WSGIEnvironment) -> Answering:
        """Return the app that answers a request, whose public address is set."""
        path = environ["PATH_INFO"]
        if (path == "/" or path.startswith(SHORT)) and self.worlds.inspector != OFF:
            from .pages import Inspector, is_page

            if is_page(environ):
                return Inspector(self.worlds.inspector)
        is_ours = internal_routes.PREFIX in path and internal_routes.is_administered(path_of(environ))
        name: str | None = taken_from_path(environ) if is_ours else environ.get(HEADER)
        if name is None:
            return self._admin if is_ours else self.worlds.world_of(environ).app
        if (world := self.worlds.named(name)) is None:
            is_open = self.worlds.admin_token is None  # otherwise names are the operator's
            return NoWorld(name, [each.name for each in self.worlds.worlds if is_open])
        environ[WORLD] = name
        world.lifetime.use()
        return world.app

    def introduce(self, environ: WSGIEnvironment) -> None:
        """Set the public address of a request, and whether messages name the URLs of pages."""
        if (public := self.worlds.public) is not None:
            public.set_in(environ)
        if self.worlds.cites:
            environ[CITES] = True

    def listens(self, host: str, bound: str, meter: Meter) -> None:
        """Set where the server listens. See `Worlds.listens`."""
        self.worlds.listens(host, bound, meter)

    def begins(self) -> None:
        """Do what needs the event loop of the server, which runs now."""

    async def ends(self) -> None:
        """Do what needs the event loop of the server, after the last request."""

    def tidy(self) -> None:
        """Delete the worlds that have expired."""
        self.worlds.tidy()


def site_of(app: App | Held) -> Site:
    """Return the site of a server that starts with one world.

    Args:
        app: the app of the world, or the held world.
    """
    return Site(Worlds(Held(app) if isinstance(app, App) else app))
