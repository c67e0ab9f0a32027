"""Mixed requests: every operation of Flowdock and of the admin API, with ids and credentials of the worlds as they are.

They are drawn from a seed, so that two runs request the same of the same worlds.
"""

from __future__ import annotations

import base64
import io
import json
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from fakeflowdock.api import routing
from fakeflowdock.api.app import App
from fakeflowdock.api.callers import ANYONE, APPLICATION, PROVISIONER, SOURCE, USER
from fakeflowdock.api.resources.consent import COOKIE, ConsentRequest
from fakeflowdock.server.admin.app import TABLE as ADMIN
from fakeflowdock.server.site import Site
from fakeflowdock.server.worlds import Held, Worlds
from fakeflowdock.world.authorization import Session
from fakeflowdock.world.secrets import new_visitor
from fakeflowdock.world.templates import make

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from fakeflowdock.api.operations import Operation
    from fakeflowdock.server.worlds import ServedWorld

FILE = {"data": base64.b64encode(b"x" * 40).decode(), "file_name": "x.png", "content_type": "image/png"}
NOT_LOGGED = {"wait-for-requests", "wait-for-streams", "assert", "perform-action", "save-state"}  # or that wait
LARGE = {"reset-world", "load-state", "restore-snapshot", "make-world", "make-fault", "make-delivery-fault"}
DRAWN: dict[str, list[Any]] = {
    "access_mode": ["invitation", "link", "organization"],
    "active": [True, True, False],
    "admin": [True, False],
    "attachments": [[FILE], []],
    "author": [{"name": "Marty"}, {"name": "Marty", "email": "m@example.com"}],
    "body": ["<p>x <b>y</b></p>"],
    "configuration_url": ["http://x.example/c"],
    "content": ["Hello @Ada #release :thumbsup: http://example.com", "<b>x</b>", "/msg Ada hi", "two words"],
    "disabled": [False, False, True],
    "emoji": ["tada", "thumbsup", "heart"],
    "error_message": ["broken", "", "worse"],
    "external_thread_id": ["ticket:1", "ticket:2", "ticket:3"],
    "external_url": ["http://x.example/"],
    "external_user_name": ["CI", "Bot"],
    "format": ["html"],
    "from_address": ["a@example.com"],
    "from_name": ["A"],
    "frozen": [False],
    "limit": [1, 5, 100],
    "link": ["http://x.example/l"],
    "message": ["Come", "Join us"],
    "open": [True, False],
    "presence": ["1"],
    "probability": [0.5],
    "project": ["web"],
    "search": ["hello", "words"],
    "shape": ["default", "minimal", "maximal"],
    "sign_actions": [True, False],
    "skip": [1],
    "sort": ["asc", "desc"],
    "source": ["News"],
    "status": [500, 503, 429],
    "subject": ["S"],
    "tag_mode": ["and", "or"],
    "tags": [["a", "b"], ["#c"], "d,@Ada", ["@all"]],
    "times": [1, 2],
    "title": ["opened", "<a href='http://x.example'>closed</a>"],
    "type": ["add", "add", "remove"],
    "until": ["2099-01-01"],
    "users": [True],
    "website": ["http://x.example"],
}
SCOPES = ["flow", "flow private", "integration", "flow private manage integration profile offline_access", None]
STATES: list[dict[str, Any]] = [
    {"title": "A ticket", "status": {"color": "red", "value": "open"}, "fields": [{"label": "a", "value": "b"}]},
    {
        "title": "The ticket",
        "actions": [
            {
                "@type": "UpdateAction",
                "name": "Close",
                "target": {"@type": "EntryPoint", "urlTemplate": "http://127.0.0.1:9/x", "httpMethod": "POST"},
            }
        ],
    },
]


def site() -> Site:
    """The worlds of a server, as each run finds them."""
    store = make("docs")
    store.clock.run()
    return Site(Worlds(Held(App(store, _fail)), limit=6))


def _fail(bug: Exception) -> None:
    raise AssertionError(str(bug)) from bug


def environ_of(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> WSGIEnvironment:
    """A request as a server has parsed it."""
    target, _, query = path.partition("?")
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": target,
        "RAW_URI": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
        **{"CONTENT_TYPE" if name == "Content-Type" else f"HTTP_{name.upper().replace('-', '_')}": value
           for name, value in headers.items()},
    }  # fmt: skip


