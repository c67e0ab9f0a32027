"""The TLS options of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..http.console import told_once
from .errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import SimpleNamespace


def chosen(options: SimpleNamespace, note: Callable[[str], None]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the arguments of `Server` for TLS, and the fields of the ready line.

    Args:
        options: the options of the server.
        note: receives each reason why a client failed to connect, once.

    Raises:
        CommandError: the options conflict, or TLS is not available.
    """
    certificate, ca_file = options.tls_cert, options.write_ca
    if options.tls_key and not certificate:
        raise CommandError(CommandError.KEY_ALONE)
    if ca_file and (certificate or not options.tls):
        raise CommandError(CommandError.NO_CA)
    if not (options.tls or certificate):
        return {}, {}
    from ..atomic_file import written
    from ..http import certificates
    from ..http.errors import NoCertificate
    from ..http.tls import secured

    try:
        authority = None if certificate else certificates.authority()
        if authority is None:
            context = certificates.own(certificate, options.tls_key or None)
        else:
            public = urlsplit(options.public_url or "").hostname
            context = authority.context(*certificates.names_of(options.host), *filter(None, [public]))
            if ca_file:
                with written(ca_file, private=False) as file:
                    file.write(authority.pem.decode())
            else:
                ca_file = str(certificates.Folder().write("ca.pem", authority.pem))
    except NoCertificate as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"{ca_file or CommandError.THE_CA}: {error.strerror}") from None
    hint = f"; it must trust the CA in {ca_file}" if ca_file else ""
    tell = told_once(lambda line: note(line + (hint if "refused our certificate" in line else "")))
    return {"speaks": secured(context, tell), "scheme": "https"}, {"ca_file": ca_file} if ca_file else {}
