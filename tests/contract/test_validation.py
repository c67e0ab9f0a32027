"""The contract holds us too: formats, both validators, and the 500 for a reply that breaks its page."""

from __future__ import annotations

import subprocess
import sys
import unittest
from functools import cache
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from fakeflowdock import BrokenContract, FakeFlowdock
from fakeflowdock.api import wire
from fakeflowdock.api.streams import records
from fakeflowdock.contract import contracts, errors, explanations, schema_walk, validation
from fakeflowdock.contract.formats import FORMATS

SOURCES = "https://api.flowdock.com/sources"
FORMAT_CASES = {
    "uri": (
        ["https://x.example/", "http://u:p@x.example:80/a?b#c", "urn:a:b", "http://[::1]:8/", "HTTP://X/%7e", "a:"],
        ["", "x", "//x/", "http://x y/", "http://x/\u00e9", "http://[::1", "http://x:99999/", "http://x/%zz", "http://x/\n"],
    ),
    "date-time": (
        ["2014-10-14T11:05:27.176Z", "2014-10-14t11:05:27+02:00", "2016-12-31T23:59:60Z"],
        ["", "2014-02-30T00:00:00Z", "today", "2014-10-14T11:05:27", "2014-10-14 11:05:27Z", "2014-10-14T25:00:00Z"],
    ),
    "email": (
        ["a@example.com", "a.b+c@x-y.example", "a@localhost"],
        ["", "a", "@x", "a@", "a@@x", "a b@x", "a@x..y", ".a@x", "a@-x", "a\n@x", "a@x\n", "a" * 300 + "@x"],
    ),
}  # fmt: skip
CASES = [(name, good, True) for name, (goods, _) in FORMAT_CASES.items() for good in goods] + [
    (name, bad, False) for name, (_, bads) in FORMAT_CASES.items() for bad in bads
]


class Validators:
    """The same schemas, with the fast validator and without."""

    def __init__(self) -> None:
        self.both = [validation.Pages(contracts.schema_files()) for _ in range(2)]
        for pages in self.both:
            pages.validator("")  # made now, not on the time of the first example

    def check(self, page: str, anchor: str, value: Any) -> list[list[validation.Violation]]:
        with_fast, alone = (validation.Check(pages, page, anchor) for pages in self.both)
        assert with_fast._verdict is not None
        alone.__dict__["_verdict"] = None
        return [with_fast.violations(value), alone.violations(value)]


VALIDATORS = Validators()


@pytest.mark.parametrize(("name", "text", "right"), CASES)
def test_both_validators_refuse_a_wrong_uri_date_time_and_e_mail(name: str, text: str, right: bool) -> None:
    import jsonschema_rs
    from jsonschema import Draft202012Validator

    schema = {"type": "string", "format": name}
    assert FORMATS[name](text) is right
    assert Draft202012Validator(schema, format_checker=explanations._format_checker()).is_valid(text) is right
    assert jsonschema_rs.Draft202012Validator(schema, validate_formats=True, formats=FORMATS).is_valid(text) is right


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
urls = st.sampled_from(["https://x.example/", "http:///", "ftp://x.example/", "x", ""])
fields = st.fixed_dictionaries(
    {}, optional={"name": json_values, "external_url": urls | json_values, "error_message": json_values}
)


@given(fields | json_values)
def test_the_fast_validator_and_jsonschema_agree(value: Any) -> None:
    for anchor in ("create-source", "update-source", "source", "link"):
        fast, alone = VALIDATORS.check("sources", anchor, value)
        assert fast == alone


PAGES = validation.Pages(contracts.schema_files())
PLACES = [("sources", "source"), ("messages", "send-message"), ("messages", "message"), ("threads", "thread")]
messages = st.fixed_dictionaries(
    {},
    optional={
        "event": st.sampled_from(["message", "activity", "file"]) | json_values,
        "content": json_values,
        "author": st.fixed_dictionaries({}, optional={"name": json_values, "email": json_values}),
        "thread": st.fixed_dictionaries(
            {}, optional={"title": json_values, "status": json_values, "fields": st.lists(json_values, max_size=2)}
        ),
        "tags": json_values,
    },
)


