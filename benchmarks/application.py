"""The application alone, from WSGI environ to response: what each client and the server add comes on top."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from fakeflowdock import FakeFlowdock

from .comparing import Table, microseconds, seconds_of
from .environs import environ_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIEnvironment

API = "https://api.flowdock.com"
FLOW = f"{API}/flows/example/main"
TIMES = 100
ROUNDS = 60
MESSAGE = {"event": "message", "content": "The build of the branch is done and all of the tests pass"}
SOURCE = {"name": "Builds", "external_url": "http://ci.example.com/builds"}


def table() -> Table:
    """Measure it. The least of all rounds counts, and the median stands beside it."""
    fake = FakeFlowdock()
    fake.add_source(name="Example")
    fake.add_source(name="Engineering", external_url="https://acme.example.com/polls/helsinki")
    user = {"auth": (fake.user.api_token, "")}
    application = {"headers": {"Authorization": f"Bearer {fake.access_token()}"}}
    loads = (
        ("a GET of two sources", 28e-6, environ_of("GET", f"{API}/sources", **user), 200),
        ("a post of a message", 60e-6, environ_of("POST", f"{FLOW}/messages", json=MESSAGE, **user), 201),
        ("a creation of a source", 50e-6, environ_of("POST", f"{FLOW}/sources", json=SOURCE, **application), 201),
    )
    found = Table("application: processor time of a request, from WSGI environ to response, in process")
    for what, limit, environ, status in loads:
        ask = asking(fake, environ, status)
        times = sorted(seconds_of(ask, TIMES) for _ in range(ROUNDS))
        figure = f"{microseconds(times[0])} (median {microseconds(times[ROUNDS // 2])})"
        found.hold(what, figure, f"at most {microseconds(limit)}", met=times[0] <= limit)
    return found


def asking(fake: FakeFlowdock, environ: WSGIEnvironment, status: int) -> Callable[[], object]:
    """A request that can be repeated."""
    body, app = environ["wsgi.input"].getvalue(), fake._runs.current.app

    def ask() -> None:
        answer = app.answer({**environ, "wsgi.input": io.BytesIO(body)})
        assert answer.status == status, answer

    return ask
