"""What has no effect is an error: changes of copies, unknown attributes and criteria, misspelled settings."""

from __future__ import annotations

import base64
import copy
import http.client
import json
import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fakeflowdock import Contract, ContractViolation, FakeFlowdock

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.newest_only

API = "https://api.flowdock.com"
MAIN = f"{API}/flows/example/main"


def post(fake: FakeFlowdock, **more: Any) -> requests.Response:
    sent = {"event": "message", "content": "Hi", **more}
    return requests.post(f"{MAIN}/messages", json=sent, timeout=9, **fake.as_user())


def test_clearing_the_requests_forgets_the_journal_and_keeps_the_world(fake_flowdock: FakeFlowdock) -> None:
    post(fake_flowdock)
    held = fake_flowdock.requests
    held.clear()
    assert (held, fake_flowdock.requests, len(fake_flowdock.messages)) == ([], [], 1)
    fake_flowdock.assert_not_requested("send message")
    post(fake_flowdock)
    [exchange] = fake_flowdock.requests
    assert exchange.number == 1
    with pytest.raises(TypeError, match=re.escape("cannot clear a part of the journal: use requests.clear()")):
        fake_flowdock.requests.where(method="POST").clear()
    assert len(fake_flowdock.requests) == 1


COLLECTIONS = (
    *("organizations", "flows", "users", "applications", "sources", "messages", "threads"),
    *("requests", "unknown_paths", "contract_warnings", "faults", "streams", "private_conversations"),
    *("invitations", "outbox", "deliveries"),
)
CHANGES: dict[str, Callable[[Any], object]] = {
    "append": lambda items: items.append(1),
    "extend": lambda items: items.extend([1]),
    "insert": lambda items: items.insert(0, 1),
    "remove": lambda items: items.remove(1),
    "pop": lambda items: items.pop(),
    "sort": lambda items: items.sort(),
    "reverse": lambda items: items.reverse(),
    "__setitem__": lambda items: items.__setitem__(slice(None), []),
    "__delitem__": lambda items: items.__delitem__(slice(None)),
    "__iadd__": lambda items: items.__iadd__([1]),
    "__imul__": lambda items: items.__imul__(2),
}


@pytest.mark.parametrize("name", COLLECTIONS)
def test_a_copy_cannot_be_changed(name: str, fake_flowdock: FakeFlowdock) -> None:
    post(fake_flowdock)
    items: Any = getattr(fake_flowdock, name)
    before = list(items)
    why = f"{type(items).__name__} is a copy, and changing it would change nothing".replace("Copies", "this list")
    for change, call in CHANGES.items():
        with pytest.raises(TypeError, match=f"^cannot {change}: {why}"):
            call(items)
    if name != "requests":
        with pytest.raises(TypeError, match=r"^cannot clear"):
            items.clear()
    assert items == before == getattr(fake_flowdock, name)
    assert [*items, 1] == [*before, 1]
    assert (type(copy.copy(items)), copy.copy(items)) == (list, before)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("auto_consnet", "'FakeFlowdock' has no attribute 'auto_consnet': did you mean auto_consent?"),
        ("strct", "'FakeFlowdock' has no attribute 'strct': did you mean strict?"),
        ("zzzzzz", "'FakeFlowdock' has no attribute 'zzzzzz'"),
        ("requests", "'requests' cannot be replaced: use requests.clear()"),
        ("sources", "'sources' cannot be replaced: use add_source()"),
        ("url", "'url' cannot be replaced"),
    ],
)
def test_an_unknown_attribute_is_an_error(name: str, words: str, fake_flowdock: FakeFlowdock) -> None:
    with pytest.raises(AttributeError, match=f"^{re.escape(words)}$"):
        setattr(fake_flowdock, name, True)
    if words.startswith("'FakeFlowdock'"):
        with pytest.raises(AttributeError, match=f"^{re.escape(words)}$"):
            getattr(fake_flowdock, name)