@cache
def both_validators(page: str, anchor: str) -> tuple[Any, Any]:
    """Those of one schema: the fast one, and jsonschema's."""
    return PAGES.fast_validator(page, anchor, FORMATS), PAGES.validator(f"{contracts.BASE}{page}.json#{anchor}")


@given(fields | messages | json_values)
def test_both_validators_see_the_same_places(value: Any) -> None:
    for page, anchor in PLACES:
        fast, slow = both_validators(page, anchor)
        try:
            places = {tuple(error.instance_path) for error in fast.iter_errors(value)}
        except (ValueError, OverflowError):
            continue  # a number that Rust cannot hold: jsonschema alone judges
        assert places == {tuple(error.absolute_path) for error in slow.iter_errors(value)}


def test_without_the_fast_validator_everything_is_checked_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "fast", None)
    check = validation.Check(validation.Pages(contracts.schema_files()), "sources", "create-source")
    assert check.violations({"name": "Builds"}) == []
    assert [violation.message for violation in check.violations({"name": 1})] == ["is not a string"]


@pytest.fixture
def leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug: every source shows its flow_token."""
    right = wire.source
    monkeypatch.setattr(wire, "source", lambda *given, **_: right(*given, with_flow_token=True))


def leaking(fake: FakeFlowdock) -> requests.Response:
    fake.add_source()
    return requests.get(SOURCES, auth=(fake.user.api_token, ""), timeout=9)


@pytest.mark.usefixtures("leak")
def test_a_reply_that_breaks_its_page_is_a_500_that_names_operation_pointer_and_schema() -> None:
    fake = FakeFlowdock()
    with pytest.raises(BrokenContract, match="broke its own contract: List sources answered 200"), fake:
        reply = leaking(fake)
        assert reply.status_code == 500
        message = reply.json()["message"]
        assert "/0/flow_token: it is not on the page" in message
        assert "schemas/sources.json#list-sources.200" in message
        assert fake.sources[0].flow_token not in reply.text
        assert contracts.contracts().errors["broken-contract"].body.violations(reply.json()) == []
    fake.stop()  # it is told once


@pytest.mark.usefixtures("leak")
def test_an_exception_under_way_is_not_hidden_by_the_broken_contract() -> None:
    with pytest.raises(ZeroDivisionError) as raised, FakeFlowdock() as fake:
        leaking(fake)
        raise ZeroDivisionError
    assert "List sources answered 200" in raised.value.__notes__[0]


@pytest.mark.usefixtures("leak")
def test_an_exception_that_was_handled_before_hides_nothing() -> None:
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        fake = FakeFlowdock()
        with pytest.raises(BrokenContract), fake:
            leaking(fake)


@pytest.mark.usefixtures("leak")
def test_stop_in_a_finally_clause_leaves_the_exception_under_way() -> None:
    fake = FakeFlowdock().start()
    with pytest.raises(ZeroDivisionError) as raised:
        try:
            leaking(fake)
            raise ZeroDivisionError
        finally:
            fake.stop()
    assert "List sources answered 200" in raised.value.__notes__[0]


@pytest.mark.usefixtures("leak")
def test_a_decorated_function_raises_the_broken_contract_too() -> None:
    fake = FakeFlowdock()
    with pytest.raises(BrokenContract):
        fake(lambda: leaking(fake))()
    assert not fake.active


@pytest.mark.usefixtures("leak")
def test_a_unittest_case_reports_the_broken_contract_as_its_error() -> None:
    fake = FakeFlowdock()

    @fake
    class Case(unittest.TestCase):
        def runTest(self) -> None:  # noqa: N802  # unittest's name
            leaking(fake)

    result = unittest.TestResult()
    Case().run(result)
    assert "BrokenContract" in result.errors[0][1]


def test_an_exception_in_a_handler_is_a_500_and_is_raised_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise LookupError("no such key")

    monkeypatch.setattr(wire, "source", fails)
    fake = FakeFlowdock()
    with pytest.raises(BrokenContract, match=r"List sources raised LookupError at .*test_validation\.py"), fake:
        assert leaking(fake).status_code == 500


def test_a_refusal_that_the_page_does_not_list_is_a_broken_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise errors.ValidationError({"x": ["is wrong"]})

    monkeypatch.setattr("fakeflowdock.api.handling.permit", forbidden)
    fake = FakeFlowdock()
    with (
        pytest.raises(BrokenContract, match="List sources answered validation-error, which its page does not list"),
        fake,
    ):
        assert leaking(fake).status_code == 500


def test_an_error_that_breaks_its_page_is_a_broken_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wordless(errors.AccessDenied):
        def body(self, page: str) -> dict[str, Any]:
            return {**super().body(page), "message": None}

    def forbidden(*_: object) -> None:
        raise Wordless

    monkeypatch.setattr("fakeflowdock.api.handling.permit", forbidden)
    fake = FakeFlowdock()
    with pytest.raises(BrokenContract, match=r"List sources .* with /message"), fake:
        assert leaking(fake).status_code == 500


@pytest.mark.parametrize("headers", [{}, {"Accept": "text/event-stream", "Last-Event-ID": "1"}])
def test_a_record_of_a_stream_that_breaks_its_page_is_not_sent(
    headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = records.shown_in_streams
    monkeypatch.setattr(records, "shown_in_streams", lambda *given: {**right(*given), "flow_token": "x"})
    stream = "https://stream.flowdock.com/flows/example/main"
    fake = FakeFlowdock(keep_alive=0.01)
    with pytest.raises(BrokenContract, match="flow_token"), fake:
        fake.add_message("before")
        fake.add_message("missed")
        with requests.get(stream, auth=(fake.user.api_token, ""), headers=headers, stream=True, timeout=9) as reply:
            if not headers:
                fake.add_message("after")
            assert next(reply.iter_content(None)).strip() in (b"", b":")


BUILT = """
import gc, requests
from jsonschema import Draft202012Validator
from fakeflowdock.contract import contracts
read, document = [], contracts.document
contracts.document = lambda name: read.append(name) or document(name)
from fakeflowdock import FakeFlowdock
from fakeflowdock.api.routing import _Step
from fakeflowdock.contract.validation import Check

