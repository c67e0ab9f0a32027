"""The settings of a fake."""

from __future__ import annotations

from dataclasses import dataclass

from ..contract.strictness import Strict, check_strict
from . import errors

REFRESH_TOKENS = ("always", "offline_access")
LOOPBACK, NONE, ANY = CALLBACKS = ("loopback", "none", "any")
JOURNAL = 1000  # exchanges
JOURNAL_BYTES = 64 * 1024 * 1024
KEEP_ALIVE = 30.0  # seconds
LONGEST = 1_000_000  # seconds of `keep_alive`
MOST_WORLDS = 256  # on a server, besides its own

DEFAULT, MINIMAL, MAXIMAL, DRIFT = SHAPES = ("default", "minimal", "maximal", "drift")


@dataclass
class Settings:
    """The settings of one fake, for each of its worlds. They can be changed at any time.

    Attributes:
        auto_consent: whether `/oauth/authorize` grants consent at once, as the first user.
        refresh_tokens: `always`, or `offline_access` for that scope only.
        shape: the fields of responses: `default`, `minimal`, `maximal` or `drift`.
        strict: whether contract warnings are violations: all of them, or by rule.
        journal: how many exchanges are recorded, at least one. A change applies to worlds created later.
        journal_bytes: how much memory they may use, in bytes. A change applies to worlds created later.
        keep_alive: after how many seconds without an event a stream is kept alive. Real time, not the world's.
        callbacks: which integrations are requested over the network when a user performs a thread action: those on
            this machine, `loopback`; `none`; or `any`.
        sign_actions: whether readers of a thread are shown signed URLs, with which they perform its actions.
    """

    auto_consent: bool = False
    refresh_tokens: str = "always"
    shape: str = DEFAULT
    journal: int = JOURNAL
    strict: Strict = False
    journal_bytes: int = JOURNAL_BYTES
    keep_alive: float = KEEP_ALIVE
    callbacks: str = LOOPBACK
    sign_actions: bool = False

    def __post_init__(self) -> None:
        self.take_auto_consent(self.auto_consent)
        self.take_shape(self.shape)
        self.take_refresh_tokens(self.refresh_tokens)
        self.take_journal(self.journal, self.journal_bytes)
        self.take_strict(self.strict)
        self.take_keep_alive(self.keep_alive)
        self.take_callbacks(self.callbacks)

    def take_auto_consent(self, at_once: bool) -> None:
        """Change whether consent is granted at once. Raises ValueError if it is not a boolean."""
        if type(at_once) is not bool:
            raise ValueError(errors.AUTO_CONSENT.format(given=at_once))
        self.auto_consent = at_once

    def take_callbacks(self, which: str) -> None:
        """Change which integrations are requested over the network. Raises ValueError if it is unknown."""
        if which not in CALLBACKS:
            raise ValueError(errors.CALLBACKS.format(given=which))
        self.callbacks = which

    def take_refresh_tokens(self, when: str) -> None:
        """Change when refresh tokens are issued. Raises ValueError if it is unknown."""
        if when not in REFRESH_TOKENS:
            raise ValueError(errors.REFRESH_TOKENS.format(given=when))
        self.refresh_tokens = when

    def take_strict(self, strict: Strict) -> None:
        """Change which contract warnings are violations. Raises ValueError if a rule or its choice is unknown."""
        check_strict(strict)
        self.strict = strict

    def take_journal(self, journal: int, journal_bytes: int) -> None:
        """Change how many exchanges are recorded, in how much memory. Raises ValueError if one is not positive."""
        if type(journal) is not int or journal < 1:
            raise ValueError(errors.JOURNAL.format(given=journal))
        if type(journal_bytes) is not int or journal_bytes < 1:
            raise ValueError(errors.JOURNAL_BYTES.format(given=journal_bytes))
        self.journal, self.journal_bytes = journal, journal_bytes

    def take_shape(self, shape: str) -> None:
        """Change the shape of responses. Raises ValueError if it is unknown."""
        if shape not in SHAPES:
            raise ValueError(errors.SHAPE.format(given=shape, known=" or ".join(map(repr, SHAPES))))
        self.shape = shape

    def take_keep_alive(self, seconds: float) -> None:
        """Change the interval of streams. Raises ValueError if it is not a number of seconds greater than 0."""
        if type(seconds) not in (int, float) or not 0 < seconds < LONGEST:
            raise ValueError(errors.KEEP_ALIVE.format(given=seconds, limit=LONGEST))
        self.keep_alive = seconds
