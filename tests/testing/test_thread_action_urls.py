"""Thread actions that clients perform by URL, and the pages of integrations to which users are redirected."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import requests

from fakeflowdock import FakeFlowdock
from tests.support.doors import THREADS, as_user
from tests.support.receiving import ASSIGN, PULL, SIGN_IN, VIEW, Receiver, answering, post_pull, update

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.doors import Door


@pytest.fixture
def signing(posting: Door) -> tuple[Door, Receiver, str]:
    """A client, an integration, and the URL in the thread that the client was shown."""
    fake = posting.fake
    fake.sign_actions = True
    posting.tell(fake.sources[0], external_thread_id=PULL, thread={"title": "x", "actions": [VIEW, update()]})
    receiver = Receiver(fake.application.client_secret, str(fake.user.id))
    fake.integration = receiver.wsgi
    [thread] = posting.listed(THREADS)
    assert thread["actions"][0] == VIEW
    assert thread["actions"][1] == update(url=thread["actions"][1]["target"]["urlTemplate"])
    return posting, receiver, thread["actions"][1]["target"]["urlTemplate"]


def test_a_client_performs_an_action_by_the_url_that_it_was_shown(signing: tuple[Door, Receiver, str]) -> None:
    door, receiver, url = signing
    assert url.startswith(f"{door.base}/_fakeflowdock/actions/")
    reply = requests.post(url, timeout=30, **door.as_member)
    assert (reply.status_code, reply.json()) == (
        200,
        {"outcome": "done", "message": None, "authentication_url": None},
    )
    assert receiver.done[0][1]["target"] == update()["target"]
    assert door.fake.assert_delivery(action=ASSIGN, user=door.fake.user).outcome == "done"
    assert door.fake.unknown_paths == []
    [message] = door.listed()
    assert message["thread"]["actions"][1]["target"]["urlTemplate"] == url
    assert door.fake.threads[0].actions[1] == update()  # it is kept as it was posted


@pytest.mark.parametrize("value", ["\u2603", "\ud800"])
def test_a_header_that_no_server_can_send_is_a_failure(signing: tuple[Door, Receiver, str], value: str) -> None:
    door, _, url = signing
    door.fake.integration = answering(401, {"WWW-Authenticate": f"Flowdock-Token url={SIGN_IN}{value}"})
    reply = requests.post(url, timeout=30, **door.as_member)
    assert (reply.status_code, reply.json()["outcome"]) == (502, "failed")
    assert "invalid response header 'WWW-Authenticate': expected characters of Latin-1" in reply.json()["message"]
    shown = requests.get(f"{door.fake.url}/_fakeflowdock/deliveries", timeout=30)
    assert (shown.status_code, shown.json()[0]["outcome"]) == (200, "failed")


def test_a_client_is_told_what_came_of_it(signing: tuple[Door, Receiver, str]) -> None:
    door, receiver, url = signing
    receiver.known.clear()
    reply = requests.post(url, timeout=30, **door.as_member)
    assert (reply.status_code, reply.headers["WWW-Authenticate"]) == (401, f"Flowdock-Token url={SIGN_IN}")
    assert reply.json()["authentication_url"] == SIGN_IN
    for integration, status in ((answering(403), 403), (answering(500), 502), ("http://other.example.com", 502)):
        door.fake.integration = integration
        reply = requests.post(url, timeout=30, **door.as_member)
        assert (reply.status_code, reply.json()["outcome"] in ("refused", "failed", "not sent")) == (status, True)
    assert "is not this machine" in reply.json()["message"]


def test_only_who_sees_the_flow_and_has_the_url_performs(signing: tuple[Door, Receiver, str]) -> None:
    door, receiver, url = signing
    fake = door.fake
    stranger = fake.add_user(name="Stranger")
    assert requests.post(url, timeout=30).status_code == 401
    assert requests.post(url, timeout=30, auth=("x", "y")).status_code == 401
    assert requests.post(url, timeout=30, **as_user(stranger)).status_code == 404
    for changed in (url[:-1], f"{url}0", url.replace(".1.", ".0."), f"{door.base}/_fakeflowdock/actions/x", url + "/x"):
        assert requests.post(changed, timeout=30, **door.as_member).status_code == 404
    refused = requests.put(url, timeout=30, **door.as_member)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")
    assert (receiver.seen, fake.deliveries) == ([], [])


def test_a_stream_shows_the_url_too(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    fake_flowdock.sign_actions = True
    with requests.get(
        "https://stream.flowdock.com/flows/example/main", stream=True, **fake_flowdock.as_user()
    ) as reply:
        post_pull(fake_flowdock, update())
        event = json.loads(next(line for line in reply.iter_lines() if line.strip()))
    url = event["thread"]["actions"][0]["target"]["urlTemplate"]
    fake_flowdock.integration = receiver.wsgi
    assert requests.post(url, timeout=9, **fake_flowdock.as_user()).json()["outcome"] == "done"


def test_a_user_is_redirected_to_the_setup_of_an_application(fake_flowdock: FakeFlowdock) -> None:
    application = fake_flowdock.add_application(name="CI", setup_uri="https://ci.example.com/setup?plan=x")
    ops = fake_flowdock.add_flow("acme/ops")
    expected = f"https://ci.example.com/setup?plan=x&flow={ops.id}"
    assert [fake_flowdock.setup_url(application, flow) for flow in (ops, "acme/ops")] == [expected] * 2
    found = requests.get(
        "https://api.flowdock.com/flows/find", params={"id": ops.id}, timeout=9, **fake_flowdock.as_user()
    )
    assert found.json()["parameterized_name"] == "ops"
    with pytest.raises(ValueError, match="application 'Example Application' has no setup_uri"):
        fake_flowdock.setup_url()
    with pytest.raises(ValueError, match="setup_uri"):
        fake_flowdock.add_application(setup_uri="ci")


def test_a_user_is_redirected_to_the_configuration_of_a_source(fake_flowdock: FakeFlowdock) -> None:
    application = fake_flowdock.add_application(name="CI", configuration_uri="https://ci.example.com/configure")
    own = fake_flowdock.add_source(name="Own", configuration_url="https://ci.example.com/own#x")
    its = fake_flowdock.add_source(name="Its", application=application)
    neither = fake_flowdock.add_source(name="Neither")
    flow = fake_flowdock.flow.id
    assert fake_flowdock.configuration_url(own) == f"https://ci.example.com/own?integration_id={own.id}&flow={flow}#x"
    assert (
        fake_flowdock.configuration_url(its) == f"https://ci.example.com/configure?integration_id={its.id}&flow={flow}"
    )
    with pytest.raises(ValueError, match="source 'Neither' has no configuration_url, and application"):
        fake_flowdock.configuration_url(neither)
    fake_flowdock.reset()
    with pytest.raises(ValueError, match="unknown source 'Own'"):
        fake_flowdock.configuration_url(own)


def test_world_files_keep_where_an_application_is_set_up(fake_flowdock: FakeFlowdock, tmp_path: Path) -> None:
    setup, configuration = "https://ci.example.com/setup", "https://ci.example.com/configure"
    application = fake_flowdock.add_application(name="CI", setup_uri=setup, configuration_uri=configuration)
    fake_flowdock.dump(tmp_path / "world.json")
    with FakeFlowdock() as other:
        other.load(tmp_path / "world.json")
        assert other.same_world(fake_flowdock)
        assert other.applications[-1] == application
        assert other.setup_url(application).startswith(setup)
