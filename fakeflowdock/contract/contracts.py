"""The contract: what the pages of `docs/api` say, read from the schemas that were compiled from them.

The only file that knows a JSON-Schema library. `jsonschema` has the last word and words every error;
`jsonschema_rs` gives the verdict first, because it is a hundred times faster, and may be missing.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .validation import API, Check, Pages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BASE = "https://api.flowdock.com/_fakeflowdock/schemas/"


@dataclass(frozen=True)
class ErrorContract:
    """One section of `errors.md`, a refusal that operations answer; or of `http.md`, one that the server answers.

    Attributes:
        name: its heading as an anchor, `not-found`.
        status: the HTTP status.
        everywhere: whether every operation may answer it, or only those that list it.
        grade: documented, observed or assumed; `evidence` says from what.
        page: where it is written.
        description: what it means, in a sentence or two.
        example: a body.
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
class Variant:
    """The parameters that an operation has where one of them, as `event`, has one of some values."""

    field: str
    values: tuple[str, ...]
    properties: Mapping[str, Mapping[str, Any]]
    required: tuple[str, ...]


@dataclass(frozen=True)
class OperationContract:
    """One `##` section of a page: an operation as the page describes it.

    Attributes:
        name: its heading as an anchor, `create-source`.
        title: its heading.
        page: where it is written, `docs/api/sources.md#create-source`.
        description: what it does.
        routes: (method, path, obsolete), the first one preferred.
        callers: who may call it: user, application, source; or anyone alone.
        scope: the OAuth scope an application needs, or None.
        successor: the name of the operation that came in its place; None where it is not deprecated.
        grade: documented, observed or assumed; `evidence` says from what.
        errors: error name to (grade, when): the refusals beyond those that every operation answers.
        properties: parameter name to its schema; `required` names the required ones.
        cases: the conditions in the schema of the parameters; `variants` says what is in them.
        example: a request, as {"method", "path", "headers"}; its body is the first of `examples`.
        replies: status to the schema of the body, None for a reply without one. The example gets the first.
        pages, redirects: the statuses whose body is a page for people, and those that lead elsewhere.
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
    cases: tuple[Mapping[str, Any], ...]
    example: Mapping[str, Any]
    examples: Sequence[Any]
    request: Check
    replies: Mapping[int, Check | None]
    reply_examples: Mapping[int, Any]
    pages: frozenset[int]
    redirects: frozenset[int]

    @cached_property
    def variants(self) -> list[Variant]:
        """What else there is where a field has one of some values."""
        return [_variant(case) for case in self.cases]

    def coerced(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Parameters with the numbers and truths in them read as such: in a form and in a query all is text."""
        for name in self._typed.intersection(fields):
            fields[name] = _coerced(fields[name], self.properties[name]["type"])
        return fields

    def parameters_of(self, fields: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """The parameters that it has for such values, each with its schema. All others mean nothing to it."""
        for variant, parameters in self._parameters:
            if fields.get(variant.field) in variant.values:
                return parameters
        return self.properties

    @cached_property
    def _parameters(self) -> list[tuple[Variant, Mapping[str, Mapping[str, Any]]]]:
        """The parameters for each variant. No two variants have a value in common."""
        always = {name: schema for name, schema in self.properties.items() if schema}
        return [(variant, {**always, **variant.properties}) for variant in self.variants]

    @cached_property
    def _typed(self) -> frozenset[str]:
        return frozenset(n for n, schema in self.properties.items() if schema.get("type") in ("integer", "boolean"))


TRUTH = {"true": True, "1": True, "false": False, "0": False}


def _coerced(value: Any, kind: str) -> Any:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # `2.0` is an integer to JSON Schema
    text = str(value) if type(value) in (str, int) else ""
    if kind == "boolean":
        return TRUTH.get(text.lower(), value)
    return int(text) if re.fullmatch("-?[0-9]{1,18}", text) else value


@dataclass(frozen=True)
class Contracts:
    """All that the pages say.

    Attributes:
        operations: name (`create-source`) to its contract.
        errors: name (`not-found`) to its contract.
        refusals: name (`no-http`) to its contract: what a server answers to what never becomes a request.
        objects: name (`source`) to its schema.
        rules: heading to (grade, evidence, page, description): what holds for every operation.
    """

    operations: Mapping[str, OperationContract]
    errors: Mapping[str, ErrorContract]
    refusals: Mapping[str, ErrorContract]
    objects: Mapping[str, Check]
    rules: Mapping[str, tuple[str, str, str, str]]


def schema_folder() -> Path:
    """Where the compiled pages are: in the installed package, or in the checkout.

    Raises:
        RuntimeError: there are none; nothing works without them.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "schemas", package.parent / "schemas"):
        if any(folder.glob("*.json")):
            return folder
    raise RuntimeError(f"fakeflowdock is not whole: there are no schemas in {package / 'schemas'}")


def schema_files(part: str = API) -> dict[str, dict[str, Any]]:
    """The compiled pages, without the documents that have all of them. Raises RuntimeError where there are none."""
    folder = schema_folder() if part == API else schema_folder() / part
    paths = [path for path in sorted(folder.glob("*.json")) if not path.name.startswith("openapi.")]
    return {path.stem: json.loads(path.read_text("utf-8")) for path in paths}


def contracts(part: str = API) -> Contracts:
    """A part of the contract, read once per process. Raises RuntimeError where the schemas are missing."""
    return _contracts(part)


@cache  # which would take `contracts()` and `contracts(API)` for two
def _contracts(part: str) -> Contracts:
    pages = Pages(schema_files(part), part)
    operations: dict[str, OperationContract] = {}
    errors: dict[str, ErrorContract] = {}
    refusals: dict[str, ErrorContract] = {}
    objects: dict[str, Check] = {}
    rules: dict[str, tuple[str, str, str, str]] = {}
    for page, file in pages.schemas.items():
        for anchor, schema in file["$defs"].items():
            where = f"docs/{part}/{page}.md#{anchor}"
            if operation := schema.get("x-operation"):
                operations[anchor] = _operation(pages, page, anchor, schema, operation)
            elif error := schema.get("x-error"):
                errors[anchor] = _error(pages, page, anchor, schema, **error)
            elif refusal := schema.get("x-refusal"):
                refusals[anchor] = _error(pages, page, anchor, schema, **refusal, everywhere=False)
            elif rule := schema.get("x-rule"):
                rules[schema["title"]] = (rule["grade"], rule["evidence"], where, schema["description"])
            elif "." not in anchor:
                objects[anchor] = Check(pages, page, anchor)
    return Contracts(operations, errors, refusals, objects, rules)


def _error(pages: Pages, page: str, anchor: str, schema: Mapping[str, Any], **facts: Any) -> ErrorContract:
    return ErrorContract(
        anchor,
        **facts,
        page=f"docs/{pages.part}/{page}.md#{anchor}",
        description=schema["description"],
        body=Check(pages, page, anchor),
        example=schema["examples"][0],
    )


def _operation(
    pages: Pages, page: str, anchor: str, schema: Mapping[str, Any], operation: Mapping[str, Any]
) -> OperationContract:
    replies = {status: pages.schemas[page]["$defs"][f"{anchor}.{status}"] for status in operation["replies"]}
    return OperationContract(
        name=anchor,
        title=schema["title"],
        page=operation["page"],
        description=schema["description"],
        routes=tuple((route["method"], route["path"], route["obsolete"]) for route in operation["routes"]),
        callers=tuple(operation["callers"]),
        scope=operation["scope"],
        successor=operation["successor"],
        grade=operation["grade"],
        evidence=operation["evidence"],
        errors={error["error"]: (error["grade"], error["when"]) for error in operation["errors"]},
        properties=schema["properties"],
        required=tuple(schema.get("required", ())),
        cases=tuple(schema.get("allOf", ())),
        example=operation["example"],
        examples=schema.get("examples", ()),
        request=Check(pages, page, anchor),
        replies={
            status: None if reply.get("x-empty") else Check(pages, page, f"{anchor}.{status}", ours=True)
            for status, reply in replies.items()
        },
        reply_examples={status: reply["examples"][0] for status, reply in replies.items() if "examples" in reply},
        pages=frozenset(status for status, reply in replies.items() if "contentMediaType" in reply),
        redirects=frozenset(status for status, reply in replies.items() if reply.get("x-redirect")),
    )


def parameters_in(schema: Mapping[str, Any], fields: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The fields that an object has by its schema where some of them have these values, each with its own schema."""
    properties: dict[str, Mapping[str, Any]] = {n: each for n, each in schema["properties"].items() if each}
    known = False
    for variant in map(_variant, schema.get("allOf", ())):
        if fields.get(variant.field) in variant.values:
            properties |= variant.properties
            known = True
    return properties if known or "allOf" not in schema else schema["properties"]


def _variant(case: Mapping[str, Any]) -> Variant:
    [(field, values)] = case["if"]["properties"].items()
    then = case["then"]
    return Variant(field, tuple(values["enum"]), then["properties"], tuple(then.get("required", ())))


def operation_named(words: str) -> str:
    """The name of an operation from what its page calls it: `Create source` is `create-source`.

    Raises:
        ValueError: there is no such operation; the message names the nearest.
    """
    name = str(words).strip().lower().replace(" ", "-")
    if name not in contracts().operations:
        import difflib

        near = difflib.get_close_matches(name, contracts().operations, n=3, cutoff=0.4)
        raise ValueError(
            f"there is no operation {words!r}{': did you mean ' + ' or '.join(near) + '?' if near else ''}"
        )
    return name
