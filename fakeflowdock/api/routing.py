"""The table of contents: every operation, and the way from a method and a path to one."""

from __future__ import annotations

import difflib
from functools import cache, lru_cache
from typing import Any

from werkzeug.exceptions import MethodNotAllowed as WrongMethod
from werkzeug.exceptions import NotFound as NoRule
from werkzeug.routing import Map, MapAdapter, Rule

from ..contract.errors import MethodNotAllowed, NoSuchRoute
from . import routing
from .operations import Match, Operation, rule_of
from .resources import consent, files, flows, messages, oauth, organizations, push, sources, threads, users

RESOURCES = (consent, oauth, organizations, users, flows, sources, messages, threads, files, push)
OPERATIONS: tuple[Operation[Any], ...] = tuple(
    value for resource in RESOURCES for value in vars(resource).values() if isinstance(value, Operation)
)


@cache
def _map() -> MapAdapter:
    rules = [
        Rule(
            rule_of(path),
            methods=[method, "PATCH"] if method == "PUT" else [method],
            endpoint=(operation, (method, path, True) in operation.contract.routes),
        )
        for operation in OPERATIONS
        for method, path in operation.routes
    ]
    return Map(rules, merge_slashes=False).bind("api.flowdock.com")


@cache
def _written_out() -> dict[str, set[str]]:
    """The methods of each path that holds no values. `/flows/all` is no organization, whatever the method."""
    methods: dict[str, set[str]] = {}
    for rule in _map().map.iter_rules():
        if not rule.arguments:
            methods.setdefault(rule.rule, set()).update(rule.methods or ())
    return methods


@lru_cache(maxsize=1024)
def match(method: str, path: str) -> Match:
    """What a request asks for.

    Args:
        method: in capitals.
        path: without prefix, suffix and needless slashes (`normal`).

    Raises:
        NoSuchRoute: Flowdock has no such path.
        MethodNotAllowed: it has, but not with this method.
    """
    written_out = _written_out().get(path)
    if written_out is not None and method not in written_out:
        raise MethodNotAllowed(method, {*written_out, "OPTIONS"})
    try:
        (operation, obsolete), values = _map().match(path, method)
    except WrongMethod as error:
        raise MethodNotAllowed(method, {*(error.valid_methods or ()), "OPTIONS"}) from None
    except NoRule:
        raise NoSuchRoute from None
    return Match(operation, values, obsolete)


def methods_of(path: str) -> set[str]:
    """The methods that a path has, OPTIONS included.

    Raises:
        NoSuchRoute: Flowdock has no such path.
    """
    methods = _written_out().get(path) or set(_map().allowed_methods(path))
    if not methods:
        raise NoSuchRoute
    return methods | {"OPTIONS"}


def normal(path: str) -> str:
    """A path without what means nothing: a `/v1` prefix, doubled and trailing slashes, a `.json` suffix."""
    segments = [segment for segment in path.split("/") if segment]
    if segments and segments[0] == "v1":
        del segments[0]
    if segments:
        segments[-1] = segments[-1].removesuffix(".json") or segments[-1]
    return "/" + "/".join(segments)


ALIKE = 0.8  # from 0 to 1


def nearest_route(method: str, path: str) -> tuple[str, str] | None:
    """The method and path most like what was asked for, with the names that were in it, and its page; or None."""
    asked = routing.normal(path).split("/")
    there: dict[str, str] = {}
    for operation in routing.OPERATIONS:
        for verb, route in operation.routes:
            steps = route.split("/")
            if len(steps) == len(asked):
                steps = [mine if its.startswith(":") else its for its, mine in zip(steps, asked, strict=True)]
            there.setdefault(f"{verb} {'/'.join(steps)}", operation.contract.page)
    near = difflib.get_close_matches(f"{method} {'/'.join(asked)}", there, n=1, cutoff=ALIKE)
    return (near[0], there[near[0]]) if near else None
