"""The variables by which runtimes other than Python, Node and curl find the fake, and trust its certificate."""

from __future__ import annotations

import hashlib
import os
import re
import ssl
import struct
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..http.certificates import Folder

HERE = Path(__file__).parent
FLOWDOCK_URLS = ("https://api.flowdock.com/", "https://stream.flowdock.com/")
WGET_CA = re.compile(rb"^[ \t]*ca[-_]?certificate[ \t]*=(.+)$", re.MULTILINE | re.IGNORECASE)
CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class Files:
    """The certificates for child processes.

    Args:
        folder: where they are written.
        given: the environment of our process.
        pem: our CA.
        bundle: the file with all CAs, ours among them.
    """

    def __init__(self, folder: Folder, given: Mapping[str, str], pem: bytes, bundle: Path) -> None:
        self.folder = folder
        self.given = given
        self.pem = pem
        self.bundle = bundle

    def with_ours(self, *names: str) -> str | None:
        """Return a file with our CA and those in the file that the first of these variables names, if one does."""
        for name in names:
            if self.given.get(name):
                own = read(self.given[name])
                return str(self.folder.write(f"{name.lower()}.pem", own, self.pem))
        return None


def variables(files: Files, proxy: str, no_proxy: str) -> dict[str, str]:
    """Return the variables for all these runtimes.

    Args:
        files: the certificates.
        proxy: the address of the proxy.
        no_proxy: the hosts that bypass it, with commas between.
    """
    given, bundle = files.given, str(files.bundle)
    changed = {
        "PERL_LWP_ENV_PROXY": "1",
        "PERL_LWP_SSL_CA_FILE": files.with_ours("PERL_LWP_SSL_CA_FILE", "HTTPS_CA_FILE") or bundle,
        "MOJO_PROXY": "1",
        "MOJO_CA_FILE": files.with_ours("MOJO_CA_FILE") or bundle,
        "DENO_CERT": files.with_ours("DENO_CERT") or str(files.folder.path / "ca.pem"),
        "BUN_OPTIONS": before(given.get("BUN_OPTIONS", ""), f"--preload={HERE / 'preload.cjs'}"),
        "RUBYOPT": before(given.get("RUBYOPT", ""), "-rfakeflowdock_preload"),
        "RUBYLIB": before(given.get("RUBYLIB", ""), str(HERE), os.pathsep),
        "WGETRC": _wgetrc(files),
        "PHP_INI_SCAN_DIR": _php(files),
        "JAVA_TOOL_OPTIONS": _java(files, proxy, no_proxy),
    }
    return changed | _git(files, proxy)


def before(given: str, ours: str, between: str = " ") -> str:
    """Return a value with ours first, unless it has it already."""
    return given if ours in given.split(between) else f"{ours}{between}{given}".removesuffix(between)


def read(file: str | Path) -> bytes:
    """Return the content of a file; nothing if it is unreadable, because clients ignore it then."""
    try:
        return Path(file).read_bytes()
    except OSError:
        return b""


def _wgetrc(files: Files) -> str:
    """Return the start-up file of wget: the user's own, and our CA. The system's are trusted besides."""
    own = read(files.given.get("WGETRC") or Path(files.given.get("HOME", "/"), ".wgetrc"))
    named = [read(os.fsdecode(file.strip())) for file in WGET_CA.findall(own)]
    ours = files.folder.write("wget.pem", *named[-1:], files.pem)
    return str(files.folder.write("wgetrc", own, f"ca_certificate = {ours}".encode()))


def _git(files: Files, proxy: str) -> dict[str, str]:
    """Return settings of git for Flowdock's addresses alone: those for other hosts stay the user's."""
    count = files.given.get("GIT_CONFIG_COUNT", "")
    first = int(count) if count.isdecimal() else 0
    changed: dict[str, str] = {}
    settings = [
        (f"http.{url}.{name}", value)
        for url in FLOWDOCK_URLS
        for name, value in (("sslCAInfo", str(files.folder.path / "ca.pem")), ("proxy", proxy))
    ]
    for number, (key, value) in enumerate(settings, first):
        changed |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    changed["GIT_CONFIG_COUNT"] = str(first + len(settings))
    if own := files.with_ours("GIT_SSL_CAINFO"):  # comes before all settings
        changed["GIT_SSL_CAINFO"] = own
    return changed


def _php(files: Files) -> str:
    """Return the directories in which PHP looks for settings: its own, and last ours."""
    settings = {"curl.cainfo": files.bundle, "openssl.cafile": files.bundle, "auto_prepend_file": HERE / "preload.php"}
    text = "".join(f'{name}="{value}"\n' for name, value in settings.items())
    files.folder.write("fakeflowdock.ini", text.encode())
    return f"{files.given.get('PHP_INI_SCAN_DIR', '')}:{files.folder.path}"


def _java(files: Files, proxy: str, no_proxy: str) -> str:
    """Return the options of Java virtual machines: the given ones, and ours, which count where both say something."""
    parts = urlsplit(proxy)
    kept = files.given.get("JAVA_TOOL_OPTIONS", "")
    ours: dict[str, object] = {}
    for scheme in ("http", "https"):
        ours |= {f"{scheme}.proxyHost": parts.hostname, f"{scheme}.proxyPort": parts.port}
    ours["http.nonProxyHosts"] = "|".join(_of_java(no_proxy))  # of https too
    if "-Djavax.net.ssl.trustStore=" not in kept:  # a file with a password, to which we cannot add
        store = files.folder.write("trusted.jks", key_store(files.bundle.read_bytes()))
        ours |= {"javax.net.ssl.trustStore": store, "javax.net.ssl.trustStoreType": "JKS"}
    said = (f"-D{name}={value}" for name, value in ours.items())
    options = " ".join(f'"{each}"' if " " in each else each for each in said)
    return kept if options in kept else f"{kept} {options}".strip()


def _of_java(no_proxy: str) -> Iterator[str]:
    """Yield hosts of NO_PROXY, which match their subdomains too, in Java's form."""
    for host in no_proxy.split(","):
        name = host.removeprefix("*").lstrip(".")
        if ":" in name:
            yield f"[{name.strip('[]')}]" if name.count(":") > 1 else name.partition(":")[0]
        else:
            yield name
            yield f"*.{name}"


def key_store(pem: bytes) -> bytes:
    """Return the certificates of a PEM file as a trust store of Java, in its first format, which needs no password."""
    certificates = [each for found in CERTIFICATE.findall(pem) if (each := _der(found))]
    body = struct.pack(">III", 0xFEEDFEED, 2, len(certificates))
    for number, certificate in enumerate(certificates):
        name = str(number).encode()
        body += struct.pack(">IH", 2, len(name)) + name + bytes(8)  # a certificate, its name and its date
        body += struct.pack(">H", 5) + b"X.509" + struct.pack(">I", len(certificate)) + certificate
    salted = "changeit".encode("utf-16-be") + b"Mighty Aphrodite" + body
    return body + hashlib.sha1(salted, usedforsecurity=False).digest()


def _der(pem: bytes) -> bytes | None:
    try:
        return ssl.PEM_cert_to_DER_cert(pem.decode("ascii"))
    except ValueError:
        return None
