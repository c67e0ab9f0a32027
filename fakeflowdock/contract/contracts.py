"""The contract: the pages of `docs/api`, loaded from the schemas compiled from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..redaction import brief
from ..suggestions import did_you_mean
from .errors import NO_OPERATION, NO_SUCH_OPERATION
from .package_files import document
from .schema_walk import Variant, as_recorded, variants_of
from .validation import API, Check, Pages, folder_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .operation_names import OperationName
    from .validation import Violation

Value = TypeVar("Value")

BASE = "https://api.flowdock.com/_fakeflowdock/schemas/"


@dataclass(frozen=True)
class ErrorContract:
    """An error: a section of `errors.md`, for errors of operations, or of `http.md`, for errors of the server.

    Attributes:
        name: the anchor of its heading, `not-found`.
        status: the HTTP status.
        everywhere: whether every operation can return it, or only those that list it.
        grade: documented, observed or assumed; `evidence` says why.
        page: the documentation.
        description: its meaning, in a sentence or two.
        example: an example of the body.
    """

    name: str
    status: int
    everywhere: bool
    grade: str
    evidence: str
    page: str
    description: str
    body: Check
    example: Mapping[str, Any]


@dataclass(frozen=True)
class OperationContract:
    """An operation, as its page section describes it.

    Attributes:
        name: the anchor of its heading, `create-source`.
        title: its heading.
        page: the documentation, `docs/api/sources.md#create-source`.
        description: what it does.
        routes: (method, path, obsolete), the preferred one first.
        callers: who may call it: user, application, source; or only anyone.
        scope: the OAuth scope an application needs, or None.
        successor: the name of the operation that replaces it, or None if it is not deprecated.
        grade: documented, observed or assumed; `evidence` says why.
        errors: error name to (grade, when): the errors besides those that every operation can return.
        properties: parameter name to its schema; `required` names the required ones.
        example: a request, as {"method", "path", "headers"}; its body is the first of `examples`.
        replies: status to the schema of the body, None for a response without one. The example gets the first.
        pages, redirects, streams: the statuses with an HTML page, those that redirect, and those with an event stream.
    """

    name: str
    title: str
    page: str
    description: str
    routes: tuple[tuple[str, str, bool], ...]
    callers: tuple[str, ...]
    scope: str | None
    successor: str | None
    grade: str
    evidence: str
    errors: Mapping[str, tuple[str, str]]
    properties: Mapping[str, Mapping[str, Any]]
    required: tuple[str, ...]
    example: Mapping[str, Any]
    examples: Sequence[Any]
    request: Check
    replies: Mapping[int, Check | None]
    reply_examples: Mapping[int, Any]
    pages: frozenset[int]
    redirects: frozenset[int]
    streams: frozenset[int]

    @cached_property
    def variants(self) -> list[Variant]:
        """The fields of the request that depend on the value of another field."""
        return [*variants_of(self.request.place.schema)]

    @cached_property
    def unusual(self) -> frozenset[int]:
        """The statuses with an HTML page, those that redirect, and those with an event stream."""
        return self.pages | self.redirects | self.streams

    @cached_property
    def missing(self) -> tuple[Violation, ...]:
        """What a request without parameters lacks."""
        return tuple(self.request.violations({}))

    def coerced(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters with numbers and booleans converted, because forms and queries contain only text.

        Empty numbers are left out, and so are blank texts that count as absent. Letters after a number are ignored: a
        client sent `limit=100true`, and was served.
        """
        if not fields:
            return fields
        for name in self._absent_if_blank.intersection(fields):
            if isinstance(value := fields[name], str) and not value.strip():
                del fields[name]
        for name in self._typed.intersection(fields):
            value, kind = fields[name], self.properties[name]["type"]
            if kind == "integer" and isinstance(value, str) and not value.strip():
                del fields[name]
            else:
                fields[name] = _coerced(value, kind)
        return fields

    def parameters_of(self, fields: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """Return the parameters for these values, each with its schema. All others are ignored."""
        value = fields.get(self._decider)
        if isinstance(value, str) or self._decider not in fields:
            return self._cases.get(value, self.properties)
        return self.properties

    def has_plainly(self, fields: Mapping[str, Any]) -> bool:
        """Return whether all of these are parameters, none of them nested or converted."""
        known = self.parameters_of(fields)
        return (
            fields.keys() <= known.keys()
            and self._typed.isdisjoint(fields)
            and not any(type(value) in NESTED for value in fields.values())
        )

    @cached_property
    def _decider(self) -> str:
        """The field on which the variants depend; empty if there are none."""
        return self.variants[0].field if self.variants else ""

    @cached_property
    def _cases(self) -> dict[str | None, Mapping[str, Mapping[str, Any]]]:
        """The parameters of each variant by the value of that field, as `fields_of` tells them."""
        always = {name: schema for name, schema in self.properties.items() if schema}
        cases: dict[str | None, Mapping[str, Mapping[str, Any]]] = {}
        for variant in self.variants:
            absent = (None,) if variant.is_default else ()
            cases |= {value: {**always, **variant.properties} for value in (*variant.values, *absent)}
        return cases

    @cached_property
    def _absent_if_blank(self) -> frozenset[str]:
        """The parameters that count as absent if they are blank."""
        properties = (self.properties, *(each.properties for each in self.variants))
        return frozenset(name for each in properties for name, schema in each.items() if "x-blank" in schema)

    @cached_property
    def _typed(self) -> frozenset[str]:
        return frozenset(n for n, schema in self.properties.items() if schema.get("type") in ("integer", "boolean"))


NESTED = (dict, list)
NUMBER = re.compile("(-?[0-9]{1,18})[A-Za-z]*")
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def _coerced(value: Any, kind: str) -> Any:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # `2.0` is an integer to JSON Schema
    text = str(value) if type(value) in (str, int) else ""
    if kind == "boolean":
        return BOOLEANS.get(text.lower(), value)
    number = NUMBER.fullmatch(text)
    return int(number[1]) if number else value


class ByName(Mapping[str, Value]):
    """Values of pages, by name. A page is read when one of its names is first needed. Most clients need few pages.

    Args:
        pages: name to page.
        read: returns the values of a page, by name.
    """

    def __init__(self, pages: Mapping[str, str], read: Callable[[str], Mapping[str, Value]]) -> None:
        self._pages, self._read = pages, read
        self._known: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        if name not in self._known:
            for each, value in self._read(self._pages[name]).items():
                self._known.setdefault(each, value)  # the same for all threads
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._pages)

    def __len__(self) -> int:
        return len(self._pages)


