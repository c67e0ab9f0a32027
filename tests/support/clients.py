"""Every client library behind one face: what a test asks for, each does in its own way.

Each is imported when its first client is made: a child process needs only its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeflowdock import FakeFlowdock
import asyncio
import http.client
import importlib
import json as standard_json
import ssl
import urllib.error
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

    import aiohttp

WAIT = 20  # seconds, as a timeout that each library is given
NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # is trusted: to load a store for each client takes most of its time


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    """By their names in small letters."""
    body: bytes
    url: str

    @property
    def json(self) -> Any:
        return standard_json.loads(self.body)


def reply_of(status: int, headers: Any, body: bytes, url: object) -> Reply:
    return Reply(status, {name.lower(): value for name, value in headers.items()}, body, str(url))


@dataclass
class Asked:
    """A request. `json`, `form`, `files` or `pieces` make its body.

    Attributes:
        files: fields, with a file `content` among them, as a form in parts: its name and its bytes.
        pieces: a body of unknown length.
    """

    method: str
    url: str
    headers: dict[str, str] | None = None
    params: dict[str, str] | None = None
    json: Any = None
    form: dict[str, str] | None = None
    files: tuple[dict[str, str], str, bytes] | None = None
    pieces: list[bytes] | None = None
    follow: bool = True

    def arguments(self) -> dict[str, Any]:
        """Those that requests and httpx have in common."""
        given = {"headers": self.headers, "params": self.params, "json": self.json, "data": self.form}
        if self.files is not None:
            given["data"], name, content = self.files
            given["files"] = {"content": (name, content)}
        return given

    def encoded(self) -> tuple[bytes | None, dict[str, str], str]:
        """Body, headers and URL, for a library that makes none."""
        body, kind = None, ""
        if self.json is not None:
            body, kind = standard_json.dumps(self.json).encode(), "application/json"
        elif self.form is not None:
            body, kind = urlencode(self.form).encode(), "application/x-www-form-urlencoded"
        elif self.files is not None:
            import urllib3

            fields, name, content = self.files
            body, kind = urllib3.encode_multipart_formdata({**fields, "content": (name, content)})
        headers = {**(self.headers or {}), **({"Content-Type": kind} if kind else {})}
        return body, headers, f"{self.url}?{urlencode(self.params)}" if self.params else self.url


@dataclass
class Opened:
    """A response that is open.

    Attributes:
        next_piece: waits for the next piece of the body as it was sent, and returns it; b"" at the end.
        close: closes it.
    """

    status: int
    headers: dict[str, str]
    next_piece: Callable[[], bytes]
    close: Callable[[], object]

    def until(self, end: bytes = b"") -> bytes:
        """The pieces up to one that ends so, or all that are left."""
        found = b""
        while (piece := self.next_piece()) and not ((found := found + piece).endswith(end) and end):
            pass
        return found


def opened(status: int, headers: Any, next_piece: Callable[[], bytes], close: Callable[[], object]) -> Opened:
    return Opened(status, {name.lower(): value for name, value in headers.items()}, next_piece, close)


class Client:
    """One client of a library."""

    def send(self, method: str, url: str, headers: dict[str, str] | None = None, **more: Any) -> Reply:
        """What is answered to a request, whose parts are those of `Asked`."""
        return self.answered(Asked(method, url, headers, **more))

    def answered(self, asked: Asked) -> Reply:
        raise NotImplementedError

    def read(self, url: str, headers: dict[str, str], size: int) -> list[bytes]:
        """The body, streamed in pieces of at most a size."""
        raise NotImplementedError

    def lines(self, url: str, headers: dict[str, str]) -> list[str]:
        """The body, streamed line by line."""
        raise NotImplementedError

    def stream(self, url: str, headers: dict[str, str]) -> Opened:
        """A response that is read piece by piece. Its head has been read."""
        raise NotImplementedError

    def at_once(self, times: int, url: str, headers: dict[str, str]) -> list[int]:
        """The same GET many times at the same time, and the status of each."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(times) as pool:
            return list(pool.map(lambda _: self.send("GET", url, headers).status, range(times)))

    def close(self) -> None:
        raise NotImplementedError


