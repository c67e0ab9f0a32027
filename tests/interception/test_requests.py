"""Door 1: `requests` in process, beside whatever mocks the user has."""

from __future__ import annotations

import io
import itertools
import re
from typing import TYPE_CHECKING, Any

import pytest
import requests
import responses
from requests.adapters import HTTPAdapter
from responses.registries import OrderedRegistry
from urllib3.util.retry import Retry

from fakeflowdock import FakeFlowdock
from tests.support.doors import SOURCES as PATH
from tests.support.doors import as_application, as_user

if TYPE_CHECKING:
    from collections.abc import Iterator

API = "https://api.flowdock.com"
SOURCES = f"{API}/sources"
FIVE = list(itertools.permutations(range(5)))


def state() -> tuple[object, ...]:
    """What a fake may change while it is started, and must put back."""
    functions = (HTTPAdapter.send, responses.RequestsMock._find_match, responses.RequestsMock.stop)
    return tuple((each, each.__code__) for each in functions)


UNTOUCHED = state()


@pytest.fixture(autouse=True)
def requests_is_left_as_it_was() -> Iterator[None]:
    assert state() == UNTOUCHED
    yield
    assert state() == UNTOUCHED


def status(url: str = SOURCES) -> int:
    return requests.get(url, timeout=9).status_code


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.flowdock.com/sources", 401),
        ("http://api.flowdock.com/sources", 401),
        ("https://API.Flowdock.com/sources", 401),
        ("https://api.flowdock.com:443/sources", 401),
        ("https://api.flowdock.com.:443/sources", 401),
        ("https://user:password@api.flowdock.com/sources", 401),
        ("https://api.flowdock.com", 404),
        ("https://api.flowdock.com?x", 404),
        ("https://stream.flowdock.com/flows", 401),
        ("http://stream.flowdock.com/sources", 404),
    ],
)
def test_flowdocks_hosts_are_answered(url: str, expected: int) -> None:
    with FakeFlowdock():
        assert status(url) == expected


def test_the_urls_of_a_reply_have_the_scheme_and_host_that_was_called() -> None:
    with FakeFlowdock() as fake:
        fake.add_source()
        for called, shown in (
            ("https://api.flowdock.com", "https://api.flowdock.com"),
            ("https://api.flowdock.com:443", "https://api.flowdock.com"),
            ("http://api.flowdock.com", "http://api.flowdock.com"),
            ("http://api.flowdock.com:8080", "http://api.flowdock.com:8080"),
        ):
            [source] = requests.get(f"{called}/sources", timeout=9, **as_user(fake.user)).json()
            assert source["url"] == f"{shown}/flows/example/main/sources/1"


@pytest.mark.parametrize(
    "url",
    [
        "http://api.flowdock.com.example.invalid/",
        "http://notapi.flowdock.com.invalid/",
        "http://www.flowdock.invalid/?https://api.flowdock.com/",
        "http://api.flowdock.com@example.invalid/",
        "http://example.invalid/api.flowdock.com",
    ],
)
def test_no_other_host_is_answered(url: str) -> None:
    with FakeFlowdock(), pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=9)


def test_another_host_gets_the_very_request_that_was_made(elsewhere: str) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"a"

    with FakeFlowdock():
        file: Any = io.BytesIO(b"the file")
        reply = requests.post(elsewhere, data=file, timeout=9)
        assert (reply.status_code, reply.content) == (418, b"the file")
        assert reply.request.body is file
        assert not hasattr(reply.request, "req_kwargs")


# The user's own mocks


def test_a_stub_inside_the_fake_wins_and_what_it_does_not_match_is_ours() -> None:
    with FakeFlowdock(), responses.RequestsMock() as mock:
        mock.get(f"{API}/stubbed", status=418)
        mock.get("https://other.example/", status=419)
        assert [status(f"{API}/stubbed"), status("https://other.example/"), status()] == [418, 419, 401]
        with pytest.raises(requests.ConnectionError, match="Connection refused by Responses"):
            status("https://unknown.example/")
    assert len(mock.calls) == 0  # responses forgets them itself when it stops


def test_a_stub_of_another_method_or_query_leaves_the_request_to_us() -> None:
    with FakeFlowdock(), responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.post(SOURCES, status=418)
        mock.get(SOURCES, status=418, match=[responses.matchers.query_param_matcher({"a": "b"})])
        assert [status(), status(f"{SOURCES}?a=b")] == [401, 418]


