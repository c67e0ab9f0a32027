"""Whether a history of reads and writes of one register is linearizable, as Wing and Gong define it (1993)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Call:
    """A read or a write.

    Attributes:
        value: what was read or written.
        began, ended: by one clock; a call without a response has not ended, and may or may not have happened.
    """

    is_write: bool
    value: str
    began: float
    ended: float = math.inf


def is_linearizable(clients: Sequence[Sequence[Call]], initial: str) -> bool:
    """Return whether there is an order in which each read finds the last write, and none precedes one that had ended.

    Args:
        clients: by client, its calls, one after the other.
    """
    begun = tuple(0 for _ in clients)
    states, seen = [(begun, initial)], {(begun, initial)}
    while states:
        places, value = states.pop()
        nexts = [
            (number, clients[number][place]) for number, place in enumerate(places) if place < len(clients[number])
        ]
        if all(call.ended == math.inf for _, call in nexts):
            return True
        first = min(call.ended for _, call in nexts)
        for number, call in nexts:
            if call.began > first:
                continue
            after = tuple(place + (each == number) for each, place in enumerate(places))
            if call.is_write or call.value == value:
                state = (after, call.value if call.is_write else value)
                if state not in seen:
                    seen.add(state)
                    states.append(state)
    return False
