"""How the report of a failed test stays short, without a loss: repetitions, long values and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from tests.support.inner_pytest import run

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock

pytestmark = pytest.mark.newest_only

API = "https://api.flowdock.com"


def get(path: str, fake: FakeFlowdock | None = None) -> None:
    requests.get(f"{API}{path}", timeout=9, **({} if fake is None else fake.as_user()))


def heads(fake: FakeFlowdock) -> list[str]:
    """The first line about each request."""
    return [line for line in fake.report().splitlines() if line.startswith(("GET ", "(again: "))]


def test_a_failure_that_is_repeated_is_shown_once(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.fail("list flows", status=503)
    for _ in range(5):
        get("/flows", fake_flowdock)
    assert heads(fake_flowdock) == ["GET /flows → 503 (5 times)"]
    assert fake_flowdock.report().count("fault: 503") == 1


def test_another_failure_is_shown_too(fake_flowdock: FakeFlowdock) -> None:
    for status in (503, 500, 503):
        with fake_flowdock.fail("list flows", status=status):
            get("/flows", fake_flowdock)
    assert heads(fake_flowdock) == ["GET /flows → 503 (2 times)", "GET /flows → 500", "(again: GET /flows → 503)"]


def test_requests_stay_in_order(fake_flowdock: FakeFlowdock) -> None:
    get("/flows")
    get("/user", fake_flowdock)
    get("/flows")
    get("/flows")
    get("/user", fake_flowdock)
    get("/sources")
    get("/flows")
    assert heads(fake_flowdock) == [
        "GET /flows → 401 (4 times)",
        "GET /user → 200",
        "(again: GET /flows → 401, 2 times)",
        "GET /user → 200",
        "GET /sources → 401",
        "(again: GET /flows → 401)",
    ]


def test_what_the_test_arranged_is_told_briefly(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.add_message("x" * 600)
    fake_flowdock.add_source(name="Builds")
    lines = fake_flowdock.report().splitlines()
    arranged = lines[lines.index("arranged by the test:") + 1 :]
    assert any("+ source 1 in example/main: " in line and "name 'Builds'" in line for line in arranged)
    [message] = [line for line in arranged if "+ message" in line]
    assert len(message) < 160


@pytest.mark.parametrize(("dropped", "noun"), [(1, "request"), (2, "requests")])
def test_numbers_agree_with_their_nouns(dropped: int, noun: str, fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.journal = 1
    fake_flowdock.fail("list sources", status=500, nth=9, optional=True)
    for _ in range(dropped):
        get("/sources", fake_flowdock)
    get("/user", fake_flowdock)
    lines = fake_flowdock.report().splitlines()
    assert f"({dropped} earlier {noun} not shown)" in lines
    assert f"    request 9 for list-sources: 500 (matched {dropped} {noun}, not applied)" in lines
    with pytest.raises(AssertionError, match=r"^cannot verify: the journal only holds the last 1 request;"):
        fake_flowdock.assert_not_requested("list flows")


@pytest.mark.parametrize(("times", "noun"), [(1, "message"), (3, "messages")])
def test_numbers_of_an_assertion_agree_with_their_nouns(times: int, noun: str, fake_flowdock: FakeFlowdock) -> None:
    for _ in range(2):
        fake_flowdock.add_message("Hello")
    with pytest.raises(AssertionError, match=f"^expected {times} {noun} with content 'Hello', got 2"):
        fake_flowdock.assert_message(content="Hello", times=times)


def test_numbers_of_the_sweep_agree_with_their_nouns(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import requests

        def test_it(fake_flowdock):
            requests.get("https://api.flowdock.com/sources", **fake_flowdock.as_user())
    """)
    run(pytester, "--flowdock-sweep=429").stdout.fnmatch_lines(["1 failure in 1 test: 1 survived; *"])


@pytest.mark.parametrize(("body", "size"), [(b"x", "1 byte"), (b"xy", "2 bytes")])
def test_sizes_agree_with_their_nouns(body: bytes, size: str, fake_flowdock: FakeFlowdock) -> None:
    assert f"a body of {size}" in str(fake_flowdock.fail("list flows", status=500, body=body, optional=True))
