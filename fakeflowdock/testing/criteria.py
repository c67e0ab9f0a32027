"""Criteria of requests that are no parameters: who made them, how they were answered, method and path."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPMethod
from typing import TYPE_CHECKING, Any

from ..contract.contracts import contracts
from ..redaction import brief
from ..suggestions import did_you_mean, nearest
from ..world import naming
from ..world.errors import UnknownName
from . import errors, kinds
from .matchers import ENTITIES, is_matcher
from .matching import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..api.exchange import Exchange
    from ..contract.operation_names import OperationName
    from ..world.store import Store
    from . import expected as names

NAMES = ("status", "caller", "method", "path", *ROLES)


@dataclass(frozen=True)
class Criteria:
    """What is expected of a request besides its parameters. None matches all.

    `user`, `source` and `application` are those who made it. If the operation has a parameter of that name, and it is
    no entity that is expected, the parameter counts in requests that have it.
    """

    status: names.Number = None
    caller: names.Caller = None
    method: names.Text = None
    path: names.Text = None
    user: names.UserOrName = None
    source: names.SourceOrName = None
    application: names.ApplicationOrName = None

    def expected(self, operation: OperationName | None) -> dict[str, Any]:
        """Return the expected values, by the names of `matching.exchange_view`."""
        given = {name: getattr(self, name) for name in NAMES}
        given["method"] = self.method.upper() if isinstance(self.method, str) else self.method
        return {
            name if name in self._parameters(operation) else f"the {name}": value
            for name, value in given.items()
            if value is not None
        }

    def _parameters(self, operation: OperationName | None) -> list[str]:
        """Return the names that could be those of parameters."""
        known = contracts().operations[operation].properties if operation else ()
        return [role for role in ROLES if role in known and not isinstance(getattr(self, role), ENTITIES)]

    def check(self, exchanges: Iterable[Exchange]) -> None:
        """Reject a method, path, status or caller that cannot be. Raises ValueError."""
        method, path, status, caller = self.method, self.path, self.status, self.caller
        if method is not None and not is_matcher(method):
            if not isinstance(method, str) or not method.isalpha():
                raise ValueError(errors.METHOD.format(given=method))
            known = {*HTTPMethod, *(each.method for each in exchanges)}
            if method.upper() not in known:
                hint = did_you_mean(nearest(method.upper(), sorted(known)))
                raise ValueError(errors.UNKNOWN_METHOD.format(given=brief(method), hint=hint))
        if (
            path is not None
            and not is_matcher(path)
            and (not isinstance(path, str) or not path.startswith("/") or "?" in path)
        ):
            raise ValueError(errors.PATH.format(given=path))
        is_number = isinstance(status, int) and not isinstance(status, bool) and 0 <= status <= 999
        if status is not None and not is_matcher(status) and not is_number:
            raise ValueError(errors.STATUS.format(given=status))
        if caller is not None and not isinstance(caller, (str, *ENTITIES)) and not is_matcher(caller):
            raise ValueError(errors.CALLER.format(given=caller))

    def check_known(self, store: Store, operation: OperationName | None) -> None:
        """Reject names of those who do not exist. Raises ValueError."""
        parameters = self._parameters(operation)
        given: Mapping[str, Any] = {role: getattr(self, role) for role in ROLES if role not in parameters}
        kinds.check_named(store, given)
        if isinstance(self.caller, str):
            _check_caller(store, self.caller)


def _check_caller(store: Store, name: str) -> None:
    unknown = 0
    for kind in ROLES:
        try:
            naming.check_known(store, kind, name)
        except UnknownName:
            unknown += 1
    if unknown == len(ROLES):
        raise ValueError(errors.UNKNOWN_CALLER.format(name=name))