def test_a_fake_inside_the_users_mock_wins_and_other_hosts_are_the_mocks() -> None:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(SOURCES, status=418)
        mock.get("https://other.example/", status=419)
        with FakeFlowdock():
            assert [status(), status("https://other.example/")] == [401, 419]
            with pytest.raises(requests.ConnectionError, match="Connection refused by Responses"):
                status("https://unknown.example/")
        assert status() == 418


@responses.activate
def test_the_activate_decorator_inside_the_fixture(fake_flowdock: FakeFlowdock) -> None:
    responses.get(f"{API}/stubbed", status=418)
    assert [status(f"{API}/stubbed"), status()] == [418, 401]


def test_an_ordered_registry_keeps_its_order() -> None:
    with FakeFlowdock(), responses.RequestsMock(registry=OrderedRegistry) as mock:
        mock.get("https://other.example/1", status=201)
        mock.get("https://other.example/2", status=202)
        answers = [status("https://other.example/1"), status(), status("https://other.example/2")]
        assert answers == [201, 401, 202]


def test_a_passthrough_of_the_users_mock_does_not_reach_the_real_flowdock() -> None:
    with FakeFlowdock(), responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_passthru(API)
        assert status() == 401
        mock.add(responses.PassthroughResponse("GET", f"{API}/x"))
        assert status(f"{API}/x") == 404


def test_the_innermost_of_fake_mock_and_fake_answers() -> None:
    with FakeFlowdock() as outer:
        outer.add_source(name="outer")
        with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
            mock.get(f"{API}/stubbed", status=418)
            with FakeFlowdock() as inner:
                inner.add_source(name="inner")
                assert names(inner) == ["inner"]
                assert status(f"{API}/stubbed") == 404
            assert names(outer) == ["outer"]
            assert status(f"{API}/stubbed") == 418


def names(fake: FakeFlowdock) -> list[str]:
    return [source["name"] for source in requests.get(SOURCES, timeout=9, **as_user(fake.user)).json()]


# Stopping, in whichever order


def test_stopping_twice_and_out_of_order_leaves_requests_as_it_was() -> None:
    fakes = [FakeFlowdock().start() for _ in range(3)]
    for fake in (fakes[1], fakes[0], fakes[1], fakes[2], fakes[2]):
        fake.stop()
    assert state() == UNTOUCHED


@pytest.mark.parametrize("order", ["fake mock", "mock fake"])
@pytest.mark.parametrize("stopped", ["fake mock", "mock fake"])
def test_a_mock_of_the_users_may_stop_before_or_after(order: str, stopped: str) -> None:
    both: dict[str, Any] = {"fake": FakeFlowdock(), "mock": responses.RequestsMock(assert_all_requests_are_fired=False)}
    for name in order.split():
        both[name].start()
    first, second = stopped.split()
    both[first].stop()
    if first == "mock":
        assert status() == 401  # the fake goes on
    both[second].stop()
    assert state() == UNTOUCHED


@pytest.mark.parametrize("order", ["fake mock", "mock fake"])
@pytest.mark.parametrize("stopped", ["fake mock", "mock fake"])
def test_the_mock_of_the_module_responses_may_stop_before_or_after(order: str, stopped: str) -> None:
    both = {"fake": FakeFlowdock(), "mock": responses}
    for name in order.split():
        both[name].start()  # type: ignore[attr-defined]
    first, second = stopped.split()
    both[first].stop()  # type: ignore[attr-defined]
    if first == "mock":
        assert status() == 401
    both[second].stop()  # type: ignore[attr-defined]
    assert state() == UNTOUCHED


@pytest.mark.parametrize("stops", [order for order in FIVE if order.index(3) < order.index(1)])
def test_fakes_and_mocks_in_turns_stop_in_any_order(stops: tuple[int, ...]) -> None:
    """Fakes 0, 2 and 4 with mocks 1 and 3 in between: as long as a fake goes on, Flowdock is answered.

    Mock 3 leaves before mock 1: the other way round a mock undoes the other, fakes or not.
    """
    started: list[Any] = [
        FakeFlowdock() if number % 2 == 0 else responses.RequestsMock(assert_all_requests_are_fired=False)
        for number in range(5)
    ]
    for each in started:
        each.start()
    for count, number in enumerate(stops, 1):
        started[number].stop()
        if any(left % 2 == 0 for left in stops[count:]):
            assert status() == 401
    assert state() == UNTOUCHED


