"""How a fake behaves where its user may choose."""

from __future__ import annotations

from dataclasses import dataclass

REFRESH_TOKENS = ("always", "offline_access")
JOURNAL = 1000  # exchanges
MOST_WORLDS = 256  # that there may be on a server besides its own

DEFAULT, MINIMAL, MAXIMAL, DRIFT = SHAPES = ("default", "minimal", "maximal", "drift")


@dataclass
class Settings:
    """The choices of one fake, for each of its worlds. They may change at any time.

    Attributes:
        auto_consent: whether an application that asks for consent gets it at once, from the first user.
        refresh_tokens: `always`, or with the scope `offline_access` alone.
        shape: which fields its replies have: `default`, `minimal`, `maximal` or `drift`.
        strict: whether what a page advises against is a violation.
        journal: how many exchanges are remembered, at least one; it holds for worlds that begin later.
    """

    auto_consent: bool = False
    refresh_tokens: str = "always"
    shape: str = DEFAULT
    journal: int = JOURNAL
    strict: bool = False

    def __post_init__(self) -> None:
        self.take_shape(self.shape)
        if self.refresh_tokens not in REFRESH_TOKENS:
            raise ValueError(f"refresh_tokens is 'always' or 'offline_access', not {self.refresh_tokens!r}")
        if type(self.journal) is not int or self.journal < 1:
            raise ValueError(f"journal is how many requests are remembered, at least 1, not {self.journal!r}")

    def take_shape(self, shape: str) -> None:
        """Answer in another shape from now on. Raises ValueError where it is none."""
        if shape not in SHAPES:
            raise ValueError(f"a shape is {' or '.join(map(repr, SHAPES))}, not {shape!r}")
        self.shape = shape
