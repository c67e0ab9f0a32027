"""A server over a world with any number of entities of each kind: `python -m benchmarks.growth_world 1000 --port 0`.

In the middle of them all is one user. The world is built in the process of the server, because to read one of 1.5
million entities from a file takes two minutes.
"""

from __future__ import annotations

import gc
import hashlib
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fakeflowdock.world.models import Message
    from fakeflowdock.world.store import Store

BUSY, FRIEND, QUIET = 1, 2, 3  # users: in the middle of everything; who talks with them; beside all of it
FIRST = 100  # the number of the first of the many
EXAMPLE, HOME = "example", "home"  # organizations: of everybody, and of the quiet user, with little in it
SMALL = "small"  # a flow of `example` with one member
SSO = "growth-sso"  # the uid of `example`
SSO_OF_HOME = "home-sso"


def secret(kind: str, number: int = FIRST) -> str:
    """Return a secret or an id of one of the many: 32 hexadecimal digits."""
    return hashlib.blake2b(f"{kind}/{number}".encode(), digest_size=16).hexdigest()


def file_token(number: int) -> str:
    """Return the token of the file of a message."""
    return secret("file", number)[:22]


def thread_id(place: str, number: int) -> str:
    """Return the id of the thread that a message started."""
    return secret(f"thread {place}", number)[:27]


def world_of(size: int) -> Store:
    """Return a world with so many entities of each kind."""
    gc.disable()
    store = _begun()
    numbers = range(FIRST, FIRST + size)
    _add_people(store, numbers)
    _add_places(store, numbers)
    _add_integrations(store, numbers)
    _add_messages(store, numbers)
    _add_credentials(store, numbers)
    last = FIRST + 2 * size
    for kind in ("organization", "user", "application", "source", "invitation", "mail", "grant"):
        store.next_id(kind, last)
    gc.enable()
    return store


def _begun() -> Store:
    """Return a world with one of each kind."""
    from fakeflowdock import FakeFlowdock

    fake = FakeFlowdock()
    busy, main = fake.user, fake.user.flows[0]
    friend = fake.add_user(nick="Friend")
    fake.add_organization(HOME)
    quiet = fake.add_user(nick="Quiet", organization=HOME)
    home = fake.add_flow(f"{HOME}/{HOME}", members=[busy, quiet])
    fake.add_flow(f"{EXAMPLE}/{SMALL}", members=[busy])
    fake.add_sso(EXAMPLE, uid=SSO)
    fake.add_sso(HOME, uid=SSO_OF_HOME)
    fake.add_member(friend, flow=main)
    builds = fake.add_source(name="Builds", flow=main)
    fake.add_source(name="Tests", flow=home)
    fake.add_message("Great Scott")
    fake.add_message(b"x", event="file", file_name="x.txt")
    fake.add_message(
        event="activity",
        source=builds,
        title="Great Scott",
        author={"name": "Emmett"},
        external_thread_id="item",
        thread={"title": "Great Scott"},
    )
    fake.add_private_message("Great Scott", from_user=friend, to_user=busy)
    fake.add_private_message("Great Scott", from_user=busy, to_user=quiet)
    fake.add_invitation("guest@example.com", flow=home)
    return fake._store


def _add_people(store: Store, numbers: range) -> None:
    """Add users of one organization and members of one flow."""
    organization, friend = store.organizations[1], store.users[FRIEND]
    for n in numbers:
        own = {"id": n, "nick": f"person-{n}", "email": f"person-{n}@example.com", "sso_name": f"person-{n}"}
        store.add_user(replace(friend, **own, api_token=secret("api_token", n)))  # type: ignore[arg-type]  # of many types
        store.join(organization, store.users[n], admin=False)
    main = next(iter(store.flows.values()))
    store.add_flow(replace(main, member_ids=main.member_ids.union(numbers)))


def _add_places(store: Store, numbers: range) -> None:
    """Add organizations, flows and conversations of one user, and invitations to one flow."""
    main, busy, home = next(iter(store.flows.values())), store.users[BUSY], store.organizations[2]
    small = store.flow_named(EXAMPLE, SMALL)
    conversation = next(iter(store.conversations.values()))
    [invitation] = store.invitations.values()
    [mail] = store.invitations.outbox.values()
    assert small is not None
    for n in numbers:
        own: dict[str, Any] = {"id": n, "parameterized_name": f"company-{n}", "sso_uid": None, "scim_token": ""}
        store.join(store.add_organization(replace(home, **own)), busy, admin=True)
        own = {"id": secret("flow", n), "parameterized_name": f"flow-{n}", "api_token": secret("flow token", n)}
        store.add_flow(replace(small, **own))
        users = frozenset((BUSY, n))
        store.conversations.put(replace(conversation, id=f"private/{BUSY}-{n}", user_ids=users, open_for=users))
        own = {"id": n, "flow_id": main.id, "email": f"guest-{n}@example.com"}
        store.invitations.keep(replace(invitation, **own))
        store.invitations.outbox[n] = replace(mail, **own, invitation_id=n)


