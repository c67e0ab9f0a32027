"""Fill a world with bulk data, the same for the same world. docs/guide/how-to.md#fill-a-world-with-bulk-data."""

from __future__ import annotations

from dataclasses import replace
from itertools import count, cycle, islice
from typing import TYPE_CHECKING, Any

from . import errors, factories, people
from .posting import Post

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .models import Flow, Message, Source, User
    from .store import Store

NAMES = ("Ada", "Bob", "Carol", "Dan", "Erin", "Frank", "Grace", "Heidi", "Ivan", "Judy", "Karl", "Lena", "Mia", "Nils")
SENTENCES = (
    "Is the build #green?",
    "The deployment of version {number} is done #deploy",
    "I am looking at ticket {number}",
    "Good morning",
    "Who reviews pull request {number}? #review",
    "It works again",
    "See https://example.com/reports/{number}",
)
STATUSES = (("open", "blue"), ("failed", "red"), ("passed", "green"))
THREADS = 3  # activities of a source in one thread


def populate(store: Store, *, users: int, flows: int, sources: int, messages: int) -> None:
    """Add users, flows, sources and messages. Raises ValueError if a number is invalid."""
    for name, number in (("users", users), ("flows", flows), ("sources", sources), ("messages", messages)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise ValueError(errors.BULK.format(name=name, given=number))
    with store.lock:
        if (sources or messages) and not flows and all(flow.disabled for flow in store.flows.values()):
            raise ValueError(errors.NO_FLOW)
        if sources and not store.applications:
            raise ValueError(errors.NO_APPLICATION)
        if (users or flows) and not store.organizations:
            raise ValueError(errors.NO_ORGANIZATION)
        if (flows or sources) and not (users or store.users):
            raise ValueError(errors.NO_USER)
        added = [_user(store) for _ in range(users)]
        if flows:
            _add_flows(store, flows, added)
        elif added:
            for flow in [*store.flows.values()][:1]:
                people.change_flow(store, replace(flow, member_ids=flow.member_ids | {user.id for user in added}))
        if sources:
            _add_sources(store, sources)
        _post(store, messages)


def _user(store: Store) -> User:
    number = next(n for n in count(len(store.users) + 1) if store.user_by_email(f"user{n}@example.com") is None)
    name = NAMES[number % len(NAMES)]
    organization = next(iter(store.organizations.values()))
    return factories.add_user(
        store,
        name=f"{name} {number}",
        nick=f"{name.lower()}{number}",
        email=f"user{number}@example.com",
        organization=organization,
    )


def _add_flows(store: Store, number: int, added: Sequence[User]) -> None:
    first, organization = next(iter(store.users.values())), next(iter(store.organizations.values()))
    for name in islice(_free_names(store, organization.parameterized_name), number):
        factories.add_flow(store, name, members=[first, *added])


def _add_sources(store: Store, number: int) -> None:
    first, application = next(iter(store.users.values())), next(iter(store.applications.values()))
    for _, flow in zip(range(number), cycle([*store.flows.values()]), strict=False):
        name = f"Source {len(store.sources) + 1}"
        factories.add_source(store, name=name, flow=flow, application=application, creator=first, external_url=None)


def _free_names(store: Store, organization: str) -> Iterator[str]:
    for number in count(len(store.flows) + 1):
        if store.flow_named(organization, f"flow-{number}") is None:
            yield f"{organization}/flow-{number}"


def _post(store: Store, messages: int) -> None:
    """Post messages to all flows in turn, by their members and sources. Every sixth one is a comment."""
    places = [_Place(store, flow) for flow in store.flows.values() if not flow.disabled]
    for number, place in zip(range(messages), cycle(places), strict=False):
        place.post(number)


class _Place:
    """A flow that gets messages."""

    def __init__(self, store: Store, flow: Flow) -> None:
        self.store, self.flow = store, flow
        self.users: list[User] = [store.users[number] for number in sorted(flow.member_ids)]
        self.sources: list[Source] = store.sources_of_flow(flow)
        self.turn = 0
        self.latest: Message | None = None

    def post(self, number: int) -> None:
        self.turn += 1
        user = self.users[self.turn % len(self.users)] if self.users else None
        if self.sources and (self.turn % 3 == 0 or user is None):
            source = self.sources[self.turn % len(self.sources)]
            Post(self.store, self.flow, "activity", self._activity(source), source=source).send()
            return
        content = SENTENCES[number % len(SENTENCES)].format(number=number)
        fields = {"content": content} if user is not None else {"content": content, "external_user_name": "Guest"}
        parent = self.latest if self.turn % 6 == 5 else None
        event = "message" if parent is None else "comment"
        message = Post(self.store, self.flow, event, fields, user=user, parent=parent).send()
        self.latest = message if parent is None else self.latest

    def _activity(self, source: Source) -> dict[str, Any]:
        ticket = self.turn // (3 * THREADS)
        value, color = STATUSES[self.turn // 3 % len(STATUSES)]
        return {
            "title": f"changed ticket {ticket} to {value}",
            "author": {"name": source.name},
            "external_thread_id": f"ticket-{self.flow.parameterized_name}-{ticket}",
            "thread": {"title": f"Ticket {ticket}", "status": {"value": value, "color": color}},
        }
