"""Any sequence of calls, valid or not, against a small model of the rules, through both doors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests
from doors import SOURCES as MAIN
from doors import as_application, as_source, as_user
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from fakeflowdock import FakeFlowdock

OPS = "/flows/acme/ops/sources"
FLOWS = st.sampled_from([MAIN, OPS])
PEOPLE = st.sampled_from(["ada", "bob"])
NAMES = st.text(max_size=5) | st.sampled_from(["Builds", " ", "\u00a0"])
MESSAGES = st.text(max_size=5) | st.none()


@dataclass
class Kept:
    """A source as the model knows it."""

    flow: str
    name: str
    token: str
    error_message: str | None = None
    deleted: bool = False


class LifeOfSources(RuleBasedStateMachine):
    """Ada is a member of both flows, Bob of `ops` alone."""

    sources = Bundle("sources")

    @initialize()
    def begin(self) -> None:
        self.fake = FakeFlowdock().start()
        bob = self.fake.add_user(name="Bob")
        self.fake.add_flow("acme/ops", members=[self.fake.user, bob])
        self.people = {"ada": self.fake.user, "bob": bob}
        self.sees = {"ada": {MAIN, OPS}, "bob": {OPS}}
        self.applications = {name: as_application(self.fake, user=user) for name, user in self.people.items()}
        self.kept: dict[int, Kept] = {}
        self.doors = ("https://api.flowdock.com", self.fake.url)
        self.calls = 0

    def call(self, method: str, path: str, who: dict[str, Any], **more: Any) -> requests.Response:
        self.calls += 1
        return requests.request(method, self.doors[self.calls % 2] + path, timeout=9, **who, **more)

    def expected(self, number: int, flow: str, person: str) -> int:
        """What a member of some flows is answered about a source in some flow."""
        kept = self.kept[number]
        return 200 if flow in self.sees[person] and kept.flow == flow and not kept.deleted else 404

    @rule(target=sources, flow=FLOWS, person=PEOPLE, name=NAMES)
    def create(self, flow: str, person: str, name: str) -> int:
        reply = self.call("POST", flow, self.applications[person], json={"name": name})
        if flow not in self.sees[person]:
            assert reply.status_code == 404
        elif not name.strip():
            assert reply.json() == {"message": "Validation error", "errors": {"name": ["can't be blank"]}}
        else:
            assert reply.status_code == 201
            number: int = reply.json()["id"]
            assert number not in self.kept
            self.kept[number] = Kept(flow, name, reply.json()["flow_token"])
            return number
        return 0

    @rule(number=sources, flow=FLOWS, person=PEOPLE)
    def get(self, number: int, flow: str, person: str) -> None:
        reply = self.call("GET", f"{flow}/{number}", as_user(self.people[person]))
        assert reply.status_code == (self.expected(number, flow, person) if number else 404)

    @rule(number=sources, flow=FLOWS, person=PEOPLE, message=MESSAGES)
    def update(self, number: int, flow: str, person: str, message: str | None) -> None:
        who = as_user(self.people[person])
        reply = self.call("PUT", f"{flow}/{number}", who, json={"error_message": message})
        assert reply.status_code == (self.expected(number, flow, person) if number else 404)
        if reply.ok and message is not None:
            self.kept[number].error_message = message or None

    @rule(number=sources, message=MESSAGES)
    def update_itself(self, number: int, message: str | None) -> None:
        if number:
            kept = self.kept[number]
            reply = self.call("PUT", "/sources", {}, json={"flow_token": kept.token, "error_message": message})
            assert reply.status_code == (410 if kept.deleted else 200)
            if reply.ok and message is not None:
                kept.error_message = message or None

    @rule(number=sources, flow=FLOWS, person=PEOPLE)
    def delete(self, number: int, flow: str, person: str) -> None:
        expected = self.expected(number, flow, person) if number else 404
        reply = self.call("DELETE", f"{flow}/{number}", as_user(self.people[person]))
        assert reply.status_code == (204 if expected == 200 else 404)
        if reply.ok:
            self.kept[number].deleted = True

    @rule(number=sources, other=sources)
    def a_source_deletes(self, number: int, other: int) -> None:
        if number and other:
            kept = self.kept[number]
            reply = self.call("DELETE", f"{kept.flow}/{other}", as_source(kept.token))
            assert reply.status_code == (410 if kept.deleted else 403 if number == other else 404)

    @invariant()
    def each_sees_what_the_model_says(self) -> None:
        for person, user in self.people.items():
            shown = self.call("GET", "/sources", as_user(user)).json()
            assert [(source["id"], source["name"], source.get("error_message")) for source in shown] == [
                (number, kept.name, kept.error_message)
                for number, kept in self.kept.items()
                if kept.flow in self.sees[person] and not kept.deleted
            ]

    def teardown(self) -> None:
        if hasattr(self, "fake"):
            self.fake.stop()


TestLifeOfSources = LifeOfSources.TestCase
TestLifeOfSources.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
