"""Any sequence of operations while streams are open: each is sent what a model of its own says, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fakeflowdock import FakeFlowdock
from tests.support.doors import as_user
from tests.support.hypothesis_profiles import examples
from tests.support.processes import until
from tests.support.stream_model import Telling, Watcher
from tests.support.streams import EVENT_STREAM, Listener, listening

pytestmark = pytest.mark.newest_only

PEOPLE = st.sampled_from(["ada", "bob", "eve"])
OTHERS = st.sampled_from(["bob", "eve"])
ROOMS = st.sampled_from(["main", "one", "open"])
TEXTS = st.sampled_from(["Hello", "Bye", "å ☃"])
TAGS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3, unique=True)
ACTIVE = st.sampled_from([None, None, "true", "idle"])
MOST = 6  # streams


class LifeOfStreams(RuleBasedStateMachine):
    """Ada administers the organization and is in every flow. Whoever belongs to it may join `open`."""

    def __init__(self) -> None:
        super().__init__()
        self.fake = FakeFlowdock().start()
        bob, eve = self.fake.add_user(nick="Bob"), self.fake.add_user(nick="Eve")
        self.users = {"ada": self.fake.user, "bob": bob, "eve": eve}
        self.flows = {"main": self.fake.flow, "one": self.fake.add_flow("example/one", members=[self.fake.user, bob])}
        self.flows["open"] = self.fake.add_flow("example/open", access_mode="organization")
        self.fake.add_member(eve)
        self.model = Telling(list(self.users), {"main": {"ada", "eve"}, "one": {"ada", "bob"}, "open": {"ada"}})
        self.model.nicks = {person: user.nick for person, user in self.users.items()}
        self.open: list[tuple[Watcher, Listener]] = []
        self.left: list[tuple[Watcher, int]] = []  # streams that can be resumed, each with its last event
        self.named = {str(user.id): person for person, user in self.users.items()}
        self.places = {flow.id: name for name, flow in self.flows.items()}

    def teardown(self) -> None:
        try:
            for _, listener in self.open[:1]:
                assert listener.rest() == []
            for _, listener in self.open[1:]:
                assert listener.until_the_end() == []
        finally:  # a fake that is left over answers the tests that follow
            for _, listener in self.open:
                listener.leave()
            self.fake.stop()

    def by(self, person: str, method: str, path: str, **more: Any) -> requests.Response:
        who = as_user(self.users[person])
        return requests.request(method, f"https://api.flowdock.com{path}", timeout=9, **who, **more)

    def messages(self, room: str) -> str:
        return f"/flows/example/{room}/messages"

    # Streams

    @initialize(kinds=st.lists(st.sampled_from([None, EVENT_STREAM]), min_size=3, max_size=3), user=st.booleans())
    def be_watched(self, kinds: list[str | None], user: bool) -> None:
        for person, kind in zip(self.users, kinds, strict=True):
            seen = tuple(room for room in self.flows if self.model.sees(person, room))
            self.begin(Watcher(person, seen, user, user, None), kind)

    @precondition(lambda self: len(self.open) < MOST)
    @rule(
        person=PEOPLE,
        rooms=st.lists(ROOMS, max_size=3, unique=True),
        user=st.booleans(),
        presence=st.booleans(),
        active=ACTIVE,
        kind=st.sampled_from([None, EVENT_STREAM]),
    )
    def watch(
        self, person: str, rooms: list[str], user: bool, presence: bool, active: str | None, kind: str | None
    ) -> None:
        seen = tuple(room for room in rooms if self.model.sees(person, room))
        self.begin(Watcher(person, seen, user or not seen, presence, active), kind)

    def begin(self, watcher: Watcher, kind: str | None, last: int | None = None) -> None:
        asked: dict[str, Any] = {"user": 1 if watcher.user else 0, "presence": 1 if watcher.presence else 0}
        names = ",".join(f"example/{room}" for room in watcher.flows)
        by = self.users[watcher.person]
        asked |= {"accept": kind, "filter": names or None, "active": watcher.active}
        listener = listening(self.fake, by=by, last_event_id=last, **asked)
        assert listener.status == 200
        self.model.open(watcher, last)
        self.open.append((watcher, listener))

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        watcher, listener = data.draw(st.sampled_from(self.open))
        streams = self.fake._runs.current.app.streams
        until(lambda: len(streams.open) == len(self.open))
        listener.leave()
        self.open.remove((watcher, listener))
        until(lambda: len(streams.open) == len(self.open))
        self.model.close(watcher)
        if listener.last_event_id is not None:
            self.left.append((watcher, int(listener.last_event_id)))

    @precondition(lambda self: self.left and len(self.open) < MOST)
    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        watcher, last = data.draw(st.sampled_from(self.left))
        self.left.remove((watcher, last))
        if all(self.model.sees(watcher.person, room) for room in watcher.flows):
            again = Watcher(watcher.person, watcher.flows, watcher.user, watcher.presence, watcher.active)
            self.begin(again, EVENT_STREAM, last)

    # Messages

    @rule(person=PEOPLE, room=ROOMS, event=st.sampled_from(["message", "status", "file"]), text=TEXTS, tags=TAGS)
    def post(self, person: str, room: str, event: str, text: str, tags: list[str]) -> None:
        content: Any = {"data": "eA==", "file_name": text} if event == "file" else text
        body = {"event": event, "content": content, "tags": tags}
        reply = self.by(person, "POST", self.messages(room), json=body)
        assert reply.status_code == (201 if self.model.sees(person, room) else 404)
        if reply.ok:
            assert reply.json()["id"] == self.model.post(room, event, person, text, reply.json()["tags"])

    @rule(data=st.data(), room=ROOMS, text=st.none() | TEXTS, tags=st.none() | TAGS)
    def edit(self, data: st.DataObject, room: str, text: str | None, tags: list[str] | None) -> None:
        kept = self.model.rooms[room].messages
        own = [n for n, each in kept.items() if each.event == "message" and self.model.sees(each.author, room)]
        if own:
            number = data.draw(st.sampled_from(own))
            message = kept[number]
            body = {name: value for name, value in (("content", text), ("tags", tags)) if value is not None}
            assert self.by(message.author, "PUT", f"{self.messages(room)}/{number}", json=body).status_code == 200
            tags = message.tags if tags is None else tags
            self.model.edit(room, number, message.author, message.text if text is None else text, tags)

    @rule(data=st.data(), room=ROOMS, person=PEOPLE, add=st.booleans())
    def react(self, data: st.DataObject, room: str, person: str, add: bool) -> None:
        if self.model.rooms[room].messages and self.model.sees(person, room):
            number = data.draw(st.sampled_from(list(self.model.rooms[room].messages)))
            body = {"emoji": "tada", "type": "add" if add else "remove"}
            path = f"{self.messages(room)}/{number}/emoji_reaction"
            assert self.by(person, "POST", path, json=body).status_code == 200
            self.model.react(room, number, person, add=add)

    @rule(data=st.data(), room=ROOMS)
    def delete(self, data: st.DataObject, room: str) -> None:
        kept = self.model.rooms[room].messages
        own = [n for n, each in kept.items() if each.event != "status" and self.model.sees(each.author, room)]
        if own:
            number = data.draw(st.sampled_from(own))
            message = kept[number]
            reply = self.by(message.author, "DELETE", f"{self.messages(room)}/{number}")
            assert reply.status_code == (204 if message.event == "file" else 200)
            if message.event == "file":
                self.model.remove(room, number, message.author)
            else:
                self.model.edit(room, number, message.author, "", message.tags)

    # In private

    def private(self, author: str, talk: str) -> str:
        [other] = {*talk.split("-")} - {author}
        return f"/private/{self.users[other].id}/messages"

    @rule(person=PEOPLE, other=PEOPLE, event=st.sampled_from(["message", "message", "file"]), text=TEXTS, tags=TAGS)
    def whisper(self, person: str, other: str, event: str, text: str, tags: list[str]) -> None:
        content = {"data": "eA==", "file_name": text} if event == "file" else text
        body = {"event": event, "content": content, "tags": tags}
        reply = self.by(person, "POST", f"/private/{self.users[other].id}/messages", json=body)
        belong = self.model.people[person] and self.model.people[other]
        assert reply.status_code == (201 if person != other and belong else 404)
        if reply.ok:
            talk = "-".join(sorted((person, other)))
            assert reply.json()["id"] == self.model.post(talk, event, person, text, reply.json()["tags"])

    @precondition(lambda self: any(talk.messages for talk in self.model.talks.values()))
    @rule(data=st.data(), text=st.none() | TEXTS, tags=st.none() | TAGS, delete=st.booleans())
    def change_in_private(self, data: st.DataObject, text: str | None, tags: list[str] | None, delete: bool) -> None:
        talk = data.draw(st.sampled_from([name for name, talk in self.model.talks.items() if talk.messages]))
        kept = self.model.talks[talk].messages
        number = data.draw(st.sampled_from(list(kept)))
        message = kept[number]
        path = f"{self.private(message.author, talk)}/{number}"
        if not self.model.people[message.author]:
            assert self.by(message.author, "DELETE" if delete else "PUT", path, json={}).status_code == 404
            return
        if delete:
            reply = self.by(message.author, "DELETE", path)
            assert reply.status_code == (204 if message.event == "file" else 200)
            if message.event == "file":
                self.model.remove(talk, number, message.author)
            else:
                self.model.edit(talk, number, message.author, "", message.tags)
            return
        text = None if message.event == "file" else text
        body = {name: value for name, value in (("content", text), ("tags", tags)) if value is not None}
        assert self.by(message.author, "PUT", path, json=body).status_code == 200
        tags = message.tags if tags is None else tags
        self.model.edit(talk, number, message.author, message.text if text is None else text, tags)

    @rule(person=PEOPLE, room=ROOMS, seconds=st.sampled_from([{}, {"last_activity": 1417532018000}]))
    def be_online(self, person: str, room: str, seconds: dict[str, int]) -> None:
        reply = self.by(person, "POST", self.messages(room), json={"event": "activity.user", "content": seconds})
        assert reply.status_code == (202 if self.model.sees(person, room) else 404)
        if reply.ok:
            self.model.tell(room, "activity.user", person, seconds, stored=False)

    # People

    @rule(person=OTHERS)
    def join(self, person: str) -> None:
        flow = self.model.rooms["open"]
        reply = self.by(person, "PUT", "/flows/example/open", json={"open": True})
        may = self.model.people[person] and not flow.archived and person not in flow.members
        assert reply.status_code == (200 if may or self.model.sees(person, "open") else 404)
        if reply.ok:
            self.model.come("open", person, person)

    @rule(person=OTHERS, room=ROOMS)
    def add(self, person: str, room: str) -> None:
        reply = self.by("ada", "POST", f"/flows/example/{room}/users", json={"id": self.users[person].id})
        allowed = self.model.people[person] and not self.model.rooms[room].archived
        assert reply.status_code == (200 if allowed else 404)
        if reply.ok:
            self.model.come(room, person, "ada")

    @rule(person=OTHERS, room=ROOMS)
    def enroll(self, person: str, room: str) -> None:
        self.fake.add_member(self.users[person], flow=f"example/{room}")
        self.model.enroll(room, person)

    @rule(person=OTHERS, room=ROOMS, disabled=st.booleans())
    def block(self, person: str, room: str, disabled: bool) -> None:
        path = f"/flows/example/{room}/users/{self.users[person].id}"
        reply = self.by("ada", "PUT", path, json={"disabled": disabled})
        flow = self.model.rooms[room]
        assert reply.status_code == (200 if person in flow.members and not flow.archived else 404)
        if reply.ok:
            self.model.block(room, person, "ada", disabled=disabled)

    @rule(room=ROOMS, disabled=st.booleans())
    def archive(self, room: str, disabled: bool) -> None:
        assert self.by("ada", "PUT", f"/flows/example/{room}", json={"disabled": disabled}).status_code == 200
        self.model.archive(room, disabled=disabled)

    @rule(person=PEOPLE, nick=st.sampled_from(["Doc", "Marty"]))
    def rename(self, person: str, nick: str) -> None:
        reply = self.by(person, "PUT", f"/users/{self.users[person].id}", json={"nick": nick})
        assert reply.status_code == 200
        self.model.rename(person, nick)

    @rule(person=OTHERS)
    def dismiss(self, person: str) -> None:
        reply = self.by("ada", "DELETE", f"/organizations/example/users/{self.users[person].id}")
        assert reply.status_code == (204 if self.model.people[person] else 404)
        if reply.ok:
            self.model.dismiss(person, "ada")

    # What each stream was sent

    @invariant()
    def each_stream_is_sent_what_it_is_entitled_to(self) -> None:
        for watcher, listener in list(self.open):
            for told in watcher.due:
                shown = listener.next()
                assert self.read(shown) == (told.event, told.user, told.content, told.flow, told.number)
                assert listener.last_event_id in (None, str(told.place))
            watcher.due.clear()
            if watcher.has_ended:
                assert listener.until_the_end() == []
                listener.leave()
                self.open.remove((watcher, listener))

    def read(self, shown: dict[str, Any]) -> tuple[str, str, Any, str | None, int | None]:
        """A record in the words of the model."""
        event, content = shown["event"], shown["content"]
        if event == "file":
            content = content["file_name"]
        elif event == "backend.user.block":
            content = self.named[content]
        elif event in ("backend.user.join", "user-edit"):
            content = {"user": (self.named[str(content["user"]["id"])], content["user"]["nick"])}
        elif event in ("flow-add", "flow-remove"):
            content = self.places[content["id"]]
        elif event == "presence":
            content = content["state"]
        elif event == "action" and content["type"] == "block":
            content = {"type": "block", "description": {"user": self.named[content["description"]["user"]]}}
        person = self.named[str(shown["user_id" if event == "presence" else "user"])]
        where = self.places.get(shown.get("flow", ""))
        if "to" in shown:
            where = "-".join(sorted((person, self.named[shown["to"]])))
        return event, person, content, where, shown.get("id")


TestLifeOfStreams = LifeOfStreams.TestCase
TestLifeOfStreams.settings = examples(80, stateful_step_count=50)
