"""The worlds in which tests/api/test_state_machine.py plays, who posts in them, and what everybody reads."""

from __future__ import annotations

from html import escape
from typing import Any

import requests
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from fakeflowdock import FakeFlowdock
from tests.support.doors import WAIT, as_application, as_user
from tests.support.model import Flow, Message, Model, Organization, Source, Talk, Thread

NAMES = st.text(max_size=5) | st.sampled_from(["Builds", " ", "\u00a0"])
PEOPLE = st.sampled_from(["ada", "bob", "eve"])
SOMEBODY = st.none() | PEOPLE  # None is whoever is most likely to be let in
PLAIN = st.characters(codec="utf-8", exclude_characters="#\uff03@.:")  # names no tags, so that none change
TEXTS = st.sampled_from(["Hello", "Bye", "\u00a0"]) | st.text(PLAIN, max_size=5)
INBOX = ("activity", "discussion")
EVENTS = st.sampled_from(["message", "message", "status"])
TITLES = st.sampled_from(["opened", "closed", " "])
STATES: list[dict[str, Any]] = [{}, {"thread": {"title": "A ticket"}}, {"thread": {"title": "The ticket"}}]
FLOWS, SOURCES, MESSAGES = Bundle("flows"), Bundle("sources"), Bundle("messages")
WHISPERS = Bundle("whispers")
Place = tuple[str, int]  # the path of a flow, and the number of a message in it


class World(RuleBasedStateMachine):
    """Ada administers `example`, Eve `acme`; Bob belongs to both and administers neither."""

    def __init__(self) -> None:
        super().__init__()
        self.fake = FakeFlowdock().start()
        acme = self.fake.add_organization("acme")
        bob, eve = self.fake.add_user(name="Bob"), self.fake.add_user(name="Eve", organization=acme, admin=True)
        self.fake.add_flow("acme/ops", members=[bob, eve])
        self.people = {"ada": self.fake.user, "bob": bob, "eve": eve}
        self.applications = {name: as_application(self.fake, user=user) for name, user in self.people.items()}
        self.calls = 0
        self.session = requests.Session()
        self.model = Model()
        self.model.organizations = {
            "example": Organization({"ada", "bob"}, {"ada"}),
            "acme": Organization({"bob", "eve"}, {"eve"}),
        }
        self.model.flows = {"example/main": Flow("example", {"ada"}), "acme/ops": Flow("acme", {"bob", "eve"})}

    def teardown(self) -> None:
        self.session.close()
        self.fake.stop()

    @initialize(target=FLOWS)
    def begin(self) -> Any:
        return multiple(*self.model.flows)

    def call(self, method: str, path: str, who: dict[str, Any], **more: Any) -> requests.Response:
        self.calls += 1
        door = self.fake.url if self.calls % 3 == 0 else "https://api.flowdock.com"  # a socket takes longer
        reply = self.session.request(method, door + path, timeout=9, **who, **more)
        self.session.cookies.clear()
        return reply

    def by(self, person: str, method: str, path: str, **more: Any) -> requests.Response:
        return self.call(method, path, as_user(self.people[person]), **more)


