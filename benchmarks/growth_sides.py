"""How requests are sent to a world of `growth_world.py`, and what a call of an operation is."""

from __future__ import annotations

import base64
import json
import re
import socket
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import clock_gettime
from typing import TYPE_CHECKING, Any

from .growth_world import BUSY, FIRST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STEP = 7_919  # a prime, by which the numbers of requests are apart, so that they are spread over the world
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *([0-9]+)")


@dataclass(frozen=True)
class Sent:
    """A request.

    Attributes:
        sender: a number of a user, or what its `Authorization` is.
    """

    method: str
    path: str
    body: Any = None
    sender: int | str = BUSY
    headers: dict[str, str] = field(default_factory=dict)


class Side(ABC):
    """A world, and how requests are sent to it.

    Args:
        size: how many entities of each kind it has.
        known: the secrets that requests need.
    """

    def __init__(self, size: int, known: dict[str, Any]) -> None:
        self.size, self.known = size, known
        self._asked = 0

    @abstractmethod
    def ask(self, sent: Sent) -> tuple[bytes, bytes]:
        """Return head and body of the response. Raises RuntimeError if it is an error."""

    @property
    def new(self) -> int:
        """A number that was not used before."""
        self._asked += 1
        return self._asked

    @property
    def any(self) -> int:
        """The number of one of the many. Three of them in a row are of each kind of message."""
        return FIRST + self.new * STEP % (self.size // 3 * 3)

    def any_of(self, rest: int) -> int:
        """Return the number of one of the messages with this rest of a division by 3."""
        number = self.any
        number += (rest - number) % 3
        return number if number < FIRST + self.size else number - 3

    def made(self, sent: Sent) -> Any:
        """Return the JSON of a response."""
        return json.loads(self.ask(sent)[1])

    def authorization(self, sent: Sent) -> dict[str, str]:
        """Return the header of the sender of a request."""
        sender = sent.sender
        if isinstance(sender, int):
            sender = f"Basic {base64.b64encode(self.known[str(sender)].encode() + b':').decode()}"
        return {"Authorization": sender} if sender else {}


class Server(Side):
    """A world on a server, with a client.

    Args:
        address: where it listens.
        pid: its process.
    """

    def __init__(self, address: tuple[str, int], pid: int, known: dict[str, Any], size: int) -> None:
        super().__init__(size, known)
        self._address, self._pid = address, pid
        self._connection = self.connect()

    def connect(self) -> socket.socket:
        """Return a new connection."""
        connection = socket.create_connection(self._address, timeout=60)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    @property
    def spent(self) -> float:
        """The processor time of the server so far, in seconds."""
        return clock_gettime((~self._pid << 3) | 2)  # the clock of another process, as Linux numbers them

    def written(self, sent: Sent) -> bytes:
        """Return a request as bytes."""
        headers = {"Host": "127.0.0.1", **self.authorization(sent)}
        body = b""
        if sent.body is not None:
            kind, text = (FORM, sent.body) if isinstance(sent.body, str) else (JSON, json.dumps(sent.body))
            body = text.encode()
            headers |= {"Content-Type": kind, "Content-Length": str(len(body))}
        headers |= sent.headers
        lines = [f"{sent.method} {sent.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def ask(self, sent: Sent) -> tuple[bytes, bytes]:
        """Return head and body of the response. Raises RuntimeError if it is an error."""
        return self.exchange(self.written(sent))

    def exchange(self, request: bytes) -> tuple[bytes, bytes]:
        """Send bytes, and return head and body of the response. Raises RuntimeError if it is an error."""
        self._connection.sendall(request)
        head, body = head_of(self._connection)
        if (length := _LENGTH.search(head)) is not None:
            while len(body) < int(length[1]):
                body += self._connection.recv(262_144)
        if head[9:10] not in b"23":
            raise RuntimeError(f"{request[:300]!r} was answered with {head[:20]!r} {body[:500]!r}")
        return head, body

    def hear(self) -> None:
        """Wait for an event on the open stream."""
        heard = b""
        while not heard.endswith(b"\n\r\n"):
            heard += self._stream.recv(262_144)

    @contextmanager
    def beside(self, path: str | None) -> Iterator[None]:
        """Keep a stream open meanwhile."""
        if path is None:
            yield
            return
        with self.connect() as self._stream:
            self._stream.sendall(self.written(Sent("GET", path)))
            head_of(self._stream)
            yield


def head_of(connection: socket.socket) -> tuple[bytes, bytes]:
    """Return the head of a response, and what came with it."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := connection.recv(262_144)):
            raise RuntimeError("the server has closed the connection")
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


@dataclass(frozen=True)
class Case:
    """A call of an operation.

    Attributes:
        operation: its title.
        sent: the request, with what `prepared` returned.
        what: in which way it is called.
        prepared: done before each request, and not measured.
        bounded: whether the response lists all there is, so that the caller is one who sees as little in each world.
        measured: sends the request, as bytes, and waits for what is to come.
        beside: the path of a stream that is open meanwhile.
    """

    operation: str
    sent: Callable[[Side, Any], Sent]
    what: str = ""
    prepared: Callable[[Side], Any] = lambda _: None
    bounded: bool = False
    measured: Callable[[Server, bytes], object] = lambda server, request: server.exchange(request)
    beside: str | None = None

    @property
    def name(self) -> str:
        """How it is shown."""
        return self.operation + (f", {self.what}" if self.what else "")
