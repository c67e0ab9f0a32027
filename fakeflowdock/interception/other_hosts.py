"""Requests that must not leave the machine: past the fake to Flowdock, and to other hosts if a fake refuses them."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections import deque
from contextlib import contextmanager
from threading import local
from typing import TYPE_CHECKING

from . import errors, patches

if TYPE_CHECKING:
    from collections.abc import Iterator

FLOWDOCKS = re.compile(r"(?:(api|stream)|(?:.+\.)?)\.?flowdock\.com\.?", re.IGNORECASE)
DEFAULT_PORT = re.compile(r"^(\w+ )(?:(https://[^/]+):443|(http://[^/]+):80)(?=/|$)")
HERE = ("", "localhost", "0.0.0.0", "::", "<broadcast>")  # noqa: S104  # names that lead to this machine

MOST = 100
called: deque[str] = deque(maxlen=MOST)  # requests to other hosts, and the hosts of others; each once
here: deque[str] = deque(maxlen=MOST)  # requests to this machine, not through the fake; each once
refused = False  # whether a started fake refuses other hosts
_requests = local()


@contextmanager
def request(method: str, url: str) -> Iterator[None]:
    """Name the request for which this thread looks up and connects to a host."""
    before = under_way()
    _requests.request = f"{method} {url}"
    try:
        yield
    finally:
        _requests.request = before


@contextmanager
def own() -> Iterator[None]:
    """Let this thread reach any host: the fake itself sends a request, to a host that it has checked."""
    _requests.own = True
    try:
        yield
    finally:
        _requests.own = False


def refusal(host: str | bytes | None, what: str = "") -> str | None:
    """Return why a host must not be reached; None if it may.

    Args:
        host: its name or address.
        what: the request, `GET https://other.example/`. Default: the one under way in this thread, or the host.
    """
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host or ""
    if not patches.apps or getattr(_requests, "own", False):
        return None
    what = DEFAULT_PORT.sub(r"\1\2\3", what or under_way())
    if is_loopback(name):
        if what and what not in here:
            here.append(what)
        return None
    if not _can_be_looked_up(name):
        return None
    what = what or name
    if what not in called and (under_way() or what != name or not is_address(name)):
        called.append(what)
    if found := FLOWDOCKS.fullmatch(name):
        return (errors.UNSUPPORTED if found[1] else errors.NOT_FAKED).format(request=what, host=name)
    return errors.REFUSED.format(request=what) if refused else None


def forget() -> None:
    """Forget which hosts were called."""
    called.clear()
    here.clear()


def _can_be_looked_up(name: str) -> bool:
    """Return whether Python looks a name up. Otherwise it raises an error of its own."""
    try:
        return bool(name.encode("idna"))
    except UnicodeError:
        return False


def under_way() -> str:
    """Return the request that this thread has named."""
    return str(getattr(_requests, "request", ""))


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    name = host.rstrip(".").lower()
    if name in HERE or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return name == socket.gethostname().lower()


def is_address(host: str | bytes) -> bool:
    """Return whether nothing is looked up: it is refused when it is connected to."""
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    return ":" in text or text.replace(".", "").isdigit()
