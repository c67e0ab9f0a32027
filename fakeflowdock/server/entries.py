"""Requests as entries of the log that servers share, and how they are processed. docs/background/many-servers.md."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..api.environ import CITES, ENTRY
from ..api.responses import Answer, Broken

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIEnvironment

    from ..api.pauses import Pause
    from ..http.protocols import Answering

TERMINATED = "wsgi.input_terminated"
INCOMPLETE = "fakeflowdock.incomplete"  # whether the end of the body never came
MORE = (CITES, TERMINATED)  # what counts of an environ, besides its texts


class _Incomplete(io.RawIOBase):
    """A body whose end never came."""

    def read(self, _size: int = -1) -> bytes:
        raise OSError


@dataclass
class Outcome:
    """What came of a request.

    Attributes:
        answer: the response, or how the connection breaks.
        pauses: for how long the response is delayed, as faults demand.
    """

    answer: Answer | Broken
    pauses: list[Pause] = field(default_factory=list)


class Ticket:
    """Something that waits for the log, as `Pause.journal`.

    Args:
        environ: the request, of an entry of this server.
        content: the entry; None to learn what is in the log.

    Attributes:
        count: 1 when the wait is over.
        outcome: what came of the entry of a request.
        result: what came of another one.
        is_kept: whether the entry is appended as soon as the log is there again.
        problem: why it could not be processed.
        is_left: whether nobody waits any more.
    """

    def __init__(self, environ: WSGIEnvironment | None = None, content: bytes | None = None) -> None:
        self.environ, self.content = environ, content
        self.number = self.count = 0
        self.listeners: dict[Callable[[], None], None] = {}
        self.outcome: Outcome | None = None
        self.result: Any = None
        self.is_kept = False
        self.problem: str | None = None
        self.is_left = False

    def done(self, outcome: Outcome | None = None, problem: str | None = None) -> None:
        """End the wait."""
        if not self.count:
            self.outcome, self.problem, self.count = outcome, problem, 1
            for each in list(self.listeners):
                each()


def packed(environ: WSGIEnvironment) -> bytes:
    """Return a request as the content of an entry: a line of JSON, and the body as it came."""
    kept: dict[str, str | bool] = {
        name: value for name, value in environ.items() if type(value) is str and name != ENTRY
    }
    kept |= dict.fromkeys((name for name in MORE if name in environ), True)
    body = environ["wsgi.input"]
    if not isinstance(body, io.BytesIO):
        return json.dumps({**kept, INCOMPLETE: True}).encode() + b"\n"
    return json.dumps(kept).encode() + b"\n" + body.getvalue()


def unpacked(content: bytes, number: str) -> WSGIEnvironment:
    """Return the request of an entry.

    Args:
        number: the id of the entry.
    """
    head, _, body = content.partition(b"\n")
    environ: WSGIEnvironment = json.loads(head)
    environ[ENTRY] = number
    environ["wsgi.input"] = _Incomplete() if environ.pop(INCOMPLETE, False) else io.BytesIO(body)
    return environ


def applied(app: Answering, environ: WSGIEnvironment) -> Outcome:
    """Answer a request at once, whatever delays its response: its place in the log is when it happens.

    Args:
        app: the app that answers it.
    """
    pauses: list[Pause] = []
    try:
        steps = app.begin(environ)
        if isinstance(steps, Answer):
            return Outcome(steps)
        pauses.append(next(steps))
        while True:
            pauses.append(steps.send(True))
    except StopIteration as end:
        return Outcome(end.value, pauses)
    except Broken as broken:
        return Outcome(broken, pauses)