class Whispering(World):
    """People talk in private. Whoever leaves loses what was said, and cannot be written to. The other keeps it."""

    def place(self, other: str) -> str:
        return f"/private/{self.people[other].id}"

    def reaches(self, person: str, other: str) -> bool:
        talk = self.model.talks.get(frozenset({person, other}))
        return self.model.may_write(person, other) or (talk is not None and self.hears(person, talk))

    def hears(self, person: str, talk: Talk) -> bool:
        """Whether somebody still sees a conversation of theirs: they belong where it began, or share another place."""
        [other] = talk.people - {person}
        two = {self.people[each].id for each in talk.people}
        [place] = [each.organization_id for each in self.fake.private_conversations if each.user_ids == two]
        [name] = [each.parameterized_name for each in self.fake.organizations if each.id == place]
        return person in self.model.organizations[name].members or self.model.may_write(person, other)

    @rule(person=PEOPLE, other=PEOPLE, is_open=st.none() | st.booleans())
    def open_talk(self, person: str, other: str, is_open: bool | None) -> None:
        if is_open is None:
            reply = self.by(person, "GET", self.place(other))
        else:
            reply = self.by(person, "PUT", self.place(other), json={"open": is_open})
        assert reply.status_code == (200 if self.reaches(person, other) else 404)
        if reply.ok:
            talk = self.model.talk(person, other)
            if is_open is not None:
                (talk.open.add if is_open else talk.open.discard)(person)
            assert reply.json()["open"] is (person in talk.open)

    @rule(target=WHISPERS, person=PEOPLE, other=PEOPLE, text=TEXTS)
    def whisper(self, person: str, other: str, text: str) -> Any:
        reply = self.by(person, "POST", f"{self.place(other)}/messages", json={"event": "message", "content": text})
        if not self.model.may_write(person, other):
            assert reply.status_code == 404
        elif not text.strip():
            assert reply.json()["errors"] == {"content": ["can't be blank"]}
        else:
            assert reply.status_code == 201, reply.text
            number = self.model.talk(person, other).say(person, text)
            assert (reply.json()["id"], reply.json()["to"]) == (number, str(self.people[other].id))
            return person, other, number
        return multiple()

    @rule(whisper=WHISPERS, person=PEOPLE, text=st.none() | TEXTS)
    def change_whisper(self, whisper: tuple[str, str, int], person: str, text: str | None) -> None:
        """Edit a message, or delete it."""
        author, other, number = whisper
        partner = other if person == author else author
        talk = self.model.talks.get(frozenset({person, partner}))
        body = {} if text is None else {"json": {"content": text}}
        path = f"{self.place(partner)}/messages/{number}"
        reply = self.by(person, "DELETE" if text is None else "PUT", path, **body)
        if talk is None or number not in talk.texts or not self.hears(person, talk):
            assert reply.status_code == 404
        elif text is not None and not text.strip():
            assert reply.status_code == 400
        else:
            assert reply.status_code == (200 if person == talk.texts[number][0] else 403)
            if reply.ok:
                talk.rewrite(number, text or "")

    @rule(whisper=WHISPERS)
    def read_whisper(self, whisper: tuple[str, str, int]) -> None:
        author, reader, number = whisper
        reply = self.by(reader, "PUT", f"{self.place(author)}/messages/{number}", json={"tags": []})
        talk = self.model.talk(author, reader)
        assert reply.status_code == (200 if self.hears(reader, talk) else 404)
        if reply.ok:
            talk.read(number)

    @invariant()
    def each_reads_what_was_said_to_them(self) -> None:
        for person, user in self.people.items():
            every = [talk for both, talk in self.model.talks.items() if person in both]
            talks = [talk for talk in every if self.hears(person, talk)]
            shown = self.by(person, "GET", "/private").json()
            assert [(each["users"][0]["id"], each["open"], each["activity"]["mentions"]) for each in shown] == [
                (user.id, person in talk.open, talk.unread_by(person)) for talk in talks
            ]
            for talk in talks:
                [other] = talk.people - {person}
                messages = self.by(person, "GET", f"{self.place(other)}/messages", params={"limit": 100}).json()
                assert [(each["id"], each["user"], each["content"]) for each in messages] == [
                    (number, str(self.people[author].id), text) for number, (author, text) in talk.texts.items()
                ]


class Sourcing(World):
    """Sources come and go, and their flows are told that they came."""

    @rule(target=SOURCES, flow=FLOWS, person=PEOPLE, name=NAMES)
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
            self.announced(number)
            return number
        return multiple()

    def expected(self, number: int, flow: str, person: str) -> int:
        """What somebody is answered about a source in some flow."""
        source = self.model.sources[number]
        return 200 if self.model.sees(person, flow) and source.flow == flow and not source.deleted else 404

    @rule(number=SOURCES, flow=st.none() | FLOWS, person=PEOPLE)
    def delete_source(self, number: int, flow: str | None, person: str) -> None:
        flow = flow or self.model.sources[number].flow
        reply = self.by(person, "DELETE", f"/flows/{flow}/sources/{number}")
        assert reply.status_code == (204 if self.expected(number, flow, person) == 200 else 404)
        if reply.ok:
            self.model.sources[number].deleted = True

    def announced(self, number: int) -> None:
        """The model of what a flow is told of a new source."""
        name = escape(self.model.sources[number].name, quote=False)
        thread = Thread(f"{self.fake.application.name} source {name} added", number)
        self.model.post(self.model.sources[number].flow, "activity", None, f"added source {name}", thread)


