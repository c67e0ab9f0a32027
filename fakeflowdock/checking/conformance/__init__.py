"""The conformance suite: test any server against the pages of docs/api, including their errors."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from .. import errors
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
    scim_uid: str = "",
    scim_token: str = "",
    only: str | None = None,
    ca_file: str = "",
) -> Conformance:
    """Run the conformance suite against a server.

    Cases that need a missing argument are not run. Everything that the suite creates is deleted, if there is an
    operation for it.

    Args:
        server: a URL, or a WSGI application.
        api_token: of a user who is a member of the flow and an administrator of the organization.
        email, password: of the same user. With both, the suite requests access tokens.
        second_api_token: of a user of the organization who is not an administrator.
        spare_api_token: of a user whom the suite may remove from the organization permanently.
        access_token: of an application that acts for the first user, instead of email and password.
        scopes: those of the access token. Default: flow and private.
        organization: of the users, by its name in URLs.
        flow: a flow of the organization, by its name in URLs. Default: the suite creates one, and archives it.
        scim_uid, scim_token: of the Single Sign-On of that organization.
        only: run cases whose page or name contains this text; `*` is any text. Default: all.
        ca_file: a PEM file with CA certificates to trust in addition to the system's.

    Returns:
        A result for each case.

    Raises:
        ValueError: the URL is invalid, no case matches, or the file contains no certificates.
        NoAnswer: the server does not respond.
    """
    users = api_token, email, password, second_api_token, spare_api_token
    credentials = ConformanceCredentials(
        *users, access_token, frozenset(scopes), organization, flow, scim_uid, scim_token
    )
    suite, chosen = load(), choice(only)
    if not any(chosen(case) for case in suite.cases):
        raise ValueError(errors.NO_CASE.format(only=only))
    send: Send
    send, base = (over_http(server, ca_file), server) if isinstance(server, str) else (in_process(server), HERE)
    return ConformanceRun(suite, send, base, credentials, secrets.token_hex(4)).conformance(chosen)
