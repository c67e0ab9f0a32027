"""Any sequence of calls, valid or not, against a small model of the rules, through both doors in turns."""

from __future__ import annotations

from typing import Any

import requests
from doors import as_application, as_source, as_user
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from model import Flow, Grant, Model, Organization, Source, Token

from fakeflowdock import FakeFlowdock

PEOPLE = st.sampled_from(["ada", "bob", "eve"])
NAMES = st.text(max_size=5) | st.sampled_from(["Builds", " ", "\u00a0"])
MESSAGES = st.text(max_size=5) | st.none()
ORGANIZATIONS = st.sampled_from(["example", "acme"])
MODES = st.sampled_from(["invitation", "link", "organization"])


class LifeOfAWorld(RuleBasedStateMachine):
    """Ada administers `example`, Eve `acme`; Bob belongs to both and administers neither."""

    sources = Bundle("sources")
    flows = Bundle("flows")
    tokens = Bundle("tokens")

    @initialize(target=flows)
    def begin(self) -> Any:
        self.fake = FakeFlowdock().start()
        acme = self.fake.add_organization("acme")
        bob, eve = self.fake.add_user(name="Bob"), self.fake.add_user(name="Eve", organization=acme, admin=True)
        self.fake.add_flow("acme/ops", members=[bob, eve])
        self.people = {"ada": self.fake.user, "bob": bob, "eve": eve}
        self.applications = {name: as_application(self.fake, user=user) for name, user in self.people.items()}
        self.doors = ("https://api.flowdock.com", self.fake.url)
        self.calls = 0
        self.model = Model()
        self.model.organizations = {
            "example": Organization({"ada", "bob"}, {"ada"}),
            "acme": Organization({"bob", "eve"}, {"eve"}),
        }
        self.model.flows = {"example/main": Flow("example", {"ada"}), "acme/ops": Flow("acme", {"bob", "eve"})}
        return multiple(*self.model.flows)

    def call(self, method: str, path: str, who: dict[str, Any], **more: Any) -> requests.Response:
        self.calls += 1
        return requests.request(method, self.doors[self.calls % 2] + path, timeout=9, **who, **more)

    def by(self, person: str, method: str, path: str, **more: Any) -> requests.Response:
        return self.call(method, path, as_user(self.people[person]), **more)

    # Flows and their users

    @rule(target=flows, person=PEOPLE, organization=ORGANIZATIONS, name=NAMES)
    def create_flow(self, person: str, organization: str, name: str) -> Any:
        reply = self.by(person, "POST", f"/flows/{organization}", json={"name": name})
        if person not in self.model.organizations[organization].members:
            assert reply.status_code == 404
        elif not name.strip():
            assert reply.json()["errors"] == {"name": ["can't be blank"]}
        else:
            assert reply.status_code == 201
            path = f"{organization}/{reply.json()['parameterized_name']}"
            assert path not in self.model.flows
            self.model.flows[path] = Flow(organization, {person}, {person})
            return path
        return multiple()

    @rule(flow=flows, person=PEOPLE, mode=MODES, archived=st.booleans())
    def change_flow(self, flow: str, person: str, mode: str, archived: bool) -> None:
        reply = self.by(person, "PUT", f"/flows/{flow}", json={"access_mode": mode, "disabled": archived})
        reaches, administers = self.model.reaches(person, flow), self.model.administers(person, flow)
        assert reply.status_code == (404 if not reaches else 200 if administers else 403)
        if reply.ok:
            self.model.flows[flow].mode, self.model.flows[flow].archived = mode, archived

    @rule(flow=flows, person=PEOPLE)
    def open_flow(self, flow: str, person: str) -> None:
        reply = self.by(person, "PUT", f"/flows/{flow}", data={"open": "1"})
        assert reply.status_code == (200 if self.model.reaches(person, flow) else 404)
        if reply.ok:
            self.model.flows[flow].members.add(person)
            assert reply.json()["joined"] is self.model.sees(person, flow)

    @rule(flow=flows, person=PEOPLE)
    def get_flow(self, flow: str, person: str) -> None:
        reply = self.by(person, "GET", f"/flows/{flow}")
        assert reply.status_code == (200 if self.model.reaches(person, flow) else 404)
        if reply.ok:
            by_id = self.by(person, "GET", "/flows/find", params={"id": reply.json()["id"]})
            assert {**by_id.json(), "url": ""}.keys() == reply.json().keys()
            users = {user["id"]: user["disabled"] for user in reply.json()["users"]}
            expected = self.model.flows[flow]
            assert users == {self.people[name].id: name in expected.blocked for name in expected.members}

    @rule(flow=flows, person=PEOPLE, other=PEOPLE)
    def add_user(self, flow: str, person: str, other: str) -> None:
        reply = self.by(person, "POST", f"/flows/{flow}/users", json={"id": self.people[other].id})
        belongs = other in self.model.organizations[self.model.flows[flow].organization].members
        assert reply.status_code == (200 if self.model.sees(person, flow) and belongs else 404)
        if reply.ok:
            self.model.flows[flow].members.add(other)

    @rule(flow=flows, person=PEOPLE, other=PEOPLE, disabled=st.booleans())
    def block_user(self, flow: str, person: str, other: str, disabled: bool) -> None:
        path = f"/flows/{flow}/users/{self.people[other].id}"
        reply = self.by(person, "PUT", path, json={"disabled": disabled})
        kept = self.model.flows[flow]
        admins = self.model.organizations[kept.organization].admins
        if not self.model.sees(person, flow) or other not in kept.members:
            assert reply.status_code == 404
        elif other in admins and person not in admins:
            assert reply.status_code == 403
        else:
            assert reply.status_code == 200
            (kept.blocked.add if disabled else kept.blocked.discard)(other)

    @rule(organization=ORGANIZATIONS, person=PEOPLE, other=PEOPLE)
    def remove_user(self, organization: str, person: str, other: str) -> None:
        reply = self.by(person, "DELETE", f"/organizations/{organization}/users/{self.people[other].id}")
        kept = self.model.organizations[organization]
        if person not in kept.members or other not in kept.members:
            assert reply.status_code == 404
        else:
            assert reply.status_code == (204 if person in kept.admins else 403)
            if reply.ok:
                self.model.leave(other, organization)

    # Sources

    @rule(target=sources, flow=flows, person=PEOPLE, name=NAMES)
    def create_source(self, flow: str, person: str, name: str) -> Any:
        reply = self.call("POST", f"/flows/{flow}/sources", self.applications[person], json={"name": name})
        if not self.model.sees(person, flow):
            assert reply.status_code == 404
        elif not name.strip():
            assert reply.json() == {"message": "Validation error", "errors": {"name": ["can't be blank"]}}
        else:
            assert reply.status_code == 201
            number: int = reply.json()["id"]
            assert number not in self.model.sources
            self.model.sources[number] = Source(flow, name, reply.json()["flow_token"])
            return number
        return multiple()

    def expected(self, number: int, flow: str, person: str) -> int:
        """What somebody is answered about a source in some flow."""
        source = self.model.sources[number]
        return 200 if self.model.sees(person, flow) and source.flow == flow and not source.deleted else 404

    @rule(number=sources, flow=flows, person=PEOPLE, message=MESSAGES)
    def update_source(self, number: int, flow: str, person: str, message: str | None) -> None:
        reply = self.by(person, "PUT", f"/flows/{flow}/sources/{number}", json={"error_message": message})
        assert reply.status_code == self.expected(number, flow, person)
        if reply.ok and message is not None:
            self.model.sources[number].error_message = message or None

    @rule(number=sources, message=MESSAGES)
    def a_source_updates_itself(self, number: int, message: str | None) -> None:
        source = self.model.sources[number]
        reply = self.call("PUT", "/sources", {}, json={"flow_token": source.flow_token, "error_message": message})
        assert reply.status_code == (410 if source.deleted else 200)
        if reply.ok and message is not None:
            source.error_message = message or None

    @rule(number=sources, flow=flows, person=PEOPLE)
    def delete_source(self, number: int, flow: str, person: str) -> None:
        reply = self.by(person, "DELETE", f"/flows/{flow}/sources/{number}")
        assert reply.status_code == (204 if self.expected(number, flow, person) == 200 else 404)
        if reply.ok:
            self.model.sources[number].deleted = True

    @rule(number=sources, other=sources)
    def a_source_deletes(self, number: int, other: int) -> None:
        source = self.model.sources[number]
        reply = self.call("DELETE", f"/flows/{source.flow}/sources/{other}", as_source(source.flow_token))
        assert reply.status_code == (410 if source.deleted else 403 if number == other else 404)

    # Tokens

    def ask_for_tokens(self, **fields: str) -> requests.Response:
        client = (self.fake.application.client_id, self.fake.application.client_secret)
        return self.call("POST", "/oauth/token", {"auth": client}, data=fields)

    def keep(self, grant: Grant, reply: requests.Response) -> int:
        assert reply.status_code == 200, reply.text
        given = reply.json()
        known = {kept.access_token for kept in self.model.tokens} | {kept.refresh_token for kept in self.model.tokens}
        assert not known & {given["access_token"], given["refresh_token"]}
        expires_at = self.model.now + given["expires_in"]
        self.model.tokens.append(Token(grant, given["access_token"], given["refresh_token"], expires_at))
        return len(self.model.tokens) - 1

    @rule(target=tokens, person=PEOPLE, late=st.booleans())
    def buy_tokens(self, person: str, late: bool) -> Any:
        code = self.fake.authorize(user=self.people[person])
        if late:
            self.advance(601)
            reply = self.ask_for_tokens(grant_type="authorization_code", code=code)
            assert (reply.status_code, reply.json()["error"]) == (400, "invalid_grant")
            return multiple()
        reply = self.ask_for_tokens(grant_type="authorization_code", code=code)
        return self.keep(Grant(person, code), reply)

    @rule(number=tokens)
    def use_a_code_again(self, number: int) -> None:
        grant = self.model.tokens[number].grant
        reply = self.ask_for_tokens(grant_type="authorization_code", code=grant.code)
        assert (reply.status_code, reply.json()["error"]) == (400, "invalid_grant")
        grant.revoked = True

    @rule(target=tokens, number=tokens)
    def refresh_a_token(self, number: int) -> Any:
        token = self.model.tokens[number]
        reply = self.ask_for_tokens(grant_type="refresh_token", refresh_token=token.refresh_token)
        if token.refreshed or token.grant.revoked:
            assert (reply.status_code, reply.json()["error"]) == (400, "invalid_grant")
            return multiple()
        token.refreshed = True
        return self.keep(token.grant, reply)

    @rule(seconds=st.sampled_from([1, 1800, 3600, 7200]))
    def advance(self, seconds: int) -> None:
        self.fake.advance(seconds)
        self.model.now += seconds

    @rule(number=tokens)
    def use_a_token(self, number: int) -> None:
        token = self.model.tokens[number]
        reply = self.call("GET", "/user", {"headers": {"Authorization": f"Bearer {token.access_token}"}})
        if self.model.lives(token):
            assert reply.json()["id"] == self.people[token.grant.person].id
        else:
            assert reply.status_code == 401

    # What everybody sees, after each step

    @invariant()
    def each_sees_what_the_model_says(self) -> None:
        for person in self.people:
            sees = [path for path in self.model.flows if self.model.sees(person, path)]
            joins = [path for path in self.model.flows if self.model.may_join(person, path)]
            assert self.paths(self.by(person, "GET", "/flows")) == set(sees)
            assert self.paths(self.by(person, "GET", "/flows/all")) == {*sees, *joins}
            users = {user["id"] for user in self.by(person, "GET", "/users").json()}
            assert users == {user.id for name, user in self.people.items() if self.model.sees_user(person, name)}
            shown = self.by(person, "GET", "/sources").json()
            assert [(source["id"], source["name"], source.get("error_message")) for source in shown] == [
                (number, source.name, source.error_message)
                for number, source in self.model.sources.items()
                if source.flow in sees and not source.deleted
            ]

    @staticmethod
    def paths(reply: requests.Response) -> set[str]:
        return {f"{flow['organization']['parameterized_name']}/{flow['parameterized_name']}" for flow in reply.json()}

    def teardown(self) -> None:
        if hasattr(self, "fake"):
            self.fake.stop()


TestLifeOfAWorld = LifeOfAWorld.TestCase
TestLifeOfAWorld.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
