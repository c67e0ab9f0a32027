"""Any sequence of invitations and of what an identity provider does, against a small model of the rules."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fakeflowdock import FakeFlowdock
from tests.support.doors import FLOW, as_user
from tests.support.hypothesis_profiles import examples

pytestmark = pytest.mark.newest_only

API = "https://api.flowdock.com"
INVITATIONS, USERS = f"{FLOW}/invitations", "/scim/123456/Users"
ADA = "ada@example.com"
ADDRESSES = st.sampled_from([ADA, *(f"{name}@example.com" for name in ("bob", "carol", "dan", "Bob"))])


class LifeOfPeople(RuleBasedStateMachine):
    """Ada is a member of the flow from the start, and uses no Single Sign-On. The others come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.fake = FakeFlowdock().start()
        self.session = requests.Session()
        self.ada = as_user(self.fake.user)
        ada = self.fake.user.id
        self.accounts: dict[str, int] = {ADA: ada}  # by address, in small letters
        self.colleagues, self.members = {ada}, {ada}
        self.names: dict[int, str] = {}  # by user: their name for SCIM, in small letters
        self.pending: dict[str, int] = {}
        self.accepted: set[int] = set()
        self.invited = self.mailed = 0
        self.before: Any = None

    def teardown(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "world.json"
            self.fake.dump(file)
            twin = self.fake.fork()
            twin.reset()
            twin.load(file)
            assert twin.difference(self.fake) == []
        self.session.close()
        self.fake.stop()

    def call(self, method: str, path: str, who: dict[str, Any] | None = None, **more: Any) -> requests.Response:
        return self.session.request(method, API + path, timeout=9, **(who or self.ada), **more)

    def by_scim(self, method: str, path: str = "", **more: Any) -> requests.Response:
        return self.call(method, USERS + path, {**self.fake.as_scim()}, **more)

    def _send(self, key: str) -> int:
        """Expect a mail to an address, and the invitation that it has from now on."""
        self.mailed += 1
        if key not in self.pending:
            self.invited += 1
            self.pending[key] = self.invited
        return self.pending[key]

    @rule(email=ADDRESSES)
    def invite(self, email: str) -> None:
        reply = self.call("POST", INVITATIONS, json={"email": email})
        key = email.lower()
        if self.accounts.get(key) in self.members:
            assert reply.json()["errors"] == {"email": ["is a member of the flow already"]}
        else:
            assert (reply.status_code, reply.json()["id"]) == (201, self._send(key))

    @rule(emails=st.lists(ADDRESSES, min_size=1, max_size=4))
    def import_list(self, emails: list[str]) -> None:
        made = self.call("POST", f"{INVITATIONS}/import", json={"list": ",".join([*emails, "x"])}).json()
        sent, added = [], []
        for key in dict.fromkeys(email.lower() for email in emails):
            user = self.accounts.get(key)
            if user not in self.colleagues:
                sent.append(self._send(key))
            elif user not in self.members:
                assert user is not None
                added.append(user)
                self.accepted |= {self.pending.pop(key)} if key in self.pending else set()
        self.members |= {*added}
        assert [each["id"] for each in made["invitations"]] == sent
        assert [each["id"] for each in made["added_users"]] == added
        assert made["erroneous_emails"] == [{"x": "Invalid email"}]

    @rule(email=ADDRESSES)
    def accept(self, email: str) -> None:
        key = email.lower()
        if key not in self.pending:
            number = self.invited + 1
            with pytest.raises(ValueError, match=f"invalid invitation {number}: it is unknown"):
                self.fake.accept(number)
            return
        number = self.pending.pop(key)
        user = self.fake.accept(number)
        assert self.accounts.setdefault(key, user.id) == user.id
        self.colleagues.add(user.id)
        self.members.add(user.id)
        self.accepted.add(number)

    @rule(email=ADDRESSES, own=st.booleans())
    def delete(self, email: str, own: bool) -> None:
        key = email.lower()
        user = self.accounts.get(key)
        number = self.pending.get(key, self.invited + 1)
        who = as_user(next(each for each in self.fake.users if each.id == user)) if own and user else self.ada
        assert self.call("DELETE", f"{INVITATIONS}/{number}", who).status_code == (204 if key in self.pending else 404)
        self.pending.pop(key, None)

    @precondition(lambda self: self.accepted)
    @rule()
    def keep_what_was_accepted(self) -> None:
        assert self.call("DELETE", f"{INVITATIONS}/{max(self.accepted)}").status_code == 403

    @rule(email=ADDRESSES, name=st.sampled_from(["x", "X", "y"]))
    def provision(self, email: str, name: str) -> None:
        named = {"givenName": "A", "familyName": "B"}
        reply = self.by_scim("POST", json={"userName": name, "name": named, "emails": [{"value": email}]})
        if name.lower() in self.names.values() or email.lower() in self.accounts:
            assert reply.status_code == 409
        else:
            user = reply.json()["id"]
            assert user not in self.accounts.values()
            self.accounts[email.lower()] = user
            self.colleagues.add(user)
            self.names[user] = name.lower()

    def _provisioned(self, email: str) -> int | None:
        user = self.accounts.get(email.lower())
        return user if user in self.colleagues and user in self.names else None

    @rule(email=ADDRESSES, other=ADDRESSES)
    def readdress(self, email: str, other: str) -> None:
        user = self.accounts.get(email.lower(), 99)
        reply = self.by_scim("PUT", f"/{user}", json={"emails": [{"value": other}], "active": False})
        if self._provisioned(email) is None:
            assert reply.status_code == 404
        elif self.accounts.get(other.lower(), user) != user:
            assert reply.json()["errors"] == {"emails": ["has already been taken"]}
        else:
            assert reply.json()["emails"] == [{"value": other}]
            self.accounts[other.lower()] = self.accounts.pop(email.lower())

    @rule(email=ADDRESSES)
    def deprovision(self, email: str) -> None:
        user = self._provisioned(email)
        reply = self.by_scim("DELETE", f"/{self.accounts.get(email.lower(), 99)}")
        assert reply.status_code == (404 if user is None else 200)
        self.colleagues.discard(user or 0)
        self.members.discard(user or 0)

    @rule()
    def go_back(self) -> None:
        """Remember the world, or return to what was remembered."""
        names = ("accounts", "colleagues", "members", "names", "pending", "accepted")
        if self.before is None:
            kept = {name: getattr(self, name).copy() for name in names}
            self.before = self.fake.snapshot(), kept, self.invited, self.mailed
        else:
            snapshot, kept, self.invited, self.mailed = self.before
            for name, value in kept.items():
                setattr(self, name, value)
            self.fake.restore(snapshot)
            self.before = None

    @invariant()
    def all_see_what_is_there(self) -> None:
        shown = self.call("GET", INVITATIONS).json()
        assert {each["email"].lower(): each["id"] for each in shown} == self.pending
        assert [each["id"] for each in shown] == sorted(self.pending.values())
        states = {each.id: each.state for each in self.fake.invitations}
        assert states == {**dict.fromkeys(self.pending.values(), "pending"), **dict.fromkeys(self.accepted, "accepted")}
        assert len(self.fake.outbox) == self.mailed
        assert [each["id"] for each in self.call("GET", f"{FLOW}/users").json()] == sorted(self.members)
        listed = self.call("GET", "/organizations/example/users").json()
        assert [each["id"] for each in listed] == sorted(self.colleagues)
        provisioned = self.by_scim("GET").json()["Resources"]
        assert {each["id"]: each["userName"].lower() for each in provisioned} == {
            user: name for user, name in self.names.items() if user in self.colleagues
        }
        for each in provisioned:
            for criteria in (f'userName eq "{each["userName"]}"', f'emails eq "{each["emails"][0]["value"]}"'):
                assert self.by_scim("GET", params={"filter": criteria}).json() == {"Resources": [each]}


TestLifeOfPeople = LifeOfPeople.TestCase
TestLifeOfPeople.settings = examples(30, stateful_step_count=30)