class Posting(World):
    """People and sources talk."""

    def meant(self, somebody: str | None, flow: str, message: Message | None = None) -> str:
        """Somebody, or who wrote a message, or else who sees a flow."""
        members = [person for person in self.people if self.model.sees(person, flow)]
        return somebody or (message.person if message is not None else None) or [*members, "ada"][0]

    def posted(self, reply: requests.Response, place: str, message: Message) -> Any:
        """What was answered to somebody who posted a message, which the model has now too."""
        if reply.status_code == 202:
            assert reply.json() == {}
        else:
            assert reply.status_code == 201, reply.text
            self.check(message, reply.json())
        return place, message.number

    # Posts

    @rule(target=MESSAGES, flow=FLOWS, somebody=SOMEBODY, event=EVENTS, text=TEXTS)
    def say(self, flow: str, somebody: str | None, event: str, text: str) -> Any:
        person = self.meant(somebody, flow)
        reply = self.by(person, "POST", f"/flows/{flow}/messages", json={"event": event, "content": text})
        if not self.model.sees(person, flow):
            assert reply.status_code == 404
        elif not text.strip():
            assert reply.json()["errors"] == {"content": ["can't be blank"]}
        else:
            thread = None if event == "status" else Thread(text)
            return self.posted(reply, flow, self.model.post(flow, event, person, text, thread))
        return multiple()

    @rule(target=MESSAGES, place=MESSAGES, somebody=SOMEBODY, event=EVENTS, text=TEXTS)
    def answer_in_the_thread(self, place: Place, somebody: str | None, event: str, text: str) -> Any:
        flow, first = place[0], self.model.flows[place[0]].posted[place[1]]
        person = self.meant(somebody, flow)
        known = first.thread.id if first.thread is not None else "none"
        path = f"/flows/{flow}/threads/{known}/messages"
        reply = self.by(person, "POST", path, json={"event": event, "content": text})
        if not self.model.sees(person, flow) or first.thread is None:
            assert reply.status_code == 404
        elif not text.strip() or event == "status":
            assert list(reply.json()["errors"]) == ["event" if text.strip() else "content"]
        else:
            return self.posted(reply, flow, self.model.post(flow, event, person, text, first.thread))
        return multiple()

    @rule(target=MESSAGES, place=MESSAGES, somebody=SOMEBODY, text=TEXTS)
    def comment(self, place: Place, somebody: str | None, text: str) -> Any:
        flow, first = place[0], self.model.flows[place[0]].posted[place[1]]
        person = self.meant(somebody, flow)
        path = f"/flows/{flow}/messages/{place[1]}/comments"
        reply = self.by(person, "POST", path, json={"event": "comment", "content": text})
        if not self.model.sees(person, flow) or first.removed:
            assert reply.status_code == 404
        elif not text.strip() or first.event == "comment":
            assert list(reply.json()["errors"]) == ["message" if text.strip() else "content"]
        else:
            thread = first.thread or Thread(first.text)
            return self.posted(reply, flow, self.model.post(flow, "comment", person, text, thread))
        return multiple()

    @rule(
        target=MESSAGES,
        number=SOURCES,
        event=st.sampled_from(INBOX),
        title=TITLES,
        ticket=st.sampled_from(["1", "2"]),
        state=st.sampled_from(STATES),
        waits=st.booleans(),
    )
    def tell(self, number: int, event: str, title: str, ticket: str, state: dict[str, Any], waits: bool) -> Any:
        source = self.model.sources[number]
        told = {"flow_token": source.flow_token, "event": event, "title": title, "author": {"name": "Marty"}}
        body = {**told, "external_thread_id": ticket, **state}
        reply = self.call("POST", "/messages", {"headers": WAIT if waits else {}}, json=body)
        known = source.threads.get(ticket)
        if source.deleted:
            assert reply.status_code == 410
        elif not title.strip():
            assert reply.json()["errors"] == {"title": ["can't be blank"]}
        elif known is None and not state:
            assert list(reply.json()["errors"]) == ["thread"]
        else:
            assert reply.status_code == (201 if waits else 202)
            thread = source.threads.setdefault(ticket, Thread("", number))
            thread.title = state["thread"]["title"] if state else thread.title
            return self.posted(reply, source.flow, self.model.post(source.flow, event, None, title, thread))
        return multiple()

    @rule(target=MESSAGES, number=SOURCES, text=TEXTS, waits=st.booleans())
    def a_source_chats(self, number: int, text: str, waits: bool) -> Any:
        source = self.model.sources[number]
        body = {"flow_token": source.flow_token, "event": "message", "content": text}
        reply = self.call("POST", f"/flows/{source.flow}/messages", {"headers": WAIT if waits else {}}, json=body)
        if source.deleted:
            assert reply.status_code == 410
        elif not text.strip():
            assert reply.status_code == 400
        else:
            assert reply.status_code == (201 if waits else 202)
            return self.posted(reply, source.flow, self.model.post(source.flow, "message", None, text, Thread(text)))
        return multiple()

    # What becomes of them

    @rule(place=MESSAGES, somebody=SOMEBODY, text=TEXTS)
    def edit(self, place: Place, somebody: str | None, text: str) -> None:
        message = self.model.flows[place[0]].posted[place[1]]
        person = self.meant(somebody, place[0], message)
        reply = self.by(person, "PUT", f"/flows/{place[0]}/messages/{place[1]}", json={"content": text})
        if not self.model.sees(person, place[0]) or message.removed:
            assert reply.status_code == 404
        elif not text.strip():
            assert reply.status_code == 400
        else:
            assert reply.status_code == (200 if message.is_written_by(person) else 403)
            if reply.ok:
                self.model.rewrite(place[0], message, text)

    @rule(place=MESSAGES, person=PEOPLE, kind=st.sampled_from(["add", "add", "remove"]))
    def react(self, place: Place, person: str, kind: str) -> None:
        message = self.model.flows[place[0]].posted[place[1]]
        path = f"/flows/{place[0]}/messages/{place[1]}/emoji_reaction"
        reply = self.by(person, "POST", path, json={"type": kind, "emoji": "tada"})
        assert reply.status_code == (200 if self.model.sees(person, place[0]) and not message.removed else 404)
        if reply.ok:
            self.model.react(place[0], message, person, add=kind == "add")

    @rule(place=MESSAGES, somebody=SOMEBODY)
    def delete(self, place: Place, somebody: str | None) -> None:
        message = self.model.flows[place[0]].posted[place[1]]
        person = self.meant(somebody, place[0], message)
        reply = self.by(person, "DELETE", f"/flows/{place[0]}/messages/{place[1]}")
        if not self.model.sees(person, place[0]) or message.removed:
            assert reply.status_code == 404
        elif message.event in INBOX:
            assert reply.status_code == 204
            self.model.remove(place[0], message)
        else:
            assert reply.status_code == (200 if message.is_written_by(person) else 403)
            if reply.ok:
                self.model.rewrite(place[0], message, "")

    @rule(place=MESSAGES, person=PEOPLE)
    def read_again(self, place: Place, person: str) -> None:
        reply = self.by(person, "GET", f"/flows/{place[0]}/messages/{place[1]}")
        message = self.model.flows[place[0]].posted[place[1]]
        assert reply.status_code == (200 if self.model.sees(person, place[0]) and not message.removed else 404)
        if reply.ok:
            self.check(message, reply.json())

    # What everybody reads, after each step

    @invariant()
    def each_reads_what_the_model_says(self) -> None:
        for path, flow in self.model.flows.items():
            there = [message for message in flow.posted.values() if not message.removed]
            readers = [person for person in self.people if self.model.sees(person, path)]
            for person in readers:
                shown = self.by(person, "GET", f"/flows/{path}/messages", params={"limit": 100}).json()
                assert [message["id"] for message in shown] == [message.number for message in there]
                for message, one in zip(there, shown, strict=True):
                    self.check(message, one)
            for person in readers[:1]:
                threads = self.by(person, "GET", f"/flows/{path}/threads", params={"limit": 100}).json()
                expected = {id(message.thread): message.thread for message in there if message.thread is not None}
                assert [thread["id"] for thread in threads] == [
                    thread.id for thread in sorted(expected.values(), key=lambda each: -each.updated)
                ]

    def check(self, message: Message, shown: dict[str, Any]) -> None:
        """Hold a message, as somebody is shown it, against the model, which learns the id of its thread by it."""
        said = shown["content"]["text"] if message.event == "comment" else shown["content"] or shown.get("title", "")
        user = str(self.people[message.person].id) if message.person is not None else "0"
        expected = (message.number, message.event, user, message.text)
        assert (shown["id"], shown["event"], shown["user"], said) == expected
        reacted = [str(self.people[person].id) for person in message.reacted]
        assert shown["emojiReactions"] == ({"tada": reacted} if reacted else {})
        assert ("thread" in shown) is (message.thread is not None)
        if message.thread is not None:
            thread = shown["thread"]
            message.thread.id = message.thread.id or thread["id"]
            counts = [thread[name] for name in ("activities", "internal_comments", "external_comments")]
            source = thread["source"]["id"] if "source" in thread else None
            assert (thread["id"], thread["title"], source, counts) == message.thread.shown
            assert thread["initial_message"] == message.thread.first
