"""Regular expressions of clients, `{"$pattern": …}`. docs/admin/assertions.md#assert.

They are run by the library `regex`, because `re` cannot be interrupted: one search can take forever, and no other
thread runs meanwhile. Its patterns are those of `re` and some more.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from ...redaction import brief
from ...testing.matchers import Expression
from .errors import Invalid

if TYPE_CHECKING:
    import regex

PATTERN = "$pattern"
LONGEST = 1_000  # characters of a pattern
LARGEST = 10_000  # characters and sets that a pattern consists of when its counted repetitions are written out
LONGEST_TEXT = 1_000_000  # characters, each of which may need a hundred bytes while it is searched
SECONDS = 1.0  # for all searches of a request

_PART = re.compile(
    r"\\.|\[\^?\]?(?:[^\]\\]|\\.)*+\]?|(?P<open>\()|(?P<close>\))|\{(?P<counts>\d*+,?\d*+)\}|.", re.DOTALL
)


class Patterns:
    """The patterns of one request.

    Attributes:
        left: the seconds that are left for their searches.
    """

    def __init__(self) -> None:
        self.left = SECONDS

    def compiled(self, value: Any, pointer: str) -> Any:
        """Return expected values with their patterns compiled. Raises Invalid."""
        if isinstance(value, list):
            return [self.compiled(item, f"{pointer}/{position}") for position, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if PATTERN not in value:
            return {name: self.compiled(item, f"{pointer}/{name}") for name, item in value.items()}
        pattern = value[PATTERN]
        if len(value) > 1 or not isinstance(pattern, str):
            raise Invalid.at(pointer, Invalid.PATTERN)
        return LimitedExpression(pattern, f"{pointer}/{PATTERN}", self)


class LimitedExpression(Expression):
    """A pattern whose searches end.

    Args:
        pattern: the pattern.
        pointer: its place in the request.
        among: the patterns of the request, which share their time.

    Raises:
        Invalid: it is not a regular expression, or too large.
    """

    def __init__(self, pattern: str, pointer: str, among: Patterns) -> None:
        super().__init__(pattern)
        self._pointer, self._among = pointer, among
        if len(pattern) > LONGEST or _size(pattern) > LARGEST:
            raise Invalid.at(pointer, Invalid.LARGE.format(longest=LONGEST, largest=LARGEST))
        self._compiled = self._compile(pattern)

    def _compile(self, pattern: str) -> regex.Pattern[str]:
        import regex  # few requests have patterns

        try:
            return regex.compile(pattern, cache_pattern=False)  # some are large
        except (regex.error, OverflowError, RecursionError, MemoryError, Warning) as error:  # with `python -W error`
            reason = brief(str(error) or type(error).__name__)
            raise Invalid.at(self._pointer, Invalid.EXPRESSION.format(error=reason)) from None

    def search(self, text: str) -> bool:
        """Return whether the pattern is found in a text. Raises Invalid if that takes too long."""
        if len(text) > LONGEST_TEXT:
            raise Invalid.at(self._pointer, Invalid.LONG_TEXT.format(longest=LONGEST_TEXT))
        begun = time.thread_time()  # as `regex` counts: time in which others run is not that of the pattern
        try:
            if self._among.left <= 0:
                raise TimeoutError
            return self._compiled.search(text, timeout=self._among.left, concurrent=True) is not None
        except (TimeoutError, MemoryError):
            raise Invalid.at(self._pointer, Invalid.SLOW.format(seconds=SECONDS)) from None
        finally:
            self._among.left -= time.thread_time() - begun


def _size(pattern: str) -> int:
    """Return how long a pattern becomes when its counted repetitions are written out, at least."""
    groups, last = [0], 0
    for part in _PART.finditer(pattern):
        if part["open"]:
            groups.append(0)
            last = 0
            continue
        if part["close"] and len(groups) > 1:
            last = groups.pop()
        elif part["counts"] and (counts := [int(count[:9]) for count in part["counts"].split(",") if count]):
            last *= max(counts) - 1
        else:
            last = 1
        groups[-1] += last
    return sum(groups)
