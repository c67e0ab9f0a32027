"""An integration of ours that receives thread actions, written as Flowdock's guide describes a receiver."""

from __future__ import annotations

import hmac
import json
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

import jwt

from fakeflowdock import FakeFlowdock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fakeflowdock import FakeFlowdock, Message, Source

PULL = "pr:42"
ASSIGN = "Assign to me"
PATH = "/issues/42/assign-to-me"
SIGN_IN = "https://integrator.example.com/authorization?claim=x"
VIEW = {"@type": "ViewAction", "name": "Diff", "url": "https://github.com/flowdock/component/pull/42/files"}


def update(name: str = ASSIGN, url: str = f"https://integrator.example.com{PATH}", **more: Any) -> dict[str, Any]:
    """An UpdateAction."""
    method = more.pop("method", "POST")
    target = {"@type": "EntryPoint", "urlTemplate": url, "httpMethod": method}
    return {"@type": "UpdateAction", "name": name, **more, "target": target}


def post_pull(fake: FakeFlowdock, *actions: dict[str, Any], source: Source | None = None, **thread: Any) -> Message:
    """Post the activity of the guide: a pull request that can be assigned."""
    return fake.add_message(
        event="activity",
        source=source or next(iter(fake.sources), None) or fake.add_source(name="GitHub"),
        author={"name": "anttipitkanen"},
        title="Opened pull request",
        external_thread_id=PULL,
        thread={"title": "Fix bug in thread API", "actions": [*(actions or (update(),))], **thread},
    )


class Receiver:
    """Verifies each request, knows some users, and does what they ask for.

    Args:
        secret: the `client_secret` of its application.
        known: the numbers of the users who have signed in at it, as text.
    """

    def __init__(self, secret: str, *known: str) -> None:
        self.secret = secret
        self.known = {*known}
        self.done: list[tuple[str, Any]] = []  # by which user, and what was sent
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []

    def receive(self, token: str | None, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """The answer to a request: status, headers and body."""
        try:
            claims = jwt.decode(token or "", self.secret, algorithms=["HS256"])
        except jwt.PyJWTError:
            return 403, [], b""
        if not hmac.compare_digest(claims["signature"], sha256(body).hexdigest()):
            return 403, [], b""
        if claims["sub"] not in self.known:
            challenge = ("www-authenticate", f"Flowdock-Token url={SIGN_IN}")
            return 401, [("Content-Type", "application/json"), challenge], b'{"error": "Authentication required"}'
        self.done.append((claims["sub"], json.loads(body) if body else None))
        return 200, [], b""

    def wsgi(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """As a WSGI application."""
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0))
        status, headers, answer = self.receive(environ.get("HTTP_FLOWDOCK_TOKEN"), body)
        path = environ["PATH_INFO"] + (f"?{query}" if (query := environ["QUERY_STRING"]) else "")
        received = {name.removeprefix("HTTP_"): value for name, value in environ.items() if name.startswith("HTTP_")}
        self.seen.append((environ["REQUEST_METHOD"], path, received, body))
        start_response(f"{status} …".encode().decode("latin-1"), headers)
        return [answer]

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        """As an ASGI application."""
        body = (await receive())["body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        status, answered, answer = self.receive(headers.get("flowdock-token"), body)
        self.seen.append((scope["method"], scope["path"], headers, body))
        pairs = [(name.encode(), value.encode()) for name, value in answered]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": answer[:5], "more_body": True})
        await send({"type": "http.response.body", "body": answer[5:]})

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """As a server."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, headers, answer = receiver.receive(self.headers.get("FLOWDOCK-TOKEN"), body)
                receiver.seen.append((self.command, self.path, dict(self.headers), body))
                self.send_response(status)
                for name, value in [*headers, ("Content-Length", str(len(answer)))]:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815

        return Handler


def answering(status: int, headers: dict[str, str] | None = None) -> Any:
    def application(environ: Any, start_response: Any) -> list[bytes]:
        start_response(f"{status} x", [*(headers or {}).items()])
        return [b"body"]

    return application
