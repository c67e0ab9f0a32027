"""Find the operation of a method and path."""

from __future__ import annotations

import difflib
import re
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import MethodNotAllowed as WrongMethod
from werkzeug.exceptions import NotFound as NoRule
from werkzeug.routing import Map, MapAdapter, Rule

from ..contract.errors import Closed, MethodNotAllowed, NoSuchRoute, Refusal
from . import internal_routes
from .environ import STREAM_HOST
from .operations import Match, Operation
from .resources import (
    consent,
    files,
    flows,
    invitations,
    messages,
    oauth,
    organizations,
    private,
    push,
    scim,
    sources,
    streaming,
    threads,
    users,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from types import ModuleType

    from _typeshed.wsgi import WSGIEnvironment

LONGEST = 512  # characters of a path whose operation is cached


class Table:
    """Operations by their routes.

    Args:
        modules: the modules with the operations.
        normal: normalizes a path, to the form of the routes.
        unknown: returns the error for an unknown path.
        more: an additional method for a method, as PATCH for each PUT.
        with_slashes: the names of values that may have slashes.
    """

    def __init__(
        self,
        modules: Iterable[ModuleType],
        normal: Callable[[str], str],
        unknown: Callable[[str], Refusal],
        more: Mapping[str, str],
        with_slashes: Collection[str] = (),
    ) -> None:
        self.operations: tuple[Operation[Any, Any], ...] = tuple(
            value for module in modules for value in vars(module).values() if isinstance(value, Operation)
        )
        self.part = self.operations[0].part
        self.normal = normal
        self._unknown = unknown
        self._more = more
        self._with_slashes = with_slashes
        self._cached = lru_cache(maxsize=1024)(self._match)

    def _placeholder(self, value: re.Match[str]) -> str:
        """Return a value of a route in the form of Werkzeug."""
        return f"<path:{value[1]}>" if value[1] in self._with_slashes else f"<{value[1]}>"

    @cached_property
    def _map(self) -> MapAdapter:
        rules = [
            Rule(
                re.sub(r":(\w+)", self._placeholder, path),
                methods=[method, *filter(None, [self._more.get(method)])],
                endpoint=(operation, (method, path, True) in operation.contract.routes),
            )
            for operation in self.operations
            for method, path in operation.routes
        ]
        return Map(rules, merge_slashes=False).bind("api.flowdock.com")

    @cached_property
    def _written_out(self) -> dict[str, set[str]]:
        """The methods of each path without values. `/flows/all` is never an organization."""
        methods: dict[str, set[str]] = {}
        for rule in self._map.map.iter_rules():
            if not rule.arguments:
                methods.setdefault(rule.rule, set()).update(rule.methods or ())
        return methods

    @cached_property
    def _written_ends(self) -> dict[str, list[tuple[re.Pattern[str], set[str]]]]:
        """The methods of each route whose last step is written out and could be a value: `import` is no id.

        By that step, with the pattern of the path.
        """
        rules = [(re.sub("<.*?>", "[^/]+", rule.rule), rule.methods or ()) for rule in self._map.map.iter_rules()]
        with_values = {pattern.removesuffix("/[^/]+") for pattern, _ in rules if pattern.endswith("/[^/]+")}
        ends: dict[str, dict[str, set[str]]] = {}
        for pattern, methods in rules:
            before, _, last = pattern.rpartition("/")
            if "[" not in last and "[" in before and before in with_values:
                ends.setdefault(last, {}).setdefault(pattern, set()).update(methods)
        return {last: [(re.compile(p), methods) for p, methods in each.items()] for last, each in ends.items()}

    def _methods_written_out(self, path: str) -> set[str] | None:
        """Return the methods of a path in which no value takes the place of what is written out, or None."""
        known = self._written_out.get(path)
        if known is None and (found := self._written_ends.get(path.rpartition("/")[2])):
            return next((methods for pattern, methods in found if pattern.fullmatch(path)), None)
        return known

    def match(self, method: str, path: str) -> Match:
        """Return the operation of a request. The result is cached, unless the path is long.

        Args:
            method: in capitals.
            path: normalized.

        Raises:
            Refusal: the path is unknown.
            MethodNotAllowed: the path does not support the method.
        """
        return self._cached(method, path) if len(path) <= LONGEST else self._match(method, path)

    def _match(self, method: str, path: str) -> Match:
        written_out = self._methods_written_out(path)
        if written_out is not None and method not in written_out:
            raise MethodNotAllowed(method, {*written_out, "OPTIONS"})
        try:
            (operation, obsolete), values = self._map.match(path, method)
        except WrongMethod as error:
            raise MethodNotAllowed(method, {*(error.valid_methods or ()), "OPTIONS"}) from None
        except NoRule:
            raise self._unknown(path) from None
        return Match(operation, values, obsolete)

    def methods_of(self, path: str) -> set[str]:
        """Return the methods of a path, including OPTIONS. Raises Refusal for an unknown path."""
        methods = self._methods_written_out(path) or set(self._map.allowed_methods(path))
        if not methods:
            raise self._unknown(path)
        return methods | {"OPTIONS"}


VERSIONS = ("v1", "v2")  # the same API
CLOSED = "git"  # posts of git's hooks, until September 2015


def unknown(path: str) -> Refusal:
    """Return the error for an unknown path."""
    return Closed() if path.split("/")[1] == CLOSED else NoSuchRoute()


STREAM = internal_routes.STREAM.split("/")[1:]


def normal(path: str) -> str:
    """Normalize a path: remove a `/v1` or `/v2` prefix, doubled and trailing slashes, and a `.json` suffix.

    The prefix may also follow that of streams.
    """
    return _remembered(path) if len(path) <= LONGEST else _normal(path)


def _normal(path: str) -> str:
    segments = [segment for segment in path.split("/") if segment]
    if segments and segments[0] in VERSIONS:
        del segments[0]
    elif len(segments) > 2 and segments[2] in VERSIONS and segments[:2] == STREAM:
        del segments[2]
    if segments:
        segments[-1] = segments[-1].removesuffix(".json") or segments[-1]
    return "/" + "/".join(segments)


_remembered = lru_cache(maxsize=512)(_normal)  # clients ask for the same paths again


def route_of(environ: WSGIEnvironment, path: str) -> str:
    """Return the normalized path of a request. The paths of the host for streams have a prefix.

    Args:
        path: as requested, decoded.
    """
    return _of_host(environ.get("HTTP_HOST", ""), normal(path))


def _of_host(host: str, route: str) -> str:
    if STREAM_HOST.fullmatch(host) and not route.startswith(internal_routes.PREFIX):
        return f"{internal_routes.STREAM}{route}"
    return route


URL = re.compile(r"(?:https?://(?:[^/?#]*@)?([^/?#]*))?([^?#]*)", re.IGNORECASE)


def route_called(url: str) -> str:
    """Return the normalized path of a URL, or of a path, as `route_of` does for a request."""
    called = URL.match(url)
    assert called is not None
    return _of_host(called[1] or "", normal(called[2]))


FLOWDOCK = Table(
    (
        consent,
        oauth,
        organizations,
        users,
        flows,
        invitations,
        sources,
        messages,
        threads,
        private,
        files,
        push,
        streaming,
        scim,
    ),
    normal,
    unknown,
    {"PUT": "PATCH"},
)
OPERATIONS = FLOWDOCK.operations
match, methods_of = FLOWDOCK.match, FLOWDOCK.methods_of

ALIKE = 0.8  # from 0 to 1
LONGEST_COMPARED = 500  # characters of a path that is compared with others


def nearest_route(method: str, path: str) -> tuple[str, str] | None:
    """Return the most similar method and path, with the requested names filled in, and its page; or None."""
    if len(path) > LONGEST_COMPARED:
        return None
    requested = normal(path).split("/")
    pages: dict[str, str] = {}
    for operation in OPERATIONS:
        for verb, route in operation.routes:
            steps = route.split("/")
            if len(steps) == len(requested):
                steps = [mine if its.startswith(":") else its for its, mine in zip(steps, requested, strict=True)]
            pages.setdefault(f"{verb} {'/'.join(steps)}", operation.contract.page)
    near = difflib.get_close_matches(f"{method} {'/'.join(requested)}", pages, n=1, cutoff=ALIKE)
    return (near[0], pages[near[0]]) if near else None
