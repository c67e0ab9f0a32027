"""Whose turn it was to change a world: the test's, which arranges it, or that of requests, by the code under test."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..world.store import Store

MOST = 200  # turns that are told apart; from then on all changes count as those of requests


class Turns:
    """The states of a world at each change of turns. The first turn is the test's.

    The test has its turn when it takes the store in hand, which is before it writes. A state is a frozen copy, at
    constant cost.

    Args:
        began: the initial state, frozen.

    Attributes:
        looked: the number of the last request before the test last took the store in hand.
    """

    looked = 0

    def __init__(self, began: Store) -> None:
        self.restart(began)

    def restart(self, began: Store) -> None:
        """Forget all turns."""
        self._states = [began]
        self._is_tests, self._touched = True, False

    def test(self, store: Store) -> None:
        """Note that the test may change the store."""
        if self._is_tests:
            self._touched = True
            return
        with store.lock:
            if not self._is_tests and len(self._states) < MOST:
                self._states.append(store.freeze())
                self._is_tests = self._touched = True

    def request(self, store: Store) -> None:
        """Note that a request may change the store."""
        if not self._is_tests:
            return
        with store.lock:
            if self._is_tests:
                self._states.append(store.freeze() if self._touched else self._states[-1])
                self._is_tests = False

    def changes(self, before: Store, after: Store) -> tuple[list[str], list[str]]:
        """Return what the test changed, and what requests changed, as readable lines.

        Args:
            before: the initial state. If it is another one, because the world was replaced, all changes are requests'.
            after: the world now.
        """
        if before is not self._states[0]:
            return [], [*_between(before, after)]
        both: tuple[list[str], list[str]] = [], []
        for number, states in enumerate(pairwise([*self._states, after])):
            both[number % 2].extend(_between(*states))
        return both


def _between(before: Store, after: Store) -> Iterator[str]:
    if before is after:
        return iter(())
    from ..world import diff

    return diff.between(before, after)
