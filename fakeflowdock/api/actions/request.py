"""The request that an integration gets when a user performs an UpdateAction. docs/api/thread-actions.md."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, get_args
from urllib.parse import quote, urlsplit

from ...redaction import brief
from ...world.action_tokens import sign
from ...world.models import Thread
from .. import errors
from ..media_types import JSON
from ..messages import Headers, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...world.models import Application, User
    from ...world.store import Store

Flaw = Literal["wrong secret", "expired token", "changed body", "no token"]
FLAWS: tuple[Flaw, ...] = get_args(Flaw)
TOKEN = "FLOWDOCK-TOKEN"  # noqa: S105  # the name of the header
UPDATE = "UpdateAction"
WITH_A_BODY = ("POST", "PUT", "PATCH")
AGO = -60.0  # seconds, since when an expired token is invalid
FLOWDOCKS_AVATAR = re.compile(r"https?://[a-z0-9.-]+\.cloudfront\.net/avatars/[^/?#]+/?")
SIZE = 120  # pixels of an avatar


class ActionRequest(Request):
    """The request for one thread action. Printing it shows no secret.

    Attributes:
        thread, action, user: the thread as it was, its action as it was posted, and who performs it.
        application: whose `client_secret` signs the token.
        flaw: what is wrong with it on purpose, or None.
    """

    thread: Thread
    action: Mapping[str, Any]
    user: User
    application: Application
    flaw: Flaw | None

    def __init__(self, method: str, url: str, headers: Headers, body: bytes, **about: Any) -> None:
        super().__init__(method, url, headers, body)
        vars(self).update(about)  # of a frozen class

    def __repr__(self) -> str:
        return f"<ActionRequest {self.name!r} by {self.user.name}: {self.method} {self.url}>"

    @property
    def token(self) -> str | None:
        """The value of the header `FLOWDOCK-TOKEN`, or None."""
        return self.headers.get(TOKEN)

    @property
    def name(self) -> str:
        """The name of the action."""
        return str(self.action["name"])

    @property
    def target(self) -> str:
        """Path and query."""
        parts = urlsplit(self.url)
        path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
        query = quote(parts.query, safe="/%:@!$&'()*+,;=~?[]")
        return f"{path}?{query}" if query else path


def build(
    store: Store, thread: Thread | str, action: str | int, user: User, *, flaw: Flaw | None = None
) -> ActionRequest:
    """Return the request to the integration.

    Args:
        thread: the thread, its id, or its `external_thread_id`.
        action: the name of an UpdateAction, or its position in `thread.actions`, from 0.
        user: who performs it.
        flaw: what is wrong with the request.

    Raises:
        ValueError: an argument is invalid: see docs/api/thread-actions.md#performing.
    """
    if flaw not in (None, *FLAWS):
        raise ValueError(errors.FLAW.format(given=flaw, known=_listed(FLAWS)))
    with store.lock:
        current = _thread(store, thread)
        flow, known = store.flows[current.flow_id], store.users.get(user.id)
        if flow.disabled:
            raise ValueError(errors.ARCHIVED.format(flow=store.path_of(flow)))
        if known is None or not flow.is_seen_by(known):
            raise ValueError(errors.PERFORMER.format(user=user.name, flow=store.path_of(flow)))
        if current.source_id is None:
            raise ValueError(errors.NO_SOURCE)
        chosen = _action(current, action)
        application = store.applications[store.source_once(current.source_id).application_id]
    method, url = chosen["target"]["httpMethod"], chosen["target"]["urlTemplate"]
    if not is_http(url):
        raise ValueError(errors.TEMPLATE.format(name=brief(chosen["name"]), given=_shown(url)))
    body, headers = b"", []
    if method in WITH_A_BODY:
        body = json.dumps(payload(chosen, known), ensure_ascii=False, separators=(",", ":")).encode()
        headers = [("Content-Type", JSON)]
    if flaw != "no token":
        secret = application.client_secret if flaw != "wrong secret" else f"not {application.client_secret}"
        signed = body if flaw != "changed body" else body + b" "
        lifetime = {"lifetime": AGO} if flaw == "expired token" else {}
        headers.append((TOKEN, sign(known.id, signed, secret, **lifetime)))
    return ActionRequest(
        method,
        url,
        Headers(headers),
        body,
        thread=current,
        action=chosen,
        user=known,
        application=application,
        flaw=flaw,
    )


def is_http(url: str) -> bool:
    """Return whether a URL is one that can be requested: of http or https, with a host and without credentials."""
    with suppress(ValueError):
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and "@" not in parts.netloc
            and (parts.port is None or parts.port > 0)
        )
    return False


def _shown(url: str) -> str:
    """Return a URL for an error, without its credentials."""
    has_credentials = "@" in url.partition("//")[2].partition("/")[0]
    return brief(url).replace("//", "//…@", 1) if has_credentials else brief(url)


def payload(action: Mapping[str, Any], user: User) -> dict[str, Any]:
    """Return the body: the action as it was posted, with the user who performs it before the target."""
    image = user.avatar
    if FLOWDOCKS_AVATAR.fullmatch(image):
        image = f"{image.rstrip('/')}/{SIZE}"
    given = dict(action)
    first = {name: given.pop(name) for name in ("@type", "name")}
    return {**first, "agent": {"@type": "Person", "name": user.name, "image": image}, **given}


def _thread(store: Store, thread: Thread | str) -> Thread:
    """Return a thread as it is now. Raises ValueError."""
    if isinstance(thread, Thread):
        found = [kept] if (kept := store.archive.of(thread.flow_id).threads.get(thread.id)) is not None else []
    else:
        every = [*store.archive.threads(store.flows)]
        found = [each for each in every if each.id == thread]
        found = found or [each for each in every if each.external_thread_id == thread]
    if len(found) != 1:
        name = brief(str(thread.id if isinstance(thread, Thread) else thread))
        raise ValueError((errors.SEVERAL_THREADS if found else errors.NO_THREAD).format(name=name))
    return found[0]


def _action(thread: Thread, wanted: str | int) -> Mapping[str, Any]:
    """Return an UpdateAction of a thread. Raises ValueError."""
    named = [f"{number}: {brief(each['name'])!r}" for number, each in enumerate(thread.actions)]
    listed = ", ".join(named) or "none"
    if isinstance(wanted, str):
        found = [each for each in thread.actions if each["name"] == wanted]
    else:
        found = [thread.actions[wanted]] if type(wanted) is int and 0 <= wanted < len(thread.actions) else []
    name = brief(wanted) if isinstance(wanted, str) else wanted
    if not found:
        raise ValueError(errors.NO_ACTION.format(name=name, listed=listed))
    updates = [each for each in found if each["@type"] == UPDATE]
    if not updates:
        raise ValueError(errors.VIEW_ACTION.format(name=name, url=brief(found[0]["url"])))
    if len(updates) > 1:
        raise ValueError(errors.SEVERAL_ACTIONS.format(name=name, listed=listed))
    return updates[0]


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(map(repr, names[:-1]))} or {names[-1]!r}"
