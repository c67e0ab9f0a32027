"""The operations of docs/api/threads.md."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from ...contract.errors import ValidationError
from ...world.clock import timestamp
from .. import wire
from ..callers import ANY_USER
from ..operations import Call, Reply, operation
from .flows import flow_of_the_path
from .messages import thread_in

if TYPE_CHECKING:
    from ...world.models import Flow, Thread


@operation("GET /flows/:organization/:flow/threads", callers=ANY_USER, scope="flow", find=flow_of_the_path)
def list_threads(call: Call, flow: Flow) -> Reply:
    """List the threads of a flow, the last updated one first."""
    since, until, limit = _moment(call, "since"), _moment(call, "until"), call.fields.get("limit", 30)
    threads, more = call.store.archive.of(flow.id).threads_between(since, until, limit)
    headers: tuple[tuple[str, str], ...] = ()
    if more:
        given = {name: call.fields[name] for name in ("since", "limit") if name in call.fields}
        query = urlencode({**given, "until": timestamp(threads[-1].updated_at)})
        path = f"/flows/{call.store.path_of(flow)}/threads"
        headers = (("Link", f'<{call.base}{path}?{query}>; rel="next"'),)
    return Reply(200, [wire.thread(thread, call.store, call.base) for thread in threads], headers)


def thread_of_the_path(call: Call) -> Thread:
    """Return the thread in the path. Raises NotFound if it does not exist for this caller."""
    return thread_in(call, flow_of_the_path(call))


@operation("GET /flows/:organization/:flow/threads/:id", callers=ANY_USER, scope="flow", find=thread_of_the_path)
def get_thread(call: Call, thread: Thread) -> wire.JSON:
    """Return one thread."""
    return wire.thread(thread, call.store, call.base)


def _moment(call: Call, name: str) -> datetime | None:
    given = call.fields.get(name)
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValidationError({name: [ValidationError.NO_DATE]}) from None
