"""The requests of a world with their responses, as a list with filters."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ..api.callers import CREDENTIALS
from ..api.exchange import Exchange
from ..api.internal_routes import is_own
from ..contract.contracts import contracts, operation_named
from ..contract.errors import NoSuchRoute
from ..world.copies import Copies
from ..world.fields import check_names
from ..world.known_secrets import known_secrets
from . import errors
from .criteria import NAMES, Criteria
from .matching import ROLES, exchange_view, misses

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from os import PathLike

    from ..api.journal import Journal
    from ..contract.operation_names import OperationName
    from ..world.store import Store
    from . import expected as names


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

    def clear(self) -> None:  # type: ignore[override]  # other copies have none
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
        operation: OperationName | None = None,
        method: names.Text = None,
        path: names.Text = None,
        status: names.Number = None,
        user: names.UserOrName = None,
        source: names.SourceOrName = None,
        application: names.ApplicationOrName = None,
        caller: names.Caller = None,
        **parameters: Any,
    ) -> Exchanges:
        """Return the exchanges that match all given criteria. Matchers are those of `assert_requested`.

        Args:
            operation: the title of its page section: `"create source"` or `"create-source"`.
            method: in any case.
            path: as requested, decoded, without scheme, host and query.
            status: the status of the response; 0 if a fault dropped it.
            user, source, application: who made the request, or their name or id. A source makes requests of its
                application too. If the operation has a parameter of that name, that parameter, unless an entity is
                given or the request lacks it.
            caller: the one that `assert_requested` takes: the source, else the application, else the user.
            parameters: from body or query, if `operation` is given, unless they have the name of a criterion.

        Raises:
            ShortenedBody: `parameters` are expected, and the journal has shortened the body of such a request.
            ValueError: the operation, the name of a criterion, or who made the request is unknown; or the method, path
                or status cannot be.
        """
        name = None if operation is None else operation_named(operation)
        if name is None:
            check_names("requests", parameters, ("operation", *NAMES))
        criteria = Criteria(status, caller, method, path, user, source, application)
        criteria.check(self)
        if self._store is not None:
            criteria.check_known(self._store, name)
        expected = criteria.expected(name)
        outside = {key: value for key, value in expected.items() if key not in ROLES}
        view = partial(exchange_view, store=self._store)
        found = [
            each
            for each in self
            if name in (None, each.operation)
            and not (outside and any(misses(outside, view(each, with_parameters=False))))
        ]
        inside = {**parameters, **{key: value for key, value in expected.items() if key in ROLES}}
        if name is not None and inside:
            check_parameters(name, parameters, found)
            found = [each for each in found if not any(misses(inside, view(each, with_roles=True)))]
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

        known = () if self._store is None else known_secrets(self._store)
        har_export.export(self, file, with_secrets=with_secrets, known=known)


def has_unknown_path(exchange: Exchange) -> bool:
    """Return whether a request had a path that neither Flowdock nor the fake itself has."""
    return type(exchange.refusal) is NoSuchRoute and not is_own(exchange.path)


def check_parameters(operation: OperationName, expected: Mapping[str, Any], exchanges: Iterable[Exchange]) -> None:
    """Reject parameters that the operation does not have, unless a request has them. Raises ValueError."""
    contract = contracts().operations[operation]
    known = {*contract.properties, *CREDENTIALS}
    if expected:
        known.update(*(exchange.parameters for exchange in exchanges))
    check_names(contract.title, expected, known)