def test_an_unknown_attribute_of_a_request_or_response_names_the_right_one(fake_flowdock: FakeFlowdock) -> None:
    requests.get(f"{API}/flows", timeout=9, **fake_flowdock.as_user())
    [exchange] = fake_flowdock.requests
    found: Any = exchange.response
    with pytest.raises(AttributeError, match="has no attribute 'status_code': use status"):
        _ = found.status_code
    with pytest.raises(AttributeError, match="has no attribute 'headrs': did you mean headers"):
        _ = found.headrs
    with pytest.raises(AttributeError, match="'Request' has no attribute 'data': use body"):
        _ = getattr(exchange.request, "data")  # noqa: B009  # no type has it
    assert copy.deepcopy(found) == copy.copy(found) == found


def test_the_clock_is_set_like_the_other_settings(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.clock = "2033-01-01T00:00:00Z"
    assert (fake_flowdock.clock.now.year, fake_flowdock.clock.mode) == (2033, "frozen")
    fake_flowdock.clock = "system"
    assert fake_flowdock.clock.mode == "system"
    fake_flowdock.clock = "world"
    assert fake_flowdock.clock.mode == "frozen"
    with pytest.raises(ValueError, match="later"):
        fake_flowdock.clock = "later"


def test_methods_can_be_replaced_and_classes_of_ones_own_have_attributes(
    fake_flowdock: FakeFlowdock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake_flowdock, "report", lambda: "mine")
    assert fake_flowdock.report() == "mine"

    class Mine(FakeFlowdock):
        def __init__(self) -> None:
            super().__init__()
            self.extra = 1

    assert Mine().fork().extra == 1
    assert not hasattr(fake_flowdock, "extra")


@pytest.mark.parametrize(
    ("collection", "name", "words"),
    [
        ("requests", "methd", "unknown field methd of requests: did you mean method?"),
        ("messages", "evnt", "unknown field evnt of messages: did you mean event?"),
        ("threads", "external_id", "unknown field external_id of threads: did you mean external_thread_id?"),
    ],
)
def test_an_unknown_criterion_is_an_error(collection: str, name: str, words: str, fake_flowdock: FakeFlowdock) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(words)}"):
        getattr(fake_flowdock, collection).where(**{name: "x"})


def test_requests_are_found_by_methods_in_any_case_and_by_paths_alone(fake_flowdock: FakeFlowdock) -> None:
    post(fake_flowdock)
    for method in ("POST", "post"):
        assert len(fake_flowdock.requests.where(method=method)) == 1
    for path in ("flows", f"{MAIN}/messages", "/flows/example/main/messages?limit=1"):
        with pytest.raises(
            ValueError, match=f"^invalid path {re.escape(repr(path))}: expected one as in exchange.path"
        ):
            fake_flowdock.requests.where(path=path)
    with pytest.raises(ValueError, match=r"^invalid method 'GET /': expected text, such as 'POST'"):
        fake_flowdock.requests.where(method="GET /")


