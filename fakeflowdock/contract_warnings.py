"""What a request did that no page knows, and that Flowdock let pass."""

from __future__ import annotations

import difflib
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .authentication import CREDENTIALS
from .errors import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .contracts import OperationContract

REMEMBERED = 1000  # per world; the oldest are forgotten first


@dataclass(frozen=True)
class ContractWarning:
    """A field that a request had and no page knows.

    Attributes:
        operation: the operation's title, `Create source`.
        page: where its parameters are written, `docs/api/sources.md#create-source`.
        field: the field's name.
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

    def check(self, contract: OperationContract, path: Iterable[str], fields: Iterable[str]) -> None:
        """Remember each field that is neither on the operation's page, nor in its path, nor a credential."""
        known = {*contract.properties, *path, *CREDENTIALS}
        for field in fields:
            if field not in known:
                nearest = difflib.get_close_matches(field, sorted(known), n=1)
                warning = ContractWarning(contract.title, contract.page, field, nearest[0] if nearest else None)
                self._kept.append(warning)
