"""The TLS options of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..atomic_file import written
from ..http.console import told_once
from .options import CommandError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from types import SimpleNamespace


class Tls(NamedTuple):
    """The arguments of `Server` for TLS, and the fields of the ready line."""

    speaking: dict[str, Any]
    ready: dict[str, str]


def chosen(options: SimpleNamespace, note: Callable[[str], None]) -> Tls:
    """Return the TLS configuration chosen by the options.

    Args:
        options: the options of the server.
        note: receives each reason why a client failed to connect, once.

    Raises:
        CommandError: the options conflict, or TLS is not available.
    """
    certificate, ca_file = options.tls_cert, options.write_ca
    if options.tls_key and not certificate:
        raise CommandError("--tls-key requires --tls-cert")
    wanted = options.tls and not certificate
    if ca_file and not wanted:
        raise CommandError("--write-ca requires --tls without --tls-cert: only then is a CA generated")
    if not (wanted or certificate):
        return Tls({}, {})
    from ..http import certificates

    try:
        if certificate:
            return _speaking(note, certificates.own(certificate, options.tls_key or None))
        authority = certificates.authority()
        context = authority.context(*certificates.names_of(options.host))
    except certificates.NoCertificate as error:
        raise CommandError(str(error)) from None
    try:
        if ca_file:
            with written(ca_file, private=False) as file:
                file.write(authority.pem.decode())
        else:
            ca_file = str(certificates.Folder().write("ca.pem", authority.pem))
    except OSError as error:
        raise CommandError(f"{ca_file or 'the CA'}: {error.strerror}") from None
    return _speaking(note, context, ca_file)


def _speaking(note: Callable[[str], None], context: ssl.SSLContext, ca_file: str | None = None) -> Tls:
    from ..http.tls import secured

    hint = "" if ca_file is None else f"; it has to trust the CA in {ca_file}"
    tell = told_once(lambda line: note(line + (hint if "refused our certificate" in line else "")))
    return Tls(
        {"speaks": secured(context, tell), "scheme": "https"}, {} if ca_file is None else {"ca_file": str(ca_file)}
    )