def _add_integrations(store: Store, numbers: range) -> None:
    """Add applications of one user, and sources of one flow."""
    application, source = store.applications[1], store.sources[1]
    for n in numbers:
        own: dict[str, Any] = {"client_id": secret("client_id", n), "client_secret": secret("client_secret", n)}
        store.add_application(replace(application, id=n, owner_id=BUSY, **own))
        store.add_source(replace(source, id=n, flow_token=secret("flow_token", n)))
        deleted = n + len(numbers)
        store.bury(replace(source, id=deleted, flow_token=secret("flow_token", deleted)))


def _add_messages(store: Store, numbers: range) -> None:
    """Add messages to one flow and one conversation, and one to each of the others; and events."""
    from fakeflowdock.world.models import Event

    main = next(iter(store.flows.values())).id
    chat, file, activity = list(store.archive.of(main).messages.values())[:3]
    private = next(iter(store.archive.of(f"private/{BUSY}-{FRIEND}").messages.values()))
    for n in numbers:
        if n % 3 == 0:
            _post(store, replace(chat, id=n, content=f"Great Scott number {n}", tags=("frequent",)))
        elif n % 3 == 1:
            _post(store, replace(file, id=n, attachments=(replace(file.attachments[0], file_token=file_token(n)),)))
        else:
            _post(store, replace(activity, id=n, source_id=n))
        _post(store, replace(private, id=n, content=f"Great Scott number {n}"))
        _post(store, replace(chat, id=1, flow_id=secret("flow", n)))
        _post(store, replace(private, id=1, flow_id=f"private/{BUSY}-{n}", user_id=n))
    edited = {"message": FIRST, "updated_content": "x"}
    for n in numbers:
        happened = n + len(numbers)
        event_id = store.next_id("event")
        store.archive.record(Event(main, happened, "message-edit", BUSY, chat.sent, edited, event_id=event_id))
        store.next_id(f"message {main}", happened)


def _post(store: Store, message: Message) -> None:
    place = message.flow_id
    thread = None
    store.next_id(f"message {place}", message.id)
    if message.thread_id is not None:
        like = store.archive.of(next(iter(store.flows))).threads[message.thread_id]
        external = None if message.source_id is None else f"item-{message.id}"
        own: dict[str, Any] = {"id": thread_id(place, message.id), "flow_id": place, "initial_message": message.id}
        thread = replace(like, **own, source_id=message.source_id, external_thread_id=external)
        message = replace(message, thread_id=thread.id)
    store.archive.add(replace(message, event_id=store.next_id("event")), thread)


def _add_credentials(store: Store, numbers: range) -> None:
    """Add what one user granted an application, and sessions."""
    from fakeflowdock.world.authorization import AccessToken, AuthorizationCode, RefreshToken, Session
    from fakeflowdock.world.scopes import SCOPES

    later = store.now.replace(year=2035)
    for n in numbers:
        held = BUSY, 1, frozenset(SCOPES), n
        name = secret("access_token", n)
        store.access_tokens.add(name, AccessToken(*held, None, name))
        name = secret("refresh_token", n)
        store.refresh_tokens.add(name, RefreshToken(*held, used=False, refresh_token=name))
        name = secret("code", n)
        store.codes.add(name, AuthorizationCode(*held, "urn:ietf:wg:oauth:2.0:oob", False, later, used=True, code=name))
        name = secret("cookie", n)
        store.sessions.add(name, Session(BUSY, name))
        store.revoked_grants[n + len(numbers)] = None


def main() -> int:
    """Serve the world. The arguments after its size are those of `fakeflowdock serve`."""
    import fakeflowdock.__main__  # noqa: F401  # for its thresholds of the garbage collector
    from fakeflowdock.cli.main import main as serve
    from fakeflowdock.world import templates

    world = world_of(int(sys.argv.pop(1))).freeze()
    print(json.dumps(known_of(world)), flush=True)
    templates.initial = lambda **_: world
    return serve()


def known_of(store: Store) -> dict[str, str]:
    """Return the secrets that requests need."""
    example, home = store.organizations[1], store.organizations[2]
    main, busy = next(iter(store.flows.values())), store.users[BUSY]
    return {
        **{str(number): store.users[number].api_token for number in (BUSY, FRIEND, QUIET)},
        "email": busy.email,
        "password": busy.password,
        "main": main.api_token,
        "main_id": main.id,
        "scim": f"Bearer {example.scim_token}",
        "scim_of_home": f"Bearer {home.scim_token}",
    }


if __name__ == "__main__":
    sys.exit(main())
