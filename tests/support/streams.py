"""Read a stream over the live server's socket.

```python
with listening(fake, filter="example/main") as stream:
    fake.add_message("Hello")
    assert stream.next()["content"] == "Hello"
    assert stream.rest() == []
```

`listening` returns when the head of the response was read: the stream is open then, and misses nothing.
"""

from __future__ import annotations

import base64
import json
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from fakeflowdock import FakeFlowdock, User

STREAM = "/_fakeflowdock/stream/flows"
EVENT_STREAM = "text/event-stream"
LONGEST = 30.0  # seconds that anything may take


class Ended(AssertionError):
    """The server ended the stream, and a test expected more of it."""


class Listener:
    """One stream.

    Attributes:
        status, headers: of the response; names of headers in small letters.
        has_ended: whether the end of the stream was read.
        last_event_id: the `id:` of the last record of a stream of server-sent events.
    """

    def __init__(self, fake: FakeFlowdock, path: str, headers: Mapping[str, str]) -> None:
        self.fake = fake
        parts = urlsplit(fake.url)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=LONGEST)
        self._data = b""
        lines = [f"GET {path} HTTP/1.1", f"Host: {parts.netloc}", *(f"{n}: {v}" for n, v in headers.items())]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        try:
            first, *rest = self._until(b"\r\n\r\n", LONGEST).decode().split("\r\n")
        except OSError:
            self.leave()
            raise
        self.status = int(first.split()[1])
        self.headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in rest if line)}
        self.last_event_id: str | None = None
        self.has_ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Close the connection."""
        self._socket.close()

    def chunk(self, within: float = LONGEST) -> bytes:
        """The next chunk, also one that keeps the stream alive; b"" at its end. Raises TimeoutError."""
        if self.has_ended:
            return b""
        length = int(self._until(b"\r\n", within), 16)
        self.has_ended = length == 0
        self._receive(length + 2, within)
        piece, self._data = self._data[:length], self._data[length + 2 :]
        return piece

    def next(self, within: float = LONGEST) -> Any:
        """The next event. Raises TimeoutError if none comes in so many seconds, and Ended at the end."""
        while (piece := self.chunk(within)) in (b"\n", b":\n\n"):
            pass
        if not piece:
            raise Ended("the stream has ended")
        return self._read(piece)

    def take(self, count: int) -> list[Any]:
        """The next events."""
        return [self.next() for _ in range(count)]

    def until_the_end(self) -> list[Any]:
        """All events until the server ends the stream, which it has to do by itself."""
        found: list[Any] = []
        try:
            while True:
                found.append(self.next())
        except Ended:
            return found

    def rest(self) -> list[Any]:
        """All events that the stream was sent until now. Ends every stream of the fake, so nothing comes later."""
        app = self.fake._runs.current.app
        with app.store.lock:
            app.streams.end()
        return self.until_the_end()

    def _read(self, piece: bytes) -> Any:
        text = piece.decode()
        if self.headers["content-type"].startswith(EVENT_STREAM):
            number, data, *blank = text.split("\n")
            assert (number[:4], data[:6], blank) == ("id: ", "data: ", ["", ""]), piece
            self.last_event_id, text = number[4:], data[6:]
        else:
            assert text.endswith("\r\n"), piece
        return json.loads(text)

    def _until(self, mark: bytes, within: float) -> bytes:
        end = time.monotonic() + within
        while mark not in self._data:
            self._receive(len(self._data) + 1, end - time.monotonic())
        found, _, self._data = self._data.partition(mark)
        return found

    def _receive(self, size: int, within: float) -> None:
        end = time.monotonic() + within
        while len(self._data) < size:
            self._socket.settimeout(max(end - time.monotonic(), 0.001))
            piece = self._socket.recv(65536)
            if not piece:
                raise ConnectionError("the connection was closed in the middle of the stream")
            self._data += piece


def listening(
    fake: FakeFlowdock,
    flow: str | None = None,
    *,
    by: User | str | None = None,
    last_event_id: str | int | None = None,
    **asked: Any,
) -> Listener:
    """An open stream of a fake, by its live server.

    Args:
        flow: the flow in the path, `example/main`. Default: none.
        by: a user, or an access token. Default: the first user.
        last_event_id: to resume a stream of server-sent events.
        asked: the parameters: `filter`, `user`, `presence`, `active`, `accept`.
    """
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    path = f"{STREAM}{f'/{flow}' if flow else ''}{f'?{query}' if query else ''}"
    basic = base64.b64encode(f"{fake.user.api_token if by is None else getattr(by, 'api_token', '')}:".encode())
    headers = {"Authorization": f"Bearer {by}" if isinstance(by, str) else f"Basic {basic.decode()}"}
    if last_event_id is not None:
        headers["Last-Event-ID"] = str(last_event_id)
    return Listener(fake, path, headers)