@dataclass(frozen=True)
class Contracts:
    """All pages of the contract.

    Attributes:
        operations: name (`create-source`) to its contract.
        errors: name (`not-found`) to its contract.
        refusals: name (`no-http`) to its contract: how a server rejects what is not a valid HTTP request.
        objects: name (`source`) to its schema.
        rules: heading to (grade, evidence, page, description): what applies to every operation.
    """

    operations: Mapping[str, OperationContract]
    errors: Mapping[str, ErrorContract]
    refusals: Mapping[str, ErrorContract]
    objects: Mapping[str, Check]
    rules: Mapping[str, tuple[str, str, str, str]]


KINDS = {"x-operation": "operations", "x-error": "errors", "x-refusal": "refusals", "x-rule": "rules"}
ATTRIBUTES = (*KINDS.values(), "objects")  # of `Contracts`


def names_of(page: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the names on a compiled page, by the attribute of `Contracts`. The index has those of all pages."""
    names: dict[str, list[str]] = {}
    for anchor, schema in page["$defs"].items():
        if (kind := _kind_of(anchor, schema)) is not None:
            names.setdefault(kind, []).append(schema["title"] if kind == "rules" else anchor)
    return names


def _kind_of(anchor: str, schema: Mapping[str, Any]) -> str | None:
    kind = next((kind for key, kind in KINDS.items() if key in schema), None)
    return kind or (None if "." in anchor else "objects")


def schema_files(part: str = API) -> dict[str, dict[str, Any]]:
    """Return the compiled pages, without the combined documents. Raises RuntimeError if there are none."""
    return {name: document(folder_of(part) + name) for name in document(f"{folder_of(part)}index")}


def contracts(part: str = API, *, recorded: bool = False) -> Contracts:
    """Return a part of the contract, read once per process.

    Args:
        recorded: whether responses may be what recordings of Flowdock have, where their page says so.

    Raises:
        RuntimeError: the schemas are missing.
    """
    return _contracts(part, recorded)


@cache  # not on `contracts`: without and with `API`, that would be two objects
def _contracts(part: str, recorded: bool) -> Contracts:
    index: dict[str, dict[str, list[str]]] = document(f"{folder_of(part)}index")
    files: Mapping[str, Any] = ByName(
        {page: page for page in index}, lambda page: {page: document(folder_of(part) + page)}
    )
    pages = Pages(as_recorded(dict(files)) if recorded else files, part)
    read = cache(partial(_read, pages))

    def by_name(kind: str) -> ByName[Any]:
        return ByName(
            {name: page for page in index for name in index[page].get(kind, ())}, lambda page: read(page)[kind]
        )

    return Contracts(**{kind: by_name(kind) for kind in ATTRIBUTES})


def _read(pages: Pages, page: str) -> dict[str, dict[str, Any]]:
    """Return the values of a page, by the attribute of `Contracts` and by name."""
    made: dict[str, dict[str, Any]] = {kind: {} for kind in ATTRIBUTES}
    for anchor, schema in pages.schemas[page]["$defs"].items():
        if (kind := _kind_of(anchor, schema)) is None:
            continue
        check, where = Check(pages, page, anchor), f"docs/{pages.part}/{page}.md#{anchor}"
        if kind == "operations":
            made[kind][anchor] = _operation(check, schema, **schema["x-operation"])
        elif kind == "errors":
            made[kind][anchor] = _error(check, schema, **schema["x-error"], page=where)
        elif kind == "refusals":
            made[kind][anchor] = _error(check, schema, **{**schema["x-refusal"], "page": where, "everywhere": False})
        elif kind == "rules":
            rule = schema["x-rule"]
            made[kind][schema["title"]] = (rule["grade"], rule["evidence"], where, schema["description"])
        else:
            made[kind][anchor] = check
    return made


def _error(body: Check, schema: Mapping[str, Any], **facts: Any) -> ErrorContract:
    return ErrorContract(
        body.anchor, **facts, description=schema["description"], body=body, example=schema["examples"][0]
    )


def _operation(
    request: Check, schema: Mapping[str, Any], *, routes: Any, callers: Any, errors: Any, replies: Any, **facts: Any
) -> OperationContract:
    pages, page, anchor = request.pages, request.page, request.anchor
    bodies = {status: pages.schemas[page]["$defs"][f"{anchor}.{status}"] for status in replies}
    return OperationContract(
        name=anchor,
        title=schema["title"],
        description=schema["description"],
        routes=tuple((route["method"], route["path"], route["obsolete"]) for route in routes),
        callers=tuple(callers),
        errors={error["error"]: (error["grade"], error["when"]) for error in errors},
        properties=schema["properties"],
        required=tuple(schema.get("required", ())),
        examples=schema.get("examples", ()),
        request=request,
        replies={
            status: None if body.get("x-empty") else Check(pages, page, f"{anchor}.{status}", ours=True)
            for status, body in bodies.items()
        },
        reply_examples={status: body["examples"][0] for status, body in bodies.items() if "examples" in body},
        pages=frozenset(status for status, body in bodies.items() if body.get("contentMediaType") == "text/html"),
        streams=frozenset(status for status, body in bodies.items() if body.get("x-stream")),
        redirects=frozenset(status for status, body in bodies.items() if body.get("x-redirect")),
        **facts,
    )


def operation_named(title: str) -> OperationName:
    """Return the name of an operation from its title: `Create source` becomes `create-source`.

    Raises:
        ValueError: the operation is unknown. The message suggests similar ones.
    """
    if not isinstance(title, str):
        raise ValueError(NO_OPERATION.format(given=title))  # as every other argument
    name = title.strip().lower().replace(" ", "-")
    if name not in contracts().operations:
        import difflib

        near = difflib.get_close_matches(name[:100], contracts().operations, n=3, cutoff=0.4)
        hint = did_you_mean(" or ".join(near))
        raise ValueError(NO_SUCH_OPERATION.format(title=brief(title), hint=hint))
    return cast("OperationName", name)
