"""Compare a recorded response with that of a fake, and with the docs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ...contract.contracts import contracts
from ...contract.findings import shown
from ...contract.formats import is_date_time, is_uri
from ...contract.json_pointer import ABSENT, at, pointer_to
from ...contract.schema_walk import fields_of
from ...redaction import is_secret
from .differences import Difference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...api.messages import Response
    from ...contract.contracts import OperationContract
    from ...contract.validation import Check

SHOWN = 50  # differences of an exchange
# Random, counted or depending on the time: only their form is compared.
VOLATILE = frozenset(
    (
        *("id", "url", "href", "uuid", "path", "sent", "edited", "user", "flow", "tags", "code", "client_id", "avatar"),
        *("initial_message", "unread_mentions", "user_count", "last_activity", "last_ping", "trial_ends"),
    )
)
VOLATILE_ENDINGS = ("_id", "_at", "_url", "_token")
FORMS: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("a number as text", re.compile(r"[0-9]+").fullmatch),
    ("hexadecimal digits", re.compile(r"[0-9a-fA-F]{16,}").fullmatch),
    ("a UUID", re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch),
    ("a date-time", is_date_time),
    ("a URI", is_uri),
)
KINDS = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", int: "an integer", float: "a number"}


def differences(
    contract: OperationContract | None, recorded: Response, fake: Response, bodies: tuple[Any, Any] | None
) -> Iterator[Difference]:
    """Yield the differences of two responses.

    Args:
        contract: the contract of the requested operation.
        recorded, fake: the responses.
        bodies: their JSON values; None unless both are known.
    """
    if recorded.status != fake.status:
        yield Difference("status", _statuses(contract), str(recorded.status), str(fake.status))
    elif bodies is not None:
        check = contract.replies.get(recorded.status) if contract is not None else None
        places = _places(*bodies, (), words=recorded.status >= 400)
        for _, (steps, here, there) in zip(range(SHOWN), places, strict=False):
            pointer = pointer_to(steps)
            yield Difference(
                pointer, documented(check, steps, bodies[0]), _shown(here, pointer), _shown(there, pointer)
            )


def _statuses(contract: OperationContract | None) -> str:
    if contract is None:
        return "no operation"
    errors = {contracts().errors[name].status for name in contract.errors}
    errors |= {error.status for error in contracts().errors.values() if error.everywhere}
    return f"{' or '.join(map(str, contract.replies))}; refused {', '.join(map(str, sorted(errors - {500})))}"


def _shown(value: Any, pointer: str) -> str | None:
    return f"a list of {len(value)}" if isinstance(value, list) else shown(value, pointer)


def _places(
    here: Any, there: Any, steps: tuple[str, ...], *, words: bool, name: str = ""
) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Yield the path of each difference, and both values.

    Args:
        words: whether to compare texts only by their type, as in errors.
        name: the name of the field.
    """
    if isinstance(here, dict) and isinstance(there, dict):
        for each in {**here, **there}:
            mine, its = here.get(each, ABSENT), there.get(each, ABSENT)
            if mine is ABSENT or its is ABSENT:
                yield (*steps, each), mine, its
            else:
                yield from _places(mine, its, (*steps, each), words=words, name=each)
    elif isinstance(here, list) and isinstance(there, list):
        if name in VOLATILE:
            return
        if len(here) != len(there):
            yield steps, here, there
        for number, (mine, its) in enumerate(zip(here, there, strict=False)):
            yield from _places(mine, its, (*steps, str(number)), words=words, name=name)
    elif not _same(here, there, name, words=words):
        yield steps, here, there


def _same(here: Any, there: Any, name: str, *, words: bool) -> bool:
    if type(here) is type(there) and here == there:
        return True
    if is_secret(name) or (words and isinstance(here, str)):
        return type(here) is type(there)
    volatile = name in VOLATILE or name.endswith(VOLATILE_ENDINGS)
    return volatile and form_of(here) == form_of(there)


def form_of(value: Any) -> str:
    """Return the form of a value, such as `a date-time`."""
    if isinstance(value, str):
        return next((name for name, is_one in FORMS if is_one(value)), "a text")
    return "nothing" if value is None else KINDS[type(value)]


def documented(check: Check | None, steps: tuple[str, ...], value: Any) -> str:
    """Return what the docs say about a place in a response."""
    if check is None:
        return "an error"
    place, always = check.place, ""
    for step in steps:
        schema = place.inside(value)(step)
        if schema is None:
            return "not on the page"
        _, required = fields_of(place.schema, value)
        always = "" if isinstance(value, list) else ", always" if step in required else ", sometimes"
        place, value = place.to(schema), at(value, pointer_to([step]))
    return f"{place.schema.get('title', 'something')}{always}"
