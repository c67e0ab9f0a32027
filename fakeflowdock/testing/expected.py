"""The names that assertions and `where` take, with the types of their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias, TypedDict

from ..world.models import Application, Flow, Organization, Source, Thread, User
from .matchers import Matcher

Text: TypeAlias = str | Matcher | None
Number: TypeAlias = int | Matcher | None
Truth: TypeAlias = bool | Matcher
Moment: TypeAlias = datetime | Matcher | None
Fields: TypeAlias = Mapping[str, Any] | Matcher | None
Items: TypeAlias = Sequence[Any] | Matcher
Numbers: TypeAlias = frozenset[int] | Matcher
FlowOrPath: TypeAlias = Flow | str | Matcher
UserOrName: TypeAlias = User | str | int | Matcher | None
SourceOrName: TypeAlias = Source | str | int | Matcher | None
ApplicationOrName: TypeAlias = Application | str | int | Matcher | None
OrganizationOrName: TypeAlias = Organization | str | int | Matcher | None
Caller: TypeAlias = User | Source | Application | str | Matcher | None


class _AnyMessage(TypedDict, total=False):
    flow_id: Text
    id: Number
    event: Text
    user_id: Number
    source_id: Number
    sent: Moment
    tags: Items | str
    app: Text
    uuid: Text
    thread_id: Text
    edited: Moment
    content: Text | Mapping[str, Any]
    title: Text
    body: Text
    author: Fields
    attachments: Items
    mail: Fields
    action: Fields
    parent_id: Number
    external_user_name: Text
    reactions: Items | Mapping[str, Any]
    to_user_id: Number
    event_id: Number
    to_user: UserOrName


class MessageFields(_AnyMessage, total=False):
    """The attributes of a message. docs/api/messages.md."""

    flow: FlowOrPath
    user: UserOrName
    source: SourceOrName
    thread: Thread | str | Mapping[str, Any] | Matcher | None


class PrivateMessageFields(_AnyMessage, total=False):
    """The attributes of a private message. docs/api/private.md."""

    user: UserOrName
    from_user: UserOrName


class SourceFields(TypedDict, total=False):
    """The attributes of a source. docs/api/sources.md."""

    id: Number
    flow_id: Text
    application_id: Number
    creator_id: Number
    name: Text
    external_url: Text
    error_message: Text
    configuration_url: Text
    created_at: Moment
    updated_at: Moment
    flow_token: Text
    flow: FlowOrPath
    application: ApplicationOrName
    creator: UserOrName


class ThreadFields(TypedDict, total=False):
    """The attributes of a thread. docs/api/threads.md."""

    id: Text
    flow_id: Text
    title: Text
    initial_message: Number
    created_at: Moment
    updated_at: Moment
    body: Text
    external_url: Text
    status: Fields
    actions: Items
    fields: Items
    source_id: Number
    external_thread_id: Text
    activities: Number
    internal_comments: Number
    external_comments: Number
    flow: FlowOrPath
    source: SourceOrName


class OrganizationFields(TypedDict, total=False):
    """The attributes of an organization. docs/api/organizations.md."""

    id: Number
    name: Text
    parameterized_name: Text
    user_limit: Number
    trial_ends: Text
    sso_uid: Text
    scim_token: Text
    users: Items
    flows: Items


class ApplicationFields(TypedDict, total=False):
    """The attributes of an OAuth application. docs/api/oauth.md."""

    id: Number
    name: Text
    icon_url: Text
    client_id: Text
    redirect_uri: Text
    owner_id: Number
    client_secret: Text
    setup_uri: Text
    configuration_uri: Text
    disabled: Truth
    owner: UserOrName


class FlowFields(TypedDict, total=False):
    """The attributes of a flow. `path` is `acme/ops`. docs/api/flows.md."""

    id: Text
    name: Text
    parameterized_name: Text
    organization_id: Number
    member_ids: Numbers
    join_key: Text
    api_token: Text
    blocked_ids: Numbers
    admin_ids: Numbers
    closed_ids: Numbers
    access_mode: Text
    description: Text
    disabled: Truth
    path: Text
    members: Items
    organization: OrganizationOrName


class UserFields(TypedDict, total=False):
    """The attributes of a user. docs/api/users.md."""

    id: Number
    name: Text
    nick: Text
    email: Text
    avatar: Text
    website: Text
    api_token: Text
    password: Text
    last_activity: Moment
    last_ping: Moment
    sso_name: Text
    created_at: Moment
    updated_at: Moment


class InvitationFields(TypedDict, total=False):
    """The attributes of an invitation. docs/api/invitations.md."""

    id: Number
    flow_id: Text
    email: Text
    inviter_id: Number
    message: Text
    state: Text
    user_id: Number
    flow: FlowOrPath
    inviter: UserOrName
    user: UserOrName


class DeliveryFields(TypedDict, total=False):
    """The attributes of a thread action that was performed. docs/api/thread-actions.md."""

    thread: Thread | str | Mapping[str, Any] | Matcher
    flow: FlowOrPath | None
    action: Text
    user: UserOrName
    application: ApplicationOrName
    method: Text
    url: Text
    body: Any
    flaw: Text
    outcome: Text
    status: Number
    response: Text
    reason: Text
    authentication_url: Text
    problem: Text
