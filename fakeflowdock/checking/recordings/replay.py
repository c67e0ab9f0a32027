"""Replay a recording: send each request to a fresh fake that starts with the inferred world."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ...api import operations, routing
from ...api.app import App
from ...api.authentication import basic_header
from ...api.callers import ANYONE, APPLICATION, PROVISIONER, USER
from ...api.messages import Headers, Response
from ...redaction import Redaction
from ...world import factories
from ..requests import match_of
from . import oauth_replay
from .comparison import differences
from .inferred_world import Needs, flow_of, json_in, path_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ...api.messages import Request
    from ...world.models import Application, Source, User
    from .differences import Difference
    from .entries import Entry

NAMES = re.compile(r"[A-Za-z0-9_-]{16,}")  # possible random ids and tokens
NUMBERED = {"sources": "source", "source": "source", "messages": "message", "applications": "application"}
NUMBERED |= {"invitations": "invitation", "Users": "provisioned"}
KINDS = {"creator": "source", "event": "message", "userName": "provisioned", "email": "invitation"}  # by a field
PUSHED = ("chat", "team_inbox", "influx")
SECRET = ("flow_token", "access_token")
FAILED = (429, *range(500, 600))  # the request may not have been processed


class Replay:
    """A fake, and its ids and tokens by recorded id and token.

    Args:
        entries: the exchanges of the recording, which are read once to infer its world.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._needs = Needs(entries)
        self._store = self._needs.world()
        self._store.settings.journal = 1  # it is not read
        self._app = App(self._store, lambda _: None)  # a bug is a response with 500, which is a difference
        self._names: dict[str, str] = {}  # the fake's ids and tokens
        self._numbers: dict[tuple[str, str], str] = {}
        self._tokens: dict[tuple[str, int], str] = {}
        self._users: dict[str, int] = {}  # ids by credentials
        self._claimed = {*self._needs.sources_of_tokens.values()}
        for token, number in self._needs.sources_of_tokens.items():
            if (source := self._store.sources.get(number)) is not None:
                self._names[token] = source.flow_token
        for token, path in self._needs.flows_of_tokens.items():
            self._names[token] = flow_of(self._store, path).api_token

    @property
    def _application(self) -> Application:
        return self._store.applications[min(self._store.applications)]

    @property
    def _scim_token(self) -> str:
        return next((each.scim_token for each in self._store.organizations.values() if each.scim_token), "unknown")

    def differences(self, entry: Entry) -> Iterator[Difference]:
        """Send a request, and yield the differences of the responses."""
        reply = entry.reply
        took_place = entry.own.get("took_place", reply is not None and reply.status not in FAILED)
        if not (took_place and entry.has_request_body):
            return
        match = match_of(entry.request.method, entry.request.url)
        asks_for_tokens = match is not None and match.operation.name == oauth_replay.OPERATION
        if asks_for_tokens and reply is not None and reply.status in oauth_replay.ANSWERED:
            request = oauth_replay.granted(self._store, entry, self._who_consented(json_in(reply.body)), self._names)
        else:
            request = self._translated(entry, match)
        answer = self._app.answer(request.environ)
        if answer.stream is not None:
            answer.stream.leave()
        if reply is None or reply.status in FAILED:
            return
        fake = Response(answer.status, Headers(answer.headers), answer.body)
        bodies = json_in(reply.body), json_in(answer.body)
        known = entry.has_body and None not in bodies
        if known and reply.status < 400 and answer.status < 400:
            self._learn(*bodies, path_in(entry.request.url))
        contract = None if match is None else match.operation.contract
        yield from differences(contract, reply, fake, bodies if known else None)

    def _who_consented(self, granted: Any) -> User:
        """Return the user of the access token, if a response names it; by default the first user."""
        token = granted.get("access_token") if isinstance(granted, dict) else None
        number = self._needs.users_of_tokens.get(str(token), 0)
        return self._store.users.get(number) or self._store.users[min(self._store.users)]

    # Recorded requests, translated

    def _translated(self, entry: Entry, match: operations.Match | None) -> Request:
        sent, body, url = entry.request, entry.request.body, entry.request.url
        was_refused = entry.reply is not None and entry.reply.status == 401
        if not was_refused:
            redaction = Redaction(lambda token: self._token(token, entry))
            body, url = redaction.body(body, sent.headers.get("content-type", "")), redaction.target(url)
        url = self._numbered(self._named(url))
        text = self._renumbered(self._named(body.decode("utf-8", "surrogateescape")), path_in(url))
        headers = [(name, value) for name, value in sent.headers.pairs if name.lower() != "authorization"]
        callers = () if match is None else match.operation.callers
        if (given := sent.headers.get("authorization")) is not None:
            value = given if was_refused else self._authorization(given, entry, callers)
            headers.append(("Authorization", value))
        elif not (was_refused or callers in ((), (ANYONE,)) or _has_token(url, text)):  # the recorder removed it
            if not {USER, APPLICATION, PROVISIONER}.isdisjoint(callers):
                headers.append(("Authorization", self._authorization("", entry, callers)))
            else:
                url += f"{'&' if '?' in url else '?'}flow_token={self._source('', entry).flow_token}"
        return replace(sent, url=url, headers=Headers(headers), body=text.encode("utf-8", "surrogateescape"))

    def _authorization(self, given: str, entry: Entry, callers: tuple[str, ...]) -> str:
        scheme, _, secret = given.strip().partition(" ")
        if callers == (ANYONE,):  # an application's own
            return basic_header(f"{self._application.client_id}:{self._application.client_secret}")
        if callers == (PROVISIONER,):
            was_denied = entry.reply is not None and entry.reply.status == 403
            return (given or "Bearer unknown") if was_denied else f"Bearer {self._scim_token}"
        if scheme.lower() == "bearer" or (callers and USER not in callers):
            return f"Bearer {self._access_token(secret.strip(), entry)}"
        return basic_header(f"{self._user(given, entry).api_token}:")

    def _token(self, token: str, entry: Entry) -> str:
        """Return the fake's token for a recorded one in a field: an access token, or that of a source."""
        if token not in self._names:
            text = f"{entry.request.url} {entry.request.body[:4096]!r}"
            if re.search(rf"access_token\W{{1,6}}{re.escape(token)}", text):
                return self._access_token(token, entry)
            if re.search(rf"flow_token\W{{1,6}}{re.escape(token)}", text):
                self._names[token] = self._source(token, entry).flow_token
        return self._names.get(token, token)

    def _user(self, credentials: str, entry: Entry) -> User:
        """Return the caller: named in the response, or known by the credentials, or the first user."""
        named = (entry.reply.headers.get("Flowdock-User") if entry.reply is not None else None) or ""
        named = named or str(entry.caller.get("user_id", ""))
        number = int(named) if named.isdecimal() and len(named) < 19 else self._users.get(credentials, 0)
        if number not in self._store.users:
            number = min(self._store.users)
        self._users[credentials] = number
        return self._store.users[number]

    def _access_token(self, secret: str, entry: Entry) -> str:
        if secret in self._names:
            return self._names[secret]
        user = self._user(secret, entry)
        key = secret, user.id
        if key not in self._tokens:
            with suppress(ValueError):
                token = factories.add_access_token(self._store, user, self._application, entry.caller.get("scopes"))
                self._tokens[key] = token.access_token
        return self._tokens.get(key, secret)

    def _source(self, token: str, entry: Entry) -> Source:
        """Return a source for a `flow_token` of unknown origin.

        It is the one in the journal of a fake; or the next existing one whose token is unused, in the same flow if that
        is known; or a new one.
        """
        store = self._store
        if (known := store.sources.get(entry.caller.get("source_id", 0))) is not None:
            return known
        reply = None if entry.reply is None else json_in(entry.reply.body)
        shown = reply.get("flow") if isinstance(reply, dict) else None
        where = self._needs.flow_ids.get(str(shown))
        for number, source in store.sources.items():
            if number not in self._claimed and where in (None, store.path_of(store.flows[source.flow_id])):
                self._claimed.add(number)
                return source
        return factories.add_source(
            store,
            flow=flow_of(store, where),
            application=self._application,
            creator=store.users[min(store.users)],
            name=f"Source of {token[:4]}…" if token else "Source",
        )

    # Ids

    def _named(self, text: str) -> str:
        return NAMES.sub(lambda found: self._names.get(found[0], found[0]), text)

    def _numbered(self, url: str) -> str:
        """Return a URL with ids of the fake in its path."""
        path, mark, query = url.partition("?")
        steps = path.split("/")
        for at in range(1, len(steps)):
            if steps[at - 1] in PUSHED and steps[at - 2 : at - 1] == ["messages"]:
                steps[at] = quote(",".join(map(self._push_token, steps[at].split(","))), safe=",")
            elif (kind := NUMBERED.get(steps[at - 1])) is not None:
                number, dot, end = steps[at].partition(".")
                steps[at] = self._numbers.get((self._place(kind, path_in(url)), number), number) + dot + end
        return "/".join(steps) + mark + query

    def _push_token(self, token: str) -> str:
        if token not in self._names and token not in self._names.values():
            self._names[token] = flow_of(self._store, None).api_token
        return self._names.get(token, token)

    @staticmethod
    def _place(kind: str, path: str) -> str:
        """Return the scope of an id: those of messages are unique within their flow or conversation."""
        steps = routing.normal(path).split("/")
        depth = {"flows": 4, "private": 3}.get(steps[1], 0) if kind == "message" else 0
        return " ".join((kind, "/".join(steps[1:depth])))

    def _renumbered(self, body: str, path: str) -> str:
        """Return a body in which `message` or `message_id` is an id of the fake."""
        if '"message' not in body:
            return body
        fields = json_in(body.encode("utf-8", "surrogateescape"))
        if not isinstance(fields, dict):
            return body
        keys = {name: (self._place("message", path), str(fields.get(name))) for name in ("message", "message_id")}
        changed = {name: int(self._numbers[key]) for name, key in keys.items() if key in self._numbers}
        return json.dumps(fields | changed) if changed else body

    def _learn(self, here: Any, there: Any, path: str, name: str = "", depth: int = 0) -> None:
        """Map recorded ids and tokens to those of the fake."""
        if depth > 20:
            return
        if isinstance(here, dict) and isinstance(there, dict):
            kind = next((kind for name, kind in KINDS.items() if name in here), "application")
            mine, its = here.get("id"), there.get("id")
            if type(mine) is int and type(its) is int and mine != its:
                talks = {f"message private/{here[name]}" for name in ("user", "to") if "to" in here and name in here}
                for place in {self._place(kind, path), *talks}:  # both addresses of a private conversation
                    self._numbers[place, str(mine)] = str(its)
            for each in here.keys() & there.keys():
                self._learn(here[each], there[each], path, each, depth + 1)
        elif isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
            for mine, its in zip(here, there, strict=True):
                self._learn(mine, its, path, name, depth + 1)
        elif isinstance(here, str) and isinstance(there, str) and here != there:
            if NAMES.fullmatch(here) and NAMES.fullmatch(there):
                self._names[here] = there
            elif name == "path":  # of a file: its token stands between the slashes
                for mine, its in zip(NAMES.findall(here), NAMES.findall(there), strict=False):
                    self._names[mine] = its


def _has_token(url: str, body: str) -> bool:
    return any(f"{name}=" in url or f'"{name}"' in body or f"{name}=" in body for name in SECRET)
