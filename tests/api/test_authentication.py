"""docs/api/authentication.md: who is asking."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fakeflowdock.contract.contracts import contracts
from tests.support.doors import SOURCES, Door, as_source

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


LENIENT = {
    "token and colon": lambda token: f"Basic {encoded(token + ':')}",
    "no colon": lambda token: f"Basic {encoded(token)}",
    "any password": lambda token: f"Basic {encoded(token + ':undefined')}",
    "a newline as password": lambda token: f"Basic {encoded(token + ':' + chr(10))}",
    "upper case scheme": lambda token: f"BASIC {encoded(token + ':x')}",
    "lower case scheme": lambda token: f"basic {encoded(token)}",
    "password behind the base64": lambda token: f"Basic {encoded(token)}:ignored",
    "no padding": lambda token: f"Basic {encoded(token + ':a').rstrip('=')}",
    "too much padding": lambda token: f"Basic {encoded(token)}===",
    "more spaces": lambda token: f"Basic   {encoded(token)}",
}


@pytest.mark.parametrize("form", LENIENT)
def test_an_api_token_signs_in_however_a_client_encodes_it(flowdock: Door, form: str) -> None:
    header = LENIENT[form](flowdock.fake.user.api_token)
    reply = flowdock("GET", "/sources", headers={"Authorization": header})
    assert (reply.status_code, reply.headers["Flowdock-User"]) == (200, str(flowdock.fake.user.id))


def test_an_e_mail_address_and_its_password_sign_in(flowdock: Door) -> None:
    user = flowdock.fake.add_user(email="Pörrö@example.com".encode("ascii", "ignore").decode(), password="pä:ss wörd")
    assert flowdock("GET", "/sources", auth=(user.email.upper(), "pä:ss wörd".encode())).status_code == 200
    assert flowdock("GET", "/sources", auth=(user.email, "wrong")).status_code == 401
    assert flowdock("GET", "/sources", auth=(user.email, "")).status_code == 401


def test_an_access_token_signs_in_as_a_header_a_query_parameter_or_a_body_field(flowdock: Door) -> None:
    token = flowdock.fake.access_token()
    assert flowdock("GET", "/sources", headers={"Authorization": f"bearer {token}"}).status_code == 200
    assert flowdock("GET", "/sources", params={"access_token": token}).status_code == 200
    assert flowdock("POST", SOURCES, json={"access_token": token, "name": "a"}).status_code == 201


def test_credentials_in_the_url_count(fake_flowdock: FakeFlowdock) -> None:
    url = f"https://{fake_flowdock.user.api_token}:x@api.flowdock.com/sources"
    assert requests.get(url, timeout=9).status_code == 200


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "the request has no credentials"),
        ({"params": {"flow_token": ""}}, "the request has no credentials"),
        ({"params": {"flow_token": "0" * 32}}, "the flow_token is unknown"),
        ({"json": {"flow_token": 7}}, "the flow_token is unknown"),
        ({"params": {"access_token": ""}}, "the access_token is unknown"),
        ({"params": {"access_token": "nonsense"}}, "the access_token is unknown"),
        ({"headers": {"Authorization": "Bearer nonsense"}}, "the access_token is unknown"),
        ({"headers": {"Authorization": "Bearer"}}, "the access_token is unknown"),
        ({"headers": {"Authorization": "Digest x"}}, "an Authorization header must begin with Basic or Bearer"),
        ({"headers": {"Authorization": "Basic"}}, "the Basic credentials are neither"),
        ({"headers": {"Authorization": "Basic x"}}, "the value after Basic is not base64"),
        ({"headers": {"Authorization": f"Basic {encoded(':')}"}}, "the Basic credentials are neither"),
        ({"auth": ("nobody@example.com", "x")}, "the Basic credentials are neither"),
        ({"auth": ("\xff", "\xff")}, "the Basic credentials are neither"),
    ],
)
def test_no_credentials_and_wrong_ones_answer_401(flowdock: Door, given: dict[str, Any], reason: str) -> None:
    reply = flowdock("GET", "/sources", **given)
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"].startswith("Basic realm=")
    assert reply.json()["message"].startswith(f"Unauthorized: {reason}")
    assert "Flowdock-User" not in reply.headers


def test_the_first_credentials_decide_and_a_wrong_one_never_falls_through(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    right = {"access_token": flowdock.fake.access_token(), "flow_token": source.flow_token}
    assert "Flowdock-User" in flowdock("GET", "/sources", flowdock.as_member, params=right).headers
    assert "Flowdock-User" in flowdock("GET", "/sources", params=right).headers
    assert "Flowdock-User" not in flowdock("GET", "/sources", as_source(source)).headers
    wrong_header = {"headers": {"Authorization": "Bearer nonsense"}}
    assert flowdock("GET", "/sources", wrong_header, params=right).status_code == 401
    assert flowdock("PUT", "/sources", wrong_header, params=right).status_code == 401
    assert flowdock("GET", "/sources", params={**right, "access_token": "nonsense"}).status_code == 401
    unknown_last = {**right, "flow_token": "nonsense"}
    assert flowdock("GET", "/sources", params=unknown_last).status_code == 200
    assert flowdock("PUT", "/sources", params=unknown_last).status_code == 401


def test_flowdock_user_is_there_on_errors_too(flowdock: Door) -> None:
    for method, path, status in (("GET", f"{SOURCES}/9", 404), ("POST", SOURCES, 403)):
        reply = flowdock(method, path, flowdock.as_member)
        assert (reply.status_code, reply.headers["Flowdock-User"]) == (status, str(flowdock.fake.user.id))


@pytest.mark.parametrize("form", LENIENT)
@pytest.mark.parametrize("operation", [name for name, op in contracts().operations.items() if "user" in op.callers])
def test_every_operation_takes_every_form_of_credentials(operation: str, form: str, docs_world: FakeFlowdock) -> None:
    contract = contracts().operations[operation]
    header = LENIENT[form](docs_world.user.api_token)
    url = f"https://api.flowdock.com{contract.example['path']}"
    method = contract.example["method"]
    more: dict[str, Any] = {"headers": {"Authorization": header}, "timeout": 9, "stream": bool(contract.streams)}
    with requests.request(method, url, allow_redirects=False, **more) as reply:
        assert reply.status_code not in (401, 500)
        assert reply.headers["Flowdock-User"] == "1"
