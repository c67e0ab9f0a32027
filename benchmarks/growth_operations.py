"""How each operation of the API is called in a world of `growth_world.py`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from . import growth_world as world
from .growth_sides import Case, Sent, Server, Side, head_of
from .growth_world import BUSY, EXAMPLE, FRIEND, HOME, QUIET, SSO, SSO_OF_HOME, secret

if TYPE_CHECKING:
    from collections.abc import Callable

MAIN = f"/flows/{EXAMPLE}/main"
TALK = f"/private/{FRIEND}/messages"
STREAM = "/_fakeflowdock/stream/flows"
AUTHOR = {"author": {"name": "Emmett"}, "title": "closed"}


def _get(operation: str, path: Callable[[Side], str] | str, what: str = "", **more: Any) -> Case:
    sender, bounded = more.pop("sender", BUSY), more.pop("bounded", False)

    def sent(side: Side, _: Any) -> Sent:
        return Sent("GET", path if isinstance(path, str) else path(side), sender=sender, **more)

    return Case(operation, sent, what, bounded=bounded)


def _put(operation: str, path: Callable[[Side], str], body: Callable[[Side], Any], what: str = "", **more: Any) -> Case:
    return Case(operation, lambda side, _: Sent("PUT", path(side), body(side), **more), what)


def _post(
    operation: str, path: Callable[[Side], str] | str, body: Callable[[Side], Any], what: str = "", **more: Any
) -> Case:
    def sent(side: Side, _: Any) -> Sent:
        return Sent("POST", path if isinstance(path, str) else path(side), body(side), **more)

    return Case(operation, sent, what)


def _delete(operation: str, path: str, prepared: Callable[[Side], Any], what: str = "", **more: Any) -> Case:
    return Case(operation, lambda _, number: Sent("DELETE", path.format(number), **more), what, prepared)


APPLICATION = f"Bearer {secret('access_token')}"


def _chat(side: Side) -> dict[str, Any]:
    return {"event": "message", "content": f"Great Scott, {side.new}"}


def _activity(side: Side) -> dict[str, Any]:
    number = side.any_of(2)
    known = {"flow_token": secret("flow_token", number), "external_thread_id": f"item-{number}"}
    return {"event": "activity", **AUTHOR, **known}


def _new_activity(side: Side) -> dict[str, Any]:
    known = {"flow_token": secret("flow_token", side.any), "external_thread_id": f"new-{side.new}"}
    return {"event": "activity", **AUTHOR, **known, "thread": {"title": "Great Scott"}}


def _posted(side: Side) -> Any:
    return side.made(Sent("POST", f"{MAIN}/messages", _chat(side)))["id"]


def _told(side: Side) -> Any:
    waits = {"X-Flowdock-Wait-For-Message": "true"}
    return side.made(Sent("POST", "/messages", _new_activity(side), sender="", headers=waits))["id"]


def _sent_in_private(side: Side) -> Any:
    return side.made(Sent("POST", TALK, _chat(side)))["id"]


def _guest(side: Side) -> dict[str, Any]:
    return {"email": f"new-{side.new}@example.com"}


def _invited(side: Side) -> Any:
    return side.made(Sent("POST", f"{MAIN}/invitations", _guest(side)))["id"]


def _person(side: Side) -> dict[str, Any]:
    name = f"new-{side.new}"
    return {
        "userName": name,
        "name": {"givenName": name, "familyName": "Person"},
        "emails": [{"value": f"{name}@a.example.com"}],
    }


def _provisioned(side: Side) -> Any:
    return side.made(Sent("POST", f"/scim/{SSO}/Users", _person(side), sender=side.known["scim"]))["id"]


def _member(side: Side) -> Any:
    number = _provisioned(side)
    side.ask(Sent("POST", f"{MAIN}/users", {"id": number}))
    return number


def _source(side: Side) -> Any:
    return side.made(Sent("POST", f"{MAIN}/sources", {"name": "New"}, sender=APPLICATION))["id"]


def _asking(number: int) -> dict[str, str]:
    return {"client_id": secret("client_id", number), "response_type": "code"}


def _page(side: Side) -> tuple[int, str, str]:
    """Open the consent page. Returns the number of the application, the cookie and the token of the form."""
    number = side.any
    head, body = side.ask(Sent("GET", f"/oauth/authorize?{urlencode(_asking(number))}", sender=""))
    cookie = re.search(rb"(?i)set-cookie: ([^;]+)", head)
    token = re.search(rb'name="csrf_token" value="([^"]+)"', body)
    assert cookie is not None
    assert token is not None
    return number, cookie[1].decode(), token[1].decode()


def _consent(side: Side, page: tuple[int, str, str]) -> Sent:
    number, cookie, token = page
    given = {**_asking(number), "csrf_token": token, "decision": "authorize"}
    given |= {"email": side.known["email"], "password": side.known["password"]}
    return Sent("POST", "/oauth/authorize", urlencode(given), sender="", headers={"Cookie": cookie})


def _code(side: Side) -> tuple[int, str]:
    page = _page(side)
    head, _ = side.ask(_consent(side, page))
    code = re.search(rb"(?i)location: \S*/oauth/authorize/([0-9a-f]+)", head)
    assert code is not None
    return page[0], code[1].decode()


def _client(number: int) -> dict[str, str]:
    return {"client_id": secret("client_id", number), "client_secret": secret("client_secret", number)}


def _by_code(_: Side, made: tuple[int, str]) -> Sent:
    given = {**_client(made[0]), "grant_type": "authorization_code", "code": made[1]}
    return Sent("POST", "/oauth/token", urlencode(given), sender="")


def _by_password(side: Side, _: Any) -> Sent:
    given = {"username": side.known["email"], "password": side.known["password"]}
    return Sent("POST", "/oauth/token", urlencode({**_client(side.any), "grant_type": "password", **given}), sender="")


def _refreshing(side: Side) -> tuple[int, str]:
    made = _code(side)
    return made[0], side.made(_by_code(side, made))["refresh_token"]


def _by_refresh_token(_: Side, made: tuple[int, str]) -> Sent:
    given = {**_client(made[0]), "grant_type": "refresh_token", "refresh_token": made[1]}
    return Sent("POST", "/oauth/token", urlencode(given), sender="")


def _scim(
    operation: str, method: str, path: Callable[[Side], str], body: Callable[[Side], Any] | None = None, what: str = ""
) -> Case:
    def sent(side: Side, _: Any) -> Sent:
        return Sent(method, path(side), None if body is None else body(side), side.known["scim"])

    return Case(operation, sent, what)


def _scim_filter(side: Side) -> str:
    criteria = f'userName eq "person-{side.any}"'
    return f"/scim/{SSO}/Users?{urlencode({'filter': criteria})}"


def _as_token(given: dict[str, Any]) -> dict[str, Any]:
    return {"token": given.pop("flow_token"), **given}


def _thread(side: Side) -> str:
    return world.thread_id(side.known["main_id"], side.any_of(0))


def _opened(server: Server, request: bytes) -> None:
    """Open a stream and leave it."""
    with server.connect() as connection:
        connection.sendall(request)
        head_of(connection)


def _heard(server: Server, request: bytes) -> None:
    """Post, and wait for the event on the stream that is open."""
    server.exchange(request)
    server.hear()


def _stream(what: str, query: str, headers: Callable[[Side], dict[str, str]] = lambda _: {}) -> Case:
    def sent(side: Side, _: Any) -> Sent:
        return Sent("GET", f"{STREAM}?{query}", headers={"Accept": "text/event-stream", **headers(side)})

    return Case("Stream events", sent, what, measured=_opened)


CASES = (
    _get("Download file", lambda side: f"/files/1/{world.file_token(side.any_of(1))}/x.txt"),
    _get("List flows", "/flows", sender=QUIET, bounded=True),
    _get("List all flows", "/flows/all", sender=QUIET, bounded=True),
    _get("List organization flows", f"/flows/{HOME}"),
    _get("Find flow", lambda side: f"/flows/find?id={secret('flow', side.any)}"),
    _get("Get flow", lambda side: f"/flows/{EXAMPLE}/flow-{side.any}"),
    _post("Create flow", f"/flows/{EXAMPLE}", lambda side: {"name": f"New {side.new}"}),
    _put("Update flow", lambda side: f"/flows/{EXAMPLE}/flow-{side.any}", lambda side: {"name": f"Name {side.new}"}),
    _put("Update flow", lambda side: f"/flows/{EXAMPLE}/flow-{side.any}", lambda _: {"open": False}, "close"),
    _get("List invitations", f"/flows/{HOME}/{HOME}/invitations", sender=QUIET, bounded=True),
    _get("Get invitation", lambda side: f"{MAIN}/invitations/{side.any}"),
    _post("Create invitation", f"{MAIN}/invitations", _guest),
    _post("Import address list", f"{MAIN}/invitations/import", lambda side: {"list": _guest(side)["email"]}),
    _delete("Delete invitation", f"{MAIN}/invitations/{{}}", _invited),
    _post("Send message", f"{MAIN}/messages", _chat),
    _post(
        "Send message",
        f"{MAIN}/messages",
        lambda side: {**_chat(side), "content": f"@person-{side.any}, look"},
        "mention",
    ),
    _post(
        "Send message", f"{MAIN}/messages", lambda side: {**_chat(side), "content": f"person-{side.any} looks"}, "nick"
    ),
    _post("Send message", lambda side: f"{MAIN}/threads/{_thread(side)}/messages", _chat, "to a thread"),
    _post(
        "Send message",
        f"{MAIN}/messages",
        lambda _: {"event": "activity.user", "content": {"last_activity": 1413284788131}},
        "user active",
    ),
    _post("Send message", "/messages", _activity, "activity to a known thread", sender=""),
    _post("Send message", "/messages", _new_activity, "activity to a new thread", sender=""),
    _post(
        "Create comment",
        lambda side: f"{MAIN}/messages/{side.any_of(0)}/comments",
        lambda side: {**_chat(side), "event": "comment"},
    ),
    _post("Post activity", "/activities", lambda side: _as_token(_activity(side)), sender=""),
    _get("List messages", f"{MAIN}/messages"),
    _get("List messages", lambda side: f"{MAIN}/messages?until_id={side.any + 40}", "until"),
    _get("List messages", f"{MAIN}/messages?event=file", "of an event"),
    _get("List messages", f"{MAIN}/messages?tags=frequent", "of a tag"),
    _get("List messages", f"{MAIN}/messages?tags=@Friend", "of a user"),
    _get("List messages", f"{MAIN}/messages?search=great+number", "search"),
    _get("List messages", lambda side: f"{MAIN}/threads/{_thread(side)}/messages", "of a thread"),
    _get("Get message", lambda side: f"{MAIN}/messages/{side.any}"),
    _put(
        "Update message", lambda side: f"{MAIN}/messages/{side.any_of(0)}", lambda side: {"content": f"Text {side.new}"}
    ),
    _put(
        "Update message", lambda side: f"{MAIN}/messages/{side.any}", lambda side: {"tags": [f"tag-{side.new}"]}, "tags"
    ),
    _post(
        "React to message",
        lambda side: f"{MAIN}/messages/{side.any}/emoji_reaction",
        lambda side: {"type": "add", "emoji": f"e{side.new}"},
    ),
    _delete("Delete message", f"{MAIN}/messages/{{}}", _posted, "chat"),
    _delete("Delete message", f"{MAIN}/messages/{{}}", _told, "inbox"),
    _post("Create application", "/oauth/applications", lambda _: {"application": {"name": "New"}}),
    _get("Get application", lambda side: f"/oauth/applications/{side.any}"),
    _get("Ask for consent", lambda side: f"/oauth/authorize?{urlencode(_asking(side.any))}", sender=""),
    Case("Give consent", _consent, prepared=_page),
    Case("Show code", lambda _, made: Sent("GET", f"/oauth/authorize/{made[1]}", sender=""), prepared=_code),
    Case("Request tokens", _by_code, "for a code", _code),
    Case("Request tokens", _by_password, "for a password"),
    Case("Request tokens", _by_refresh_token, "for a refresh token", _refreshing),
    _get("List organizations", "/organizations", sender=QUIET, bounded=True),
    _get("Get organization", lambda side: f"/organizations/company-{side.any}"),
    _get("Find organization", lambda side: f"/organizations/find?id={side.any}"),
    _put(
        "Update organization",
        lambda side: f"/organizations/company-{side.any}",
        lambda side: {"name": f"Company {side.new}"},
    ),
    _get("List private conversations", "/private", sender=QUIET, bounded=True),
    _get("Get private conversation", lambda side: f"/private/{side.any}"),
    _put("Update private conversation", lambda side: f"/private/{side.any}", lambda side: {"open": side.new % 2 == 0}),
    _post("Send private message", TALK, _chat),
    _post("Send private message", lambda side: f"/private/{side.any}/messages", _chat, "to anybody"),
    _get("List private messages", TALK),
    _get("List private messages", lambda side: f"{TALK}?until_id={side.any + 40}", "until"),
    _get("List private messages", f"{TALK}?tags=:unread:{BUSY}", "unread"),
    _get("List private messages", f"{TALK}?search=great+number", "search"),
    _get("Get private message", lambda side: f"{TALK}/{side.any}"),
    Case(
        "Update private message",
        lambda side, number: Sent("PUT", f"{TALK}/{number}", {"content": f"Text {side.new}"}),
        prepared=_sent_in_private,
    ),
    _put(
        "Update private message", lambda side: f"{TALK}/{side.any}", lambda side: {"tags": [f"tag-{side.new}"]}, "tags"
    ),
    _delete("Delete private message", f"{TALK}/{{}}", _sent_in_private),
    Case(
        "Push to chat",
        lambda side, _: Sent(
            "POST", f"/messages/chat/{side.known['main']}", {"content": "Done", "external_user_name": "CI"}, ""
        ),
    ),
    Case(
        "Push to team inbox",
        lambda side, _: Sent(
            "POST",
            f"/messages/team_inbox/{side.known['main']}",
            {"source": "CI", "from_address": "ci@example.com", "subject": f"Done {side.new}", "content": "All is well"},
            "",
        ),
    ),
    _scim("Check SCIM authorization", "GET", lambda _: f"/scim/{SSO}"),
    Case(
        "List SCIM users",
        lambda side, _: Sent("GET", f"/scim/{SSO_OF_HOME}/Users", None, side.known["scim_of_home"]),
        bounded=True,
    ),
    _scim("List SCIM users", "GET", _scim_filter, what="filter"),
    _scim("Get SCIM user", "GET", lambda side: f"/scim/{SSO}/Users/{side.any}"),
    _scim("Create SCIM user", "POST", lambda _: f"/scim/{SSO}/Users", _person),
    Case(
        "Update SCIM user",
        lambda side, number: Sent(
            "PUT", f"/scim/{SSO}/Users/{number}", {"nickName": f"nick-{side.new}"}, side.known["scim"]
        ),
        prepared=_provisioned,
    ),
    Case(
        "Update SCIM user",
        lambda side, number: Sent("PUT", f"/scim/{SSO}/Users/{number}", {"active": False}, side.known["scim"]),
        "log out",
        _provisioned,
    ),
    Case(
        "Delete SCIM user",
        lambda side, number: Sent("DELETE", f"/scim/{SSO}/Users/{number}", None, side.known["scim"]),
        prepared=_member,
    ),
    _get("List sources", "/sources", sender=QUIET, bounded=True),
    _get("List flow sources", f"/flows/{HOME}/{HOME}/sources", bounded=True),
    _get("Get source", lambda side: f"{MAIN}/sources/{side.any}"),
    _post("Create source", f"{MAIN}/sources", lambda _: {"name": "New"}, sender=APPLICATION),
    _put(
        "Update source", lambda side: f"{MAIN}/sources/{side.any}", lambda side: {"error_message": f"Wrong {side.new}"}
    ),
    _put(
        "Update source by flow_token",
        lambda _: "/sources",
        lambda side: {"flow_token": secret("flow_token", side.any), "error_message": "Wrong"},
        sender="",
    ),
    _delete("Delete source", f"{MAIN}/sources/{{}}", _source),
    _stream("opened and left", f"filter={EXAMPLE}/main"),
    _stream("of private messages", "user=1"),
    _stream("of somebody active", f"filter={EXAMPLE}/main&user=1&active=true&presence=true"),
    Case(
        "Stream events",
        lambda side, _: Sent("POST", f"{MAIN}/messages", _chat(side)),
        "from a post to the event",
        measured=_heard,
        beside=f"{STREAM}?filter={EXAMPLE}/main",
    ),
    Case(
        "Stream events",
        lambda side, _: Sent("POST", TALK, _chat(side)),
        "from a private message to the event",
        measured=_heard,
        beside=f"{STREAM}?user=1",
    ),
    _get("List threads", f"{MAIN}/threads"),
    _get("Get thread", lambda side: f"{MAIN}/threads/{_thread(side)}"),
    _get("Get own user", "/user"),
    _get("List users", "/users", sender=QUIET, bounded=True),
    _get("Get user", lambda side: f"/users/{side.any}"),
    _put("Update user", lambda _: f"/users/{QUIET}", lambda side: {"nick": f"Quiet{side.new}"}, sender=QUIET),
    _get("List flow users", f"/flows/{HOME}/{HOME}/users", bounded=True),
    Case("Add flow user", lambda _, number: Sent("POST", f"{MAIN}/users", {"id": number}), prepared=_provisioned),
    Case(
        "Block flow user", lambda _, number: Sent("PUT", f"{MAIN}/users/{number}", {"disabled": True}), prepared=_member
    ),
    _get("List organization users", f"/organizations/{HOME}/users", bounded=True),
    _get("Get organization user", lambda side: f"/organizations/{EXAMPLE}/users/{side.any}"),
    _delete("Remove organization user", f"/organizations/{EXAMPLE}/users/{{}}", _member),
)