def test_every_setting_can_be_changed_and_works_at_once(fake_flowdock: FakeFlowdock, elsewhere: str) -> None:
    fake = fake_flowdock
    fake.strict = True
    requests.get(f"{API}/sources?lmit=1", timeout=9, **fake.as_user())
    with pytest.raises(ContractViolation, match="has no parameter lmit"):
        fake.settle()
    fake.strict = False
    requests.get(f"{API}/sources?lmit=1", timeout=9, **fake.as_user())
    fake.settle()
    for _ in range(5):
        post(fake)
    fake.journal = 2
    assert (fake.journal, len(fake.requests), fake.requests[-1].status) == (2, 2, 201)
    post(fake)
    assert len(fake.requests) == 2
    fake.journal_bytes = 1
    assert len(fake.requests) == 1
    fake.journal, fake.journal_bytes = 10, 10_000_000
    post(fake)
    post(fake)
    assert len(fake.requests) == 3
    fake.refresh_tokens = "offline_access"
    grant = {"grant_type": "password", "username": fake.user.email, "password": fake.user.password}
    grant |= {"client_id": fake.application.client_id, "client_secret": fake.application.client_secret}
    assert "refresh_token" not in requests.post(f"{API}/oauth/token", json=grant, timeout=9).json()
    fake.refresh_tokens = "always"
    assert "refresh_token" in requests.post(f"{API}/oauth/token", json=grant, timeout=9).json()
    fake.other_hosts = "refuse"
    with pytest.raises(requests.ConnectionError, match="other hosts are not allowed"):
        requests.get("https://other.example/", timeout=9)
    assert fake.fork().other_hosts == "refuse"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("strict", "yes", "invalid strict 'yes': expected True, False, or a mapping of rules to "),
        ("strict", {"request.deprecatd": "ignore"}, "unknown rule 'request.deprecatd' in strict: did you mean "),
        ("strict", {"request.deprecated": "no"}, "invalid choice 'no' for request.deprecated: expected 'ignore', "),
        ("auto_consent", "false", "invalid auto_consent 'false': expected True or False"),
        ("refresh_tokens", "never", "invalid refresh_tokens 'never': expected "),
        ("journal", 0, "invalid journal size 0: expected at least 1"),
        ("journal_bytes", 0, "invalid journal_bytes 0: expected at least 1"),
        ("other_hosts", "deny", "invalid other_hosts 'deny': expected 'allow' or 'refuse'"),
    ],
)
def test_a_setting_rejects_what_it_cannot_be(name: str, value: Any, words: str, fake_flowdock: FakeFlowdock) -> None:
    before = getattr(fake_flowdock, name)
    with pytest.raises(ValueError, match=f"^{re.escape(words)}"):
        setattr(fake_flowdock, name, value)
    assert getattr(fake_flowdock, name) == before
    with pytest.raises(ValueError, match=f"^{re.escape(words)}"):
        FakeFlowdock(**{name: value})


def test_strict_takes_rules() -> None:
    url = f"{MAIN}/source/1?lmit=1"  # an obsolete route, and an unknown parameter
    with pytest.raises(ContractViolation) as both, FakeFlowdock(strict=True) as fake:
        requests.get(url, timeout=9, **fake.as_user())
    assert [each.rule for each in both.value.findings] == ["request.parameter.unknown", "request.route.obsolete"]
    with pytest.raises(ContractViolation) as one, FakeFlowdock(strict={"request.route.obsolete": "ignore"}) as fake:
        requests.get(url, timeout=9, **fake.as_user())
    assert [each.rule for each in one.value.findings] == ["request.parameter.unknown"]
    assert [each.rule for each in fake.contract_warnings] == ["request.parameter.unknown"]
    with FakeFlowdock(strict={"request.route.obsolete": "ignore", "request.parameter.unknown": "warn"}) as fake:
        requests.get(url, timeout=9, **fake.as_user())
    assert [(each.rule, each.severity) for each in fake.contract_warnings] == [("request.parameter.unknown", "warning")]


def test_plain_http_is_answered_with_a_warning() -> None:
    words = "List flows is requested over plain HTTP, where others can read the credentials: use https://"
    with FakeFlowdock() as fake:
        for base in ("http://api.flowdock.com", "https://api.flowdock.com"):
            assert requests.get(f"{base}/flows", timeout=9, **fake.as_user()).status_code == 200
        with closing(http.client.HTTPConnection("API.flowdock.com", 8080)) as connection:
            token = base64.b64encode(f"{fake.user.api_token}:".encode()).decode()
            connection.request("GET", "/v1/flows", headers={"Authorization": f"Basic {token}"})
            assert connection.getresponse().status == 200
        assert requests.get(f"{fake.url}/flows", timeout=9, **fake.as_user()).status_code == 200
        found = fake.contract_warnings
    assert [(each.rule, each.message) for each in found] == [("request.plain-http", words)] * 2
    assert words in fake.report()
    with pytest.raises(ContractViolation, match="plain HTTP"), FakeFlowdock(strict=True) as fake:
        requests.get("http://api.flowdock.com/flows", timeout=9, **fake.as_user())
    with FakeFlowdock(strict={"request.plain-http": "ignore"}) as fake:
        requests.get("http://api.flowdock.com/flows", timeout=9, **fake.as_user())
    assert {each.rule for each in Contract().check_request("GET", "http://api.flowdock.com/flows")} == {
        "request.credentials.missing",
        "request.plain-http",
    }


