"""The rules of who sees what and what exists, written a second time and independently of the fake."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Organization:
    members: set[str]
    admins: set[str]


# Which counter of its thread a message of each event moves.
COUNTERS = {"activity": 0, "message": 1, "comment": 1, "discussion": 2}


@dataclass
class Thread:
    """What belongs together; its `id` is learned when somebody is first shown it.

    `counts` are its activities, comments from inside and comments from outside; `updated` says when its last message
    came, counting all messages of the world.
    """

    title: str
    source: int | None = None
    id: str | None = None
    first: int = 0
    updated: int = 0
    counts: list[int] = field(default_factory=lambda: [0, 0, 0])

    @property
    def shown(self) -> tuple[str | None, str, int | None, list[int]]:
        return self.id, self.title, self.source, self.counts


@dataclass
class Message:
    """`person` is None where a source sent it.

    `text` is what was written, the title of what a source tells, or the content of an action.
    """

    number: int
    event: str
    person: str | None
    text: Any
    thread: Thread | None
    removed: bool = False
    reacted: list[str] = field(default_factory=list)

    def is_written_by(self, person: str) -> bool:
        """Whether somebody may change what it says."""
        return self.person == person and self.event in ("message", "comment")

    def rewrite(self, text: str) -> None:
        """Change what it says. A thread of the chat that began with it goes by that."""
        self.text = text
        if self.thread is not None and self.thread.source is None and self.thread.first == self.number:
            self.thread.title = text

    def remove(self) -> None:
        """Take it away."""
        self.removed = True
        if self.thread is not None:
            self.thread.counts[COUNTERS[self.event]] -= 1


@dataclass
class Flow:
    organization: str
    members: set[str]
    admins: set[str] = field(default_factory=set)
    blocked: set[str] = field(default_factory=set)
    mode: str = "invitation"
    archived: bool = False
    posted: dict[int, Message] = field(default_factory=dict)  # by number, removed ones too
    numbers: int = 0  # that are used up, by messages and by what happened to them


@dataclass
class Talk:
    """A private conversation. `texts` are what was written by whom, by number; `open` are those who have it open."""

    people: frozenset[str]
    open: set[str] = field(default_factory=set)
    texts: dict[int, tuple[str, str]] = field(default_factory=dict)
    unread: set[int] = field(default_factory=set)
    numbers: int = 0  # that are used up, by messages and by what happened to them

    def say(self, person: str, text: str) -> int:
        """Let somebody say something; the number of the message."""
        self.numbers += 1
        self.texts[self.numbers] = person, text
        self.open = {*self.people}
        self.unread.add(self.numbers)
        return self.numbers

    def rewrite(self, number: int, text: str) -> None:
        """Let a message be edited, which uses a number if it says something else from then on."""
        person, before = self.texts[number]
        self.numbers += text != before
        self.texts[number] = person, text

    def read(self, number: int) -> None:
        """Let a message be read, which uses a number if it was not yet."""
        self.numbers += number in self.unread
        self.unread.discard(number)

    def unread_by(self, person: str) -> int:
        """How many messages somebody has not read."""
        return sum(self.texts[number][0] != person for number in self.unread)


@dataclass
class Source:
    flow: str
    name: str
    flow_token: str
    error_message: str | None = None
    deleted: bool = False
    threads: dict[str, Thread] = field(default_factory=dict)  # by the names that the source gave them


@dataclass
class Grant:
    """What somebody allowed an application once; its code was exchanged."""

    person: str
    code: str
    revoked: bool = False


@dataclass
class Token:
    """What a code or a refresh token gave. Times are in seconds since the world began to be watched."""

    grant: Grant
    access_token: str
    refresh_token: str
    expires_at: int
    refreshed: bool = False


class Model:
    """A world as its rules have it. People, organizations and flows go by their names."""

    def __init__(self) -> None:
        self.organizations: dict[str, Organization] = {}
        self.flows: dict[str, Flow] = {}
        self.sources: dict[int, Source] = {}
        self.talks: dict[frozenset[str], Talk] = {}  # in the order in which they began
        self.tokens: list[Token] = []
        self.now = 0
        self.posts = 0

    def post(self, path: str, event: str, person: str | None, text: Any, thread: Thread | None) -> Message:
        """Let a message be sent to a flow; it has the next number there."""
        flow = self.flows[path]
        flow.numbers += 1
        message = flow.posted[flow.numbers] = Message(flow.numbers, event, person, text, thread)
        self.posts += 1
        if thread is not None:
            thread.first, thread.updated = thread.first or message.number, self.posts
            thread.counts[COUNTERS[event]] += 1
        return message

    def act(self, path: str, person: str, **content: Any) -> None:
        """Let a flow be told what was done to it; what clients alone are told of it uses a number too."""
        self.post(path, "action", person, content, None)
        self.flows[path].numbers += 1

    def remove(self, path: str, message: Message) -> None:
        """Take a message away, which uses a number."""
        self.flows[path].numbers += 1
        message.remove()

    def rewrite(self, path: str, message: Message, text: str) -> None:
        """Let a message be edited, which uses a number if it says something else from then on."""
        self.flows[path].numbers += text != message.text
        message.rewrite(text)

    def react(self, path: str, message: Message, person: str, *, add: bool) -> None:
        """Let somebody react to a message, or take that back, which uses a number if it is news."""
        if (person in message.reacted) is not add:
            self.flows[path].numbers += 1
            if add:
                message.reacted.append(person)
            else:
                message.reacted.remove(person)

    def may_write(self, person: str, other: str) -> bool:
        """Whether two people share an organization, and are two."""
        return person != other and any({person, other} <= each.members for each in self.organizations.values())

    def talk(self, person: str, other: str) -> Talk:
        """The conversation of two people, which begins if there is none."""
        both = frozenset({person, other})
        return self.talks.setdefault(both, Talk(both))

    def lives(self, token: Token) -> bool:
        """Whether an access token lets its application in."""
        return not token.grant.revoked and self.now < token.expires_at

    def sees(self, person: str, path: str) -> bool:
        """Whether somebody sees a flow and what is in it."""
        flow = self.flows[path]
        return person in flow.members and person not in flow.blocked and not flow.archived

    def may_join(self, person: str, path: str) -> bool:
        """Whether somebody who is no member lets themselves in."""
        flow = self.flows[path]
        belongs = person in self.organizations[flow.organization].members
        return flow.mode == "organization" and belongs and person not in flow.members and not flow.archived

    def reaches(self, person: str, path: str) -> bool:
        """Whether a flow exists for somebody who names it."""
        flow = self.flows[path]
        revives = flow.archived and person in self.organizations[flow.organization].admins
        return self.sees(person, path) or self.may_join(person, path) or revives

    def administers(self, person: str, path: str) -> bool:
        """Whether somebody may change a flow."""
        flow = self.flows[path]
        return person in flow.admins or person in self.organizations[flow.organization].admins

    def sees_user(self, person: str, other: str) -> bool:
        """Whether somebody is in another's list of users."""
        administered = any(person in o.admins and other in o.members for o in self.organizations.values())
        return person == other or administered or any(self.sees(person, f) and self.sees(other, f) for f in self.flows)

    def leave(self, person: str, organization: str) -> None:
        """Take somebody out of an organization, which uses a number in each flow that they saw there."""
        for path, flow in self.flows.items():
            flow.numbers += flow.organization == organization and self.sees(person, path)
        self.organizations[organization].members.discard(person)
        self.organizations[organization].admins.discard(person)
        for flow in self.flows.values():
            if flow.organization == organization:
                for group in (flow.members, flow.blocked, flow.admins):
                    group.discard(person)
