"""What a failed test tells of itself: its exception, what the failing statement says, and which statuses it expects."""

from __future__ import annotations

import dis
import linecache
import re
import sys
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from .asserted import asserted_by

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType

    from .asserted import Asserted

# The packages that call tests. Their frames are none of a test's.
AROUND = {*sys.stdlib_module_names, "_pytest", "pytest", "pluggy", "fakeflowdock", "pytest_asyncio", "anyio", "xdist"}
CATCHES = {"raises", "assertRaises", "assertRaisesRegex", "suppress"}  # names of what expects an exception
STATES = {"ok", "is_success", "is_error", "is_client_error"}  # attributes of responses that say whether they succeeded
STATUSES = {each.name: int(each) for each in HTTPStatus} | {each.name.lower(): int(each) for each in HTTPStatus}
REFUSAL = re.compile(r"\b[45]\d\d\b")
DEPTH = 3  # functions that call each other
MOST = 100  # functions
LINES = 20  # of a statement
LENGTH = 20_000  # characters of a message


@dataclass(frozen=True)
class Evidence:
    """What is known of a failure.

    Attributes:
        error: the exception; None if it is unknown, or nothing has failed.
        is_ours: whether a check of fakeflowdock's failed the test, after the test itself.
    """

    error: BaseException | None = None
    is_ours: bool = False

    @property
    def asserted(self) -> Asserted | None:
        """The assertion of a fake that failed, or None."""
        return asserted_by(self.error)

    @cached_property
    def message(self) -> str:
        """The message of the exception and of those that led to it."""
        return "\n".join(str(each)[:LENGTH] for each in _chain(self.error))

    @cached_property
    def text(self) -> str:
        """The message, and the statements that raised it: of the test, and of what it called last."""
        return "\n".join(
            [self.message, *(_source(frame, lines) for frame, lines in {*self._frames[:1], *self._frames[-1:]})]
        )

    @cached_property
    def statuses(self) -> frozenset[int]:
        """The statuses that the exception tells, except those that the failing statement expects."""
        carried = {status for each in _chain(self.error) if (status := _status(each)) is not None}
        if self.asserted is not None:
            return frozenset(carried)
        said = {int(number) for number in REFUSAL.findall(self.message)}
        here = {int(number) for frame, lines in self._frames[:1] for number in REFUSAL.findall(_source(frame, lines))}
        return frozenset(carried | (said - here))

    @cached_property
    def expected(self) -> frozenset[int]:
        """The statuses that the test names outside of the failing statement: it has looked for them."""
        return frozenset(value for value in self._named if isinstance(value, int) and 400 <= value < 600)

    @cached_property
    def catches(self) -> bool:
        """Whether the test expects an exception somewhere, or asks whether a response has succeeded."""
        return any(isinstance(value, str) for value in self._named)

    @cached_property
    def _named(self) -> set[int | str]:
        """What the test names outside of the failing statement, and what its own functions name."""
        found: set[int | str] = set()
        within = [each for each in self._frames if _file(each[0]) == _file(self._frames[0][0])]
        for frame, lines in within:
            found.update(_named_in(frame.f_code, lines))
        for frame, _ in within[:1]:
            for code in _helpers(frame, {each.f_code for each, _ in within}):
                found.update(_named_in(code))
        return found

    @cached_property
    def _frames(self) -> list[tuple[FrameType, range]]:
        """The frames of the test and of what it called, with the lines of the statements that raised."""
        found = []
        trace = None if self.error is None else self.error.__traceback__
        while trace is not None:
            frame = trace.tb_frame
            if str(frame.f_globals.get("__name__")).partition(".")[0] not in AROUND:
                found.append((frame, _lines(frame.f_code, trace.tb_lasti, trace.tb_lineno)))
            trace = trace.tb_next
        return found


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and those that led to it."""
    seen: list[BaseException] = []
    while error is not None and error not in seen and len(seen) < DEPTH:
        seen.append(error)
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _status(error: BaseException) -> int | None:
    """Return the status of the response that an exception of a client library carries, or None."""
    for holder in (getattr(error, "response", None), error):
        for name in ("status_code", "status", "code"):
            value = getattr(holder, name, None)
            if type(value) is int and 400 <= value < 600:
                return value
    return None


def _lines(code: CodeType, last: int, number: int) -> range:
    """Return the lines of the statement of an instruction."""
    for instruction in dis.get_instructions(code):
        where = instruction.positions
        if instruction.offset == last and where is not None and where.lineno and where.end_lineno:
            return range(where.lineno, max(where.end_lineno, number) + 1)
    return range(number, number + 1)


def _source(frame: FrameType, lines: range) -> str:
    return "".join(linecache.getline(frame.f_code.co_filename, line, frame.f_globals) for line in lines[:LINES])


def _named_in(code: CodeType, without: range = range(0)) -> Iterator[int | str]:
    """Yield the numbers that a function names, and the names that expect an exception, except in some lines."""
    before = None
    for instruction in dis.get_instructions(code):
        line = instruction.positions.lineno if instruction.positions is not None else None
        if line in without:
            continue
        value: Any = instruction.argval
        if instruction.opname == "CHECK_EXC_MATCH" and before != AssertionError.__name__:
            yield "except"
        elif instruction.opname.startswith("LOAD_"):
            for each in value if isinstance(value, (tuple, frozenset)) else (value,):
                if type(each) is int:
                    yield each
                elif isinstance(each, str) and "CONST" not in instruction.opname:
                    if each in CATCHES or (each in STATES and "ATTR" in instruction.opname):
                        yield each
                    elif each in STATUSES:
                        yield STATUSES[each]
        before = value
    for inner in code.co_consts:
        if hasattr(inner, "co_code"):
            yield from _named_in(inner, without)


def _file(frame: FrameType) -> str:
    return frame.f_code.co_filename


def _helpers(frame: FrameType, seen: set[CodeType]) -> Iterator[CodeType]:
    """Yield the functions of the test's own file that it calls, and those that these call.

    Args:
        frame: of the test.
        seen: functions that are left out.
    """
    file, owner = _file(frame), type(frame.f_locals.get("self"))
    level = [*seen]
    for _ in range(DEPTH):
        names = {name for code in level for name in _names(code)}
        level = []
        for name in sorted(names):
            function: Any = frame.f_globals.get(name) or getattr(owner, name, None)
            code = getattr(function, "__code__", None)
            if code is not None and code.co_filename == file and code not in seen and len(seen) < MOST:
                seen.add(code)
                level.append(code)
                yield code


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if hasattr(inner, "co_code"):
            yield from _names(inner)