def test_a_contract_takes_rules_too() -> None:
    request = ("GET", "/flows/example/main/source/1?lmit=1")
    found = Contract(strict={"request.route.obsolete": "ignore"}).check_request(*request)
    assert "request.route.obsolete" not in {each.rule for each in found}
    assert [each.rule for each in found.violations] == ["request.parameter.unknown"]
    with pytest.raises(ValueError, match="unknown rule 'x' in strict"):
        Contract(strict={"x": "ignore"})  # type: ignore[dict-item]


def test_callbacks_can_be_changed_at_any_time() -> None:
    fake = FakeFlowdock()
    assert fake.callbacks == "loopback"
    fake.callbacks = "none"
    assert fake.callbacks == fake.fork().callbacks == "none"
    with pytest.raises(ValueError, match="invalid callbacks 'nowhere'"):
        fake.callbacks = "nowhere"


def test_what_cannot_be_replaced_says_what_to_use() -> None:
    with pytest.raises(AttributeError, match='unknown_paths="allow"'):
        setattr(FakeFlowdock(), "unknown_paths", [])  # noqa: B010  # what a type checker refuses too


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda fake: type(fake)(strct=True), "FakeFlowdock() has no argument 'strct': did you mean strict?"),
        (lambda fake: fake.fail(statsu=500), "fail() has no argument 'statsu': did you mean status?"),
        (lambda fake: fake.add_source(nam="CI"), "add_source() has no argument 'nam': did you mean name?"),
        (
            lambda fake: fake.update_user(fake.user, nmae="x"),
            "update_user() has no argument 'nmae': did you mean name?",
        ),
        (lambda fake: fake.populate(xyz=1), "populate() has no argument 'xyz'; known: messages, users,"),
    ],
)
def test_an_unknown_argument_is_told_with_the_closest(call: Any, error: str) -> None:
    fake = FakeFlowdock()
    before = fake.snapshot()
    with pytest.raises(TypeError) as caught:
        call(fake)
    assert str(caught.value).startswith(error)
    assert fake.snapshot() == before


def test_a_body_that_is_not_json_says_what_to_use(fake_flowdock: FakeFlowdock) -> None:
    login = fake_flowdock.as_user()
    requests.post(f"{API}/flows/example/main/messages", data={"event": "message", "content": "x"}, timeout=9, **login)
    requests.get(f"{API}/oauth/authorize", timeout=9)
    requests.get(f"{API}/flows", timeout=9, **login)
    form, page, empty = fake_flowdock.requests
    mistakes = [
        (form.request, "the body is not JSON, but application/x-www-form-urlencoded: use text, or exchange.parameters"),
        (empty.request, "the body is not JSON, but empty: use text, or exchange.parameters"),
        (page.response, "the body is not JSON, but text/html"),
    ]
    for message, error in mistakes:
        with pytest.raises(json.JSONDecodeError) as caught:
            message.json  # noqa: B018
        assert str(caught.value).startswith(error)


def test_an_unknown_header_is_told_with_the_closest(fake_flowdock: FakeFlowdock) -> None:
    requests.get(f"{API}/flows", timeout=9, **fake_flowdock.as_user())
    [exchange] = fake_flowdock.requests
    with pytest.raises(KeyError, match="'User-Agnet': did you mean user-agent"):
        exchange.request.headers["User-Agnet"]
    assert exchange.request.headers.get("User-Agnet") is None
    assert "User-Agnet" not in exchange.request.headers


@pytest.mark.parametrize("world", ["world.json", "seed.yaml", Path("world.json")])
def test_a_file_in_place_of_a_world_says_which_argument_takes_it(world: Any) -> None:
    with pytest.raises(ValueError, match="expected docs or empty; pass a world file as state=, and a seed as seed="):
        FakeFlowdock(world)
