"""Operations with their routes, the calls that their handlers receive, and their replies."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, NoReturn, TypeVar

from ..contract.contracts import contracts
from ..contract.errors import ValidationError
from ..contract.validation import API, MOST, by_field
from .media_types import JSON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from _typeshed.wsgi import WSGIEnvironment

    from ..contract.contracts import OperationContract
    from ..contract.validation import Violation
    from ..world.models import User
    from ..world.store import Store
    from .callers import Caller
    from .streams.stream import Hub, Stream

    Needs = Callable[[Mapping[str, str], str], Iterable[str]]

Asked = TypeVar("Asked")  # the call that a handler receives: `Call`, or that of another table of operations
Subject = TypeVar("Subject")


@dataclass(slots=True)  # not frozen, because creating one would take five times as long
class Call:
    """One request to an operation of Flowdock.

    Attributes:
        store: the world. Its lock is held while the handler runs.
        path: the values in the path, `{"organization": "example", "flow": "main", "id": "2"}`.
        fields: the documented parameters of body and query, validated, without nulls.
        base: scheme and host of the requested URL.
        streams: the open streams of the world.
    """

    store: Store
    caller: Caller
    path: Mapping[str, str]
    fields: Mapping[str, Any] = field(repr=False)
    base: str
    environ: WSGIEnvironment = field(repr=False)
    streams: Hub

    def header(self, name: str, default: str = "") -> str:
        """Return a header of the request, or the default."""
        return str(self.environ.get(f"HTTP_{name.upper().replace('-', '_')}", default))

    def number(self, name: str) -> int:
        """Return an id in the path; 0, which is no id, if it is not a number."""
        return int(self.path[name]) if re.fullmatch("[1-9][0-9]{0,17}", self.path[name]) else 0

    @property
    def user(self) -> User:
        """The user, for operations that no source may call."""
        assert self.caller.user is not None
        return self.caller.user


@dataclass(slots=True)
class Reply:
    """The reply of a handler. A handler can also return a plain value, for status 200.

    Attributes:
        body: a JSON value, a text, the fields of a form, or the bytes of a file. None for no body.
        headers: additional headers of the response.
        media: JSON, FORM, or the media type of a text or a file.
        stream: what is sent after the headers, as it happens.
        sized: whether the length of the body is known.
    """

    status: int
    body: Any = field(default=None, repr=False)  # may contain a secret
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    media: str = JSON
    stream: Stream | None = None
    sized: bool = True


def created(value: Any) -> Reply:
    """Return a reply with status 201."""
    return Reply(201, value)


NOTHING = Reply(204)


def refuse_fields(call: Any, subject: Any, violations: list[Violation]) -> NoReturn:  # noqa: ARG001  # called as each of its kind is
    """Raise a ValidationError for invalid fields."""
    raise ValidationError(by_field(violations), counted=len(violations) < MOST)


@dataclass(frozen=True)
class Operation(Generic[Asked, Subject]):
    """A handler with its routes and its callers.

    Attributes:
        part: the part of the contract with its page, API or ADMIN.
        routes: (method, path), the preferred one first.
        callers: the kinds of caller that may call it. Others that find its subject get 403.
        find: returns the subject, which the path names; raises NotFound if the caller cannot see it.
        handle: returns a value or a Reply for the call and the subject.
        scope: the OAuth scope that an application needs.
        credential: the parameter that identifies the caller, as the `flow_token` of a source, or None.
        invalid: returns the reply to invalid fields, or raises.
        needs: returns parameters that are also required, for the values in the path and the kind of caller.
    """

    part: str
    routes: tuple[tuple[str, str], ...]
    callers: tuple[str, ...]
    find: Callable[[Asked], Subject]
    handle: Callable[[Asked, Subject], Any]
    scope: str | None
    credential: str | None
    invalid: Callable[[Asked, Subject, list[Violation]], Any]
    needs: Needs | None

    @cached_property
    def name(self) -> str:
        """The name of its section on its page, `create-source` for `create_source`."""
        return self.handle.__name__.strip("_").replace("_", "-").replace("flow-token", "flow_token")

    @cached_property
    def contract(self) -> OperationContract:
        """The contract from its page."""
        return contracts(self.part).operations[self.name]


def operation(
    *routes: str,
    callers: tuple[str, ...],
    find: Callable[[Asked], Subject],
    scope: str | None = None,
    credential: str | None = None,
    invalid: Callable[[Asked, Subject, list[Violation]], Any] = refuse_fields,
    needs: Needs | None = None,
    part: str = API,
) -> Callable[[Callable[[Asked, Subject], Any]], Operation[Asked, Subject]]:
    """Turn a handler into an operation.

    Args:
        routes: `"GET /flows/:organization/:flow/sources"`, the preferred one first.
        callers: some of USER, APPLICATION, SOURCE; or only PROVISIONER or ANYONE.
        find, scope, credential, invalid, needs, part: see `Operation`.
    """

    def decorate(handle: Callable[[Asked, Subject], Any]) -> Operation[Asked, Subject]:
        pairs = tuple((method, path) for method, path in (route.split(" ") for route in routes))
        return Operation(part, pairs, callers, find, handle, scope, credential, invalid, needs)

    return decorate


def nothing(call: Any) -> None:
    """Find nothing, for an operation without a subject."""


class Match(NamedTuple):
    """The operation of a method and path.

    Attributes:
        values: the values in the path, by the names in its route.
        obsolete: whether the page prefers another route.
    """

    operation: Operation[Any, Any]
    values: Mapping[str, str]
    obsolete: bool
