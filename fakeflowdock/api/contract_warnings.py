"""What a request did that no page knows or that its page advises against, and that Flowdock let pass."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from ..contract.contracts import contracts
from ..contract.findings import VIOLATION, finding, shown
from ..contract.grades import grade_at
from ..contract.json_pointer import at, pointer_to, steps_of
from ..contract.schema_walk import fields_of
from ..suggestions import nearest
from .callers import CREDENTIALS
from .parameters import BODY_IS_OPTIONAL

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from ..contract.contracts import OperationContract
    from ..contract.findings import Finding
    from ..contract.schema_walk import SchemaPlace
    from .operations import Match
    from .parameters import Given

REMEMBERED = 1000  # per world; the oldest are forgotten first
GUESSED = 20  # per request: of so many unknown fields the nearest known one is looked for
# What a header or the body could carry: the first on any request, the others on one that has a body.
ANYWHERE = frozenset({"access_token"})
IN_A_BODY = frozenset({"flow_token", "client_secret", "password", "refresh_token"})


class ContractWarnings:
    """The last warnings of a world, oldest first."""

    def __init__(self) -> None:
        self._kept: deque[Finding] = deque(maxlen=REMEMBERED)
        self._due: deque[Finding] = deque(maxlen=REMEMBERED)

    def __iter__(self) -> Iterator[Finding]:
        return iter(list(self._kept))

    def remember(self, noted: Iterable[Finding]) -> tuple[Finding, ...]:
        """Keep some warnings. Returns them; for most requests there are none."""
        noted = tuple(noted)
        if noted:
            self._kept.extend(noted)
            self._due.extend(finding for finding in noted if finding.severity == VIOLATION)
        return noted

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
        self._due.clear()

    def due(self) -> list[Finding]:
        """What a strict fake found since it was last asked."""
        due = list(self._due)
        self._due.clear()
        return due


def warnings_of(
    method: str,
    match: Match,
    given: Given,
    known: Mapping[str, Mapping[str, Any]],
    fields: Mapping[str, Any],
    *,
    strict: bool = False,
) -> Iterator[Finding]:
    """What there is to say of a request that is let through.

    Args:
        method: in capitals.
        match: what it asks for.
        given: its query and its body.
        known: the parameters that the operation has for such fields.
        fields: its parameters.
        strict: whether warnings are violations.
    """
    contract = match.operation.contract
    others = {*match.values, *CREDENTIALS}
    for number, (steps, siblings) in enumerate(_unknown(fields, known, others, contract.request.place)):
        yield _unknown_parameter(contract, given, steps, siblings if number < GUESSED else (), strict=strict)
    if match.obsolete and contract.successor is None:
        preferred = " ".join(contract.routes[0][:2])
        yield _about(contract, "request.route.obsolete", "is asked for by an obsolete route", preferred, strict=strict)
    if contract.successor is not None:
        later = contracts().operations[contract.successor]
        yield _about(contract, "request.deprecated", "is deprecated", " ".join(later.routes[0][:2]), strict=strict)
    if given.guessed:
        rule = "request.content-type.missing"
        yield _about(contract, rule, "has a body without a Content-Type", strict=strict, where="content-type")
    for name in secrets_in_query(method, match, given.query):
        where = "the Authorization header" if name in ANYWHERE else "the body"
        words = f"has the secret {name} in its URL, where logs keep it: {where} can carry it"
        yield _about(contract, "request.secret-in-url", words, strict=strict, where="query", pointer=f"/{name}")


def secrets_in_query(method: str, match: Match, query: Mapping[str, Any]) -> Iterable[str]:
    """The names of the secrets in a query that could be elsewhere."""
    if not query:
        return ()
    elsewhere = ANYWHERE
    if method not in BODY_IS_OPTIONAL:
        elsewhere |= IN_A_BODY
        if match.operation.credential is not None:
            elsewhere |= {match.operation.credential}
    return sorted(elsewhere.intersection(query))


def _about(
    contract: OperationContract,
    rule: str,
    words: str,
    preferred: str | None = None,
    *,
    strict: bool,
    where: str = "path",
    pointer: str = "",
) -> Finding:
    return finding(
        rule,
        f"{contract.title} {words}",
        page=contract.page,
        grade=contract.grade,
        operation=contract.name,
        where=where,
        pointer=pointer,
        suggestion=preferred,
        strict=strict,
    )


def _unknown_parameter(
    contract: OperationContract, given: Given, steps: tuple[str, ...], siblings: Collection[str], *, strict: bool
) -> Finding:
    field, pointer = ".".join(steps), pointer_to(steps)
    names = [".".join((*steps[:-1], name)) for name in sorted(siblings)]
    where, values = place_of(given, pointer)
    return finding(
        "request.parameter.unknown",
        f"{contract.title} has no parameter {field}",
        page=contract.page,
        grade=grade_at(contract.request, given.fields, pointer) or contract.grade,
        operation=contract.name,
        where=where,
        pointer=pointer,
        actual=shown(at(values, pointer), pointer),
        suggestion=nearest(field, names),
        strict=strict,
    )


def place_of(given: Given, pointer: str) -> tuple[str, Mapping[str, Any]]:
    """Whether a parameter came in the body or in the query, and all that came there."""
    name = steps_of(pointer)[0]
    return ("query", given.query) if name in given.query and name not in given.body else ("body", given.body)


def _unknown(
    given: Mapping[str, Any], known: Mapping[str, Any], others: Collection[str], place: SchemaPlace
) -> Iterator[tuple[tuple[str, ...], Collection[str]]]:
    """The way to each name that nobody knows, and the names that are known there.

    Args:
        given: names and values.
        known: names and their schemas.
        others: names that are known besides.
        place: where the schemas are.
    """
    for name, value in given.items():
        if name not in known:
            if name not in others:
                yield (name,), {*known, *others}
        elif isinstance(value, (dict, list)):
            for steps, siblings in _inside(value, place.to(known[name])):
                yield (name, *steps), siblings


def _inside(value: Any, place: SchemaPlace) -> Iterator[tuple[tuple[str, ...], Collection[str]]]:
    """The same for what is inside a value."""
    if isinstance(value, dict) and "properties" in place.schema:
        yield from _unknown(value, fields_of(place.schema, value)[0], (), place)
    elif isinstance(value, (dict, list)) and (inner := place.inside(value)("")) is not None:
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            for steps, siblings in _inside(item, place.to(inner)):
                yield (str(name), *steps), siblings
