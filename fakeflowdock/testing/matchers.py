"""Expected values that are more than a value: patterns, predicates, and objects that define equality themselves."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, Protocol, TypeAlias

from ..contract.json_pointer import ABSENT
from ..world.models import Application, Flow, Organization, Source, Thread, User

ENTITIES = (Application, Flow, Organization, Source, Thread, User)
PLAIN = ("builtins", "datetime", "fakeflowdock")  # modules whose values are compared as they are


class Approximate(Protocol):
    """What `pytest.approx` returns."""

    nan_ok: bool


Matcher: TypeAlias = re.Pattern[str] | Callable[[Any], object] | Approximate


class Expression(ABC):
    """A pattern to find in a text, which is not one of `re`."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    @abstractmethod
    def search(self, text: str) -> bool:
        """Return whether the pattern is found in a text."""


def is_matcher(expected: Any) -> bool:
    """Return whether an expected value decides itself what it matches."""
    return is_pattern(expected) or callable(expected) or _has_own_equality(expected)


def is_pattern(expected: Any) -> bool:
    """Return whether an expected value is a regular expression."""
    return isinstance(expected, (re.Pattern, Expression))


def accepts(expected: Any, actual: Any) -> bool:
    """Return whether a matcher matches a value. An entity is found by its name, a thread by its id.

    What a predicate raises about a value is raised; about None it is no match, so that `lambda text: "x" in text` can
    be used where some have no text.
    """
    if actual is ABSENT:
        return False
    if is_pattern(expected):
        texts = _names(actual) if isinstance(actual, ENTITIES) else [actual]
        return any(isinstance(text, str) and expected.search(text) for text in texts)
    if not callable(expected):
        return bool(expected == actual)
    if isinstance(expected, type):
        return isinstance(actual, expected)
    try:
        return bool(expected(actual))
    except Exception:
        if actual is None:
            return False
        raise


def shown(expected: Any) -> str:
    """Return a matcher as a text."""
    if is_pattern(expected):
        return f"/{expected.pattern}/"
    if isinstance(expected, type):
        return f"any {expected.__name__}"
    if type(expected).__name__ == "_ANY":
        return "anything"
    if not callable(expected):
        return repr(expected)
    inner = getattr(expected, "func", expected)  # of functools.partial
    name, code = getattr(inner, "__name__", type(inner).__name__), getattr(inner, "__code__", None)
    if name == "<lambda>" and code is not None:
        return f"what the lambda at {PurePath(code.co_filename).name}:{code.co_firstlineno} accepts"
    return f"what {name}() accepts"


def _names(entity: Application | Flow | Organization | Source | Thread | User) -> list[str | None]:
    return [entity.id, entity.external_thread_id] if isinstance(entity, Thread) else [entity.name]


def _has_own_equality(expected: Any) -> bool:
    own: Any = type(expected).__eq__
    return own is not object.__eq__ and type(expected).__module__.partition(".")[0] not in PLAIN