class Mixed:
    """Draws requests.

    Args:
        site: the worlds, which have to process each request before the next one is drawn.
    """

    def __init__(self, site: Site, seed: int = 1) -> None:
        self._site = site
        self._random = Random(seed)  # noqa: S311  # the same draws in every run
        self._rare = [each for each in ADMIN.operations if each.name not in NOT_LOGGED]
        self._count = 0
        self._turns = [0, 0]  # of operations of Flowdock and of the admin API
        self._passed: Counter[str] = Counter()

    def draw(self) -> tuple[str, WSGIEnvironment]:
        """The name of an operation, and a request for it."""
        self._count += 1
        operations = self._rare if self._random.random() < 0.15 else routing.FLOWDOCK.operations
        turn = self._turns[operations is self._rare] = self._turns[operations is self._rare] + 1
        operation = operations[turn % len(operations)]
        if operation.routes[0][0] == "DELETE" or operation.name in LARGE:
            self._passed[operation.name] += 1
            if self._passed[operation.name] % 3 != 1:  # otherwise little would be left
                operation = self._random.choice(operations)
        self._world = self._random.choice(self._site.worlds.worlds)
        self._store = self._world.store
        method, route = self._random.choice(operation.routes)
        environ = self._made(operation, method, route)
        return operation.name, environ

    def _of(self, kept: Any, default: Any = 0) -> Any:
        found = [*kept]
        return self._random.choice(found) if found else default

    def _made(self, operation: Operation[Any, Any], method: str, route: str) -> WSGIEnvironment:
        store, draw = self._store, self._random
        self._flow = self._of(store.flows.values(), None)
        members = [] if self._flow is None else [store.users[each] for each in sorted(self._flow.seen_by)]
        self._user = self._of(members if draw.random() < 0.9 else store.users.values(), None)
        self._sso = self._of([each for each in store.organizations.values() if each.scim_token], None)
        self._choose_message(operation)
        is_admin = operation in self._rare
        path = "/".join(self._value(operation, step[1:]) if step[:1] == ":" else step for step in route.split("/"))
        fields = {
            name: self._field(operation, name)
            for name in operation.contract.properties
            if name in operation.contract.required or draw.random() < 0.3
        }
        fields = {name: value for name, value in fields.items() if value is not None}
        self._correct(operation, fields)
        headers = {} if is_admin else self._credentials(operation, fields)
        if not is_admin and self._world.name != "default":
            headers["Flowdock-World"] = self._world.name
        if method in ("GET", "DELETE"):
            given = {name: json.dumps(value) if isinstance(value, (dict, bool)) else value
                     for name, value in fields.items()}  # fmt: skip
            query = urlencode(given, doseq=True)
            return environ_of(method, f"{path}?{query}" if query else path, headers)
        headers["Content-Type"] = "application/json"
        return environ_of(method, path, headers, json.dumps(fields).encode())

    def _choose_message(self, operation: Operation[Any, Any]) -> None:
        """Choose a message, mostly with its sender as the user, and with whom a private one was talked."""
        store, self._other = self._store, None
        place = self._of(store.conversations, None) if "private" in operation.name else self._flow and self._flow.id
        messages = {} if place is None else store.archive.of(place).messages
        self._message = self._of(messages)
        if "message" in operation.name and self._message and self._random.random() < 0.8:
            self._user = store.users.get(messages[self._message].user_id or 0, self._user)
            if (conversation := store.conversations.get(place or "")) is not None and self._user is not None:
                self._other = conversation.other(self._user.id)

    def _credentials(self, operation: Operation[Any, Any], fields: dict[str, Any]) -> dict[str, str]:
        store = self._store
        kind = self._of(operation.callers)
        if kind == USER and self._user is not None:
            return {"Authorization": "Basic " + base64.b64encode(f"{self._user.api_token}:".encode()).decode()}
        if kind == APPLICATION:
            theirs = [each for each in store.access_tokens if self._user and each.user_id == self._user.id]
            token = self._of(theirs or store.access_tokens, None)
            return {"Authorization": f"Bearer {'x' if token is None else token.access_token}"}
        if kind == SOURCE and (source := self._of(store.sources.values(), None)) is not None:
            fields["token" if operation.name == "post-activity" else "flow_token"] = source.flow_token
            fields.pop("flow", None)
        if kind == PROVISIONER:
            wrong = self._random.random() < 0.1
            return {"Authorization": f"Bearer {'x' if self._sso is None or wrong else self._sso.scim_token}"}
        if kind == ANYONE and operation.name in ("ask-for-consent", "give-consent"):
            visitor = Session(None, ended=False, cookie=new_visitor(store.seed, str(self._count)))
            session = self._of([visitor, *(each for each in store.sessions if not each.ended)])
            if session is not None:
                name = COOKIE if self._world.name == "default" else f"{COOKIE}.{self._world.name}"
                application = store.application_by_client_id(fields["client_id"])
                if operation.name == "give-consent" and application is not None:
                    asked: dict[str, str] = {
                        key: fields[key] for key in ("client_id", "response_type") if key in fields
                    }
                    fields["csrf_token"] = ConsentRequest(application, application.redirect_uri, asked).signed(session)
                return {"Cookie": f"{name}={session.cookie}"}
        return {}

    def _value(self, operation: Operation[Any, Any], name: str) -> str:
        """A value in the path."""
        store, flow, what = self._store, self._flow, operation.name
        if name == "id" or name == "user_id":
            name = next((kind for kind in ("source", "thread", "invitation", "application", "fault", "stream")
                         if kind in what), "user")  # fmt: skip
            if "message" in what and operation.routes[0][1].endswith(("/:id", "emoji_reaction")):
                name = "message"
        flow_name = "x" if flow is None else store.path_of(flow) if operation in self._rare else flow.parameterized_name
        found: dict[str, Any] = {
            "organization": lambda: store.organizations[flow.organization_id].parameterized_name if flow else "none",
            "flow": lambda: flow_name,
            "source": lambda: self._of(store.sources),
            "thread": lambda: self._of(each.id for each in store.archive.threads([*store.flows, *store.conversations])),
            "invitation": lambda: self._of(store.invitations.by_id()),
            "application": lambda: self._of(store.applications),
            "user": lambda: self._other or self._of(store.users),
            "message": lambda: self._message,
            "fault": lambda: self._of(each.number for each in self._world.app.faults.active),
            "stream": lambda: 1,
            "world": lambda: self._world.name,
            "snapshot": lambda: self._of(["one", "two"]),
            "code": lambda: self._of((each.code for each in store.codes), "x"),
            "uid": lambda: self._sso.sso_uid if self._sso else "x",
            "flow_api_tokens": lambda: flow.api_token if flow else "x",
            "access_token": lambda: self._of((each.access_token for each in store.access_tokens), "x"),
            "organization_id": lambda: flow.organization_id if flow else 1,
            "token": lambda: self._of(store.archive.files, "x"),
            "name": lambda: "x.png",
            "part": lambda: "api",
            "file": lambda: "fakeflowdock.py",
            "page": lambda: "sources",
        }
        return quote(str(found[name]()), safe="/:")

    def _field(self, operation: Operation[Any, Any], name: str) -> Any:
        """A value of a parameter; None for none."""
        store, flow, what, number = self._store, self._flow, operation.name, self._count
        if name in ("event", "app", "thread", "user", "flow", "flow_token", "thread_id", "id", "expected", "message"):
            return self._reference(operation, name)
        if name in DRAWN:
            return self._random.choice(DRAWN[name])
        application = self._of(store.applications.values(), None)
        return {
            "name": {"givenName": "Grace", "familyName": f"H{number}"} if "scim" in what else f"Name {number}",
            "nick": f"Nick{number}",
            "nickName": f"Nick{number}",
            "userName": f"sso{number}",
            "sso_name": f"sso-{number}",
            "email": f"user{number}@example.com",
            "emails": [{"value": f"user{number}@example.com", "primary": True}],
            "password": f"password {number}",
            "uuid": f"uuid-{number}",
            "path": f"{store.organizations[flow.organization_id].parameterized_name}/f{number}" if flow else None,
            "parameterized_name": f"organization-{number}",
            "list": f"one{number}@example.com, two{number}@example.com",
            "client_id": application and application.client_id,
            "client_secret": application and application.client_secret,
            "redirect_uri": None,
            "response_type": "code",
            "csrf_token": "x",
            "decision": self._of(["authorize", "deny", "sign_out", f"sign_in_as_{self._user.id if self._user else 1}"]),
            "grant_type": self._of(["authorization_code", "password", "refresh_token"]),
            "code": self._of((each.code for each in store.codes if not each.used), None),
            "refresh_token": self._of((each.refresh_token for each in store.refresh_tokens), None),
            "username": self._user and self._user.email,
            "scope": self._of(SCOPES),
            "token": self._of((each.flow_token for each in store.sources.values()), None),
            "application": {"name": f"A{number}", "redirect_uri": "http://x.example/cb"}
            if what == "create-application"
            else application and application.id,
            "advance": self._random.choice([1, 2.5]),
            "settings": {"auto_consent": self._random.choice([True, False])},
            "to_user": self._of(store.users, None),
            "from_user": self._of(store.users, None),
            "organization": self._of((each.parameterized_name for each in store.organizations.values()), None),
            "expires_in": None,
        }.get(name)

    def _reference(self, operation: Operation[Any, Any], name: str) -> Any:
        store, what = self._store, operation.name
        if name == "message" and ("invit" in what or "import" in what):
            return "Join us"
        if name == "event":
            if what == "emit-event":
                return {"event": "of-a-test", "content": {"a": 1}}
            return self._of(["message", "message", "comment", "activity", "discussion", "status", "file"])
        if name in ("flow", "filter"):
            return (
                None
                if self._flow is None
                else store.path_of(self._flow).replace("/", "/" if operation in self._rare else ":")
            )
        return {
            "thread": self._random.choice(STATES) if "deliver" not in what else None,
            "thread_id": self._of((each.id for each in store.archive.threads(store.flows)), None),
            "user": self._of(store.users, None),
            "flow_token": self._of((each.flow_token for each in store.sources.values()), None),
            "id": self._flow.id if what == "find-flow" and self._flow else self._of(store.users, 1),
            "message": self._of(store.archive.of(self._flow.id).messages, None) if self._flow else None,
        }.get(name)

    def _correct(self, operation: Operation[Any, Any], fields: dict[str, Any]) -> None:
        """Make fields valid together."""
        what, store = operation.name, self._store
        if what in ("send-message", "post-activity", "add-message", "create-comment", "send-private-message",
                    "add-private-message"):  # fmt: skip
            for name in ("uuid", "app", "thread_id", "flow_token"):
                fields.pop(name, None)
            event = fields.get("event")
            if event == "activity":
                fields |= {"author": {"name": "M"}, "title": "opened", "external_thread_id": "ticket:1",
                           "thread": self._random.choice(STATES)}  # fmt: skip
            elif event == "discussion":
                fields |= {"author": {"name": "M"}, "title": "said", "body": "<p>b</p>",
                           "external_thread_id": "ticket:2"}  # fmt: skip
            elif event == "file":
                fields["content"] = FILE
            else:
                fields.setdefault("content", f"Hello {self._count} @Ada #release")
            if event not in ("activity", "discussion"):
                fields.pop("thread", None)
            if "private" in what:
                fields.pop("external_user_name", None)
                fields["event"] = "message"
                fields.setdefault("content", "psst")
            if what == "add-message":
                fields.clear()
                fields["content"] = f"Arranged {self._count}"
            elif what == "send-message" and self._flow:
                fields["flow"] = store.path_of(self._flow).replace("/", ":")
            elif what == "create-comment" and self._flow:
                fields["flow"] = store.path_of(self._flow).replace("/", ":")
                fields["message"] = self._of(store.archive.of(self._flow.id).messages, 1)
            if what == "create-comment" and event != "file":
                fields["event"] = "comment"
        if what == "request-tokens":
            kind = fields["grant_type"]
            code = next((each for each in store.codes if not each.used), None)
            refresh = self._of(store.refresh_tokens, None)
            held = code if kind == "authorization_code" else refresh if kind == "refresh_token" else None
            known = store.applications.get(held.application_id) if held else self._of(store.applications.values(), None)
            if known is not None and self._user is not None:
                fields.clear()
                fields |= {"grant_type": kind, "client_id": known.client_id, "client_secret": known.client_secret}
                fields |= {"code": code.code} if kind == "authorization_code" and code else {}
                fields |= {"refresh_token": refresh.refresh_token} if kind == "refresh_token" and refresh else {}
                if kind == "password":
                    fields |= {"username": self._user.email, "password": self._user.password}
        if what in ("update-message", "react-to-message", "remove-message") and "tags" in fields:
            fields["tags"] = ["a", "c"]
        if what == "accept-invitation":
            fields |= {"invitation": self._of(store.invitations.by_id(), 1)}
            fields.pop("user", None)
        if what == "make-world":
            chosen = {"name": f"w{self._count % 8}", "replace": self._random.random() < 0.5, "world": "docs"}
            settings = fields.get("settings")
            fields.clear()
            fields |= {**chosen, "settings": settings or {}}
        if what == "make-fault":
            fields.clear()
            fields |= {"times": 3, "operation": self._of(["list-sources", "send-message"])}
            fields |= self._of(
                [{"status": 503, "probability": 0.5, "seed": 3}, {"latency": 1}, {"connection": "reset"}]
            )
        if what == "make-delivery-fault":
            fields.clear()
            fields |= {"times": 1, "status": 500}
        if what == "load-state":
            fields["state"] = json.loads(_state_of(self._world))
        if what == "set-clock":
            fields.clear()
            fields |= self._of([{"advance": 1.5}, {"frozen": True}, {"frozen": False}, {"system": True}])
        if what == "change-settings":
            for name in ("strict", "keep_alive", "refresh_tokens"):
                fields.pop(name, None)
        if what == "stream-events" and self._flow:
            fields["filter"] = store.path_of(self._flow)


def _state_of(world: ServedWorld) -> str:
    from fakeflowdock.world import serialization

    return serialization.dumps(world.store.freeze())
