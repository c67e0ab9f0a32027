"""Plain calls of `urllib3` are answered without a connection, and nobody can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from urllib3.util import SKIP_HEADER, Retry

from fakeflowdock.interception import through_urllib3
from tests.support.clients import API, basic

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock

USER = "/user"


@pytest.fixture
def pool(fake_flowdock: FakeFlowdock) -> urllib3.PoolManager:
    return urllib3.PoolManager(headers=basic(fake_flowdock))


def test_a_plain_call_needs_no_pool_of_ours(pool: urllib3.PoolManager, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(*_given: object) -> None:
        raise AssertionError("this should not be needed")

    monkeypatch.setattr(through_urllib3, "_Pool", type("Pool", (), {"__init__": no}))
    assert pool.request("GET", f"{API}{USER}").status == 200
    assert pool.request("GET", f"{API}{USER}?a=%20b", retries=False, timeout=urllib3.Timeout(3)).status == 200
    assert pool.request("GET", f"{API}{USER}", retries=Retry(3), redirect=False).status == 200
    assert (
        pool.request("POST", f"{API}/nonsense", body=b"{}", headers={"Content-Type": "application/json"}).status == 404
    )


def test_a_response_that_is_tried_again_is_counted_once(pool: urllib3.PoolManager, fake_flowdock: FakeFlowdock) -> None:
    retries = Retry(2, status_forcelist=[403], raise_on_status=False, backoff_factor=0)
    with fake_flowdock.fail(status=403):
        response = pool.request("GET", f"{API}{USER}", retries=retries)
    assert (response.status, [each.status for each in fake_flowdock.requests]) == (403, [403, 403, 403])
    assert response.retries is not None
    assert [each.status for each in response.retries.history] == [403, 403]


def test_a_redirect_is_followed_by_the_pool(pool: urllib3.PoolManager, fake_flowdock: FakeFlowdock) -> None:
    host = pool.connection_from_url(API)
    with fake_flowdock.fail(status=302, headers={"Location": "/flows"}, times=1):
        response = host.urlopen("GET", USER, headers=pool.headers)
    assert response.status == 200
    assert [each.path for each in fake_flowdock.requests] == [USER, "/flows"]


def test_a_broken_connection_is_tried_again(pool: urllib3.PoolManager, fake_flowdock: FakeFlowdock) -> None:
    with fake_flowdock.fail(connection="closed", times=1):
        assert pool.request("GET", f"{API}{USER}").status == 200
    assert [each.status for each in fake_flowdock.requests] == [0, 200]


@pytest.mark.parametrize(
    "given",
    [
        {"method": "GET"},
        {"method": "POST"},
        {"method": "DELETE"},
        {"method": "POST", "body": b'{"a": 1}', "headers": {"content-type": "application/json"}},
        {"method": "GET", "headers": {"User-Agent": "me", "Accept-Encoding": "gzip"}},
        {"method": "GET", "headers": {"User-Agent": SKIP_HEADER}},
        {"method": "POST", "fields": {"a": "1"}, "encode_multipart": False},
        {"method": "GET", "fields": {"a": '"<>%'}},
    ],
)
def test_a_plain_call_sends_what_a_connection_sends(given: dict[str, Any], fake_flowdock: FakeFlowdock) -> None:
    given = dict(given)
    method = given.pop("method")
    for base in (API, fake_flowdock.url):
        with urllib3.PoolManager() as pool:
            pool.request(method, f"{base}/me%2fyou", **given)
    here, there = (
        (each.request.url.partition("/me")[2], sorted(pair for pair in each.request.headers.pairs if pair[0] != "host"))
        for each in fake_flowdock.requests
    )
    assert here == there


def test_a_plain_response_is_read_as_any_other(pool: urllib3.PoolManager) -> None:
    response = pool.request("GET", f"{API}{USER}", preload_content=False)
    assert b"".join(response.stream(7)) == pool.request("GET", f"{API}{USER}").data
    assert (response.reason, response.version, response.closed) == ("OK", 11, True)
    response.release_conn()
