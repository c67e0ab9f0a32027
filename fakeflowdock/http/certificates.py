"""Certificates for TLS: made by trustme, of an authority that all servers of a process share, or the user's own."""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import ssl
import tempfile
import threading
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from .addresses import ANY_ADDRESS

if TYPE_CHECKING:
    from types import ModuleType

    import trustme

HOSTS = ("api.flowdock.com", "stream.flowdock.com", "www.flowdock.com")
HERE = ("localhost", "127.0.0.1", "::1")
MISSING = "TLS needs trustme, which makes certificates: pip install 'fakeflowdock[tls]'"


class NoCertificate(RuntimeError):
    """There is no certificate to be had; the text says why."""


class Authority:
    """A certificate authority, whose key is never written anywhere.

    Attributes:
        pem: its certificate, for whoever shall trust it.

    Raises:
        NoCertificate: trustme is not installed.
    """

    def __init__(self) -> None:
        self._authority: trustme.CA = _trustme().CA(organization_name="fakeflowdock")
        self.pem: bytes = self._authority.cert_pem.bytes()

    @lru_cache(maxsize=64)  # noqa: B019  # it lasts as long as the process
    def context(self, *more: str) -> ssl.SSLContext:
        """TLS with a certificate for this machine and Flowdock's hosts.

        Args:
            more: other names and addresses that it is for. What is neither is left out.
        """
        names: dict[str, None] = dict.fromkeys((*HERE, *HOSTS))
        for name in more:
            with suppress(ValueError):
                self._authority.issue_cert(name)
                names[name] = None
        context = _context()
        # Its key, and never that of the authority, is in a private file while OpenSSL reads it.
        self._authority.issue_cert(*names).configure_cert(context)
        return context


def authority() -> Authority:
    """That of this process. Importing trustme takes a tenth of a second, making an authority some milliseconds.

    Raises:
        NoCertificate: trustme is not installed.
    """
    with _lock:
        return _authority()


_lock = threading.Lock()
_authority = cache(Authority)


def names_of(host: str) -> list[str]:
    """What a server that listens on a name or an address is called."""
    if host in ANY_ADDRESS:
        return [socket.gethostname()]
    with suppress(OSError, UnicodeError):
        return [host, str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])]
    return []


def own(certificate: str, key: str | None) -> ssl.SSLContext:
    """TLS with a certificate of the user's own.

    Args:
        certificate: a PEM file with the certificate, and with those between it and its authority.
        key: a PEM file with its key; None where that is in the same file.

    Raises:
        NoCertificate: they cannot be read, are none, or do not belong together.
    """
    for file in (certificate, key):
        try:
            if file is not None:
                Path(file).read_bytes()
        except OSError as error:
            raise NoCertificate(f"{file}: {error.strerror}") from None
    context = _context()
    try:
        context.load_cert_chain(certificate, key, _no_password)
    except _Encrypted:
        raise NoCertificate(f"{key or certificate}: the key is encrypted; a server needs one that is not") from None
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise NoCertificate(f"{certificate} and {key or certificate} do not belong together") from None
        where = certificate if key is None else f"{certificate} and {key}"
        raise NoCertificate(f"{where}: no certificate and key in the form of PEM ({_reason(error)})") from None
    return context


class _Encrypted(Exception):
    """OpenSSL asks for a password."""


def _no_password() -> str:
    raise _Encrypted


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "it cannot be read").lower().replace("_", " ")


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    return context


def _trustme() -> ModuleType:
    try:
        import trustme
    except ImportError:
        raise NoCertificate(MISSING) from None
    return trustme


class Folder:
    """A private folder with files for clients, until `remove` or the end of the process.

    Attributes:
        path: of the folder.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="fakeflowdock-"))
        self._process = os.getpid()
        atexit.register(self.remove)

    def write(self, name: str, *parts: bytes) -> Path:
        """Write a file, which is whole at any time, for whoever reads the one before. Returns where it is."""
        path, text = (
            self.path / name,
            b"".join(part if part.endswith(b"\n") or not part else part + b"\n" for part in parts),
        )
        if not (path.exists() and path.read_bytes() == text):
            descriptor, draft = tempfile.mkstemp(dir=self.path)
            with os.fdopen(descriptor, "wb") as file:
                file.write(text)
            os.replace(draft, path)
        return path

    def remove(self) -> None:
        """Remove it with what is in it; a process that was forked off leaves it to the one that made it."""
        atexit.unregister(self.remove)
        if os.getpid() == self._process:
            shutil.rmtree(self.path, ignore_errors=True)
