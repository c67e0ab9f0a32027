"""The URLs that readers of a thread are shown in place of a `urlTemplate`. docs/api/thread-actions.md#signed-urls."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from ...contract.errors import MethodNotAllowed, NoSuchRoute
from ..internal_routes import ACTIONS
from ..operations import Reply
from .request import UPDATE, build

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...world.models import Thread, User
    from ...world.store import Store
    from .delivery import Delivery
    from .request import ActionRequest

STATUSES = {"done": 200, "needs authentication": 401, "refused": 403, "failed": 502, "not sent": 502}


def actions(thread: Thread, store: Store, base: str) -> list[dict[str, Any]]:
    """Return the actions of a thread as they are shown."""
    shown = [dict(action) for action in thread.actions]
    if store.settings.sign_actions and thread.source_id is not None:
        for position, action in enumerate(shown):
            if action["@type"] == UPDATE:
                url = f"{base}{ACTIONS}{_token(store, thread.id, position)}"
                action["target"] = {**action["target"], "urlTemplate": url}
    return shown


def _token(store: Store, thread_id: str, position: int) -> str:
    """Return the token for an action, which is bound to its thread and its position."""
    text = f"{thread_id}.{position}"
    return f"{text}.{hmac.digest(store.drawn('signing key', 0).encode(), text.encode(), 'sha256').hex()[:32]}"


def reply(
    store: Store, method: str, path: str, user: User | None, deliver: Callable[[ActionRequest], Delivery]
) -> Reply:
    """Let a user perform the action with a signed URL, and return what came of it.

    Args:
        path: of the URL.
        user: who requests it.
        deliver: sends the request to the integration.

    Raises:
        NoSuchRoute: the URL is not one that was shown, or the user cannot perform the action.
        MethodNotAllowed: the method is not that of the action.
    """
    thread_id, _, rest = path.removeprefix(ACTIONS).partition(".")
    position = rest.partition(".")[0]
    is_number = position.isascii() and position.isdecimal() and len(position) < 10
    if (
        user is None
        or not is_number
        or not hmac.compare_digest(
            _token(store, thread_id, int(position)).encode(), path.removeprefix(ACTIONS).encode()
        )
    ):
        raise NoSuchRoute
    try:
        request = build(store, thread_id, int(position), user)
    except ValueError:
        raise NoSuchRoute from None
    if method != request.method:
        raise MethodNotAllowed(method, [request.method])
    delivery = deliver(request)
    url = delivery.authentication_url
    headers = () if url is None else (("WWW-Authenticate", f"Flowdock-Token url={url}"),)
    shown = {"outcome": delivery.outcome, "message": delivery.reason, "authentication_url": url}
    return Reply(STATUSES[delivery.outcome], shown, headers)