def count():
    gc.collect()
    return sum(isinstance(thing, _Step | Draft202012Validator | Check) for thing in gc.get_objects())

def use():
    with FakeFlowdock() as fake:
        fake.add_source()
        url = "https://api.flowdock.com/flows/example/main/sources"
        assert requests.get(url, auth=(fake.user.api_token, ""), timeout=9).status_code == 200

use()
before = count()
for _ in range(5):
    use()
print(before > 0, count() - before)
print(*read)
"""


@cache
def built() -> list[str]:
    """What is built and read, in a process of its own: what other tests have left in threads does not count."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", BUILT], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_no_route_schema_or_validator_is_built_for_another_fake() -> None:
    assert built()[0] == "True 0"


def test_only_the_pages_of_what_is_used_are_read_and_once() -> None:
    assert built()[1] == "index sources world-files"  # an added source is checked as files of worlds are


def test_the_fast_validator_gets_a_schema_with_those_to_which_it_refers_and_no_texts() -> None:
    given = schema_walk.standalone(contracts.schema_files(), "sources", "list-sources.200")
    assert {"sources.list-sources.200", "sources.source"} <= given["$defs"].keys()
    assert all(name.startswith("sources.") for name in given["$defs"])
    assert set(given["$defs"]["sources.source"]) == {"type", "properties", "required", "additionalProperties"}
    assert given["$defs"]["sources.source"]["properties"]["id"] == {"type": "integer", "minimum": 1}
