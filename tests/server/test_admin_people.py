"""Invitations and SCIM in the worlds of a server: the mails, who accepts, and whose token is whose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.administering import flowdock

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock
    from tests.support.administering import Arranger, Operator, World

pytestmark = pytest.mark.newest_only

INVITATIONS = "/flows/example/main/invitations"


def test_an_invitation_is_mailed_and_accepted_in_its_world(
    operator: Operator, world: World, fake_flowdock: FakeFlowdock
) -> None:
    sent = {"email": "bob@example.com", "message": "Welcome"}
    assert flowdock(world, "POST", INVITATIONS, auth=(world["api_token"], ""), json=sent).status_code == 201
    [mail] = operator.get("worlds/one/outbox")
    assert (mail["email"], mail["message"], mail["flow"], mail["invitation"]) == (
        "bob@example.com",
        "Welcome",
        "example/main",
        1,
    )
    assert (operator.get("outbox"), fake_flowdock.invitations) == ([], [])
    claim = {"assertion": "invitation", "expected": {"email": "bob@example.com", "state": "pending"}}
    assert operator.post("worlds/one/assertions", claim) == {"passed": True, "explanation": None, "id": 1}
    bob = operator.post("worlds/one/accept", {"invitation": 1})
    reply = flowdock(world, "GET", "/user", auth=(bob["api_token"], ""))
    assert (reply.json()["id"], reply.json()["email"]) == (bob["user"], "bob@example.com")
    claim = {"assertion": "no invitation", "expected": {"state": "pending"}}
    assert operator.post("worlds/one/assertions", claim)["passed"] is True
    for given, pointer in (
        ({"invitation": 1}, "/invitation"),
        ({"invitation": 2}, "/invitation"),
        ({"invitation": 1, "user": 77}, "/user"),
        ({}, "/invitation"),
    ):
        assert operator.refused("POST", "worlds/one/accept", given)[0][0] == pointer


def test_somebody_is_invited_by_the_operator_and_the_invitation_is_cancelled(arrange: Arranger) -> None:
    arrange.add("flows", path="acme/ops")
    sent = arrange.add("invitations", email="bob@example.com", flow="acme/ops", message="Welcome")
    assert sent == {
        "invitation": 1,
        "email": "bob@example.com",
        "flow": "acme/ops",
        "inviter": 1,
        "message": "Welcome",
        "state": "pending",
    }
    assert [each["email"] for each in arrange.operator.get(f"{arrange.below}outbox")] == ["bob@example.com"]
    listed = arrange.flowdock("GET", "/flows/acme/ops/invitations", arrange.world["api_token"]).json()
    assert [each["id"] for each in listed] == [1]
    arrange.remove("invitations/1")
    assert arrange.unknown("DELETE", "invitations/1").startswith("Unknown invitation '1'")
    accepted = arrange.add("invitations", email="eve@example.com")["invitation"]
    arrange.operator.post(f"{arrange.below}accept", {"invitation": accepted})
    assert arrange.refused("DELETE", f"invitations/{accepted}")[0][0] == ""
    for fields, pointer in (
        ({"email": "bob"}, "/email"),
        ({"email": "bob@example.com", "flow": "none"}, "/flow"),
        ({"email": "bob@example.com", "inviter": 9}, "/inviter"),
        ({"email": "eve@example.com"}, "/email"),
    ):
        assert arrange.refused("POST", "invitations", **fields)[0][0] == pointer


def test_the_token_of_scim_leads_to_its_world(world: World, fake_flowdock: FakeFlowdock) -> None:
    bearer = {"Authorization": f"Bearer {world['scim_token']}"}
    new = {"userName": "joe", "name": {"givenName": "J", "familyName": ""}, "emails": [{"value": "joe@example.com"}]}
    path = f"/scim/{world['scim_uid']}/Users"
    assert flowdock(world, "POST", path, headers=bearer, json=new).status_code == 201
    assert len(flowdock(world, "GET", path, headers=bearer).json()["Resources"]) == 1
    own = {"Authorization": f"Bearer {fake_flowdock.scim().token}"}
    assert own != bearer
    assert flowdock(world, "GET", path, headers=own).json() == {"Resources": []}
