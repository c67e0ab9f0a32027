"""What goes wrong on purpose: in process and over a socket a client sees the same."""

from __future__ import annotations

import errno
import http.client
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry, Timeout
from urllib3.exceptions import IncompleteRead, MaxRetryError, NewConnectionError, ProtocolError, ReadTimeoutError

from fakeflowdock import Failure, FakeFlowdock
from tests.support.doors import FLOW, MESSAGES, SOURCES, TAKES_A_CUT, Door, activity, all_that_waited_is_over, as_user
from tests.support.faulty import WAITED, post, raised

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeflowdock import OperationName

API = "https://api.flowdock.com"


# An answer that is not the true one


def test_a_status_stands_in_for_the_answer_and_nothing_changes(posting: Door) -> None:
    posting.fake.fail("send message", status=500)
    reply = post(posting)
    assert (reply.status_code, reply.reason) == (500, "Internal Server Error")
    assert reply.json() == {"message": "Internal Server Error"}
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert reply.headers["Status"] == "500 Internal Server Error"
    assert posting.fake.messages == []


@pytest.mark.parametrize(
    ("operation", "status", "body"),
    [
        (
            "send message",
            401,
            {"message": "Unauthorized: the request has no credentials (docs/api/errors.md#unauthorized)"},
        ),
        ("send message", 403, {"message": "Access denied"}),
        ("post activity", 403, {"message": "Invalid flow identifier"}),
        ("send message", 404, {"message": "not found"}),
        ("send message", 410, {"message": "Gone: the source of this flow_token was deleted (docs/api/errors.md#gone)"}),
        ("send message", 400, {"message": "Validation error", "errors": {"event": ["can't be blank"]}}),
        ("send message", 429, {"message": "Too Many Requests"}),
        ("send message", 503, {"message": "Service Unavailable"}),
        ("send message", 520, {"message": "Unknown"}),
        ("send message", 202, {"message": "Accepted"}),
    ],
)
def test_the_body_is_flowdocks_own_for_that_status(
    operation: OperationName, status: int, body: Any, fake_flowdock: FakeFlowdock
) -> None:
    path = "/messages" if operation == "send message" else "/activities"
    fake_flowdock.fail(operation, status=status)
    reply = requests.post(API + path, json={}, timeout=9)
    assert (reply.status_code, reply.json()) == (status, body)
    assert ("WWW-Authenticate" in reply.headers) == (status == 401)


def test_a_refusal_of_tokens_has_the_form_of_the_rfc(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.fail("request tokens", status=401)
    reply = requests.post(f"{API}/oauth/token", data={}, timeout=9)
    assert reply.json()["error"] == "invalid_client"


def test_too_many_requests_says_when_to_come_back(posting: Door) -> None:
    posting.fake.fail("send message", status=429, retry_after=30, times=1)
    reply = post(posting)
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "30")
    assert post(posting).status_code == 202


def test_a_body_may_be_raw_or_json_or_of_another_type(flowdock: Door) -> None:
    bodies: list[tuple[Any, bytes]] = [
        (b"\xff\x00", b"\xff\x00"),
        ("<html>ä", "<html>ä".encode()),
        ({"message": "ä"}, '{"message":"ä"}'.encode()),
        ([], b"[]"),
    ]
    for body, sent in bodies:
        with flowdock.fake.fail("list sources", status=502, body=body, content_type="text/html"):
            reply = flowdock("GET", "/sources")
        assert (reply.status_code, reply.content) == (502, sent)
        assert reply.headers["Content-Type"] == "text/html"
        assert reply.headers["Content-Length"] == str(len(sent))


