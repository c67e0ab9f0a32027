"""The operation of docs/api/streaming.md."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...contract.errors import AccessDenied, NotFound, ValidationError
from ...contract.validation import BLANK
from ...world import tagging
from ..callers import ANY_USER, APPLICATION
from ..environ import STREAM_HOST
from ..internal_routes import STREAM
from ..media_types import EVENT_STREAM, JSON
from ..operations import Call, Reply, operation
from ..streams import stream as streams
from ..streams.hub import STATES
from .flows import flow_called, flow_of_the_path

if TYPE_CHECKING:
    from ...world.models import Flow

TRUE = ("1", "true")
API_HOST = "api.flowdock.com"


def flows_to_stream(call: Call) -> list[Flow]:
    """Return the flows in the path or the filter. Raises NotFound if one does not exist for the caller."""
    if call.caller.user is None:
        return []  # rejected later
    if "flow" in call.path:
        return [flow_of_the_path(call)]
    flows: dict[str, Flow] = {}
    for name in tagging.split(call.fields.get("filter", "")):
        flow = flow_called(call, re.sub("/", ":", name, count=1))
        if flow is None or not flow.is_seen_by(call.user):
            raise NotFound
        flows[flow.id] = flow
    return [*flows.values()]


@operation(f"GET {STREAM}/flows", f"GET {STREAM}/flows/:organization/:flow", callers=ANY_USER, find=flows_to_stream)
def stream_events(call: Call, flows: list[Flow]) -> Reply:
    """Open a stream of events."""
    fields = call.fields
    user = _is_true(fields.get("user"))
    if not (flows or user):
        raise ValidationError({"filter": [BLANK]})
    _check_scopes(call, flow=bool(flows), private=user)
    media = EVENT_STREAM if EVENT_STREAM in _accepted(call) else JSON
    headers = (("Cache-Control", "no-cache"),)
    if call.environ["REQUEST_METHOD"] == "HEAD":
        return Reply(200, None, headers, media, sized=False)
    active = str(fields.get("active", "")).lower()
    stream = call.streams.add(
        call.store,
        call.caller,
        (flow.id for flow in flows),
        streams.EVENT_STREAM if media == EVENT_STREAM else streams.JSON,
        _api_base(call.base),
        user=user,
        presence=_is_true(fields.get("presence")),
        active=active if active in STATES else None,
        parameters=fields,
        last=_last_event_id(call) if media == EVENT_STREAM else None,
    )
    return Reply(200, None, headers, media, stream)


def _check_scopes(call: Call, **needed: bool) -> None:
    for scope, is_needed in needed.items():
        if is_needed and call.caller.kind == APPLICATION and scope not in call.caller.scopes:
            what = stream_events.contract.title.lower()
            raise AccessDenied.of(AccessDenied.SCOPE, what=what, scope=scope)


def _is_true(given: str | None) -> bool:
    return str(given).lower() in TRUE


def _accepted(call: Call) -> str:
    """Return the media types that the client accepts. The parameter takes precedence over the header."""
    return str(call.fields.get("accept") or call.header("accept")).lower()


def _last_event_id(call: Call) -> int | None:
    given = call.header("last-event-id").strip()
    return int(given) if re.fullmatch("[0-9]{1,18}", given) else None


def _api_base(base: str) -> str:
    """Return scheme and host of the API, for the host of a stream."""
    scheme, _, host = base.partition("://")
    if not STREAM_HOST.fullmatch(host):
        return base
    rest = host[len("stream.") :]
    return f"{scheme}://{API_HOST if rest.lower() == 'flowdock.com' else rest}"