def test_a_fake_that_stops_and_starts_beneath_a_mock_is_there_once() -> None:
    fake, mock = FakeFlowdock().start(), responses.RequestsMock(assert_all_requests_are_fired=False)
    mock.start()
    mock.get("https://other.example/", status=418)
    fake.stop()
    assert status("https://other.example/") == 418
    fake.start()
    assert status() == 401
    mock.stop()
    assert status() == 401
    fake.stop()
    assert state() == UNTOUCHED


def test_an_exception_leaves_requests_as_it_was() -> None:
    with pytest.raises(ZeroDivisionError), FakeFlowdock():
        raise ZeroDivisionError
    assert state() == UNTOUCHED


def test_start_after_stop_goes_on_with_the_same_world() -> None:
    fake = FakeFlowdock().start()
    fake.add_source(name="kept")
    fake.stop()
    assert [source.name for source in fake.sources] == ["kept"]
    with fake:
        assert names(fake) == ["kept"]


# Sessions behave as against a server


def attempts(fake: FakeFlowdock, base: str, retries: Retry | int, method: str) -> tuple[object, object, int]:
    """What a session with a retry policy gets for a 404, the history it tells, and how many requests arrived."""
    before = len(fake.contract_warnings)  # each request that arrives leaves one
    url = f"{base}{PATH}/9?counted=1"
    history: object = None
    with requests.Session() as session:
        session.mount(base, HTTPAdapter(max_retries=retries))
        try:
            reply = session.request(method, url, timeout=9, **as_user(fake.user))
            outcome: object = reply.status_code
            told = reply.raw.retries
            assert told is not None
            history = [(entry.method, entry.status, entry.error) for entry in told.history]
        except requests.RequestException as error:
            outcome = (type(error), type(error.args[0]), error.request.method if error.request else None)
    return outcome, history, len(fake.contract_warnings) - before


@pytest.mark.parametrize(
    ("retries", "method"),
    [
        (0, "GET"),
        (Retry(total=2, status_forcelist=[404]), "GET"),
        (Retry(total=2, status_forcelist=[404], raise_on_status=False), "GET"),
        (Retry(total=2, status_forcelist=[500]), "GET"),
        (Retry(total=2, status_forcelist=[404]), "PATCH"),
        (Retry(total=1, status_forcelist=[404], allowed_methods=None), "PATCH"),
    ],
)
def test_a_retry_policy_has_the_same_effect_as_over_a_socket(retries: Retry | int, method: str) -> None:
    with FakeFlowdock() as fake:
        assert attempts(fake, API, retries, method) == attempts(fake, fake.url, retries, method)


def test_the_send_of_an_adapter_subclass_runs() -> None:
    class Counting(HTTPAdapter):
        sent = 0

        def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
            self.sent += 1
            request.headers["Authorization"] = authorization
            return super().send(request, *args, **kwargs)

    adapter = Counting()
    with requests.Session() as session:
        session.mount("https://", adapter)
        with FakeFlowdock() as fake:
            authorization = f"Bearer {fake.access_token()}"
            assert session.get(SOURCES, timeout=9).status_code == 200
    assert adapter.sent == 1


def test_the_headers_that_an_adapter_adds_arrive(fake_flowdock: FakeFlowdock) -> None:
    class Signing(HTTPAdapter):
        def add_headers(self, request: requests.PreparedRequest, **kwargs: Any) -> None:
            assert set(kwargs) == {"stream", "timeout", "verify", "cert", "proxies"}
            request.headers["Authorization"] = f"Bearer {fake_flowdock.access_token()}"

    with requests.Session() as session:
        session.mount("https://api.flowdock.com", Signing())
        assert session.get(SOURCES, timeout=9).status_code == 200


@pytest.mark.parametrize("timeout", ["soon", 0, (1, 2, 3), (1, -1)])
def test_a_timeout_that_is_none_is_refused_as_by_requests(fake_flowdock: FakeFlowdock, timeout: Any) -> None:
    for base in ("https://api.flowdock.com", fake_flowdock.url):
        with pytest.raises(ValueError, match=r"(?i)timeout"):
            requests.get(f"{base}/sources", timeout=timeout)


def test_an_url_with_letters_beyond_ascii_arrives(fake_flowdock: FakeFlowdock) -> None:
    with requests.Session() as session:
        prepared = session.prepare_request(requests.Request("GET", SOURCES, **as_user(fake_flowdock.user)))
        prepared.url = f"{SOURCES}?näme=€"
        assert session.send(prepared, timeout=9).status_code == 200
    assert [warning.field for warning in fake_flowdock.contract_warnings] == ["näme"]


