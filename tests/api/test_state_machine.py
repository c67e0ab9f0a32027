"""Any sequence of calls, valid or not, against a small model of the rules, through both doors in turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, invariant, multiple, rule

from tests.support.doors import as_source
from tests.support.hypothesis_profiles import examples
from tests.support.living import FLOWS, INBOX, MESSAGES, NAMES, PEOPLE, SOURCES, STATES, Posting, Sourcing, Whispering
from tests.support.model import Flow, Grant, Source, Token

if TYPE_CHECKING:
    import requests

pytestmark = pytest.mark.newest_only

ERRORS = st.text(max_size=5) | st.none()
ORGANIZATIONS = st.sampled_from(["example", "acme"])
MODES = st.sampled_from(["invitation", "link", "organization"])


class LifeOfAWorld(Sourcing, Posting, Whispering):
    """Everything at once."""

    tokens = Bundle("tokens")

    # Flows and their users

    @rule(target=FLOWS, person=PEOPLE, organization=ORGANIZATIONS, name=NAMES)
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

    @rule(flow=FLOWS, person=PEOPLE, mode=MODES, archived=st.booleans())
    def change_flow(self, flow: str, person: str, mode: str, archived: bool) -> None:
        reply = self.by(person, "PUT", f"/flows/{flow}", json={"access_mode": mode, "disabled": archived})
        reaches, administers = self.model.reaches(person, flow), self.model.administers(person, flow)
        assert reply.status_code == (404 if not reaches else 200 if administers else 403)
        if reply.ok:
            self.model.flows[flow].mode, self.model.flows[flow].archived = mode, archived

    @rule(flow=FLOWS, person=PEOPLE)
    def open_flow(self, flow: str, person: str) -> None:
        reply = self.by(person, "PUT", f"/flows/{flow}", data={"open": "1"})
        assert reply.status_code == (200 if self.model.reaches(person, flow) else 404)
        if reply.ok:
            if person not in self.model.flows[flow].members:
                self.model.act(flow, person, type="join")
            self.model.flows[flow].members.add(person)
            assert reply.json()["joined"] is self.model.sees(person, flow)

    @rule(flow=FLOWS, person=PEOPLE)
    def get_flow(self, flow: str, person: str) -> None:
        reply = self.by(person, "GET", f"/flows/{flow}")
        assert reply.status_code == (200 if self.model.reaches(person, flow) else 404)
        if reply.ok:
            by_id = self.by(person, "GET", "/flows/find", params={"id": reply.json()["id"]})
            assert {**by_id.json(), "url": ""}.keys() == reply.json().keys()
            users = {user["id"]: user["in_flow"] for user in reply.json()["users"]}
            expected = self.model.flows[flow]
            assert users == {self.people[name].id: True for name in expected.members - expected.blocked}

    @rule(flow=FLOWS, person=PEOPLE, other=PEOPLE)
    def add_user(self, flow: str, person: str, other: str) -> None:
        reply = self.by(person, "POST", f"/flows/{flow}/users", json={"id": self.people[other].id})
        belongs = other in self.model.organizations[self.model.flows[flow].organization].members
        assert reply.status_code == (200 if self.model.sees(person, flow) and belongs else 404)
        if reply.ok and other not in self.model.flows[flow].members:
            nick = self.people[other].nick
            self.model.act(flow, person, type="add_people", message=[nick], description=nick)
            self.model.flows[flow].members.add(other)

    @rule(flow=FLOWS, person=PEOPLE, other=PEOPLE, disabled=st.booleans())
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
            if disabled and other not in kept.blocked:
                self.model.act(flow, person, type="block", description={"user": str(self.people[other].id)})
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

    # Sources, besides that they come and go

    @rule(number=SOURCES, flow=FLOWS, person=PEOPLE, message=ERRORS)
    def update_source(self, number: int, flow: str, person: str, message: str | None) -> None:
        reply = self.by(person, "PUT", f"/flows/{flow}/sources/{number}", json={"error_message": message})
        assert reply.status_code == self.expected(number, flow, person)
        if reply.ok and message is not None:
            self.model.sources[number].error_message = message or None

    @rule(number=SOURCES, message=ERRORS)
    def a_source_updates_itself(self, number: int, message: str | None) -> None:
        source = self.model.sources[number]
        reply = self.call("PUT", "/sources", {}, json={"flow_token": source.flow_token, "error_message": message})
        assert reply.status_code == (410 if source.deleted else 200)
        if reply.ok and message is not None:
            source.error_message = message or None

    @rule(number=SOURCES, other=SOURCES)
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


class LifeOfItsFlows(Sourcing, Posting):
    """Nothing but talk, which has begun already."""

    def __init__(self) -> None:
        super().__init__()
        for flow in self.model.flows:
            source = self.fake.add_source(flow=flow, name="Builds")
            self.model.sources[source.id] = Source(flow, "Builds", source.flow_token)

    @initialize(target=SOURCES)
    def let_sources_be_there(self) -> Any:
        return multiple(*self.model.sources)

    @initialize(target=MESSAGES)
    def let_them_have_talked(self) -> Any:
        told = [self.say(flow, None, "message", "Hello") for flow in self.model.flows]
        for number in self.model.sources:
            told += [self.tell(number, event, "opened", "1", STATES[1], True) for event in INBOX]
        return multiple(*told)


TestLifeOfAWorld = LifeOfAWorld.TestCase
TestLifeOfAWorld.settings = examples(20, stateful_step_count=25)
TestLifeOfItsFlows = LifeOfItsFlows.TestCase
TestLifeOfItsFlows.settings = examples(40, stateful_step_count=40)
