"""Find the operation of a method and path."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from ..contract.errors import Closed, MethodNotAllowed, NoSuchRoute, Refusal
from . import internal_routes
from .environ import HEAD, STREAM_HOST, path_of, room_of, texts_of
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
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from types import ModuleType

    from _typeshed.wsgi import WSGIEnvironment

LONGEST = 512  # characters of a path whose operation is cached


class _Step:
    """A step of a path.

    Attributes:
        written: the steps that may come next, by their texts.
        value: the step that comes next in place of any other text, or None.
        has_slashes: whether the value in its place is the whole rest of the path.
        ends: what ends here, by method: an operation, the names of the values, and the route.
    """

    def __init__(self, *, has_slashes: bool = False) -> None:
        self.written: dict[str, _Step] = {}
        self.value: _Step | None = None
        self.has_slashes = has_slashes
        self.ends: dict[str, tuple[Operation[Any, Any], tuple[str, ...], tuple[str, str]]] = {}

    def reached(self, path: Sequence[str], values: tuple[str, ...] = ()) -> Iterator[tuple[_Step, tuple[str, ...]]]:
        """Yield each step at which a path ends, with its values: first what is written out."""
        if not path:
            yield self, values
            return
        text, rest = path[0], path[1:]
        if text in self.written:
            yield from self.written[text].reached(rest, values)
        if text and self.value is not None:
            if self.value.has_slashes:
                text, rest = "/".join(path), ()
            yield from self.value.reached(rest, (*values, text))


class Table:
    """Operations by their routes.

    Args:
        modules: the modules with the operations.
        normal: normalizes a path, to the form of the routes.
        unknown: returns the error for an unknown path.
        more: an additional method for a method, as PATCH for each PUT.
        with_slashes: the names of values that may have slashes, and end a route.
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
        self._more = {"GET": "HEAD", **more}
        self._with_slashes = with_slashes
        self._cached = lru_cache(maxsize=1024)(self._match)

    @cached_property
    def _first(self) -> _Step:
        """The step before each path."""
        first = _Step()
        for operation in self.operations:
            for method, path in operation.routes:
                end, names = first, []
                for text in path.split("/")[1:]:
                    if text.startswith(":"):
                        names.append(text[1:])
                        end.value = end.value or _Step(has_slashes=text[1:] in self._with_slashes)
                        end = end.value
                    else:
                        end = end.written.setdefault(text, _Step())
                for each in filter(None, (method, self._more.get(method))):
                    end.ends.setdefault(each, (operation, tuple(names), (method, path)))
        return first

    def _end(self, path: str) -> tuple[_Step, tuple[str, ...]]:
        """Return the step at which a path ends, with its values. `/flows/all` is never an organization.

        Raises:
            Refusal: the path is unknown.
        """
        for step, values in self._first.reached(path.lstrip("/").split("/")):
            if step.ends:
                return step, values
        raise self._unknown(path)

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
        step, values = self._end(path)
        if method not in step.ends:
            raise MethodNotAllowed(method, {*step.ends, "OPTIONS"})
        operation, names, route = step.ends[method]
        obsolete = (*route, True) in operation.contract.routes  # not before: it reads the page of the operation
        return Match(operation, dict(zip(names, values, strict=True)), obsolete)

    def methods_of(self, path: str) -> set[str]:
        """Return the methods of a path, including OPTIONS. Raises Refusal for an unknown path."""
        return {*self._end(path)[0].ends, "OPTIONS"}


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
    return _of_host(environ.get("HTTP_HOST", ""), _remembered(path) if len(path) <= LONGEST else _normal(path))


def _of_host(host: str, route: str) -> str:
    if host[:7].lower() == "stream." and STREAM_HOST.fullmatch(host) and not route.startswith(internal_routes.PREFIX):
        return f"{internal_routes.STREAM}{route}"
    return route


URL = re.compile(r"(?:https?://(?:[^/?#]*@)?([^/?#]*))?([^?#]*)", re.IGNORECASE)


class Head(NamedTuple):
    """What is known of a request from its head, in every world.

    Attributes:
        path: as requested, decoded.
        route: the same, normalized.
        match: the operation, or None if there is none.
        texts: those of its environ, as `texts_of` returns them.
        room: the memory for them.
    """

    path: str
    route: str
    match: Match | None
    texts: str
    room: int


def with_head(environ: WSGIEnvironment) -> WSGIEnvironment:
    """Return an environ of which many will be copies, with what is known of them."""
    path = path_of(environ)
    route, found = route_of(environ, path), None
    with suppress(Refusal):  # raised when the request is handled
        found = match(environ["REQUEST_METHOD"], route)
    texts = texts_of({name: value for name, value in environ.items() if name != "CONTENT_LENGTH"})
    return {**environ, HEAD: Head(path, route, found, texts, room_of(texts))}


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
    import difflib

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
