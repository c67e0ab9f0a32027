"""Snapshots of worlds, forks of fakes, and what is told of two that differ."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from fakeflowdock import FakeFlowdock, Snapshot
from fakeflowdock.world import copy_on_write, serialization, templates
from tests.support.doors import as_application, as_user
from tests.support.hypothesis_profiles import examples

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.newest_only

API = "https://api.flowdock.com"
FLOW = f"{API}/flows/example/main"


def create(fake: FakeFlowdock, name: str = "Builds") -> Any:
    return requests.post(f"{FLOW}/sources", json={"name": name}, timeout=9, **as_application(fake)).json()


def said(fake: FakeFlowdock) -> list[str | None]:
    return [message.content for message in fake.messages]


# Snapshots


def test_a_world_comes_back_any_number_of_times_with_its_ids_tokens_and_clock() -> None:
    with FakeFlowdock() as fake:
        fake.add_source(name="before")
        snapshot = fake.snapshot()
        made = []
        for _ in range(3):
            made.append((create(fake), fake.access_token(), fake.add_message("Hello"), fake.clock.now))
            fake.advance(3600)
            fake.restore(snapshot)
            assert [source.name for source in fake.sources] == ["before"]
            assert fake.messages == []
        assert made[0] == made[1] == made[2]
        assert fake.snapshot() == snapshot


def test_what_was_changed_or_deleted_comes_back() -> None:
    with FakeFlowdock() as fake:
        source, message = fake.add_source(), fake.add_message("Hello #world")
        token, flow = fake.access_token(), fake.flow
        snapshot = fake.snapshot()
        requests.delete(f"{FLOW}/sources/{source.id}", timeout=9, **as_user(fake.user))
        requests.put(f"{FLOW}/messages/{message.id}", json={"content": "Bye"}, timeout=9, **as_user(fake.user))
        requests.put(FLOW, json={"name": "Other"}, timeout=9, **as_user(fake.user))
        fake.revoke(token)
        assert (fake.sources, said(fake), fake.flow.name) == ([], ["Bye"], "Other")
        fake.restore(snapshot)
        assert (fake.sources, fake.messages, fake.flow) == ([source], [message], flow)
        assert requests.get(f"{API}/user", headers={"Authorization": f"Bearer {token}"}, timeout=9).status_code == 200
        for asked, found in (({"search": "hello"}, 1), ({"tags": "world"}, 1), ({"search": "bye"}, 0)):
            listed = requests.get(f"{FLOW}/messages", params=asked, timeout=9, **as_user(fake.user)).json()
            assert len(listed) == found


def test_a_live_server_and_the_journal_go_on_after_a_restore() -> None:
    with FakeFlowdock() as fake:
        url, snapshot = fake.url, fake.snapshot()
        fake.add_source()
        for number in (1, 0):
            assert len(requests.get(f"{url}/sources", timeout=9, **as_user(fake.user)).json()) == number
            fake.restore(snapshot)
        assert len(fake.requests) == 2


def test_a_running_clock_goes_on_from_where_the_snapshot_was_taken() -> None:
    fake = FakeFlowdock()
    fake.clock.run()
    snapshot = fake.snapshot()
    fake.clock.advance(3600)
    before = fake.clock.now
    fake.restore(snapshot)
    assert not fake.clock.frozen
    assert before - fake.clock.now > timedelta(minutes=59)
    assert not fake.fork().clock.frozen


def test_the_world_of_one_fake_is_restored_in_another() -> None:
    fake, other = FakeFlowdock("docs"), FakeFlowdock()
    snapshot = fake.snapshot()
    other.restore(snapshot)
    assert other.same_world(fake)
    assert other.sources == fake.sources
    other.reset()
    assert other.same_world(FakeFlowdock())
    assert repr(snapshot) == f"<Snapshot; flows: {len(fake.flows)}, sources: 2, messages: {len(fake.messages)}>"


# Forks


def test_a_fork_begins_with_the_world_and_goes_its_own_way() -> None:
    base = FakeFlowdock("docs", auto_consent=True)
    base.add_message("shared")
    with base.fork() as one, base.fork() as two:
        assert not base.active
        one.add_message("one")
        two.add_message("two")
        base.add_message("base")
        again = one.fork()
        again.add_message("again")
        before = len(FakeFlowdock("docs").messages)
        assert said(base)[before:] == ["shared", "base"]
        assert said(one)[before:] == ["shared", "one"]
        assert said(two)[before:] == ["shared", "two"]
        assert said(again)[before:] == ["shared", "one", "again"]
        assert one.messages[-1].id == two.messages[-1].id
        assert create(two)["id"] == create(two)["id"] - 1
        assert len(one.sources) == len(two.sources) - 2


def test_a_fork_has_settings_a_journal_and_a_server_of_its_own() -> None:
    with FakeFlowdock(auto_consent=True, refresh_tokens="offline_access") as base:
        create(base)
        fork = base.fork()
        assert not fork.active
        assert (fork.auto_consent, fork.requests) == (True, [])
        fork.auto_consent = False
        assert base.auto_consent
        with fork:
            assert fork.url != base.url
            create(fork)
        assert (len(base.requests), len(fork.requests)) == (1, 1)
        assert (len(base.sources), len(fork.sources)) == (1, 2)


def test_what_begins_alike_tells_its_own_streams_alone() -> None:
    one, two = FakeFlowdock(), FakeFlowdock()
    url = "https://stream.flowdock.com/flows/example/main"
    with one, requests.get(url, stream=True, timeout=9, **as_user(one.user)) as stream:
        two.add_message("of the other")
        one.add_message("its own")
        assert '"content":"its own"' in next(stream.iter_lines()).decode()


def test_a_fork_is_reset_to_where_it_began() -> None:
    base = FakeFlowdock()
    base.add_source(name="shared")
    fork = base.fork()
    fork.add_source(name="own")
    assert "name 'own'" in fork.report()
    assert "shared" not in fork.report()
    fork.reset()
    assert [source.name for source in fork.sources] == ["shared"]
    assert FakeFlowdock("empty").sources == []


def test_a_report_tells_what_changed_since_a_reset_and_not_since_a_file_was_loaded(tmp_path: Path) -> None:
    fake = FakeFlowdock()
    fake.add_source(name="Builds")
    fake.dump(tmp_path / "world.json")
    fake.reset()
    fake.load(tmp_path / "world.json")
    assert "no changes in the world" in fake.report()
    fake.reset()
    assert "no changes in the world" in fake.report()


def test_a_fork_that_decorates_gives_each_call_the_world_that_it_began_with() -> None:
    base = FakeFlowdock()
    base.add_source(name="shared")
    fork = base.fork()

    @fork
    def names() -> list[str]:
        create(fork)
        return [source.name for source in fork.sources]

    assert [names(), names()] == [["shared", "Builds"]] * 2


def test_a_subclass_forks_into_itself() -> None:
    class Helpful(FakeFlowdock):
        def __init__(self, greeting: str) -> None:
            super().__init__()
            self.greeting = greeting

    base = Helpful("Hello")
    fork: Helpful = base.fork()
    assert fork.greeting == "Hello"


def test_forks_are_taken_while_others_post() -> None:
    with FakeFlowdock() as base:

        def work() -> None:
            for _ in range(20):
                reply = requests.post(
                    f"{FLOW}/messages", json={"event": "message", "content": "a b c"}, timeout=9, **as_user(base.user)
                )
                assert reply.status_code == 201

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        forks = [base.fork() for _ in range(100)]
        for thread in threads:
            thread.join(60)
        for fake in (*forks, base):
            assert [message.id for message in fake.messages] == list(range(1, len(fake.messages) + 1))
            assert len(fake.threads) == len(fake.messages)
        assert len(base.messages) == 80


class Worlds(RuleBasedStateMachine):
    """Fakes, their forks, and snapshots of them: each holds what a world has that was read from its file."""

    def __init__(self) -> None:
        super().__init__()
        self.fakes = [FakeFlowdock()]
        self.snapshots: list[tuple[Snapshot, str]] = []

    def fake(self, which: int) -> FakeFlowdock:
        return self.fakes[which % len(self.fakes)]

    def call(self, which: int, method: str, path: str, **body: Any) -> None:
        fake = self.fake(which)
        with fake:
            reply = requests.request(method, f"{FLOW}{path}", json=body, timeout=9, **as_user(fake.user))
        assert reply.status_code < 500

    @rule(which=st.integers(0), times=st.sampled_from([1, 2, 9]), tag=st.sampled_from("ab"))
    def say(self, which: int, times: int, tag: str) -> None:
        for number in range(times):
            self.fake(which).add_message(f"word{number} word", tags=[tag])

    @rule(which=st.integers(0), name=st.sampled_from(["t:1", "t:2"]))
    def tell(self, which: int, name: str) -> None:
        fake = self.fake(which)
        if fake.sources:
            told: dict[str, Any] = {"external_thread_id": name, "author": {"name": "M"}, "thread": {"title": "T"}}
            fake.add_message(event="activity", source=fake.sources[0], title="opened", **told)

    @rule(which=st.integers(0), number=st.integers(1, 12))
    def change(self, which: int, number: int) -> None:
        self.call(which, "PUT", f"/messages/{number}", content="other", tags=["c"])

    @rule(which=st.integers(0), number=st.integers(1, 12))
    def delete(self, which: int, number: int) -> None:
        self.call(which, "DELETE", f"/messages/{number}")

    @rule(which=st.integers(0), number=st.integers(1, 3))
    def delete_source(self, which: int, number: int) -> None:
        self.call(which, "DELETE", f"/sources/{number}")

    @rule(which=st.integers(0))
    def add(self, which: int) -> None:
        fake = self.fake(which)
        user = fake.add_user()
        fake.add_member(user)
        fake.add_source(creator=user)
        fake.revoke(fake.access_token(user=user))
        fake.authorize(user=user)

    @rule(which=st.integers(0))
    def fork(self, which: int) -> None:
        fork = self.fake(which).fork()
        assert fork.same_world(self.fake(which))
        self.fakes.append(fork)

    @rule(which=st.integers(0))
    def take(self, which: int) -> None:
        fake = self.fake(which)
        self.snapshots.append((fake.snapshot(), serialization.dumps(fake._store)))

    @rule(which=st.integers(0), snapshot=st.integers(0))
    def restore(self, which: int, snapshot: int) -> None:
        if self.snapshots:
            self.fake(which).restore(self.snapshots[snapshot % len(self.snapshots)][0])

    @invariant()
    def each_world_is_what_its_file_is(self) -> None:
        for snapshot, text in self.snapshots:
            assert serialization.dumps(snapshot.store) == text
        for fake in self.fakes:
            read = FakeFlowdock()
            read.restore(Snapshot(serialization.loads(serialization.dumps(fake._store), "world")))
            assert fake.difference(read) == []
            assert asked(fake) == asked(read)


def asked(fake: FakeFlowdock) -> list[Any]:
    with fake:
        paths = ("/messages?limit=100", "/messages?tags=a", "/messages?tags=b,c&tag_mode=or", "/messages?search=word")
        more = ("/messages?event=activity,discussion", "/threads", "/sources", "", "/messages?search=other+word0")
        return [requests.get(FLOW + path, timeout=9, **as_user(fake.user)).json() for path in (*paths, *more)]


@pytest.mark.parametrize("few", [0, 8])
def test_forks_and_snapshots_hold_what_their_files_would(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_on_write, "FEW", few)
    run_state_machine_as_test(Worlds, settings=examples(4, stateful_step_count=15))


# What differs


def test_worlds_are_equal_where_all_that_they_hold_is() -> None:
    base = FakeFlowdock()
    fork = base.fork()
    assert fork.same_world(base)
    assert fork.difference(base) == []
    assert fork.snapshot() == base.snapshot()
    assert fork.snapshot() != "a snapshot"
    fork.add_source()
    assert not fork.same_world(base)
    assert fork.snapshot() != base.snapshot()
    with pytest.raises(TypeError, match="unhashable"):
        hash(base.snapshot())


@pytest.mark.parametrize(
    "change",
    [
        lambda fake: fake.access_token(),
        lambda fake: fake.authorize(),
        lambda fake: fake.advance(1),
        lambda fake: fake.clock.run(),
        lambda fake: fake._store.next_id("source"),
        lambda fake: fake.add_organization("acme"),
        lambda fake: fake.load(templates.DATA / "docs.json"),
    ],
)
def test_a_change_of_anything_makes_another_world(change: Any) -> None:
    fake = FakeFlowdock()
    before = fake.snapshot()
    change(fake)
    assert fake.snapshot() != before
    assert fake.difference(before)


def test_the_difference_tells_what_came_went_and_changed() -> None:
    base = FakeFlowdock()
    source = base.add_source(name="Builds")
    base.add_source(name="Jobs")
    revoked = base.access_token(scope="flow")
    with base.fork() as fork:
        bob = fork.add_user(name="Bob", nick="bob", email="bob@example.com", admin=True)
        fork.add_member(bob)
        requests.put(f"{API}/sources", json={"flow_token": source.flow_token, "error_message": "broken"}, timeout=9)
        requests.delete(f"{FLOW}/sources/2", timeout=9, **as_user(fork.user))
        fork.add_message("Hello")
        fork.revoke(revoked)
        token = fork.access_token(scope="profile flow", user=bob)
        fork.auto_consent = True
        lines = fork.difference(base)
        counters = lines.pop(-2)
    flow, thread, moment = base.flow.id, fork.messages[0].thread_id, "2015-01-01T00:00:00.00"
    counts = ", activities 0, internal_comments 1, external_comments 0"
    assert lines == [
        "+ user 2: name 'Bob', nick 'bob', email 'bob@example.com'",
        f"~ flow {flow}: member_ids {{1}} → {{1, 2}}",
        f"~ source 1 in example/main: error_message None → 'broken', updated_at {moment}1Z → {moment}3Z",
        "- source 2 in example/main",
        f"+ thread {thread} in example/main: title 'Hello', initial_message 1{counts}",
        f"+ message 1 in example/main: event 'message', user_id 1, app 'chat', thread_id '{thread}', content 'Hello'",
        "+ deleted source 2 in example/main: application_id 1, creator_id 1, name 'Jobs'",
        f"+ access token {token[:4]}…: user_id 2, application_id 1, scopes {{'flow', 'profile'}}, grant_id 2",
        "+ membership of user 2 in example: 'administrator'",
        "+ revoked grant 1",
        f"~ clock: {moment}2Z → {moment}5Z",
        "~ setting auto_consent: False → True",
    ]
    assert counters.startswith("~ counters: user 1 → 2, ")
    back = base.difference(fork)
    assert {line[:20] for line in back} >= {"- user 2", "+ source 2 in exampl", "- revoked grant 1"}
    assert fork.same_world(fork)


def test_the_difference_shows_no_secret() -> None:
    one, two = FakeFlowdock("docs"), FakeFlowdock()
    text = "\n".join(one.difference(two))
    secrets = [secret for fake in (one, two) for user in fake.users for secret in (user.api_token, user.password)]
    secrets += [source.flow_token for source in one.sources] + [app.client_secret for app in one.applications]
    assert not [secret for secret in secrets if secret in text]
    for password, shown in (("f" * 32, "ffff…"), ("secret", "…"), ("abc", "…")):
        two._store.users[1] = replace(one.user, password=password)
        assert f"~ user 1: password {shown} → {one.user.password[:4]}…" in one.difference(two)
