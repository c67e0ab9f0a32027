"""Requests of `requests` as WSGI environs, for the application alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from fakeflowdock import Headers, Request

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def environ_of(method: str, url: str, **more: Any) -> WSGIEnvironment:
    """The environ of a request; `more` is what `requests` takes: `json`, `auth` and so on."""
    prepared = requests.Request(method, url, **more).prepare()
    body = prepared.body or b""
    headers = Headers(prepared.headers.items())
    return Request(method, str(prepared.url), headers, body.encode() if isinstance(body, str) else body).environ
