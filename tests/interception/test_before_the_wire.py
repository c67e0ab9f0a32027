"""What a library refuses to send raises in process as it does for a socket, and arrives in neither case."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support import clients
from tests.support.clients import API

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock

CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a header beyond Latin-1": ("GET", "/sources", {"X-Who": "Żółć"}),
    "a header in Latin-1": ("GET", "/sources", {"X-Who": "Zoë"}),
    "a line break in a header": ("GET", "/sources", {"X-Who": "a\r\nX-Other: b"}),
    "a method with a space": ("GE T", "/sources", {}),
    "a method with a line break": ("GET\r\nX: y", "/sources", {}),
}


def outcome(name: str, base: str, case: str) -> object:
    """The status of a request, or how it fails."""
    method, path, headers = CASES[case]
    client = clients.make(name, 5)
    try:
        return client.send(method, f"{base}{path}", headers).status
    except Exception as error:
        return type(error)
    finally:
        client.close()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", clients.NAMES)
def test_what_cannot_be_sent_raises_as_for_a_socket(name: str, case: str, fake_flowdock: FakeFlowdock) -> None:
    here = outcome(name, API, case)
    assert here == outcome(name, fake_flowdock.url, case)
    expected = {here} if isinstance(here, int) else set()
    assert {exchange.status for exchange in fake_flowdock.requests} <= expected


def test_a_cookie_that_cannot_be_encoded_raises(fake_flowdock: FakeFlowdock) -> None:
    for base in (API, fake_flowdock.url):
        with pytest.raises(UnicodeEncodeError):
            requests.get(f"{base}/sources", cookies={"who": "Żółć"}, timeout=9)
    assert not fake_flowdock.requests


@pytest.mark.parametrize("name", clients.NAMES)
def test_a_response_has_the_server_and_the_date_of_one_over_a_socket(name: str, fake_flowdock: FakeFlowdock) -> None:
    client = clients.make(name)
    here, there = (client.send("GET", f"{base}/user") for base in (API, fake_flowdock.url))
    client.close()
    assert here.headers["server"] == there.headers["server"]
    assert abs(parsedate_to_datetime(here.headers["date"]) - parsedate_to_datetime(there.headers["date"])).seconds < 60
    assert {*here.headers, "x-request-id", "connection"} == {*there.headers, "connection"}
