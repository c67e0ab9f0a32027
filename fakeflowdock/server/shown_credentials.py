"""Where requests carry credentials: a server needs them to find the world of a request."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from ..api import internal_routes, parameters, routing
from ..api.authentication import basic
from ..api.environ import path_of
from ..api.resources.consent import is_cookie
from ..contract.errors import Unauthorized

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from _typeshed.wsgi import WSGIEnvironment

    Shown = tuple[str, str | None]  # a secret or a user name, and its password

# The parameters that identify a caller or a grant. The client_id alone identifies an application.
NAMES = ("access_token", "flow_token", "token", "client_id", "code", "refresh_token", "username")
PUSHED = ("chat", "team_inbox", "influx")


def shown_in(environ: WSGIEnvironment) -> Iterator[Shown]:
    """Yield the credentials in a request, the most specific first.

    The body is read only if needed, and once: the environ then has it as `fakeflowdock.given`.
    """
    if header := environ.get("HTTP_AUTHORIZATION"):
        yield from _in_header(header.strip())
    if query := environ.get("QUERY_STRING"):
        yield from _named(dict(parse_qsl(query.encode("latin-1").decode("utf-8", "replace"))))
    yield from ((token, None) for token in _in_path(path_of(environ)))
    if environ.get("wsgi.input_terminated") or environ.get("CONTENT_LENGTH", "0") != "0":
        environ["fakeflowdock.given"] = given = parameters.read(environ)
        yield from _named(given.body)
    if cookies := environ.get("HTTP_COOKIE"):
        pairs = (pair.strip().partition("=") for pair in cookies.split(";"))
        yield from ((value, None) for name, _, value in pairs if is_cookie(name))


def _in_header(header: str) -> Iterator[Shown]:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        yield value.strip(), None
    elif scheme.lower() == "basic":
        with suppress(Unauthorized):
            yield basic(value)


def _named(fields: Mapping[str, Any]) -> Iterator[Shown]:
    for name in NAMES:
        value = fields.get(name)
        if isinstance(value, str) and value.strip():
            yield value, None


def _in_path(path: str) -> Iterable[str]:
    """Return the secrets in a path: tokens of the push API, an authorization code, a file token."""
    if path.startswith(internal_routes.FILES):
        return (path.removeprefix(internal_routes.FILES).partition("/")[0],)
    segments = routing.normal(path).split("/")[1:]
    if len(segments) == 3 and segments[0] == "messages" and segments[1] in PUSHED:
        return (token.strip() for token in segments[2].split(","))
    if len(segments) == 3 and segments[:2] == ["oauth", "authorize"]:
        return (segments[2],)
    return ()