class Requests(Client):
    def __init__(self, wait: float | None) -> None:
        import requests

        self.wait = wait
        self.session = requests.Session()

    def answered(self, asked: Asked) -> Reply:
        more = asked.arguments()
        if asked.pieces is not None:
            more["data"] = iter(asked.pieces)
        more |= {"timeout": self.wait, "allow_redirects": asked.follow}
        reply = self.session.request(asked.method, asked.url, **more)
        return reply_of(reply.status_code, reply.headers, reply.content, reply.url)

    def read(self, url: str, headers: dict[str, str], size: int) -> list[bytes]:
        with self.session.get(url, headers=headers, stream=True, timeout=self.wait) as reply:
            return list(reply.iter_content(size))

    def lines(self, url: str, headers: dict[str, str]) -> list[str]:
        with self.session.get(url, headers=headers, stream=True, timeout=self.wait) as reply:
            return [line.decode() for line in reply.iter_lines()]

    def stream(self, url: str, headers: dict[str, str]) -> Opened:
        reply = self.session.get(url, headers=headers, stream=True, timeout=self.wait)
        pieces = reply.iter_content(None)
        return opened(reply.status_code, reply.headers, lambda: next(pieces, b""), reply.close)

    def close(self) -> None:
        self.session.close()


class Httpx(Client):
    def __init__(self, module: Any, wait: float | None) -> None:
        self.client = module.Client(timeout=wait, verify=NOBODY)

    def answered(self, asked: Asked) -> Reply:
        more = asked.arguments()
        if asked.pieces is not None:
            more["content"] = iter(asked.pieces)
        reply = self.client.request(asked.method, asked.url, follow_redirects=asked.follow, **more)
        return reply_of(reply.status_code, reply.headers, reply.content, reply.url)

    def read(self, url: str, headers: dict[str, str], size: int) -> list[bytes]:
        with self.client.stream("GET", url, headers=headers) as reply:
            return list(reply.iter_bytes(size))

    def lines(self, url: str, headers: dict[str, str]) -> list[str]:
        with self.client.stream("GET", url, headers=headers, follow_redirects=True) as reply:
            return list(reply.iter_lines())

    def stream(self, url: str, headers: dict[str, str]) -> Opened:
        reply = self.client.send(self.client.build_request("GET", url, headers=headers), stream=True)
        pieces = reply.iter_raw()
        return opened(reply.status_code, reply.headers, lambda: next(pieces, b""), reply.close)

    def close(self) -> None:
        self.client.close()


