"""The examples on Flowdock's own pages, as facts, held against the schemas that were compiled from ours.

`tests/support/witnesses/examples.json` has for each block of code that shows a request, the head of an answer or a
body: where it stands, its routes, its status, the names and types in it. By hand stands beside it, in `of`, what it is
an example of: an operation (`create-source`), a reply (`create-source.201`), an object (`thread`), an error, or the
rule for an answer of an integration; in `ruled`, by which ruling it is otherwise here; or, in `unanswered`, why nothing
here answers it.

An example is reproduced when it departs from the schema nowhere: each route is one, the status and the headers are
answered, each field is on the page with that type, and none is missing that the page calls documented and always there.
Fields that only recordings have are none of its business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from openapi_facts import OF_REPLIES

from fakeflowdock.api.callers import CREDENTIALS
from fakeflowdock.contract.schema_walk import SchemaPlace, fields_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Schema = dict[str, Any]
# Headers of every reply, and of every one to a request with an `Origin`.
GENERAL = ("Status", *(f"Access-Control-Allow-{what}" for what in ("Origin", "Methods", "Headers")))
TYPES = {"str": "string", "int": "integer", "bool": "boolean", "float": "number", "null": "null"}


class NotRuled(Exception):
    """An example is otherwise here and no ruling says why, or a ruling says so and it is not."""


@dataclass(frozen=True)
class Verdict:
    """What came of one example.

    Attributes:
        facts: of the example.
        of: what it is an example of, or None.
        unanswered: why nothing here answers it, or None.
        departures: place to what is otherwise there.
        rulings: the names of the rulings that it is otherwise by.
    """

    facts: Schema
    of: str | None
    unanswered: str | None
    departures: Mapping[str, str]
    rulings: tuple[str, ...]

    @property
    def is_reproduced(self) -> bool:
        """Whether it is here what it is there."""
        return self.unanswered is None and not self.rulings


class Examples:
    """All examples, and the schemas to hold them against.

    Args:
        files: page name to the content of its schema file.
        data: the content of `tests/support/witnesses/examples.json`.
        rulings: the names of all rulings.
    """

    def __init__(self, files: Mapping[str, Schema], data: Schema, rulings: Mapping[str, Any]) -> None:
        self._schemas = {anchor: (page, each) for page, file in files.items() for anchor, each in file["$defs"].items()}
        self._files, self._rulings = files, rulings
        self.unanswered: dict[str, str] = data["unanswered"]
        self.verdicts = [self._verdict(entry) for entry in data["examples"]]

    def _verdict(self, entry: Schema) -> Verdict:
        facts, of, ruled = entry["facts"], entry.get("of"), entry.get("ruled", {})
        if facts.get("requests") and of is not None and self.operation_of(facts) != of:
            raise NotRuled(f"{facts['page']}, example {facts['number']} asks for something else than {of}")
        departures = {} if "unanswered" in entry else self.departures(facts, of, whole=not entry.get("part"))
        where = f"{facts['page']}, example {facts['number']}"
        if unexplained := set(departures) - set(ruled):
            raise NotRuled(f"{where} is otherwise at {sorted(unexplained)} ({departures}), and no ruling says why")
        # A ruling about values, which the facts leave out, stands under their names, without a stroke before.
        if idle := {place for place in ruled if place[0] == "/"} - set(departures):
            raise NotRuled(f"{where} is not otherwise at {sorted(idle)}")
        if unknown := set(ruled.values()) - set(self._rulings):
            raise NotRuled(f"{where} names rulings that there are not: {sorted(unknown)}")
        names = tuple(dict.fromkeys(ruled.values()))
        return Verdict(
            facts, of, self.unanswered[entry["unanswered"]] if "unanswered" in entry else None, departures, names
        )

    def departures(self, facts: Schema, of: str | None, *, whole: bool = True) -> dict[str, str]:
        """Where an example is not what a schema says, and what is otherwise there.

        Args:
            facts: of the example.
            of: what it is an example of.
            whole: whether it lacks what it does not show.
        """
        found: dict[str, str] = {}
        for request in facts.get("requests", ()):
            if self._operation(request) is None:
                found["/request"] = f"{request} is no route"
        if {"status", "headers"} & facts.keys():
            found |= self._head(facts, str(of))
        if "redirect" in facts and not self._schemas[str(of)][1].get("x-redirect"):
            found["/redirect"] = f"{of} is no redirect"
        if "body" in facts:
            page, schema = self._schemas[str(of)]
            if isinstance(facts["body"], list) and "." not in str(of) and "x-operation" not in schema:  # objects
                schema = {"type": "array", "items": schema}
            place, is_sent = SchemaPlace(self._files, page, {}), "x-operation" in schema
            found |= dict(self._differences(facts["body"], schema, place, "", is_sent=is_sent, whole=whole))
        return found

    def operation_of(self, facts: Schema) -> str | None:
        """The operation that the first request of an example asks for."""
        return next((self._operation(request) for request in facts.get("requests", ())), None)

    def _operation(self, request: str) -> str | None:
        method, target = request.split(" ", 1)
        path, _, query = target.removeprefix("/v1").partition("?")
        names = {pair.partition("=")[0] for pair in query.split("&") if pair}
        found: list[tuple[int, str]] = []  # how many parts of the route may be anything, and the operation
        for anchor, (_, schema) in self._schemas.items():
            for route in schema.get("x-operation", {}).get("routes", ()):
                pattern, anything = re.subn(":[a-z_]+", "[^/]+", route["path"])
                fits = method in (route["method"], "ANY") and re.fullmatch(pattern, path)
                if fits and names <= {*schema["properties"], *CREDENTIALS}:
                    found.append((anything, anchor))
        return min(found)[1] if found else None

    def _head(self, facts: Schema, of: str) -> dict[str, str]:
        found: dict[str, str] = {}
        name, _, status = of.partition(".")
        _, schema = self._schemas[name]
        if "x-rule" in schema:
            return found | {f"/headers/{each}": "is not answered" for each in set(facts["headers"]) - {*OF_REPLIES[of]}}
        if "x-error" in schema:
            status, callers = str(schema["x-error"]["status"]), ["user"]
        else:
            callers = schema["x-operation"]["callers"]
        if str(facts.get("status", status)) != status:
            found["/status"] = f"{facts['status']}, here {status}"
        named = ("Flowdock-User",) if callers not in (["anyone"], ["provisioner"]) else ()
        known = {*GENERAL, *OF_REPLIES.get(of, ()), *named}
        found |= {f"/headers/{header}": "is not answered" for header in set(facts.get("headers", ())) - known}
        return found

    def _differences(
        self, kind: Any, schema: Mapping[str, Any], place: SchemaPlace, at: str, *, is_sent: bool, whole: bool
    ) -> Iterator[tuple[str, str]]:
        """Each place where what is shown is not what a schema inside a place says."""
        plain = [each for each in schema.get("anyOf", ()) if "$ref" not in each]
        if "type" not in schema and any(_unfit(kind, each) is None for each in plain):
            return  # an object or null, or a string or an object
        place = place.to(schema)
        if (reason := _unfit(kind, place.schema)) is not None:
            yield at, reason
        elif isinstance(kind, list):
            for each in kind:
                items = place.schema["items"]
                yield from self._differences(each, items, place, f"{at}/*", is_sent=is_sent, whole=whole)
        elif isinstance(kind, dict):
            yield from self._inside(kind, place, at, is_sent=is_sent, whole=whole)

    def _inside(
        self, kind: Schema, place: SchemaPlace, at: str, *, is_sent: bool, whole: bool
    ) -> Iterator[tuple[str, str]]:
        known = place.schema.get("properties", {})
        untold = (name for name, value in kind.items() if value == "str" and "enum" in known.get(name, {}))
        if hidden := next(untold, None):
            shown = ({**kind, hidden: f"={value}"} for value in known[hidden]["enum"])  # it may be any of these
            found = [[*self._inside(each, place, at, is_sent=is_sent, whole=whole)] for each in shown]
            yield from min(found, key=len)
            return
        for name, value in kind.items():
            if str(value)[:1] == "=" and (reason := _unfit(value, known.get(name, {}))) is not None:
                yield f"{at}/{name}", reason  # which fields there are depends on it
                return
        values = {name: str(value)[1:] for name, value in kind.items()}  # a value that is shown is `=value`
        inside = place.inside(values)
        properties, required = fields_of(place.schema, values)
        for name, value in kind.items():
            if inner := inside(name):
                yield from self._differences(value, inner, place, f"{at}/{name}", is_sent=is_sent, whole=whole)
            elif "properties" in place.schema and not (is_sent and at == "" and name in CREDENTIALS):
                yield f"{at}/{name}", "is not on the page"
        for name in required:
            is_told = is_sent or properties[name].get("x-grade") == "documented"
            if name not in kind and whole and is_told:
                yield f"{at}/{name}", "is missing there"


def _unfit(kind: Any, schema: Mapping[str, Any]) -> str | None:
    """Why a value of some type cannot be what a schema describes, or None."""
    known = schema.get("type")
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if known is None and values:
        known = "string"
    allowed = {known} if isinstance(known, str) else {*(known or ())}
    name = "object" if isinstance(kind, dict) else "array" if isinstance(kind, list) else TYPES.get(str(kind), "string")
    if allowed and name not in allowed:
        return f"{name} there, {' or '.join(sorted(allowed))} here"
    if isinstance(kind, str) and kind[:1] == "=" and values and kind[1:] not in values:
        return f"{kind[1:]} there, which is none of those here"
    return None
