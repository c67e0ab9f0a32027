"""Texts of a server name the URLs of pages that it shows, in place of the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..contract.documentation import with_urls
from ..contract.errors import Unreadable
from .environ import CITES, base_of
from .internal_routes import DOCS

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def cited(body: dict[str, Any], environ: WSGIEnvironment) -> dict[str, Any]:
    """Return the body of an error, whose message and reasons name the URLs of pages, if the server shows them."""
    if CITES not in environ or "message" not in body:
        return body
    try:
        base = base_of(environ).removesuffix(environ.get("SCRIPT_NAME", ""))  # without the world in the path
    except Unreadable:  # the address of the server is unknown
        return body
    docs = f"{base}{DOCS}"
    body = {**body, "message": with_urls(body["message"], docs)}
    if isinstance(problems := body.get("errors"), list):
        body["errors"] = [{**each, "reason": with_urls(each["reason"], docs)} for each in problems]
    return body
