"""The report of failed tests in plain unittest, which formats an exception as soon as its result gets it."""

from __future__ import annotations

import functools
import inspect
import unittest
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

FAILED = ("addError", "addFailure", "addSubTest")
DONE = "__fakeflowdock__"  # the attribute of a class whose methods were replaced


def attach(begin: Callable[[], None], note: Callable[[BaseException | None], None], end: Callable[[], None]) -> None:
    """Let results of all kinds call back, from now on. Those that are known are left alone.

    Args:
        begin: called when a test starts.
        note: called with each exception that fails one, and with None if it is skipped.
        end: called when a test stops.
    """

    def around(method: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(method)
        def called(*args: Any, **kwargs: Any) -> Any:
            if name == "startTest":
                begin()
            elif name == "addSkip":
                note(None)
            for each in (*args, *kwargs.values()) if name in FAILED else ():
                if isinstance(each, tuple) and len(each) == 3 and isinstance(each[1], BaseException):
                    note(each[1])
            result = method(*args, **kwargs)
            if name == "stopTest":
                end()
            return result

        return called

    kinds: list[type] = [unittest.TestResult]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if DONE in vars(kind):
            continue
        setattr(kind, DONE, True)
        for name in (*FAILED, "addSkip", "startTest", "stopTest"):
            method = vars(kind).get(name)
            if inspect.isfunction(method):
                setattr(kind, name, around(method, name))
