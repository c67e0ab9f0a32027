"""The parameters that a fault expects of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..contract.contracts import operation_named
from . import errors
from .exchanges import check_parameters
from .matching import misses, with_values

if TYPE_CHECKING:
    from ..contract.operation_names import OperationName


@dataclass(frozen=True)
class Expected:
    """Expected parameters, compared as those of `assert_requested`.

    Attributes:
        values: by name; values or matchers.
    """

    values: Mapping[str, Any]

    def __str__(self) -> str:
        return with_values(self.values).strip()

    def holds(self, parameters: Mapping[str, Any]) -> bool:
        """Return whether the parameters of a request are as expected."""
        return not any(misses(self.values, parameters))


def expectation_of(operation: OperationName | None, expected: Mapping[str, Any]) -> Expected | None:
    """Return the expectation of a fault; None without parameters.

    Raises:
        ValueError: the operation is unknown, or has no such parameter.
    """
    if not isinstance(expected, Mapping):
        raise ValueError(errors.EXPECTED.format(given=expected))  # as every other argument
    if operation is not None:
        check_parameters(operation_named(operation), expected, ())
    return Expected(dict(expected)) if expected else None
