"""What a failed test is told of a secret that was sent in the wrong place or form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeflowdock import FakeFlowdock

pytestmark = pytest.mark.newest_only

API = "https://api.flowdock.com"
PUSHED = {"content": "Hi", "external_user_name": "CI"}
GRANT = {"grant_type": "password", "username": "bob@example.org", "password": "secret word"}
NO_CLIENT = "The client_id is unknown, or the client_secret does not match it"
NO_USER = "Unauthorized: the Basic credentials are neither an api_token nor an e-mail address and its password"


@pytest.fixture
def fake(fake_flowdock: FakeFlowdock) -> FakeFlowdock:
    fake_flowdock.add_user(name="Bob", nick="bob", email="bob@example.org", password="secret word")
    fake_flowdock.add_source(name="Builds")
    return fake_flowdock


def rejected(fake: FakeFlowdock) -> list[str]:
    """Why the last request was rejected: the response, and what is said besides."""
    lines = fake.report().splitlines()
    [at] = [place for place, line in enumerate(lines) if line.startswith("    rejected: ")]
    more = [line.strip() for line in lines[at + 1 :] if line.startswith("        ")]
    return [lines[at].removeprefix("    rejected: "), *more]


@pytest.mark.parametrize(
    ("token", "hint"),
    [
        (
            lambda fake: fake.user.api_token,
            "that is Ada Example's api_token, sent in the path: it goes into Basic as the user name",
        ),
        (
            lambda fake: fake.sources[0].flow_token,
            "that is the source Builds's flow_token, sent in the path: it goes into the parameter flow_token",
        ),
        (
            lambda fake: fake.flow.join_key,
            (
                "that is the flow example/main's join_key, sent in the path: it is a part of the URL for joining the "
                "flow, and no request has it"
            ),
        ),
        (
            lambda fake: fake.flow.api_token.upper(),
            "that is the flow example/main's flow api_token, sent in capitals: send it as it is",
        ),
        (
            lambda fake: f"{fake.flow.api_token},{'0' * 32}",
            "no flow of this world has that api_token: the path takes the flow api_token, flow.api_token",
        ),
    ],
)
@pytest.mark.parametrize("path", ["chat", "team_inbox"])
def test_a_token_in_the_path_of_the_push_api(
    path: str, token: Callable[[FakeFlowdock], str], hint: str, fake: FakeFlowdock
) -> None:
    requests.post(f"{API}/v1/messages/{path}/{token(fake)}", json=PUSHED, timeout=9)
    assert rejected(fake) == ["not found", hint]


def test_the_token_of_an_archived_flow_in_the_path_of_the_push_api(fake: FakeFlowdock) -> None:
    requests.put(f"{API}/flows/example/main", json={"disabled": True}, timeout=9, **fake.as_user())
    fake.requests.clear()
    requests.post(f"{API}/v1/messages/chat/{fake.flow.api_token}", json=PUSHED, timeout=9)
    assert rejected(fake) == ["not found", "flow example/main is archived"]


@pytest.mark.parametrize(
    ("client", "hint"),
    [
        (
            lambda fake: (fake.application.client_secret, fake.application.client_id),
            (
                "that is the application Example Application's client_secret, sent as {name}: it goes into the "
                "parameter client_secret of POST /oauth/token"
            ),
        ),
        (
            lambda fake: (fake.application.client_id, fake.user.api_token),
            "that is Ada Example's api_token, sent as {secret}: it goes into Basic as the user name",
        ),
        (
            lambda fake: (fake.application.client_id, fake.application.client_secret.upper()),
            "that is the application Example Application's client_secret, sent in capitals: send it as it is",
        ),
        (
            lambda fake: (fake.application.client_id, "other"),
            "that client_id is the application Example Application's: the client_secret is wrong",
        ),
        (lambda fake: ("other", fake.application.client_secret), "no application of this world has that client_id"),
    ],
)
def test_credentials_of_an_application(
    client: Callable[[FakeFlowdock], tuple[str, str]], hint: str, fake: FakeFlowdock
) -> None:
    name, secret = client(fake)
    requests.post(f"{API}/oauth/token", data=GRANT | {"client_id": name, "client_secret": secret}, timeout=9)
    assert rejected(fake) == [
        NO_CLIENT,
        hint.format(name="the parameter client_id", secret="the parameter client_secret"),
    ]
    fake.requests.clear()
    requests.post(f"{API}/oauth/token", data=GRANT, auth=(name, secret), timeout=9)
    assert rejected(fake) == [NO_CLIENT, hint.format(name="the user name of Basic", secret="the password of Basic")]


def test_an_application_without_a_secret_is_told_no_more(fake: FakeFlowdock) -> None:
    requests.post(f"{API}/oauth/token", data=GRANT | {"client_id": fake.application.client_id}, timeout=9)
    assert len(rejected(fake)) == 1


def test_a_wrong_password_of_a_known_user(fake: FakeFlowdock) -> None:
    wrong = "bob@example.org is the e-mail address of Bob: the password is wrong"
    requests.get(f"{API}/flows", auth=("bob@example.org", "other"), timeout=9)
    assert rejected(fake) == [NO_USER, wrong]
    fake.requests.clear()
    client = (fake.application.client_id, fake.application.client_secret)
    requests.post(f"{API}/oauth/token", data=GRANT | {"password": "other"}, auth=client, timeout=9)
    assert rejected(fake)[1:] == [wrong]
    fake.requests.clear()
    requests.post(f"{API}/oauth/token", data=GRANT | {"username": "eve@example.org"}, auth=client, timeout=9)
    assert rejected(fake)[1:] == []


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        (
            lambda fake: f"Basic {fake.user.api_token}",
            "that is Ada Example's api_token, sent as Basic without base64: it goes into Basic as the user name",
        ),
        (
            lambda fake: f"Basic {fake.user.api_token}:",
            "that is Ada Example's api_token, sent as Basic without base64: it goes into Basic as the user name",
        ),
        (
            lambda fake: f"Bearer {fake.access_token().upper()}",
            "that is Ada Example's access_token, sent in capitals: send it as it is",
        ),
        (
            lambda fake: f'Bearer "{fake.access_token()}"',
            "that is Ada Example's access_token, sent in quotes: send it as it is",
        ),
        (
            lambda fake: f"Bearer {fake.flow.join_key}",
            (
                "that is the flow example/main's join_key, sent as Bearer: it is a part of the URL for joining the "
                "flow, and no request has it"
            ),
        ),
        (
            lambda _: "Bearer other",
            "no user, application or source of this world has that secret",
        ),
    ],
)
def test_a_secret_in_an_authorization_header(
    header: Callable[[FakeFlowdock], str], hint: str, fake: FakeFlowdock
) -> None:
    given = header(fake)
    requests.get(f"{API}/flows", headers={"Authorization": given}, timeout=9)
    assert rejected(fake)[1:] == [hint]
    assert given.rpartition(" ")[2] not in fake.report()


def test_who_may_call_an_operation_but_not_so_is_not_told_to_send_what_they_sent(fake: FakeFlowdock) -> None:
    bob = fake.users[-1]
    fake.add_flow("example/ops", members=[bob])
    more: dict[str, Any] = {"json": {"name": "Other"}, "timeout": 9}
    assert requests.put(f"{API}/flows/example/ops", **more, **fake.as_user(bob)).status_code == 403
    text = "Access denied: only an administrator of the flow or of its organization may change more than open"
    assert rejected(fake) == [text]
