"""The exchanges of a world, as a test looks among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..api.journal import Exchange
from ..contract.contracts import operation_named

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    from ..world.models import Application, Source, User
    from ..world.store import Store


class Exchanges(list[Exchange]):
    """Exchanges, oldest first.

    Args:
        exchanges: of one world.
        store: the world, whose secrets no export shows.
    """

    def __init__(self, exchanges: Iterable[Exchange] = (), store: Store | None = None) -> None:
        super().__init__(exchanges)
        self._store = store

    @property
    def dropped(self) -> int:
        """How many there were before the first of them."""
        return self[0].number - 1 if self else 0

    def where(
        self,
        *,
        operation: str | None = None,
        method: str | None = None,
        path: str | None = None,
        status: int | None = None,
        user: User | None = None,
        source: Source | None = None,
        application: Application | None = None,
    ) -> Exchanges:
        """Those of them for which all that is given holds.

        Args:
            operation: what was asked for, as its page calls it: `"create source"`, `"create-source"`.
            method: in capitals.
            path: as it was called, without scheme, host and query.
            status: the status of the answer; 0 where a fault lost it.
            user, source, application: who asked.

        Raises:
            ValueError: there is no such operation.
        """
        name = None if operation is None else operation_named(operation)
        found = (
            each
            for each in self
            if name in (None, each.operation)
            and method in (None, each.method)
            and path in (None, each.path)
            and status in (None, each.status)
            and (user is None or _is(each, "user", user))
            and (source is None or _is(each, "source", source))
            and (application is None or _is(each, "application", application))
        )
        return Exchanges(found, self._store)

    def export(self, file: str | PathLike[str], *, with_secrets: bool = False) -> None:
        """Write them to a HAR 1.2 file, which browsers and proxies show, and `python -m fakeflowdock check` reads.

        Args:
            file: it is whole or not there.
            with_secrets: whether tokens and passwords stand in it. Else something of the same form stands for each,
                always the same for the same one: the file can be committed, and callers are told apart.

        Raises:
            OSError: it cannot be written; what was there before stays.
        """
        from ..checking.recordings import har_export

        known = () if self._store is None else self._store.known_secrets
        har_export.export(self, file, with_secrets=with_secrets, known=known)


def _is(exchange: Exchange, role: str, entity: User | Source | Application) -> bool:
    asking = getattr(exchange.caller, role, None)
    return asking is not None and asking.id == entity.id
