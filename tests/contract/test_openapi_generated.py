"""What generators of clients need of the OpenAPI documents, the one of Flowdock and the one of the admin API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from openapi_portable import portable
from openapi_spec_validator import validate

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.newest_only

SCHEMAS = Path(__file__).parent.parent.parent / "schemas"
NAMES = ("openapi", "openapi.strict", "admin/openapi")
Document = dict[str, Any]
VALUES = ("example", "examples", "const", "default", "enum")


@pytest.fixture(params=NAMES)
def document(request: pytest.FixtureRequest) -> Document:
    loaded: Document = json.loads((SCHEMAS / f"{request.param}.json").read_text("utf-8"))
    return loaded


def objects(part: Any) -> Iterator[dict[str, Any]]:
    """All that could be a schema, without the values of examples."""
    if isinstance(part, list):
        for each in part:
            yield from objects(each)
    elif isinstance(part, dict):
        yield part
        for name, each in part.items():
            if name not in (*VALUES, "not"):  # what a value is not, no generator makes
                yield from objects(each)


def typed(part: dict[str, Any]) -> set[str]:
    """The types of a schema, without null."""
    kinds = part.get("type", ())
    return {*([kinds] if isinstance(kinds, str) else kinds)} - {"null"} if isinstance(kinds, str | list) else set()


def operations(document: Document) -> list[Document]:
    both = (*document["paths"].values(), *document.get("webhooks", {}).values())
    return [operation for methods in both for operation in methods.values()]


def test_the_documents_are_valid_openapi(document: Document) -> None:
    assert document["openapi"].startswith("3.1.")
    validate(document)


def test_each_request_body_is_a_named_component_and_so_is_its_schema(document: Document) -> None:
    sent = [operation["requestBody"] for operation in operations(document) if "requestBody" in operation]
    assert sent
    for body in sent:
        assert body.keys() == {"$ref"}
        name = body["$ref"].removeprefix("#/components/requestBodies/")
        for content in document["components"]["requestBodies"][name]["content"].values():
            assert content["schema"]["$ref"].removeprefix("#/components/schemas/") in document["components"]["schemas"]


def test_each_named_request_body_is_that_of_an_operation(document: Document) -> None:
    sent = {operation["requestBody"]["$ref"] for operation in operations(document) if "requestBody" in operation}
    assert sent == {f"#/components/requestBodies/{name}" for name in document["components"]["requestBodies"]}


def test_no_object_is_free_without_saying_so(document: Document) -> None:
    for part in objects(document):
        if "object" in typed(part):
            assert {"properties", "additionalProperties", "patternProperties"} & part.keys(), part


def test_nothing_is_a_list_or_of_another_type_in_one(document: Document) -> None:
    for part in objects(document):
        assert typed(part) == {"array"} or "array" not in typed(part), part
        if "array" in typed(part):
            assert "items" in part


def test_no_alternative_but_the_first_has_what_only_a_list_or_a_map_has(document: Document) -> None:
    for part in objects(document):
        for number, each in enumerate([*part.get("anyOf", ()), *part.get("oneOf", ())]):
            is_free = "object" in typed(each) and "properties" not in each
            assert "type" not in each or number == 0 or not ("array" in typed(each) or is_free), part
            if "array" in typed(each):  # openapi-generator takes what has no type for null
                assert not any("type" in other or "$ref" in other for other in part["anyOf"][1:]), part


def test_no_text_has_alternatives_without_a_type(document: Document) -> None:
    assert not [part for part in objects(document) if "string" in typed(part) and "anyOf" in part]


def test_a_whole_number_without_a_bound_below_two_thousand_million_has_64_bits(document: Document) -> None:
    for part in objects(document):
        if "integer" in typed(part) and "enum" not in part:
            assert part.get("maximum", 2**31) < 2**31 or part["format"] == "int64", part


def test_no_two_operations_differ_only_in_the_world(document: Document) -> None:
    identities = [operation["operationId"] for operation in operations(document)]
    assert len(identities) == len(set(identities))
    assert not [identity for identity in identities if "default" in identity]
    paths = {(path, method) for path, methods in document["paths"].items() for method in methods}
    of_default = {(path.replace("/worlds/{world}", "", 1), how) for path, how in paths if "/worlds/{world}" in path}
    assert not paths & of_default


def test_no_two_fields_of_an_object_have_the_same_name_in_a_program(document: Document) -> None:
    for part in objects(document["components"]["schemas"]):
        if "type" in part and isinstance(part.get("properties"), dict):
            names = ["".join(filter(str.isalnum, name)).lower() for name in part["properties"]]
            assert len(names) == len(set(names)), part["properties"].keys()


@pytest.mark.parametrize(
    ("before", "right", "wrong"),
    [
        ({"type": ["array", "string"], "items": {"type": "string"}}, [["a"], [], "a"], [[1], 1, None, {}]),
        ({"type": ["array", "string", "null"], "items": {"type": "string"}}, [["a"], "a", None], [[1], 1, True]),
        (
            {"type": ["array", "object"], "items": {"type": "string"}, "additionalProperties": {"type": "string"}},
            [["a"], {"a": "b"}, {}],
            [[1], {"a": 1}, "a", None],
        ),
        ({"type": "object"}, [{}, {"a": 1}], [[], "a"]),
        ({"type": ["object", "null"]}, [{}, None], [[]]),
        (
            {"type": "object", "properties": {"a": {"type": "null"}}},
            [{}, {"a": None}],
            [{"a": ""}, {"a": "b"}, {"a": 1}],
        ),
        ({"type": "string", "anyOf": [{"format": "email"}, {"maxLength": 0}]}, ["", "a@example.com"], ["a", None]),
        ({"type": ["string", "null"], "anyOf": [{"format": "email"}, {"maxLength": 0}]}, ["", None], ["a", 1]),
        ({"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]}, ["2013-01-01"], ["2013", "", 1]),
    ],
)
def test_what_is_said_in_other_words_means_the_same(before: Document, right: list[Any], wrong: list[Any]) -> None:
    for schema in (before, portable(before)):
        check = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
        assert all(check.is_valid(value) for value in right), schema
        assert not any(check.is_valid(value) for value in wrong), schema