class Asynchronous(Client):
    """What the asynchronous ones have in common: a loop of their own."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()

    def opened_by(
        self,
        status: int,
        headers: Any,
        next_piece: Callable[[], Coroutine[Any, Any, bytes]],
        close: Callable[[], Coroutine[Any, Any, object]],
    ) -> Opened:
        return opened(status, headers, lambda: self.runner.run(next_piece()), lambda: self.runner.run(close()))

    async def sent(self, asked: Asked) -> Reply:
        raise NotImplementedError

    async def closed(self) -> None:
        raise NotImplementedError

    def answered(self, asked: Asked) -> Reply:
        return self.runner.run(self.sent(asked))

    def at_once(self, times: int, url: str, headers: dict[str, str]) -> list[int]:
        async def all_of_them() -> list[Reply]:
            return await asyncio.gather(*(self.sent(Asked("GET", url, headers)) for _ in range(times)))

        return [reply.status for reply in self.runner.run(all_of_them())]

    def close(self) -> None:
        self.runner.run(self.closed())
        self.runner.close()


async def one_by_one(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


class AsyncHttpx(Asynchronous):
    def __init__(self, module: Any, wait: float | None) -> None:
        super().__init__()
        self.client = module.AsyncClient(timeout=wait, verify=NOBODY)

    async def sent(self, asked: Asked) -> Reply:
        more = asked.arguments()
        if asked.pieces is not None:
            more["content"] = one_by_one(asked.pieces)
        reply = await self.client.request(asked.method, asked.url, follow_redirects=asked.follow, **more)
        return reply_of(reply.status_code, reply.headers, reply.content, reply.url)

    def read(self, url: str, headers: dict[str, str], size: int) -> list[bytes]:
        async def pieces() -> list[bytes]:
            async with self.client.stream("GET", url, headers=headers) as reply:
                return [piece async for piece in reply.aiter_bytes(size)]

        return self.runner.run(pieces())

    def lines(self, url: str, headers: dict[str, str]) -> list[str]:
        async def lines() -> list[str]:
            async with self.client.stream("GET", url, headers=headers, follow_redirects=True) as reply:
                return [line async for line in reply.aiter_lines()]

        return self.runner.run(lines())

    def stream(self, url: str, headers: dict[str, str]) -> Opened:
        request = self.client.build_request("GET", url, headers=headers)
        reply = self.runner.run(self.client.send(request, stream=True))
        pieces = reply.aiter_raw()

        async def next_piece() -> bytes:
            found: bytes = await anext(pieces, b"")
            return found

        return self.opened_by(reply.status_code, reply.headers, next_piece, reply.aclose)

    async def closed(self) -> None:
        await self.client.aclose()


class Aiohttp(Asynchronous):
    def __init__(self, sock_read: float | None = None, total: float | None = None) -> None:
        import aiohttp

        super().__init__()
        self.new_form = aiohttp.FormData
        self.session = self.runner.run(self.opened(aiohttp.ClientTimeout(total=total, sock_read=sock_read)))

    async def opened(self, wait: aiohttp.ClientTimeout) -> aiohttp.ClientSession:
        import aiohttp

        return aiohttp.ClientSession(timeout=wait)

    async def closed(self) -> None:
        await self.session.close()

    async def sent(self, asked: Asked) -> Reply:
        data: Any = asked.form if asked.pieces is None else one_by_one(asked.pieces)
        if asked.files is not None:
            fields, name, content = asked.files
            data = self.new_form(fields)
            data.add_field("content", content, filename=name)
        given = {"headers": asked.headers, "params": asked.params, "json": asked.json, "data": data}
        more: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        async with self.session.request(asked.method, asked.url, allow_redirects=asked.follow, **more) as reply:
            return reply_of(reply.status, reply.headers, await reply.read(), reply.url)

    def read(self, url: str, headers: dict[str, str], size: int) -> list[bytes]:
        async def pieces() -> list[bytes]:
            async with self.session.get(url, headers=headers) as reply:
                return [piece async for piece in reply.content.iter_chunked(size)]

        return self.runner.run(pieces())

    def lines(self, url: str, headers: dict[str, str]) -> list[str]:
        async def lines() -> list[str]:
            async with self.session.get(url, headers=headers) as reply:
                return [line.decode().rstrip("\n") async for line in reply.content]

        return self.runner.run(lines())

    def stream(self, url: str, headers: dict[str, str]) -> Opened:
        async def get() -> aiohttp.ClientResponse:
            return await self.session.get(url, headers=headers)

        reply = self.runner.run(get())

        async def close() -> None:
            reply.close()

        async def next_piece() -> bytes:
            return (await reply.content.readchunk())[0]

        return self.opened_by(reply.status, reply.headers, next_piece, close)


class Urllib3(Client):
    def __init__(self, wait: float | None) -> None:
        import urllib3

        self.pools = urllib3.PoolManager(timeout=wait)

    def answered(self, asked: Asked) -> Reply:
        body, headers, url = asked.encoded()
        more: dict[str, Any] = {"body": body}
        if asked.pieces is not None:
            more = {"body": iter(asked.pieces), "chunked": True}
        reply = self.pools.request(asked.method, url, headers=headers, redirect=asked.follow, **more)
        return reply_of(reply.status, reply.headers, reply.data, urljoin(url, reply.geturl() or url))

    def read(self, url: str, headers: dict[str, str], size: int) -> list[bytes]:
        reply = self.pools.request("GET", url, headers=headers, preload_content=False)
        pieces = list(reply.stream(size))
        reply.release_conn()
        return pieces

    def lines(self, url: str, headers: dict[str, str]) -> list[str]:
        reply = self.pools.request("GET", url, headers=headers, preload_content=False)
        lines: Iterator[bytes] = iter(reply)
        return [line.decode().rstrip("\n") for line in lines]

    def stream(self, url: str, headers: dict[str, str]) -> Opened:
        reply = self.pools.request("GET", url, headers=headers, preload_content=False)
        pieces = reply.stream(None)
        return opened(reply.status, reply.headers, lambda: next(pieces, b""), reply.close)

    def close(self) -> None:
        self.pools.clear()


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Urllib(Client):
    def __init__(self, wait: float | None) -> None:
        self.wait = wait
        self.opener = urllib.request.build_opener()
        self.stiff = urllib.request.build_opener(NoRedirect)

    def open(self, request: urllib.request.Request, *, follow: bool = True) -> Any:
        try:
            return (self.opener if follow else self.stiff).open(request, timeout=self.wait)
        except urllib.error.HTTPError as error:
            return error

    def answered(self, asked: Asked) -> Reply:
        body, headers, url = asked.encoded()
        data: Any = body if asked.pieces is None else iter(asked.pieces)
        request = urllib.request.Request(url, data, headers, method=asked.method)
        with self.open(request, follow=asked.follow) as reply:
            return reply_of(reply.status, reply.headers, reply.read(), reply.url)

    def read(self, url: str, headers: dict[str, str], size: int) -> list[bytes]:
        with self.open(urllib.request.Request(url, headers=headers)) as reply:
            return list(iter(lambda: reply.read(size), b""))

    def lines(self, url: str, headers: dict[str, str]) -> list[str]:
        with self.open(urllib.request.Request(url, headers=headers)) as reply:
            return [line.decode().rstrip("\n") for line in reply]

    def stream(self, url: str, headers: dict[str, str]) -> Opened:
        reply = self.opener.open(urllib.request.Request(url, headers=headers), timeout=self.wait)
        return opened(reply.status, reply.headers, lambda: reply.read1(65536), reply.close)

    def close(self) -> None:
        pass


class HttpClient(Client):
    """`http.client`, which follows no redirect."""

    def __init__(self, wait: float | None) -> None:
        self.wait = wait
        self.connections: dict[tuple[str, str], http.client.HTTPConnection] = {}

    def answered(self, asked: Asked) -> Reply:
        body, headers, url = asked.encoded()
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        at = parts.scheme, parts.netloc
        connection = self.connections.get(at) or self.connections.setdefault(at, kind(parts.netloc, timeout=self.wait))
        target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        data: Any = body if asked.pieces is None else iter(asked.pieces)
        connection.request(asked.method, target, data, headers)
        reply = connection.getresponse()
        return reply_of(reply.status, reply.headers, reply.read(), url)

    def close(self) -> None:
        for connection in self.connections.values():
            connection.close()


def make(name: str, wait: float | None = WAIT) -> Client:
    """A new client, that waits so many seconds for an answer."""
    library, _, kind = name.partition(" ")
    if library.startswith("httpx"):
        return (AsyncHttpx if kind else Httpx)(importlib.import_module(library), wait)
    others: dict[str, Callable[[float | None], Client]] = {
        "requests": Requests,
        "aiohttp": Aiohttp,
        "urllib3": Urllib3,
        "urllib.request": Urllib,
        "http.client": HttpClient,
    }
    return others[library](wait)


HTTPX = [f"{fork}{kind}" for fork in ("httpx", "httpx2", "httpxyz") for kind in ("", " asynchronous")]
NAMES = ["requests", *HTTPX, "aiohttp", "urllib3", "urllib.request"]
EVERY = [*NAMES, "http.client"]  # which leaves redirects to the program


API = "https://api.flowdock.com"


def basic(fake: FakeFlowdock) -> dict[str, str]:
    return fake.as_user().headers
