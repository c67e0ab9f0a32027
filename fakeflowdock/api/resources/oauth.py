"""The operations of docs/api/oauth.md, except the consent page in `consent.py`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from ...contract.errors import ClientRefused, NotFound, TokenRefused, Unauthorized, ValidationError
from ...contract.validation import MOST, by_field
from ...world import factories, grants
from .. import wire
from ..authentication import basic
from ..callers import ANYBODY, ANYONE, USER
from ..media_types import FORM, JSON
from ..operations import Call, Reply, created, nothing, operation

if TYPE_CHECKING:
    from ...contract.validation import Violation
    from ...world.models import Application

NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))


def application_of_the_path(call: Call) -> Application:
    """Return the application in the path. Raises NotFound if it does not exist or was removed."""
    application = call.store.applications.get(call.number("id"))
    if application is None or application.disabled:
        raise NotFound
    return application


def _name_the_inner_fields(call: Call, _: None, violations: list[Violation]) -> NoReturn:
    """Blame `name`, not the `application` around it."""
    errors = by_field(violation.innermost for violation in violations)
    raise ValidationError(errors, counted=len(violations) < MOST)


@operation("POST /oauth/applications", callers=(USER,), find=nothing, invalid=_name_the_inner_fields)
def create_application(call: Call, _: None) -> Reply:
    """Register an application owned by the user."""
    given = call.fields["application"]
    application = factories.add_application(
        call.store, name=given["name"], redirect_uri=given.get("redirect_uri"), owner=call.caller.user
    )
    return created(wire.own_application(application, call.base))


@operation("GET /oauth/applications/:id", callers=ANYBODY, find=application_of_the_path)
def get_application(call: Call, application: Application) -> wire.JSON:
    """Return one application. Only its owner sees the client credentials."""
    if call.caller.kind == USER and call.user.id == application.owner_id:
        return wire.own_application(application, call.base)
    return wire.application(application, call.base)


def client_of_the_request(call: Call) -> Application:
    """Return the application by `Authorization: Basic`, or by `client_id` and `client_secret`.

    Raises:
        ClientRefused: the credentials are missing or wrong, or belong to two applications.
    """
    client_id, client_secret = call.fields.get("client_id"), call.fields.get("client_secret")
    if header := call.header("authorization").strip():
        scheme, _, value = header.partition(" ")
        try:
            name, password = basic(value) if scheme.lower() == "basic" else ("", None)
        except Unauthorized:
            name, password = "", None
        if client_id not in (None, name):
            raise ClientRefused(ClientRefused.ANOTHER)
        client_id, client_secret = name, password
    if not isinstance(client_id, str) or not isinstance(client_secret, str):
        raise ClientRefused(ClientRefused.NONE)
    application = call.store.application_by_client_secret(client_id, client_secret)
    if application is None:
        raise ClientRefused(ClientRefused.UNKNOWN)
    return application


def _refuse_fields(call: Call, _: Application, violations: list[Violation]) -> NoReturn:
    wrong = [f"{field} {' and '.join(words)}" for field, words in by_field(violations).items()]
    raise TokenRefused("invalid_request", "; ".join(wrong))


@operation("POST /oauth/token", callers=(ANYONE,), find=client_of_the_request, invalid=_refuse_fields)
def request_tokens(call: Call, application: Application) -> Reply:
    """Issue tokens for a code, a password or a refresh token."""
    store, fields = call.store, call.fields
    grant_type = fields["grant_type"]
    if grant_type == "authorization_code":
        granted = grants.exchange_code(store, application, _needed(call, "code"), fields.get("redirect_uri"))
    elif grant_type == "password":
        email, password = _needed(call, "username"), _needed(call, "password")
        granted = grants.exchange_password(store, application, email, password, fields.get("scope"))
    elif grant_type == "refresh_token":
        secret = _needed(call, "refresh_token")
        granted = grants.exchange_refresh_token(store, application, secret, fields.get("scope"))
    else:
        raise TokenRefused("unsupported_grant_type", TokenRefused.NO_GRANT)
    media = FORM if _prefers_a_form(call.header("accept")) else JSON
    return Reply(200, granted.fields(), NO_STORE, media)


def _needed(call: Call, field: str) -> str:
    value: str = call.fields.get(field, "")
    if not value:
        blank = TokenRefused.BLANK.format(field=field, grant_type=call.fields["grant_type"])
        raise TokenRefused("invalid_request", blank)
    return value


def _prefers_a_form(accept: str) -> bool:
    """Return whether an `Accept` header prefers a form to JSON."""
    wanted = {JSON: 0.0, FORM: 0.0}
    for entry in accept.split(","):
        media, *parameters = [part.strip().lower() for part in entry.split(";")]
        quality = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        if media in wanted and re.fullmatch(r"[01](\.[0-9]*)?", quality):
            wanted[media] = float(quality)
    return wanted[FORM] > wanted[JSON]
