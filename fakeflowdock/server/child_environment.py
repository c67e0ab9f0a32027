"""The environment in which a process finds a fake at Flowdock's own addresses, whatever language it is written in."""

from __future__ import annotations

import ssl
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..api.environ import FLOWDOCK
from ..http.certificates import HERE, Folder, authority
from ..http.console import Notes, told_once
from ..http.forward_proxy import Way, gate
from ..http.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ..http.access_log import AccessLog
    from .site import Site

PROXIES = ("HTTPS_PROXY", "HTTP_PROXY")
BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PRELOAD = Path(__file__).with_name("preload.cjs")
COMMON = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


class Door:
    """A fake behind Flowdock's own addresses, from the beginning to `stop`: the proxy, and the files for its clients.

    Args:
        site: all that it answers.
        log: is told of each request.
        tell: is told, once for each, why clients did not get through; prints it when left out.
        more: of `Way`.

    Attributes:
        url: of the proxy, which is an ordinary server of the fake as well.
        way: where it leads.

    Raises:
        NoCertificate: there is none to be had.
        OSError: the files cannot be written.
    """

    def __init__(
        self,
        site: Site,
        log: AccessLog | None = None,
        tell: Callable[[str], None] | None = None,
        **more: Any,
    ) -> None:
        self._authority = authority()
        self.way = Way(self._authority.context(), told_once(tell or Notes().note), **more)
        self._folder = Folder()
        try:
            self._server = Server(site, speaks=gate(self.way), log=log)
        except BaseException:
            self._folder.remove()
            raise
        self.url = self._server.url
        self._server.start()

    def stop(self) -> None:
        """Stop it, and remove the files."""
        self._server.stop()
        self._folder.remove()

    def environ(self, given: Mapping[str, str], api_url: str) -> dict[str, str]:
        """What a process has in its environment that finds the fake at Flowdock's addresses.

        Args:
            given: the environment that it would have; what is to be kept of it is.
            api_url: where a client finds the fake that asks for its address.

        Returns:
            The variables that are other than in `given`; one that it should not have is empty.
        """
        pem, files = self._authority.pem, [given[name] for name in BUNDLES if given.get(name)]
        ours = str(self._folder.write("ca.pem", pem))
        bundle = str(self._folder.write("bundle.pem", _trusted(tuple(files)), pem))
        changed = {"FLOWDOCK_API_URL": api_url, "FLOWDOCK_STREAM_URL": api_url, "FAKEFLOWDOCK_PROXY": self.url}
        changed |= {"ALL_PROXY": "", "all_proxy": ""}
        changed |= _twice("NO_PROXY", _no_proxy(given.get("no_proxy") or given.get("NO_PROXY") or ""))
        for name in PROXIES:
            changed |= _twice(name, self.url)
        changed |= dict.fromkeys(BUNDLES, bundle)
        if extra := given.get("NODE_EXTRA_CA_CERTS"):
            changed["NODE_EXTRA_CA_CERTS"] = str(self._folder.write("node.pem", _read(extra), pem))
        else:
            changed["NODE_EXTRA_CA_CERTS"] = ours
        changed["NODE_OPTIONS"] = _node_options(given.get("NODE_OPTIONS", ""))
        return changed


def _twice(name: str, value: str) -> dict[str, str]:
    return {name: value, name.lower(): value}


def _no_proxy(given: str) -> str:
    """The hosts that are asked without us: those that were, but for Flowdock's, and this machine."""
    kept = [each.strip() for each in given.split(",") if each.strip()]
    kept = [each for each in kept if not _is_flowdocks(each)]
    return ",".join([*kept, *(each for each in HERE if each not in kept)])


def _is_flowdocks(entry: str) -> bool:
    """Whether an entry of NO_PROXY means one of Flowdock's hosts."""
    host = entry.lower().lstrip("*.").partition(":")[0]
    return host in ("", "com", "flowdock.com") or FLOWDOCK.fullmatch(f"https://{host}") is not None


def _node_options(given: str) -> str:
    """The options of Node, with our preload before those that were there."""
    path = str(PRELOAD).replace("\\", "\\\\").replace('"', '\\"')
    ours = f'--require "{path}"'
    return given if ours in given else f"{ours} {given}".strip()


@lru_cache(maxsize=8)
def _trusted(files: tuple[str, ...]) -> bytes:
    """The authorities that are trusted besides: those in files that somebody named, or else the system's."""
    named = [_read(file) for file in dict.fromkeys(files)]
    if any(named):
        return b"\n".join(named)
    for file in (ssl.get_default_verify_paths().cafile, *COMMON):
        if file and (system := _read(file)):
            return system
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    return _read(DEFAULT_CA_BUNDLE_PATH)


def _read(file: str) -> bytes:
    """A file; nothing where it cannot be read, as its readers do without it."""
    try:
        return Path(file).read_bytes()
    except OSError:
        return b""
