"""Bytes to requests: what llhttp, Node's own parser, tells of a connection, gathered into WSGI environs."""

from __future__ import annotations

import io
from abc import abstractmethod
from functools import lru_cache
from typing import TYPE_CHECKING

import httptools

from ..api.environ import REQUEST_ID
from ..api.parameters import DRAINED
from ..contract.errors import MAX_BODY, TooLarge
from . import rejections, request_ids
from .rejections import Rejected

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

HEAD = 65_536  # bytes of a request line and its headers
TOO_LARGE_A_HEAD = f"The headers of a request must not have more than {HEAD} bytes"
VERSIONS = "HTTP/1.0 and HTTP/1.1 are spoken here"


class RequestParser:
    """The requests of one connection, one after the other.

    Args:
        scheme: http or https.
    """

    _name = _port = _far = ""
    _ending = False

    def __init__(self, scheme: str) -> None:
        self._scheme = scheme
        self._parser = httptools.HttpRequestParser(self)
        self._unread = 0  # bytes that came since the parser last told of something
        self._in_request = self._in_body = self._headless = False

    @abstractmethod
    def _take(self, environ: WSGIEnvironment, *, keep: bool) -> None:
        """Take a whole request."""

    @abstractmethod
    def _continue(self) -> None:
        """Tell the client to send the body."""

    def on_message_begin(self) -> None:
        """A request begins."""
        self._unread = 0
        if self._headless:
            return
        self._in_request = True
        self._target = b""
        self._size = 0
        self._parts: list[bytes] = []
        self._received = 0
        self._chunked = False
        self._expects = False
        self._environ: WSGIEnvironment = {
            "REQUEST_METHOD": "",
            "SCRIPT_NAME": "",
            "PATH_INFO": "",
            "QUERY_STRING": "",
            "SERVER_NAME": self._name,
            "SERVER_PORT": self._port,
            "REMOTE_ADDR": self._far,
            "wsgi.url_scheme": self._scheme,
        }

    def on_url(self, url: bytes) -> None:
        """A piece of its target came."""
        if self._headless:
            return
        self._target += url
        if len(self._target) > HEAD:
            raise Rejected(rejections.TARGET_TOO_LONG, f"The target of a request must not have more than {HEAD} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header came, or a trailer."""
        self._unread = 0
        self._size += len(name) + len(value) + 4
        if self._size > HEAD:
            raise Rejected(rejections.HEAD_TOO_LARGE, TOO_LARGE_A_HEAD)
        if self._in_body:
            return  # a trailer, or a head that was read before
        key = _key(name)
        if key is None:
            return
        text = value.decode("latin-1")
        environ = self._environ
        environ[key] = f"{environ[key]},{text}" if key in environ else text
        if key == "HTTP_TRANSFER_ENCODING":
            self._chunked = True
        elif key == "HTTP_EXPECT":
            self._expects = text.lower() == "100-continue"

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        if self._headless:
            return
        environ, parser = self._environ, self._parser
        target = self._target.decode("latin-1")
        environ["REQUEST_METHOD"] = parser.get_method().decode("ascii")
        environ["RAW_URI"] = target
        path, _, environ["QUERY_STRING"] = target.partition("?")
        environ["PATH_INFO"] = path
        version = parser.get_http_version()
        if version not in ("1.0", "1.1"):  # llhttp takes 0.9 and 2.0 too
            raise Rejected(rejections.VERSION_REFUSED, VERSIONS)
        environ["SERVER_PROTOCOL"] = f"HTTP/{version}"
        environ[REQUEST_ID] = request_ids.id_of(environ.get("HTTP_X_REQUEST_ID"))
        self._in_body = True
        if self._expects and version == "1.1" and not self._ending:
            self._continue()

    def _framing(self) -> bytes:
        """The head of a request whose body is framed as that of the present one."""
        name, value = "Content-Length", self._environ.get("HTTP_CONTENT_LENGTH")
        if self._chunked:
            name, value = "Transfer-Encoding", self._environ["HTTP_TRANSFER_ENCODING"]
        return f"POST / HTTP/1.1\r\n{name}: {value}\r\n\r\n".encode("latin-1")

    def on_body(self, body: bytes) -> None:
        """A piece of its body came."""
        self._unread = 0
        self._received += len(body)
        if self._received <= MAX_BODY:
            self._parts.append(body)
        elif self._received > DRAINED:
            raise Rejected(TooLarge.name, TooLarge().message)
        else:
            self._parts.clear()  # it is read away, so that the client gets to read the answer

    def on_message_complete(self) -> None:
        """It is whole; or its body is still to come, where the client would rather speak another protocol."""
        if self._parser.should_upgrade() and (self._chunked or "HTTP_CONTENT_LENGTH" in self._environ):
            self._headless = True
            return
        self._headless = False
        environ = self._environ
        environ["wsgi.input"] = io.BytesIO(b"".join(self._parts))
        environ["CONTENT_LENGTH"] = str(self._received)
        self._take(environ, keep=self._parser.should_keep_alive())


@lru_cache(maxsize=1024)
def _key(name: bytes) -> str | None:
    """The name of a header in a WSGI environ; None for one with an underscore, which would look like another."""
    if b"_" in name:
        return None
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key == "CONTENT_TYPE" else f"HTTP_{key}"
