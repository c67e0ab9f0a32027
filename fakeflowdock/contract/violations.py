"""Where and how a value violates its schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .json_pointer import ABSENT, at, pointer_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

BLANK = "can't be blank"
UNKNOWN = "is not on the page"
MISSING = "is missing"
MOST = 1_000  # violations of one value that are looked for


@dataclass(frozen=True)
class Violation:
    """One place where a value violates its schema.

    Attributes:
        pointer: the place in the value, as a JSON pointer; empty for the value itself.
        field: the invalid field, with dots, `thread.status.color`; None for the value itself.
        message: the error, as clients see it ("can't be blank", "is not a string").
        known: for an unknown field, the known ones.
    """

    pointer: str
    field: str | None
    message: str
    known: tuple[str, ...] = ()

    @property
    def is_unknown(self) -> bool:
        """Whether the field is unknown."""
        return self.message == UNKNOWN

    def reason_in(self, value: object) -> str:
        """Return the message in our own words: what is not there is missing, and not blank, as Flowdock says.

        Args:
            value: what violates the schema.
        """
        return MISSING if self.message == BLANK and at(value, self.pointer) is ABSENT else self.message

    @property
    def innermost(self) -> Violation:
        """The same with the name of the innermost field: `name` of `/application/name`."""
        return Violation(self.pointer, self.pointer.rpartition("/")[2] or None, self.message)


def violation_at(path: Sequence[str], message: str, known: tuple[str, ...] = ()) -> Violation:
    """Return the violation at a place, by the steps that lead to it."""
    return Violation(pointer_to(path), ".".join(path) or None, message, known)


def missing(names: Iterable[str], fields: Mapping[str, Any]) -> list[Violation]:
    """Return a violation for each missing parameter."""
    return [violation_at([name], BLANK) for name in names if name not in fields]


def by_field(violations: Iterable[Violation]) -> dict[str, list[str]]:
    """Return violations as Flowdock's `errors`: field to its errors, without repetitions."""
    errors: dict[str, list[str]] = {}
    for violation in violations:
        words = errors.setdefault(violation.field or "", [])
        if violation.message not in words:
            words.append(violation.message)
    return errors
