"""The operations of docs/admin/deliveries.md."""

from __future__ import annotations

import threading
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ...api.actions.delivery import judged
from ...api.actions.request import build
from ...api.errors import NotSent
from ...api.failures import Failure
from ...api.fault_matching import DeliveryMatching
from ...api.operations import NOTHING, Reply, created
from ...api.pauses import Pause
from ...testing.performing import DeliveryOptions, deliver
from .errors import Invalid, Taken
from .faults import add_fault
from .operations import of_a_world
from .streams import user_of

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from ...api.actions.delivery import Delivery
    from ...api.actions.request import ActionRequest
    from ...api.messages import Request, Response
    from ...world.models import Thread
    from ..worlds import ServedWorld
    from .operations import OperatorCall

LIMIT = 1_000  # deliveries in a response
UNDER_WAY = 100  # of one world
ROUND = 60.0  # seconds until another look, at most


@of_a_world("POST perform")
def perform_action(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Perform a thread action, and return what came of it once the integration has answered."""
    given, app = call.fields, world.app
    user = user_of(given, world)
    try:
        if user is None:
            user = next(iter(world.store.users.values()))
        request = build(world.store, given["thread"], given["action"], user, flaw=given.get("flaw"))
        timeout = {"timeout": given["timeout"]} if "timeout" in given else {}
        options = DeliveryOptions(given.get("integration", app.integration), **timeout)
    except ValueError as error:
        raise Invalid.at("", str(error)) from None
    if not given.get("send", True):
        return shown(app.keep_delivery(judged(request, None, NotSent.KEPT, 0, sent=False)))
    call.watch = DeliveryWait(world, request, options)
    return call.watch.shown()


class DeliveryWait:
    """The wait for an integration. It needs a thread of its own, and none of those that answer requests.

    Args:
        world: the world.
        request: what is sent.
        options: how it is sent.

    Raises:
        Taken: too many are under way.
    """

    def __init__(self, world: ServedWorld, request: ActionRequest, options: DeliveryOptions) -> None:
        self._world, self._request, self._sending = world, request, options
        self._delivery: Delivery | None = None
        if not world.app.deliveries.begin(UNDER_WAY):
            raise Taken.of(Taken.DELIVERIES, limit=UNDER_WAY)
        try:
            threading.Thread(target=self._send, name="fakeflowdock: a delivery", daemon=True).start()
        except RuntimeError:
            world.app.deliveries.end()
            raise Taken.of(Taken.DELIVERIES, limit=UNDER_WAY) from None

    def _send(self) -> None:
        deliveries = self._world.app.deliveries
        try:
            self._delivery, _ = deliver(self._world.app, self._request, self._sending)
        finally:
            deliveries.end()

    def steps(self) -> Generator[Pause, bool, None]:
        """Wait until the delivery has ended, or until the client hangs up."""
        deliveries = self._world.app.deliveries
        while True:
            known = deliveries.count
            if self._delivery is not None or not (yield Pause(ROUND, deliveries, known)):
                return

    def shown(self) -> dict[str, Any]:
        """Return the delivery in the form of the page; before its end, as one that is not sent."""
        return shown(self._delivery or judged(self._request, None, None, 0, sent=False))


@of_a_world("GET deliveries")
def list_deliveries(call: OperatorCall, world: ServedWorld) -> list[dict[str, Any]]:
    """Return the first deliveries that match all given criteria."""
    given = call.fields
    found = [
        each
        for each in world.app.deliveries
        if each.number > given.get("after", 0)
        and given.get("thread") in (None, each.request.thread.id, each.request.thread.external_thread_id)
        and given.get("action") in (None, each.request.name)
        and given.get("user") in (None, each.request.user.id)
        and given.get("outcome") in (None, each.outcome)
    ]
    return [shown(each) for each in found[: given.get("limit", LIMIT)]]


@of_a_world("DELETE deliveries")
def clear_deliveries(call: OperatorCall, world: ServedWorld) -> Reply:
    """Drop all deliveries."""
    world.app.deliveries.clear()
    return NOTHING


@of_a_world("POST deliveries/faults")
def make_delivery_fault(call: OperatorCall, world: ServedWorld) -> Reply:
    """Add a fault for requests to integrations."""
    return created(add_delivery_fault(world, call.fields))


def add_delivery_fault(world: ServedWorld, given: Mapping[str, Any]) -> dict[str, Any]:
    """Add a fault for deliveries, by the fields of a request. Returns it in the form of the page. Raises Refusal."""
    thread: Thread | None = None
    if "thread" in given:
        every = world.store.archive.threads(world.store.flows)
        thread = next((each for each in every if given["thread"] in (each.id, each.external_thread_id)), None)
        if thread is None:
            raise Invalid.at("/thread", Invalid.NO_THREAD)
    matching = DeliveryMatching(action=given.get("action"), thread=thread, user=user_of(given, world))
    what = {each.name: given[each.name] for each in fields(Failure) if each.name in given}
    return add_fault(world, given, matching, what)


def shown(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery in the form of the page."""
    request, response, verification = delivery.request, delivery.response, delivery.verification
    return {
        "number": delivery.number,
        "thread": request.thread.id,
        "action": request.name,
        "user": request.user.id,
        "application": request.application.id,
        "flaw": request.flaw,
        "request": {"method": request.method, "url": request.url, **_message(request)},
        "response": None if response is None else {"status": response.status, **_message(response)},
        "outcome": delivery.outcome,
        "reason": delivery.reason,
        "authentication_url": delivery.authentication_url,
        "verification": {"valid": verification.is_valid, "reason": verification.reason},
        "problem": delivery.problem,
        "failure": None if delivery.failure is None else str(delivery.failure),
        "seconds": delivery.seconds,
    }


def _message(message: Request | Response) -> dict[str, Any]:
    return {"headers": dict(message.headers), "body": message.text}
