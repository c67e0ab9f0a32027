"""The operations of docs/api/sources.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...contract.errors import NotFound
from ...world.models import Source
from ...world.posting import announce
from .. import wire
from ..callers import ANY_USER, ANYBODY, APPLICATION, SOURCE
from ..operations import NOTHING, Call, Reply, created, nothing, operation
from .flows import flow_of_the_path

if TYPE_CHECKING:
    from ...world.models import Flow


def source_of_the_path(call: Call) -> Source:
    """Return the source in the path. Raises NotFound if it does not exist for this caller."""
    flow = flow_of_the_path(call)
    source = call.store.sources.get(call.number("id"))
    if source is None or source.flow_id != flow.id or call.caller.source not in (None, source):
        raise NotFound
    return source


@operation("GET /sources", callers=ANYBODY, scope="flow", find=nothing)
def list_sources(call: Call, _: None) -> list[wire.JSON]:
    """List the sources that the caller can see."""
    source = call.caller.source
    return _shown(call, call.store.sources_of_user(call.user) if source is None else [source])


@operation(
    "GET /flows/:organization/:flow/sources",
    "GET /flows/:organization/:flow/integrations",
    callers=ANYBODY,
    scope="flow",
    find=flow_of_the_path,
)
def list_flow_sources(call: Call, flow: Flow) -> list[wire.JSON]:
    """List the sources of one flow. A source sees only itself."""
    source = call.caller.source
    return _shown(call, call.store.sources_of_flow(flow) if source is None else [source])


@operation(
    "GET /flows/:organization/:flow/sources/:id",
    "GET /flows/:organization/:flow/source/:id",
    callers=ANYBODY,
    scope="flow",
    find=source_of_the_path,
)
def get_source(call: Call, source: Source) -> wire.JSON:
    """Return one source."""
    return wire.source(source, call.store, call.base)


@operation(
    "POST /flows/:organization/:flow/sources",
    "POST /flows/:organization/:flow/integrations",
    callers=(APPLICATION,),
    scope="integration",
    find=flow_of_the_path,
)
def create_source(call: Call, flow: Flow) -> Reply:
    """Create a source. No other response contains its `flow_token`."""
    application = call.caller.application
    assert application is not None
    now = call.store.tick()
    source = Source(
        id=call.store.next_id("source"),
        flow_id=flow.id,
        application_id=application.id,
        creator_id=call.user.id,
        name=call.fields["name"],
        external_url=call.fields.get("external_url"),
        error_message=None,
        configuration_url=None,
        created_at=now,
        updated_at=now,
        flow_token=call.store.draw("flow_token"),
    )
    call.store.add_source(source)
    announce(call.store, source)
    return created(wire.source(source, call.store, call.base, with_flow_token=True))


@operation("PUT /flows/:organization/:flow/sources/:id", callers=ANYBODY, scope="flow", find=source_of_the_path)
def update_source(call: Call, source: Source) -> wire.JSON:
    """Set the error message or configuration URL of a source."""
    return _updated(call, source)


@operation("PUT /sources", callers=(SOURCE,), find=nothing, credential="flow_token")
def update_source_by_flow_token(call: Call, _: None) -> wire.JSON:
    """Do the same as the source itself."""
    assert call.caller.source is not None
    return _updated(call, call.caller.source)


@operation(
    "DELETE /flows/:organization/:flow/sources/:id",
    "DELETE /flows/:organization/:flow/source/:id",
    callers=ANY_USER,
    scope="flow",
    find=source_of_the_path,
)
def delete_source(call: Call, source: Source) -> Reply:
    """Delete a source. Its `flow_token` expires."""
    call.store.delete_source(source)
    return NOTHING


def _updated(call: Call, source: Source) -> wire.JSON:
    changes: dict[str, Any] = {n: call.fields[n] for n in ("error_message", "configuration_url") if n in call.fields}
    if changes.get("error_message") == "":
        changes["error_message"] = None
    return wire.source(call.store.update_source(source, **changes), call.store, call.base)


def _shown(call: Call, sources: list[Source]) -> list[wire.JSON]:
    return [wire.source(source, call.store, call.base) for source in sources]