def test_an_answer_that_has_no_body_gets_none(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    with flowdock.fake.fail("list sources", status=204):
        assert flowdock("GET", "/sources").content == b""
    with flowdock.fake.fail("list sources", status=500):
        assert flowdock("HEAD", "/sources").content == b""
    with flowdock.fake.fail("list sources", body="<html>"):
        reply = flowdock("HEAD", "/sources", flowdock.as_member)
        assert (reply.content, reply.headers["Content-Length"]) == (b"", "6")
    with flowdock.fake.fail("delete source", body="<html>", content_type="text/html"):
        reply = flowdock("DELETE", f"{SOURCES}/{source.id}", flowdock.as_member)
        assert (reply.status_code, reply.content) == (204, b"")


def test_what_is_spoiled_is_the_true_answer_and_the_request_takes_place(posting: Door) -> None:
    posting.fake.fail("send message", body="no JSON", times=1)
    posting.fake.fail("send message", content_type="text/html", times=1)
    garbled, mistyped = post(posting), post(posting)
    assert (garbled.status_code, garbled.text) == (202, "no JSON")
    with pytest.raises(requests.JSONDecodeError):
        garbled.json()
    assert garbled.headers["Content-Type"] == "application/json; charset=utf-8"
    assert (mistyped.status_code, mistyped.json()) == (202, {})
    assert mistyped.headers["Content-Type"] == "text/html"
    assert len(posting.fake.messages) == 2


def test_a_status_after_the_request_comes_when_the_world_has_changed(posting: Door) -> None:
    posting.fake.fail("send message", status=503, after=True)
    assert post(posting).status_code == 503
    assert len(posting.fake.messages) == 1
    [exchange] = posting.fake.requests
    assert exchange.original_response is not None
    assert (exchange.status, exchange.original_response.status) == (503, 202)


# No answer


def test_a_connection_that_is_reset_is_an_error_of_the_connection(posting: Door) -> None:
    posting.fake.fail("send message", connection="reset")
    error = raised(posting)
    assert type(error) is requests.ConnectionError
    cause = error.args[0]
    assert type(cause) is ProtocolError
    assert type(cause.args[1]) is ConnectionResetError
    assert cause.args[1].errno == errno.ECONNRESET
    assert posting.fake.messages == []


def test_a_connection_that_is_closed_brings_no_response(posting: Door) -> None:
    posting.fake.fail("send message", connection="closed")
    error = raised(posting)
    assert type(error) is requests.ConnectionError
    assert type(error.args[0].args[1]) is http.client.RemoteDisconnected
    assert posting.fake.messages == []


def test_a_connection_that_is_refused_is_an_error_of_the_connection(posting: Door) -> None:
    posting.fake.fail("send message", connection="refused")
    assert type(raised(posting)) is requests.ConnectionError
    assert posting.fake.messages == []


def test_in_process_a_refused_connection_never_came_to_be(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.fail(connection="refused")
    with pytest.raises(requests.ConnectionError, match="Connection refused") as caught:
        requests.get(f"{API}/sources", timeout=9)
    assert isinstance(caught.value.args[0], MaxRetryError)
    assert type(caught.value.args[0].reason) is NewConnectionError


@pytest.mark.skipif(TAKES_A_CUT, reason="requests does not notice it with urllib3 1")
def test_an_answer_cut_short_ends_before_its_content_length(posting: Door) -> None:
    posting.fake.fail("send message", connection="cut")
    error = raised(posting)
    assert type(error) is requests.exceptions.ChunkedEncodingError
    assert type(error.args[0]) is ProtocolError
    cut: Any = error.args[0].args[1]
    assert isinstance(cut, (IncompleteRead, http.client.IncompleteRead))
    assert [cut.partial, cut.expected] == [1, 1]
    assert len(posting.fake.messages) == 1


def test_an_answer_without_a_body_is_cut_before_it_begins(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    flowdock.fake.fail("delete source", connection="cut")
    with pytest.raises(requests.ConnectionError) as caught:
        flowdock("DELETE", f"{SOURCES}/{source.id}", flowdock.as_member)
    assert type(caught.value.args[0].args[1]) is http.client.RemoteDisconnected
    assert flowdock.fake.sources == []


@pytest.mark.skipif(TAKES_A_CUT, reason="requests does not notice it with urllib3 1")
def test_a_cut_answer_may_be_another_than_the_true_one(posting: Door) -> None:
    posting.fake.fail("send message", status=500, connection="cut")
    assert type(raised(posting)) is requests.exceptions.ChunkedEncodingError
    assert posting.fake.messages == []


@pytest.mark.parametrize("what", [{"connection": "timeout"}, {"latency": 60}, {"latency": timedelta(minutes=1)}])
def test_a_client_that_waits_in_vain_has_its_timeout(what: Any, posting: Door) -> None:
    posting.fake.fail("send message", **what)
    error = raised(posting)
    assert type(error) is requests.ReadTimeout
    assert type(error.args[0]) is ReadTimeoutError
    assert error.args[0].args[0].endswith(f"Read timed out. (read timeout={WAITED:g})")
    assert posting.fake.messages == []


@pytest.mark.parametrize("connection", ["reset", "closed", "timeout"])
def test_the_post_arrived_but_the_answer_was_lost(connection: Any, posting: Door) -> None:
    posting.fake.fail("send message", connection=connection, after=True, times=1)
    raised(posting)
    assert [message.title for message in posting.fake.messages] == ["opened"]
    [exchange] = posting.fake.requests
    assert exchange.original_response is not None
    assert (exchange.status, exchange.original_response.status) == (0, 202)
    assert str(exchange) == "POST /messages → no response"


# Latency


def test_in_process_nobody_waits_and_the_clock_of_the_world_moves_on(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.fail("list sources", latency=3600)
    fake_flowdock.fail("list flows", connection="timeout")
    member = as_user(fake_flowdock.user)
    began = fake_flowdock.clock.now
    assert requests.get(f"{API}/sources", **member).status_code == 200
    assert fake_flowdock.clock.now - began == timedelta(seconds=3600)
    timeouts: list[Any] = [5, 5.0, (60, 5), Timeout(connect=60, read=5), Timeout(total=5), Timeout(total=60, read=5)]
    for number, timeout in enumerate(timeouts, 1):
        with pytest.raises(requests.ReadTimeout):
            requests.get(f"{API}/sources", timeout=timeout, **member)
        assert fake_flowdock.clock.now - began == timedelta(seconds=3600 + 5 * number)
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{API}/flows", timeout=30, **member)
    assert fake_flowdock.clock.now - began == timedelta(seconds=3660)


def test_in_process_a_client_without_a_timeout_is_told_by_its_system_in_the_end(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.fail(connection="timeout")
    timeouts: list[Any] = [None, Timeout(), (5, None)]
    for timeout in timeouts:
        with pytest.raises(requests.ConnectionError) as caught:
            requests.get(f"{API}/sources", timeout=timeout)
        assert type(caught.value.args[0].args[1]) is TimeoutError


def test_an_answer_that_is_late_but_not_too_late_is_the_true_one(posting: Door) -> None:
    began = posting.fake.clock.now
    posting.fake.fail("send message", latency=0.05)
    assert post(posting).status_code == 202
    assert len(posting.fake.messages) == 1
    assert posting.fake.clock.now - began >= timedelta(seconds=0.05)


def test_another_answer_or_its_loss_may_be_late(posting: Door) -> None:
    posting.fake.fail("send message", status=500, latency=0.05, times=1)
    posting.fake.fail("send message", connection="reset", latency=0.05, times=1)
    began = posting.fake.clock.now
    assert post(posting).status_code == 500
    assert type(raised(posting)) is requests.ConnectionError
    assert posting.fake.clock.now - began == timedelta(seconds=0.1)


def test_over_a_socket_a_running_clock_is_not_moved_besides(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.clock.run()
    fake_flowdock.fail(latency=0.2)
    began = fake_flowdock.clock.now
    requests.get(f"{fake_flowdock.url}/sources", timeout=9)
    fake_flowdock.clock.freeze()
    assert fake_flowdock.clock.now - began >= timedelta(seconds=0.2)


def test_a_client_that_hangs_up_while_it_waits_asked_for_nothing(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.add_source()
    fake_flowdock.fail(latency=30)
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{fake_flowdock.url}/messages", json=activity(fake_flowdock.sources[0]), timeout=WAITED)
    all_that_waited_is_over(fake_flowdock)  # the server has noticed
    assert fake_flowdock.messages == []
    assert [exchange.status for exchange in fake_flowdock.requests] == [0]


# A client that tries again


@pytest.fixture
def session(flowdock: Door) -> Iterator[requests.Session]:
    """A session that tries again, three times, whatever went wrong."""
    retries = Retry(total=3, allowed_methods=None, status_forcelist=[429, 503], backoff_factor=0)
    with requests.Session() as session:
        session.mount(flowdock.base, HTTPAdapter(max_retries=retries))
        yield session


LOST = [Failure(connection="reset"), Failure(connection="closed"), Failure(connection="timeout")]


def test_a_client_tries_again_as_its_session_asks_for(flowdock: Door, session: requests.Session) -> None:
    flowdock.fake.fail("list sources", sequence=LOST)
    assert session.get(f"{flowdock.base}/sources", timeout=WAITED, **as_user(flowdock.fake.user)).status_code == 200
    assert [exchange.status for exchange in flowdock.fake.requests] == [0, 0, 0, 200]


def test_a_client_gives_up_when_its_session_does(flowdock: Door, session: requests.Session) -> None:
    flowdock.fake.fail("list sources", connection="reset")
    with pytest.raises(requests.ConnectionError) as caught:
        session.get(f"{flowdock.base}/sources", timeout=9)
    assert type(caught.value.args[0]) is MaxRetryError
    assert len(flowdock.fake.requests) == 4


def test_tries_after_a_lost_connection_and_after_a_status_are_counted_together(
    flowdock: Door, session: requests.Session
) -> None:
    flowdock.fake.fail("list sources", sequence=[LOST[0], Failure(status=503), LOST[1], Failure(status=503)])
    with pytest.raises(requests.exceptions.RetryError):
        session.get(f"{flowdock.base}/sources", timeout=9)
    assert [exchange.status for exchange in flowdock.fake.requests] == [0, 503, 0, 503]


@pytest.mark.skipif(TAKES_A_CUT, reason="requests does not notice it with urllib3 1")
def test_a_file_can_be_cut_short_while_it_is_read(flowdock: Door) -> None:
    fake = flowdock.fake
    fake.fail(path=f"{FLOW}/nothing", status=500, optional=True)
    sent = flowdock(
        "POST", MESSAGES, flowdock.as_member, data={"event": "file"}, files={"content": ("a", b"0123456789")}
    )
    where = flowdock("GET", sent.json()["content"]["path"], flowdock.as_member, allow_redirects=False).headers[
        "Location"
    ]
    fake.fail(path=where.split("?")[0].removeprefix(flowdock.base), connection="cut")
    with requests.get(where, stream=True, timeout=9) as reply:
        assert reply.raw.read(5, decode_content=True) == b"01234"
        with pytest.raises((ProtocolError, IncompleteRead)):
            reply.raw.read(5)


def test_who_reads_a_body_whole_from_beneath_requests_notices_that_it_was_cut(flowdock: Door) -> None:
    flowdock.fake.fail("list flows", connection="cut")
    with (
        requests.get(f"{flowdock.base}/flows", stream=True, timeout=9, **flowdock.as_member) as reply,
        pytest.raises(ProtocolError, match="IncompleteRead") as caught,
    ):
        reply.raw.read()
    cut: Any = caught.value.args[1]
    whole = int(reply.headers["Content-Length"])
    assert (len(cut.partial) if isinstance(cut.partial, bytes) else cut.partial, cut.expected) == (
        whole // 2,
        whole - whole // 2,
    )


def test_a_mock_of_the_users_inside_a_fake_sees_faults_too(fake_flowdock: FakeFlowdock) -> None:
    import responses

    fake_flowdock.fail("list sources", sequence=[Failure(connection="reset"), Failure(latency=30)])
    with responses.RequestsMock():
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{API}/sources", timeout=9)
        with pytest.raises(requests.ReadTimeout):
            requests.get(f"{API}/sources", timeout=9)


def test_what_an_exchange_prints_of_its_fault_shows_no_secret(fake_flowdock: FakeFlowdock) -> None:
    token = fake_flowdock.flow.api_token
    fault = fake_flowdock.fail(path=f"/messages/chat/{token}", status=500)
    assert token not in str(fault)
    requests.post(f"{API}/messages/chat/{token}", json={}, timeout=9)
    assert token not in fake_flowdock.report()
    assert json.loads(fake_flowdock.requests[0].response.body) == {"message": "Internal Server Error"}


def test_retry_after_is_given_once(fake_flowdock: FakeFlowdock) -> None:
    with pytest.raises(ValueError, match="pass either retry_after or the header Retry-After, not both"):
        fake_flowdock.fail("list flows", status=503, retry_after=3, headers={"retry-AFTER": "7"})
    assert fake_flowdock.faults == []
