"""What each stream is entitled to, worked out from the operations alone. It reads nothing of the fake's rules."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

ACTIVE, IDLE = 2_000_000, 1_000_000
STATES = {"true": ACTIVE, "idle": IDLE}


@dataclass
class Told:
    """An event as a stream should show it: `flow` by its name, `user` by the name of a person.

    `flow` of a private event are both persons, `ada-bob`.
    """

    event: str
    user: str
    content: Any
    flow: str | None = None
    number: int | None = None
    stored: bool = True
    place: int = 0  # how much was stored in the world until then


@dataclass
class Kept:
    """A message. `text` is what it says now."""

    event: str
    author: str
    text: str
    tags: list[str] = field(default_factory=list)
    reacted: set[str] = field(default_factory=set)


@dataclass
class Room:
    """A flow, or a private conversation, which is for the streams of its two users."""

    members: set[str]
    blocked: set[str] = field(default_factory=set)
    archived: bool = False
    private: bool = False
    numbers: int = 0
    messages: dict[int, Kept] = field(default_factory=dict)
    history: list[tuple[int, Told]] = field(default_factory=list)  # what is stored, with its place in the world

    @property
    def seen_by(self) -> set[str]:
        return set() if self.archived else self.members - self.blocked


@dataclass(eq=False)
class Watcher:
    """A stream of a person: what it has a right to and was not read yet."""

    person: str
    flows: tuple[str, ...]
    user: bool
    presence: bool
    active: str | None
    due: list[Told] = field(default_factory=list)
    has_ended: bool = False


class Telling:
    """The flows, who watches, and who is told what."""

    def __init__(self, people: list[str], rooms: dict[str, set[str]]) -> None:
        self.people = dict.fromkeys(people, True)  # whether they belong to the organization
        self.nicks = {person: person for person in people}
        self.rooms = {name: Room(set(members)) for name, members in rooms.items()}
        self.talks: dict[str, Room] = {}
        self.watchers: list[Watcher] = []
        self.places = 0

    def place(self, name: str) -> Room:
        """A flow, or a private conversation, which begins if there is none."""
        if "-" in name and name not in self.talks:
            self.talks[name] = Room({*name.split("-")}, private=True)
        return self.talks.get(name) or self.rooms[name]

    def sees(self, person: str, room: str) -> bool:
        return person in self.rooms[room].seen_by

    def hears(self, watcher: Watcher) -> bool:
        """Whether a stream is sent what is said in private. Whoever leaves the organization loses it."""
        return watcher.user and self.people[watcher.person]

    # Who is told

    def tell(self, room: str, event: str, user: str, content: Any, *, stored: bool = True) -> int:
        """Let all be told who watch a flow and see it; the number of the event."""
        flow = self.place(room)
        flow.numbers += 1
        self.places += stored
        told = Told(event, user, content, room, flow.numbers, stored, self.places)
        if stored:
            flow.history.append((self.places, told))
        for watcher in self.watchers:
            watches = self.hears(watcher) if flow.private else room in watcher.flows
            if watches and watcher.person in flow.seen_by and not watcher.has_ended:
                watcher.due.append(told)
        return flow.numbers

    def tell_user(self, event: str, person: str, content: Any) -> None:
        for watcher in self.watchers:
            if watcher.user and watcher.person == person and not watcher.has_ended:
                watcher.due.append(Told(event, person, content, stored=False, place=self.places))

    def regroup(self, room: str, before: set[str]) -> None:
        """Let those be told who see a flow now and did not, and those who do not see it any more."""
        after = self.rooms[room].seen_by
        for person in self.people:
            if person in after - before:
                self.tell_user("flow-add", person, room)
            if person in before - after:
                self.tell_user("flow-remove", person, room)

    # Messages

    def post(self, room: str, event: str, author: str, text: str, tags: list[str]) -> int:
        number = self.tell(room, event, author, text)
        self.place(room).messages[number] = Kept(event, author, text, tags)
        return number

    def edit(self, room: str, number: int, by: str, text: str, tags: list[str]) -> None:
        kept = self.place(room).messages[number]
        if text != kept.text:
            self.tell(room, "message-edit", by, {"message": number, "updated_content": text})
        add = [tag for tag in tags if tag not in kept.tags]
        remove = [tag for tag in kept.tags if tag not in tags]
        if add or remove:
            self.tell(room, "tag-change", by, {"message": number, "add": add, "remove": remove})
        kept.text, kept.tags = text, tags

    def react(self, room: str, number: int, by: str, *, add: bool) -> None:
        kept = self.rooms[room].messages[number]
        if (by in kept.reacted) is not add:
            (kept.reacted.add if add else kept.reacted.discard)(by)
            content = {"message": number, "emoji": "tada", "type": "add" if add else "remove"}
            self.tell(room, "emoji-reaction", by, content)

    def remove(self, room: str, number: int, by: str) -> None:
        flow = self.place(room)
        del flow.messages[number]
        flow.history = [each for each in flow.history if each[1].number != number]
        self.tell(room, "message-delete", by, {"message": number})

    # People

    def come(self, room: str, person: str, by: str) -> None:
        """Join a flow, or be added to it by somebody else."""
        flow = self.rooms[room]
        if person in flow.members:
            return
        before = flow.seen_by
        flow.members.add(person)
        nick = self.nicks[person]
        content = {"type": "join"} if person == by else {"type": "add_people", "message": [nick], "description": nick}
        self.tell(room, "action", by, content)
        self.tell(room, "backend.user.join", person, {"user": (person, nick)})
        self.regroup(room, before)

    def enroll(self, room: str, person: str) -> None:
        """Let a test make somebody a member, which nobody is told but them."""
        before = self.rooms[room].seen_by
        self.rooms[room].members.add(person)
        self.people[person] = True
        self.regroup(room, before)

    def block(self, room: str, person: str, by: str, *, disabled: bool) -> None:
        flow = self.rooms[room]
        before = flow.seen_by
        if disabled and person not in flow.blocked:
            self.tell(room, "action", by, {"type": "block", "description": {"user": person}})
            self.tell(room, "backend.user.block", by, person)
        (flow.blocked.add if disabled else flow.blocked.discard)(person)
        self.regroup(room, before)

    def archive(self, room: str, *, disabled: bool) -> None:
        before = self.rooms[room].seen_by
        self.rooms[room].archived = disabled
        self.regroup(room, before)

    def rename(self, person: str, nick: str) -> None:
        if nick != self.nicks[person]:
            self.nicks[person] = nick
            for room in self.rooms:
                if self.sees(person, room):
                    self.tell(room, "user-edit", person, {"user": (person, nick)})

    def dismiss(self, person: str, by: str) -> None:
        """Remove somebody from the organization, after which none of their streams has anything left to wait for."""
        for room, flow in self.rooms.items():
            if self.sees(person, room):
                before = flow.seen_by
                self.tell(room, "backend.user.block", by, person)
                flow.members.discard(person)
                self.regroup(room, before)
            flow.members.discard(person)
            flow.blocked.discard(person)
        self.people[person] = False
        for watcher in [each for each in self.watchers if each.person == person]:
            watcher.has_ended = True
        self.turn(person)

    # Streams

    def state(self, person: str) -> int:
        shown = [STATES[each.active] for each in self.watchers if each.person == person and each.active]
        return max(shown, default=0)

    def open(self, watcher: Watcher, last: int | None = None) -> None:
        """Open a stream. What it missed since an event is due first."""
        if last is not None:
            rooms = [self.rooms[name] for name in watcher.flows]
            rooms += [talk for talk in self.talks.values() if self.hears(watcher) and watcher.person in talk.members]
            missed = [each for room in rooms for each in room.history if each[0] > last]
            watcher.due = [self.now(told) for _, told in sorted(missed, key=lambda each: each[0])]
        before = self.state(watcher.person)
        self.shown(watcher.person, before, max(before, STATES.get(watcher.active or "", 0)))
        self.watchers.append(watcher)

    def now(self, told: Told) -> Told:
        """An event that is told again: a message as it is now."""
        kept = self.place(str(told.flow)).messages.get(told.number or 0)
        return told if kept is None else replace(told, content=kept.text)

    def close(self, watcher: Watcher) -> None:
        before = self.state(watcher.person)
        self.watchers.remove(watcher)
        self.shown(watcher.person, before, self.state(watcher.person))

    def shown(self, person: str, before: int, state: int) -> None:
        """Let those be told who share a flow with somebody, if they look otherwise now."""
        if before == state:
            return
        near = {each for room in self.rooms if self.sees(person, room) for each in self.rooms[room].seen_by}
        for watcher in self.watchers:
            if watcher.presence and watcher.person in near and not watcher.has_ended:
                watcher.due.append(Told("presence", person, state, stored=False, place=self.places))

    def turn(self, person: str) -> None:
        """Forget the streams that have ended."""
        before = self.state(person)
        self.watchers = [each for each in self.watchers if not each.has_ended]
        self.shown(person, before, self.state(person))
