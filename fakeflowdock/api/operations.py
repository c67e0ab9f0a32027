"""What an operation is, what its handler is given, and the replies that are not 200."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, NoReturn, TypeVar

from ..contract.contracts import contracts
from ..contract.errors import ValidationError
from ..contract.validation import API, by_field
from .media_types import JSON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from _typeshed.wsgi import WSGIEnvironment

    from ..contract.contracts import OperationContract
    from ..contract.validation import Violation
    from ..world.models import User
    from ..world.store import Store
    from .callers import Caller

    Needs = Callable[[Mapping[str, str], str], Iterable[str]]

Asked = TypeVar("Asked")  # what a handler is given: a `Call`, or what another table of operations has for it
Subject = TypeVar("Subject")


class EnvironHeaders:
    """The headers of a request, looked up when one is asked for: few operations ask."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        self._environ = environ

    def get(self, name: str, default: str) -> str:
        """The header of that name, in small letters, or the default."""
        return str(self._environ.get(f"HTTP_{name.upper().replace('-', '_')}", default))


@dataclass(slots=True)  # and not frozen: that would take five times as long to make, for every request
class Call:
    """One request, as a handler of Flowdock's operations sees it.

    Attributes:
        store: the world. Its lock is held while the handler runs.
        caller: who is asking.
        path: the values in the path, `{"organization": "example", "flow": "main", "id": "2"}`.
        fields: the parameters that the page has, from body and query, nulls left out, checked against it.
        base: scheme and host that the client called.
        headers: those of the request, by their names in small letters.
    """

    store: Store
    caller: Caller
    path: Mapping[str, str]
    fields: Mapping[str, Any] = field(repr=False)
    base: str
    headers: EnvironHeaders = field(repr=False)

    def number(self, name: str) -> int:
        """The number in the path by that name; 0, which nothing has, where it is none."""
        return int(self.path[name]) if re.fullmatch("[1-9][0-9]{0,17}", self.path[name]) else 0

    @property
    def user(self) -> User:
        """The user who is asking, for operations that no source may call."""
        assert self.caller.user is not None
        return self.caller.user


@dataclass(slots=True)
class Reply:
    """What a handler returns when it is not simply a value, which means 200.

    Attributes:
        body: as the media type has it: any value of JSON, the text of a page, the fields of a form; None for none.
        headers: more headers for the answer.
        media: one of JSON, FORM, HTML; or the media type of a file, whose body is bytes.
    """

    status: int
    body: Any = field(default=None, repr=False)  # it may show a secret
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    media: str = JSON


def created(value: Any) -> Reply:
    """201 with what was made."""
    return Reply(201, value)


NOTHING = Reply(204)


def refuse_fields(call: Any, subject: Any, violations: list[Violation]) -> NoReturn:  # noqa: ARG001  # as each is called
    """Raise a ValidationError for fields that break the page."""
    raise ValidationError(by_field(violations))


@dataclass(frozen=True)
class Operation(Generic[Asked, Subject]):
    """A handler with its routes and its callers.

    Attributes:
        part: the part of the contract that has its page, API or ADMIN.
        routes: (method, path), the preferred one first.
        callers: who may call it; who may see but not call it is answered 403.
        find: from the call to what the path names, as far as the caller may see it; raises NotFound.
        handle: from the call and what was found to a value, or a Reply.
        scope: the OAuth scope that an application needs.
        credential: the parameter that decides who is calling, as the `flow_token` of a source, or None.
        invalid: what is answered, or raised, where fields break the page.
        needs: from the values in the path and the kind of caller to the parameters that must be there besides those
            that are always required.
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

    @property
    def name(self) -> str:
        """Its section on its page: `create_source` is `create-source`."""
        return self.handle.__name__.strip("_").replace("_", "-").replace("flow-token", "flow_token")

    @cached_property
    def contract(self) -> OperationContract:
        """What its page says."""
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
    """Make a handler an operation.

    Args:
        routes: `"GET /flows/:organization/:flow/sources"`, the preferred one first.
        callers: some of USER, APPLICATION, SOURCE; or ANYONE alone.
        find, scope, credential, invalid, needs, part: as `Operation` has them.
    """

    def decorate(handle: Callable[[Asked, Subject], Any]) -> Operation[Asked, Subject]:
        pairs = tuple((method, path) for method, path in (route.split(" ") for route in routes))
        return Operation(part, pairs, callers, find, handle, scope, credential, invalid, needs)

    return decorate


def nothing(call: Any) -> None:
    """For an operation whose path names nothing."""


class Match(NamedTuple):
    """What a method and a path ask for.

    Attributes:
        values: those in the path, by the names of its route.
        obsolete: whether its page prefers another route.
    """

    operation: Operation[Any, Any]
    values: Mapping[str, str]
    obsolete: bool