def test_a_session_made_before_the_fake_is_caught(fake_flowdock: FakeFlowdock) -> None:
    with requests.Session() as session, FakeFlowdock():
        assert session.get(SOURCES, timeout=(1, 2)).status_code == 401


def test_a_streamed_reply_is_read_in_pieces(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.add_source()
    with requests.get(SOURCES, stream=True, timeout=9, **as_user(fake_flowdock.user)) as reply:
        assert reply.raw.read(3) == b'[{"'
        assert b"".join(reply.iter_content(7)).endswith(b"}]")
    assert reply.raw.closed or reply.raw.read() == b""


def test_hooks_run_and_a_prepared_request_is_sent(fake_flowdock: FakeFlowdock) -> None:
    seen: list[int] = []

    def hook(reply: requests.Response, **_: object) -> None:
        seen.append(reply.status_code)

    with requests.Session() as session:
        session.hooks["response"].append(hook)
        prepared = session.prepare_request(requests.Request("GET", SOURCES, **as_user(fake_flowdock.user)))
        reply = session.send(prepared)
    assert (seen, reply.request, reply.url) == ([200], prepared, SOURCES)
    assert reply.elapsed.total_seconds() >= 0


@pytest.mark.parametrize("body", ["text", b"bytes", io.BytesIO(b"file"), iter([b"pie", b"ces"])])
def test_each_kind_of_body_arrives(fake_flowdock: FakeFlowdock, body: Any) -> None:
    who = as_application(fake_flowdock)
    who["headers"]["Content-Type"] = "application/json"
    reply = requests.post(API + PATH, data=body, timeout=9, **who)
    assert reply.json()["message"].startswith("The body is not valid JSON")


def test_an_encoded_path_arrives_decoded_once(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.add_source()
    assert requests.get(f"{API}/flows/ex%61mple/main/sources/%31", timeout=9, **as_user(fake_flowdock.user)).ok
    assert status(f"{API}/sources%2F1") == 404
    assert (
        requests.get(f"{API}/flows/ex%2561mple/main/sources", timeout=9, **as_user(fake_flowdock.user)).status_code
        == 404
    )


def test_no_call_is_kept_in_memory_by_responses(fake_flowdock: FakeFlowdock) -> None:
    import gc

    def calls() -> int:
        gc.collect()
        return sum(isinstance(thing, responses.Call) for thing in gc.get_objects())

    before = calls()
    for _ in range(20):
        status()
    assert calls() == before


def test_the_pattern_of_hosts_takes_no_time_over_a_strange_url() -> None:
    from fakeflowdock.api.environ import FLOWDOCK

    assert FLOWDOCK.match("https://" + "@" * 50_000) is None
    assert isinstance(FLOWDOCK, re.Pattern)


def test_a_file_is_sent_with_each_retry_and_stays_the_body_of_the_request() -> None:
    built: list[int] = []

    class Adapter(HTTPAdapter):
        def build_response(self, req: Any, resp: Any) -> requests.Response:
            built.append(resp.status)
            return super().build_response(req, resp)

    file: Any = io.BytesIO(b'{"name": "Builds"}')
    retries = Retry(total=1, status_forcelist=[503], allowed_methods=None)
    with FakeFlowdock() as fake, fake.fail("create source", status=503, times=1), requests.Session() as session:
        session.mount(API, Adapter(max_retries=retries))
        caller = as_application(fake)
        caller["headers"]["Content-Type"] = "application/json"
        reply = session.post(API + PATH, data=file, timeout=9, **caller)
        assert [exchange.request.body for exchange in fake.requests] == [b'{"name": "Builds"}'] * 2
    assert (reply.status_code, built) == (201, [201])
    assert reply.request.body is file


def test_requests_with_the_same_head_differ_by_their_bodies(fake_flowdock: FakeFlowdock) -> None:
    for content in ("first", "other"):
        sent = {"event": "message", "content": content}
        requests.post(f"{API}/flows/example/main/messages", json=sent, **as_user(fake_flowdock.user), timeout=9)
    assert [each.parameters["content"] for each in fake_flowdock.requests] == ["first", "other"]
    assert [each.request.json["content"] for each in fake_flowdock.requests] == ["first", "other"]
