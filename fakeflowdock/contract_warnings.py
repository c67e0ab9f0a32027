"""What a request did that no page knows, and that Flowdock let pass."""

from __future__ import annotations

import difflib
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .authentication import CREDENTIALS
from .contracts import parameters_in
from .errors import shortened

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from .contracts import OperationContract

REMEMBERED = 1000  # per world; the oldest are forgotten first
GUESSED = 20  # per request: of so many unknown fields the nearest known one is looked for


@dataclass(frozen=True)
class ContractWarning:
    """A field that a request had and no page knows.

    Attributes:
        operation: the operation's title, `Create source`.
        page: where its parameters are written, `docs/api/sources.md#create-source`.
        field: the field's name; of one inside another with dots between, `thread.external_uri`.
        nearest: the documented name most like it, or None.
    """

    operation: str
    page: str
    field: str
    nearest: str | None

    def __str__(self) -> str:
        hint = f": did you mean {self.nearest}?" if self.nearest else ""
        return shortened(f"{self.operation} has no parameter {self.field}{hint} ({self.page})")


class ContractWarnings:
    """The last warnings of a world, oldest first."""

    def __init__(self) -> None:
        self._kept: deque[ContractWarning] = deque(maxlen=REMEMBERED)

    def __iter__(self) -> Iterator[ContractWarning]:
        return iter(list(self._kept))

    def check(
        self,
        contract: OperationContract,
        known: Mapping[str, Mapping[str, Any]],
        path: Iterable[str],
        fields: Mapping[str, Any],
    ) -> tuple[ContractWarning, ...]:
        """Remember each field that is neither on the operation's page, nor in its path, nor a credential.

        Args:
            contract: that of the operation.
            known: the parameters that it has for such fields.
            path: the names in its path.
            fields: what was sent.

        Returns:
            What was remembered, for most requests nothing.
        """
        noted = tuple(
            _warning(contract, field, siblings, guess=number < GUESSED)
            for number, (field, siblings) in enumerate(_unknown(fields, known, {*path, *CREDENTIALS}))
        )
        self._kept.extend(noted)
        return noted


def _warning(contract: OperationContract, field: str, siblings: Collection[str], *, guess: bool) -> ContractWarning:
    within = field.rpartition(".")[0]
    names = [f"{within}.{name}" if within else name for name in sorted(siblings)] if guess else []
    nearest = difflib.get_close_matches(field, names, n=1)
    return ContractWarning(contract.title, contract.page, field, nearest[0] if nearest else None)


def _unknown(
    given: Mapping[str, Any], known: Mapping[str, Any], others: Collection[str] = (), within: str = ""
) -> Iterator[tuple[str, Collection[str]]]:
    """Each name that nobody knows, with dots before it where it is inside another, and the names that are known there.

    Args:
        given: names and values.
        known: names and their schemas.
        others: names that are known besides.
        within: what the names are inside of.
    """
    for name, value in given.items():
        if name not in known:
            if name not in others:
                yield within + name, {*known, *others}
        elif isinstance(value, (dict, list)):
            yield from _inside(value, known[name], f"{within}{name}.")


def _inside(value: Any, schema: Mapping[str, Any], within: str) -> Iterator[tuple[str, Collection[str]]]:
    if isinstance(value, list):
        for position, item in enumerate(value):
            yield from _inside(item, schema.get("items", {}), f"{within}{position}.")
    elif isinstance(value, dict) and "properties" in schema:
        yield from _unknown(value, parameters_in(schema, value), (), within)
    elif isinstance(value, dict) and isinstance(inner := schema.get("additionalProperties"), dict):
        for name, item in value.items():
            yield from _inside(item, inner, f"{within}{name}.")
