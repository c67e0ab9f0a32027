"""The conformance suite: whether a server does what the pages of docs/api say, and answers their errors."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from .results import Conformance, ConformanceDifference, ConformanceResult
from .runner import ConformanceCredentials, ConformanceRun, choice
from .senders import HERE, NoAnswer, in_process, over_http
from .suite import load

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import WSGIApplication

    from .senders import Send

__all__ = ["Conformance", "ConformanceDifference", "ConformanceResult", "NoAnswer", "conform"]


def conform(
    server: str | WSGIApplication,
    *,
    api_token: str = "",
    email: str = "",
    password: str = "",
    second_api_token: str = "",
    spare_api_token: str = "",
    access_token: str = "",
    scopes: Iterable[str] = ("flow", "private"),
    organization: str = "",
    flow: str = "",
    only: str | None = None,
    ca_file: str = "",
) -> Conformance:
    """ConformanceRun the conformance suite against a server.

    What a case needs and nobody gives is the reason why it is not run. What the suite makes it takes away again where
    there is an operation for that.

    Args:
        server: a URL, or a WSGI application.
        api_token: of a user who is a member of the flow and administers its organization.
        email, password: of the same user. With these the suite gets access tokens with whichever scopes it needs.
        second_api_token: of a user of the organization who does not administer it.
        spare_api_token: of a user whom the suite may remove from the organization for good.
        access_token: of an application that acts for the first user, in the place of email and password.
        scopes: those of the access token.
        organization: theirs, by its name in URLs.
        flow: a flow of it, by its name in URLs, in which to play. When left out the suite makes one, and archives it.
        only: a part of the page or of the name of the cases that are meant, with `*` for anything.
        ca_file: a file with certificate authorities to trust besides the usual ones, where the URL is one of https.

    Returns:
        A result for each case.

    Raises:
        ValueError: the URL is none, no case is meant, or there are no authorities in the file.
        NoAnswer: there is no server.
    """
    credentials = ConformanceCredentials(
        api_token=api_token,
        email=email,
        password=password,
        second_api_token=second_api_token,
        spare_api_token=spare_api_token,
        access_token=access_token,
        scopes=frozenset(scopes),
        organization=organization,
        flow=flow,
    )
    suite, chosen = load(), choice(only)
    if not any(chosen(case) for case in suite.cases):
        raise ValueError(f"no case has {only!r} in its page or in its name")
    send: Send
    send, base = (over_http(server, ca_file), server) if isinstance(server, str) else (in_process(server), HERE)
    return ConformanceRun(suite, send, base, credentials, secrets.token_hex(4)).conformance(chosen)
