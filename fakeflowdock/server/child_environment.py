"""The environment in which a child process, in any language, reaches a fake at Flowdock's own addresses."""

from __future__ import annotations

import ssl
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..api.environ import FLOWDOCK
from ..api.internal_routes import STREAM
from ..http.certificates import HERE, Folder, authority
from ..http.console import Notes, told_once
from ..http.forward_proxy import Way, gate
from ..http.server import Server
from .runtimes import Files, read, variables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ..http.access_log import AccessLog
    from .site import Site

PROXIES = ("HTTPS_PROXY", "HTTP_PROXY")
ANY_SCHEME = ("ALL_PROXY", "all_proxy")
BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PRELOAD = Path(__file__).with_name("preload.cjs")
COMMON = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


class Door:
    """A running proxy that leads Flowdock's hosts to a fake, and the certificate files for its clients.

    Args:
        site: answers the requests.
        log: the access log.
        tell: receives each reason why a client failed to connect, once. Default: print it.
        more: arguments of `Way`.

    Attributes:
        url: the address of the proxy, which is also an ordinary server of the fake.
        way: which hosts it leads where.

    Raises:
        NoCertificate: TLS is not available.
        OSError: the files cannot be written.
    """

    def __init__(
        self, site: Site, log: AccessLog | None = None, tell: Callable[[str], None] | None = None, **more: Any
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
        """Stop the proxy, and remove the files."""
        self._server.stop()
        self._folder.remove()

    def environ(self, given: Mapping[str, str], api_url: str) -> dict[str, str]:
        """Return the environment variables for a child process.

        Args:
            given: the environment to extend.
            api_url: the address of the fake, for clients that can be configured.

        Returns:
            The variables that differ from `given`. One that the process must not have is empty.
        """
        pem, named = self._authority.pem, [given.get(name, "") for name in BUNDLES]
        bundle = self._folder.write("bundle.pem", _trusted(tuple(named)), pem)
        changed = {"FLOWDOCK_API_URL": api_url, "FAKEFLOWDOCK_PROXY": self.url}
        changed["FAKEFLOWDOCK_CA_FILE"] = str(self._folder.write("ca.pem", pem))
        changed["FLOWDOCK_STREAM_URL"] = f"{api_url}{STREAM}/flows"
        if any(given.get(name) for name in ANY_SCHEME):
            changed |= dict.fromkeys(ANY_SCHEME, "")
        no_proxy = _no_proxy(given.get("no_proxy") or given.get("NO_PROXY") or "")
        changed |= _twice("NO_PROXY", no_proxy)
        for name in PROXIES:
            changed |= _twice(name, self.url)
        changed |= dict.fromkeys(BUNDLES, str(bundle))
        extra = read(given.get("NODE_EXTRA_CA_CERTS", ""))
        changed["NODE_EXTRA_CA_CERTS"] = str(self._folder.write("node.pem", extra, pem))
        changed["NODE_OPTIONS"] = _node_options(given.get("NODE_OPTIONS", ""))
        return changed | variables(Files(self._folder, given, pem, bundle), self.url, no_proxy)


def _twice(name: str, value: str) -> dict[str, str]:
    return {name: value, name.lower(): value}


def _no_proxy(given: str) -> str:
    """Return the hosts that bypass the proxy: the given ones except Flowdock's, and this machine."""
    kept = [host for each in given.split(",") if (host := each.strip()) and not _is_flowdocks(host)]
    return ",".join([*kept, *(each for each in HERE if each not in kept)])


def _is_flowdocks(entry: str) -> bool:
    """Return whether an entry of NO_PROXY matches one of Flowdock's hosts."""
    host = entry.lower().lstrip("*.").partition(":")[0]
    return host in ("", "com", "flowdock.com") or FLOWDOCK.fullmatch(f"https://{host}") is not None


def _node_options(given: str) -> str:
    """Return the options of Node, with our preload first."""
    path = str(PRELOAD).replace("\\", "\\\\").replace('"', '\\"')
    ours = f'--require "{path}"'
    return given if ours in given else f"{ours} {given}".strip()


@lru_cache(maxsize=8)
def _trusted(files: tuple[str, ...]) -> bytes:
    """Return the CAs to trust besides ours: those in the files, and the system's for clients without a file."""
    named = [read(file) for file in dict.fromkeys(files) if file]
    return b"\n".join(named if all(files) and any(named) else [*named, _system()])


@cache
def _system() -> bytes:
    for file in (ssl.get_default_verify_paths().cafile, *COMMON):
        if file and (system := read(file)):
            return system
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    return read(DEFAULT_CA_BUNDLE_PATH)
