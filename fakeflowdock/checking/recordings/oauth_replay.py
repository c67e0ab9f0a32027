"""Translate recorded requests for tokens to those of a fake, without a consent page."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ...api import parameters
from ...api.media_types import FORM
from ...api.messages import Headers
from ...world import grants
from ...world.authorization import RefreshToken
from ...world.scopes import SCOPES, scopes_of
from .inferred_world import json_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...api.messages import Request
    from ...world.models import User
    from ...world.store import Store
    from .entries import Entry

OPERATION = "request-tokens"
ANSWERED = (200, 400)  # not 401, which means an unknown application


def granted(store: Store, entry: Entry, user: User, names: Mapping[str, str]) -> Request:
    """Return a request of an application of the fake, with a valid code if the recorded one was valid.

    Args:
        store: the fake's world.
        entry: the recorded exchange, with a status in `ANSWERED`.
        user: the user who granted access.
        names: the fake's tokens by recorded token.
    """
    application = store.applications[min(store.applications)]
    given = {name: str(value) for name, value in parameters.read(entry.request.environ).fields.items()}
    was_granted = entry.reply is not None and entry.reply.status == 200
    fields = {n: value for n, value in given.items() if n in ("grant_type", "scope") or not was_granted}
    fields |= {"client_id": application.client_id, "client_secret": application.client_secret}
    scopes = _scopes(entry)
    if was_granted and "code" in given:
        fields["code"] = grants.give_code(store, user, application, scopes, asked=False).code
    if was_granted and "refresh_token" in given:
        fields["refresh_token"] = names.get(given["refresh_token"], "")
        if store.refresh_tokens.find(fields["refresh_token"]) is None:
            number, secret = store.next_id("grant"), store.draw("refresh_token")
            token = RefreshToken(user.id, application.id, scopes, number, used=False, refresh_token=secret)
            fields["refresh_token"] = store.refresh_tokens.add(secret, token).refresh_token
    if was_granted and "password" in given:
        fields |= {"username": user.email, "password": user.password}
    taken = ("authorization", "content-type")
    headers = [(name, value) for name, value in entry.request.headers.pairs if name.lower() not in taken]
    headers.append(("Content-Type", FORM))
    url = entry.request.url.partition("?")[0]
    return replace(entry.request, url=url, headers=Headers(headers), body=urlencode(fields).encode())


def _scopes(entry: Entry) -> frozenset[str]:
    """Return the scopes in the response; by default all."""
    reply: Any = None if entry.reply is None else json_in(entry.reply.body)
    given = reply.get("scope") if isinstance(reply, dict) else None
    with suppress(ValueError):
        if isinstance(given, str):
            return scopes_of(given.replace(",", " "))
    return frozenset(SCOPES)
