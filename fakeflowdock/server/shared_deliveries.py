"""Thread actions in worlds that servers share: one server requests the integration, and all know what came of it."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from ..api.actions.delivery import Delivery, Verification
from ..api.actions.request import ActionRequest
from ..api.fault_matching import DeliveryMatching
from ..api.faults import in_process
from ..api.messages import Headers, Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..api.app import App
    from ..api.failures import Failure
    from ..api.faults import Fault
    from .worlds import ServedWorld

DUE, DELIVERED = "due", "delivered"  # the kinds of entries


class SharedDeliveries:
    """The thread actions of one world, as `App.sharing`.

    Args:
        world: the world.
        append: appends an entry, and returns what processing it returned.
    """

    def __init__(self, world: ServedWorld, append: Callable[[bytes, str], Any]) -> None:
        self._world, self._append = world, append

    def due(self, request: ActionRequest, timeout: float) -> tuple[Fault, Failure] | None:
        """Return the fault and failure for a request to an integration, or None."""
        about: dict[str, Any] = {"world": self._world.name, "action": request.name, "thread": request.thread.id}
        about |= {"user": request.user.id, "timeout": timeout}
        found: tuple[Fault, Failure] | None = self._append(json.dumps(about).encode(), DUE)
        return found

    def add(self, delivery: Delivery) -> Delivery:
        """Keep a delivery. Returns it with its number."""
        number = self._append(json.dumps({"world": self._world.name, **_shown(delivery)}).encode(), DELIVERED)
        return replace(delivery, number=number or 0)


def process(app: App, kind: str, about: dict[str, Any]) -> Any:
    """Process an entry about a thread action."""
    if kind == DELIVERED:
        return app.deliveries.add(_delivery(about)).number
    thread, user = SimpleNamespace(id=about["thread"]), SimpleNamespace(id=about["user"])
    request = SimpleNamespace(name=about["action"], thread=thread, user=user)
    met = app.faults.due(request, DeliveryMatching)
    if met is not None and met[1].connection != "timeout":
        in_process(app.store, about["timeout"])(met[1].seconds)
    return met


def _shown(delivery: Delivery) -> dict[str, Any]:
    request, response = delivery.request, delivery.response
    return {
        "request": [request.method, request.url, *_message(request)],
        "thread": [request.thread.id, request.thread.external_thread_id],
        "action": dict(request.action),
        "user": [request.user.id, request.user.name],
        "application": request.application.id,
        "flaw": request.flaw,
        "response": None if response is None else [response.status, *_message(response)],
        "outcome": delivery.outcome,
        "reason": delivery.reason,
        "authentication_url": delivery.authentication_url,
        "verification": delivery.verification.reason,
        "problem": delivery.problem,
        "seconds": delivery.seconds,
        "failure": None if delivery.failure is None else str(delivery.failure),
    }


def _message(message: Any) -> list[Any]:
    return [list(message.headers.multi_items()), base64.b64encode(message.body).decode()]


class _Told(str):
    """The description of a failure, in the place of the failure."""

    __slots__ = ()


def _delivery(about: dict[str, Any]) -> Delivery:
    """Return a delivery with as much as the admin API shows of it."""
    method, url, headers, body = about["request"]
    thread = SimpleNamespace(id=about["thread"][0], external_thread_id=about["thread"][1])
    user = SimpleNamespace(id=about["user"][0], name=about["user"][1])
    request = ActionRequest(
        method,
        url,
        Headers((name, value) for name, value in headers),
        base64.b64decode(body),
        thread=thread,
        action=about["action"],
        user=user,
        application=SimpleNamespace(id=about["application"]),
        flaw=about["flaw"],
    )
    response = None
    if about["response"] is not None:
        status, headers, body = about["response"]
        response = Response(status, Headers((name, value) for name, value in headers), base64.b64decode(body), request)
    failure = cast("Failure", _Told(about["failure"])) if about["failure"] is not None else None
    rest = (about["outcome"], about["reason"], about["authentication_url"], Verification(reason=about["verification"]))
    return Delivery(request, response, *rest, about["problem"], about["seconds"], failure)
