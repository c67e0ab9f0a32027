"""Let coverage measure threads of `_thread` too. By itself it measures those of `threading` only."""

from __future__ import annotations

import _thread
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_begin = _thread.start_new_thread


def _start(function: Callable[..., Any], *more: Any) -> int:
    def traced(*args: Any, **named: Any) -> None:
        sys.settrace(threading.gettrace())
        function(*args, **named)

    return _begin(traced, *more)


_thread.start_new_thread = _start
