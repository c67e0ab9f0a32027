"""Does the contract really catch? Each documented example is made wrong in every way, and every time it is noticed."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from fakeflowdock import Contract
from fakeflowdock.contract.contracts import contracts, schema_files
from fakeflowdock.contract.explanations import validators_of
from fakeflowdock.contract.formats import FORMATS
from fakeflowdock.contract.json_pointer import at
from fakeflowdock.contract.validation import Pages
from tests.support.mutations import Mutator

if TYPE_CHECKING:
    from collections.abc import Iterator

    import jsonschema_rs
    from jsonschema import Draft202012Validator

    from fakeflowdock.contract.contracts import ErrorContract, OperationContract
    from tests.support.mutations import Mutation

pytestmark = pytest.mark.newest_only

SCHEMAS = schema_files()
PAGES = Pages(SCHEMAS)
CONTRACT = Contract()
OPERATIONS = list(contracts().operations.values())
ERRORS = [error for error in contracts().errors.values() if error.name != "broken-contract"]
STATUSES = (200, 201, 202, 204, 301, 302, 400, 401, 403, 404, 405, 409, 410, 413, 415, 418, 422, 429, 500, 502, 503)
MEDIA = ("text/html", "text/plain; charset=utf-8", "application/xml", "application/jsonp", "", None)
JSON = "application/json; charset=utf-8"

named = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)


def page_of(written: OperationContract | ErrorContract) -> str:
    return written.page.removeprefix("docs/api/").partition(".md")[0]


def of_requests(operation: OperationContract) -> Iterator[Mutation]:
    for example in operation.examples:
        yield from Mutator(SCHEMAS, request=True).mutations(example, page_of(operation), operation.name)


def of_replies(operation: OperationContract) -> Iterator[tuple[int, Mutation]]:
    for status, example in operation.reply_examples.items():
        for mutation in Mutator(SCHEMAS).mutations(example, page_of(operation), f"{operation.name}.{status}"):
            yield status, mutation


def requested(operation: OperationContract, body: Any) -> set[str]:
    """Where something is noticed about a request."""
    example = operation.example
    found = CONTRACT.check_request(example["method"], example["path"], {"Authorization": "Basic eDo="}, body)
    return {finding.pointer for finding in found.violations if finding.where in ("body", "query")}


def answered(operation: OperationContract, status: int, body: Any, media: str | None = JSON) -> set[tuple[str, str]]:
    """What is noticed about a reply, and where."""
    headers = {"Status": f"{status} x", "Flowdock-User": "1", "Location": "https://x.example/"}
    if media is not None:
        headers["Content-Type"] = media
    end = "\r\n" if status in operation.streams else ""
    found = CONTRACT.check_reply(operation.name, status, headers, json.dumps(body) + end)
    return {(finding.rule, finding.pointer) for finding in found}


@cache
def both_validators(page: str, anchor: str) -> tuple[Draft202012Validator, jsonschema_rs.Draft202012Validator]:
    """Those of one schema: jsonschema's and the fast one."""
    return PAGES.validator(f"{SCHEMAS[page]['$id']}#{anchor}"), PAGES.fast_validator(page, anchor, FORMATS)


@named
def test_a_request_that_was_made_wrong_is_noticed_at_its_place(operation: OperationContract) -> None:
    for example in operation.examples:
        assert requested(operation, example) == set()
    missed = [each for each in of_requests(operation) if each.pointer not in requested(operation, each.value)]
    if operation.streams:  # only the query counts, in which everything is text
        missed = [each for each in missed if isinstance(at(each.value, each.pointer), (str, list))]
    assert missed == []


@named
def test_a_reply_that_was_made_wrong_is_noticed_at_its_place(operation: OperationContract) -> None:
    for status, example in operation.reply_examples.items():
        assert answered(operation, status, example) == set()
    missed = []
    for status, mutation in of_replies(operation):
        if (
            status in operation.streams
            and isinstance(at(mutation.value, "/event"), str)
            and mutation.pointer == "/event"
        ):
            continue  # clients ignore events that are on no page
        places = {pointer for rule, pointer in answered(operation, status, mutation.value) if "field" in rule}
        if mutation.pointer not in places:
            missed.append((status, mutation))
    assert missed == []


@named
def test_both_validators_see_the_same_wrong_places(operation: OperationContract) -> None:
    for status, mutation in of_replies(operation):
        slow, fast = both_validators(page_of(operation), f"{operation.name}.{status}")
        places = {tuple(error.absolute_path) for error in slow.iter_errors(mutation.value)}
        assert {tuple(error.instance_path) for error in fast.iter_errors(mutation.value)} == places, mutation


def is_of_an_error(operation: OperationContract, status: int, body: Any) -> bool:
    errors = (each for each in ERRORS if each.everywhere or each.name in operation.errors)
    return any(each.status == status and not each.body.violations(body) for each in errors)


@named
def test_a_wrong_status_and_a_wrong_content_type_are_noticed(operation: OperationContract) -> None:
    for documented, example in operation.reply_examples.items():
        for status in set(STATUSES) - set(operation.replies):
            if is_of_an_error(operation, status, example):
                continue  # a message alone is all that an error has
            assert answered(operation, status, example), f"{documented} as {status}"
        for media in MEDIA:
            assert answered(operation, documented, example, media) == {("reply.content-type", "")}, media


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.name)
def test_an_error_that_was_made_wrong_is_noticed_at_its_place(error: ErrorContract) -> None:
    operation = next(each for each in OPERATIONS if error.everywhere or error.name in each.errors)
    assert answered(operation, error.status, error.example) == set()
    for media in MEDIA:
        assert answered(operation, error.status, error.example, media) == {("reply.content-type", "")}
    others = [
        validators_of({each["$id"]: each for each in SCHEMAS.values()})(other.body.address)
        for other in ERRORS
        if other.status == error.status and other != error and (other.everywhere or other.name in operation.errors)
    ]
    tried = 0
    for mutation in Mutator(SCHEMAS).mutations(error.example, page_of(error), error.name):
        if any(other.is_valid(mutation.value) for other in others):
            continue  # it became another error, which may be answered with this status too
        tried += 1
        assert mutation.pointer in {pointer for _, pointer in answered(operation, error.status, mutation.value)}
    assert tried > 5


def test_each_way_to_be_wrong_was_tried_often() -> None:
    kinds = Counter(mutation.kind for operation in OPERATIONS for _, mutation in of_replies(operation))
    asked = Counter(mutation.kind for operation in OPERATIONS for mutation in of_requests(operation))
    every = {
        *("null for another type", "boolean for another type", "number for another type", "string for another type"),
        *("array for another type", "object for another type", "a broken format", "a broken pattern"),
        *("a text that is too long", "below the minimum", "none of the values", "one field too many"),
        *("a required field removed",),
    }
    assert every - set(kinds) == set()
    assert set(asked) >= every - {"null for another type", "one field too many"}
    assert min(kinds[kind] for kind in every) >= 10
    assert (sum(kinds.values()) > 8_000, sum(asked.values()) > 500) == (True, True)
