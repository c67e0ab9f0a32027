"""How a fake behaves where its user may choose."""

from __future__ import annotations

from dataclasses import dataclass

REFRESH_TOKENS = ("always", "offline_access")


@dataclass
class Settings:
    """The choices of one fake, for each of its worlds. They may change at any time.

    Attributes:
        auto_consent: whether an application that asks for consent gets it at once, from the first user.
        refresh_tokens: `always`, or with the scope `offline_access` alone.
    """

    auto_consent: bool = False
    refresh_tokens: str = "always"

    def __post_init__(self) -> None:
        if self.refresh_tokens not in REFRESH_TOKENS:
            raise ValueError(f"refresh_tokens is 'always' or 'offline_access', not {self.refresh_tokens!r}")
