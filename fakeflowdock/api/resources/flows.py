"""The operations of docs/api/flows.md."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

from ...contract.errors import AccessDenied, NotFound
from ...world import people
from ...world.models import Flow
from ...world.random_ids import join_key_of, uuid_of
from .. import wire
from ..callers import ANY_USER, APPLICATION
from ..operations import Call, Reply, created, nothing, operation
from .organizations import organization_of_the_path

if TYPE_CHECKING:
    from ...world.models import Organization


def flow_of_the_path(call: Call) -> Flow:
    """Return the flow in the path. Raises NotFound unless the user is a member, or it is the flow of the source."""
    flow = call.store.flow_named(call.path["organization"], call.path["flow"])
    source, user = call.caller.source, call.caller.user
    if flow is not None and (source.flow_id == flow.id if source else user is not None and flow.is_seen_by(user)):
        return flow
    raise NotFound


def open_flow_of_the_path(call: Call) -> Flow:
    """Return the flow in the path. Raises NotFound unless the user is a member or may join."""
    return _open(call, call.store.flow_named(call.path["organization"], call.path["flow"]))


def flow_called(call: Call, name: str) -> Flow | None:
    """Return the flow of an id, or of `organization:flow`."""
    organization, _, flow = name.partition(":")
    return call.store.flows.get(name) or call.store.flow_named(organization, flow)


def _open(call: Call, flow: Flow | None) -> Flow:
    if flow is not None and call.caller.source is not None and call.caller.source.flow_id == flow.id:
        return flow  # a source sees its flow, and is rejected later with 403
    if flow is None or call.caller.user is None:
        raise NotFound
    archived = flow.disabled and call.store.administers(call.user, flow.organization_id)
    if not (flow.is_seen_by(call.user) or archived or _may_join(call, flow)):
        raise NotFound
    return flow


def _may_join(call: Call, flow: Flow) -> bool:
    return (
        flow.access_mode == "organization"
        and not flow.disabled
        and call.store.belongs(call.user, flow.organization_id)
        and call.user.id not in flow.member_ids
    )


@operation("GET /flows", callers=ANY_USER, scope="flow", find=nothing)
def list_flows(call: Call, _: None) -> list[wire.JSON]:
    """List the flows that the user joined."""
    return _shown(call, call.store.flows_of_user(call.user))


@operation("GET /flows/all", callers=ANY_USER, scope="flow", find=nothing)
def list_all_flows(call: Call, _: None) -> list[wire.JSON]:
    """List the flows that the user joined or may join."""
    flows = call.store.flows_of_user(call.user)
    for organization in call.store.organizations_of(call.user):
        flows += [flow for flow in call.store.flows_of_organization(organization) if _may_join(call, flow)]
    return _shown(call, flows)


@operation("GET /flows/:organization", callers=ANY_USER, scope="flow", find=organization_of_the_path)
def list_organization_flows(call: Call, organization: Organization) -> list[wire.JSON]:
    """List the flows of one organization that the user joined."""
    return _shown(call, call.store.flows_of_user_in(call.user, organization))


@operation("GET /flows/find", callers=ANY_USER, scope="flow", find=nothing)
def find_flow(call: Call, _: None) -> wire.JSON:
    """Return one flow by its id, or by `organization:flow`."""
    return wire.flow(
        _open(call, flow_called(call, call.fields["id"])), call.store, call.base, call.user, with_users=True
    )


@operation("GET /flows/:organization/:flow", callers=ANY_USER, scope="flow", find=open_flow_of_the_path)
def get_flow(call: Call, flow: Flow) -> wire.JSON:
    """Return one flow with its users."""
    return wire.flow(flow, call.store, call.base, call.user, with_users=True)


@operation("POST /flows/:organization", callers=ANY_USER, scope="manage", find=organization_of_the_path)
def create_flow(call: Call, organization: Organization) -> Reply:
    """Create a flow. The user becomes its first member and administrator."""
    store = call.store
    flow = Flow(
        id=uuid_of(store.draw("flow")),
        name=call.fields["name"],
        parameterized_name=_free_name(call, organization, call.fields["name"]),
        organization_id=organization.id,
        member_ids=frozenset({call.user.id}),
        admin_ids=frozenset({call.user.id}),
        join_key=join_key_of(store.draw("join_key")),
        api_token=store.draw("flow api_token"),
    )
    return created(
        wire.flow(people.change_flow(store, flow, by=call.user), store, call.base, call.user, with_users=True)
    )


@operation("PUT /flows/:organization/:flow", callers=ANY_USER, find=open_flow_of_the_path)
def update_flow(call: Call, flow: Flow) -> wire.JSON:
    """Open, close, join, rename or archive a flow, or change its access mode."""
    fields = {name: call.fields[name] for name in ("name", "disabled", "access_mode") if name in call.fields}
    user = call.user.id
    if fields and user not in flow.admin_ids and not call.store.administers(call.user, flow.organization_id):
        raise AccessDenied(AccessDenied.NOT_OPEN_ALONE)
    scope = "manage" if fields else "flow"
    if call.caller.kind == APPLICATION and scope not in call.caller.scopes:
        what = "more than open" if fields else "open"
        raise AccessDenied.of(AccessDenied.SCOPE_FOR_OPEN, what=what, scope=scope)
    members, closed = flow.member_ids, flow.closed_ids
    if call.fields.get("open") is True:
        members, closed = members | {user}, closed - {user}
    elif call.fields.get("open") is False:
        closed = closed | {user}
    changed = people.change_flow(
        call.store, replace(flow, member_ids=members, closed_ids=closed, **fields), by=call.user
    )
    return wire.flow(changed, call.store, call.base, call.user, with_users=True)


def _free_name(call: Call, organization: Organization, name: str) -> str:
    """Return an unused parameterized name for a flow."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub("[^a-z0-9_]+", "-", plain).strip("-_") or "flow"
    wanted, count = base, 1
    while call.store.flow_named(organization.parameterized_name, wanted) is not None:
        count += 1
        wanted = f"{base}-{count}"
    return wanted


def _shown(call: Call, flows: list[Flow]) -> list[wire.JSON]:
    with_users = call.fields.get("users", False)
    return [wire.flow(flow, call.store, call.base, call.user, with_users=with_users) for flow in flows]
