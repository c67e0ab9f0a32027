"""The requests of a world with their responses, as a list with filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Never

from ..api.exchange import Exchange
from ..api.internal_routes import is_own
from ..contract.contracts import operation_named
from ..contract.errors import NoSuchRoute
from ..world.fields import check_names
from . import errors
from .copies import Copies

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    from ..api.journal import Journal
    from ..world.models import Application, Source, User
    from ..world.store import Store


CRITERIA = ("operation", "method", "path", "status", "user", "source", "application")


class Exchanges(Copies[Exchange]):
    """Exchanges, oldest first.

    Args:
        exchanges: of one world.
        store: the world, whose secrets no export shows.
        journal: the journal, if they are all of it.
    """

    def __init__(
        self, exchanges: Iterable[Exchange] = (), store: Store | None = None, journal: Journal | None = None
    ) -> None:
        super().__init__(exchanges)
        self._store = store
        self._journal = journal

    def clear(self) -> None:
        """Forget all requests, here and in the journal. The world stays as it is. Numbers start from 1 again.

        Raises:
            TypeError: these are only a part of the journal.
        """
        if self._journal is None:
            raise TypeError(errors.CLEAR)
        self._journal.clear()
        list.clear(self)

    @property
    def dropped(self) -> int:
        """The number of older exchanges that the journal has dropped."""
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
        **unknown: Never,
    ) -> Exchanges:
        """Return the exchanges that match all given criteria.

        Args:
            operation: the title of its page section: `"create source"` or `"create-source"`.
            method: in any case.
            path: as requested, decoded, without scheme, host and query.
            status: the status of the response; 0 if a fault dropped it.
            user, source, application: who made the request.

        Raises:
            ValueError: the operation or the name of a criterion is unknown, or the method or path is invalid.
        """
        check_names("requests", unknown, CRITERIA)
        if method is not None and not (isinstance(method, str) and method.isalpha()):
            raise ValueError(errors.METHOD.format(given=method))
        if path is not None and (not isinstance(path, str) or not path.startswith("/") or "?" in path):
            raise ValueError(errors.PATH.format(given=path))
        name = None if operation is None else operation_named(operation)
        found = (
            each
            for each in self
            if name in (None, each.operation)
            and (method is None or method.upper() == each.method)
            and path in (None, each.path)
            and status in (None, each.status)
            and (user is None or _is(each, "user", user))
            and (source is None or _is(each, "source", source))
            and (application is None or _is(each, "application", application))
        )
        return Exchanges(found, self._store)

    def export(self, file: str | PathLike[str], *, with_secrets: bool = False) -> None:
        """Write the exchanges to a HAR 1.2 file, for browsers, proxies and `python -m fakeflowdock check`.

        Args:
            file: its path. The file is written completely or not at all.
            with_secrets: whether to include tokens and passwords. Default: each is replaced by a fixed value of the
                same form, so that the file can be committed and callers stay distinguishable.

        Raises:
            OSError: the file cannot be written. An existing file stays as it was.
        """
        from ..checking.recordings import har_export

        known = () if self._store is None else self._store.known_secrets
        har_export.export(self, file, with_secrets=with_secrets, known=known)


def has_unknown_path(exchange: Exchange) -> bool:
    """Return whether a request had a path that neither Flowdock nor the fake itself has."""
    return type(exchange.refusal) is NoSuchRoute and not is_own(exchange.path)


def _is(exchange: Exchange, role: str, entity: User | Source | Application) -> bool:
    actual = getattr(exchange.caller, role, None)
    return actual is not None and actual.id == entity.id
