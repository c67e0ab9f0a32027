"""Contract warnings: what Flowdock accepted, but no page documents or its page advises against."""

from __future__ import annotations

from collections import deque
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from ..contract.contracts import contracts
from ..contract.findings import MOST, VIOLATION, finding, shown
from ..contract.grades import grade_at
from ..contract.json_pointer import at, pointer_to, steps_of
from ..contract.schema_walk import fields_of
from ..contract.strictness import choice_of
from ..redaction import brief
from ..suggestions import nearest
from .callers import CREDENTIALS
from .parameters import BODY_IS_OPTIONAL

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from ..contract.contracts import OperationContract
    from ..contract.findings import Finding
    from ..contract.schema_walk import SchemaPlace
    from ..contract.strictness import Strict
    from .operations import Match
    from .parameters import Given

HOSTS = "docs/api/general-information.md#hosts"
REMEMBERED = 1000  # per world; the oldest are dropped first
# Secrets that do not need the URL: a header can carry the first ones, a body the others.
ANYWHERE = frozenset({"access_token"})
PLAIN, IS_PLAIN = (
    "request.plain-http",
    "is requested over plain HTTP, where others can read the credentials: use https://",
)
OF_PLAIN: Any = {"page": HOSTS, "grade": "assumed"}
IN_A_BODY = frozenset({"flow_token", "client_secret", "password", "refresh_token"})


class ContractWarnings:
    """The last warnings of a world, oldest first."""

    def __init__(self) -> None:
        self._kept: deque[Finding] = deque(maxlen=REMEMBERED)
        self._due: deque[Finding] = deque(maxlen=REMEMBERED)

    def __iter__(self) -> Iterator[Finding]:
        return iter(list(self._kept))

    def remember(self, found: Collection[Finding]) -> None:
        """Keep warnings."""
        self._kept.extend(found)
        self._due.extend(finding for finding in found if finding.severity == VIOLATION)

    def clear(self) -> None:
        """Drop all warnings."""
        self._kept.clear()
        self._due.clear()

    def due(self) -> list[Finding]:
        """Return the violations since the last call."""
        due = list(self._due)
        self._due.clear()
        return due


def warnings_of(
    method: str,
    match: Match,
    given: Given,
    fields: Mapping[str, Any],
    *,
    strict: Strict = False,
    is_plain: bool = False,
) -> Iterable[Finding]:
    """Return the warnings about a request.

    Args:
        fields: the parameters by their types.
        is_plain: whether it goes to Flowdock without TLS.
        strict: whether warnings are violations. Those of ignored rules are omitted.
    """
    contract = match.operation.contract
    if not (given.query or given.guessed or match.obsolete or contract.successor or is_plain) and (
        not given.body or contract.has_plainly(fields)
    ):
        return ()
    found = _warnings_of(method, match, given, fields, strict=strict)
    if is_plain:
        found = chain(found, [_about(contract, PLAIN, IS_PLAIN, strict=strict, **OF_PLAIN)])
    if isinstance(strict, bool):
        return found
    return (each for each in found if choice_of(strict, each.rule) != "ignore")


def _warnings_of(
    method: str, match: Match, given: Given, fields: Mapping[str, Any], *, strict: Strict
) -> Iterator[Finding]:
    contract = match.operation.contract
    known = contract.parameters_of(fields)
    about = partial(_about, contract, strict=strict)
    others = {*match.values, *CREDENTIALS}
    unknown = [*_unknown(fields, known, others, contract.request.place)]
    for steps, siblings in unknown[:MOST]:
        field, pointer = ".".join(steps), pointer_to(steps)
        where, values = place_of(given, pointer)
        yield about(
            "request.parameter.unknown",
            f"has no parameter {brief(field)}",
            grade=grade_at(contract.request, fields, pointer) or contract.grade,
            where=where,
            pointer=pointer,
            actual=shown(at(values, pointer), pointer),
            suggestion=nearest(field, [".".join((*steps[:-1], name)) for name in sorted(siblings)]),
        )
    if (more := len(unknown) - MOST) > 0:
        message = f"has {more:,} more unknown parameters"
        yield about("request.parameter.unknown", message, where="body" if given.body else "query")
    for name, value in given.fields.items():
        if isinstance(value, str) and type(fields.get(name)) is int and value[-1:].isalpha():
            pointer, message = pointer_to([name]), f"has letters after the number {name}"
            where, suggestion = place_of(given, pointer)[0], str(fields[name])
            told = {"pointer": pointer, "actual": shown(value), "suggestion": suggestion}
            yield _about(contract, "request.parameter.number", message, strict=strict, where=where, **told)
    if match.obsolete and contract.successor is None:
        route = " ".join(contract.routes[0][:2])
        yield about("request.route.obsolete", "uses an obsolete route", suggestion=route)
    if contract.successor is not None:
        route = " ".join(contracts().operations[contract.successor].routes[0][:2])
        yield about("request.deprecated", "is deprecated", suggestion=route)
    if given.guessed:
        yield about("request.content-type.missing", "has a body without a Content-Type", where="content-type")
    for name in secrets_in_query(method, match, given.query):
        where = "the Authorization header" if name in ANYWHERE else "the body"
        message = f"has the secret {name} in its URL, where logs keep it: {where} can carry it"
        yield about("request.secret-in-url", message, where="query", pointer=f"/{name}")


def secrets_in_query(method: str, match: Match, query: Mapping[str, Any]) -> Iterable[str]:
    """Return the names of the secrets in a query that a header or the body could carry."""
    if not query:
        return ()
    elsewhere = ANYWHERE
    if method not in BODY_IS_OPTIONAL:
        elsewhere |= IN_A_BODY
        if match.operation.credential is not None:
            elsewhere |= {match.operation.credential}
    return sorted(elsewhere.intersection(query))


def _about(
    contract: OperationContract, rule: str, message: str, *, strict: Strict, where: str = "path", **more: Any
) -> Finding:
    about = {"page": contract.page, "grade": contract.grade, "operation": contract.name}
    return finding(rule, f"{contract.title} {message}", where=where, strict=strict, **about | more)


def place_of(given: Given, pointer: str) -> tuple[str, Mapping[str, Any]]:
    """Return whether a parameter is in the body or in the query, and the values there."""
    name = steps_of(pointer)[0]
    return ("query", given.query) if name in given.query and name not in given.body else ("body", given.body)


def _unknown(
    given: Mapping[str, Any], known: Mapping[str, Any], others: Collection[str], place: SchemaPlace
) -> Iterator[tuple[tuple[str, ...], Collection[str]]]:
    """Yield the path of each unknown name, and the names that are known there.

    Args:
        given: names and values.
        known: names and their schemas.
        others: further known names.
        place: the place of the schemas.
    """
    here = {*known, *others}
    for name, value in given.items():
        if name not in known:
            if name not in others:
                yield (name,), here
        elif isinstance(value, (dict, list)):
            for steps, siblings in _inside(value, place.to(known[name])):
                yield (name, *steps), siblings


def _inside(value: Any, place: SchemaPlace) -> Iterator[tuple[tuple[str, ...], Collection[str]]]:
    """Do the same for what is inside a value."""
    if isinstance(value, dict) and "properties" in place.schema:
        yield from _unknown(value, fields_of(place.schema, value)[0], (), place)
    elif isinstance(value, (dict, list)) and (inner := place.inside(value)("")) is not None:
        place = place.to(inner)
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            for steps, siblings in _inside(item, place):
                yield (str(name), *steps), siblings
