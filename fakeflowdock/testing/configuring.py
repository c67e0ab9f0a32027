"""The settings of a fake, as attributes that can be changed at any time."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Literal, cast

from ..suggestions import no_attribute
from . import errors

if TYPE_CHECKING:
    from ..contract.strictness import Strict
    from ..world.settings import Settings

Shape = Literal["default", "minimal", "maximal", "drift"]
OtherHosts = Literal["allow", "refuse"]
OURS = __name__.partition(".")[0]
INSTEAD = {  # of assignments
    "unknown_paths": ': it has the requests; FakeFlowdock(unknown_paths="allow"), or the marker, allows them',
    "requests": ": use requests.clear()",
    "faults": ": use fail() and clear_faults()",
    "sources": ": use add_source()",
    "flows": ": use add_flow()",
    "users": ": use add_user()",
    "messages": ": use add_message()",
    "applications": ": use add_application()",
    "organizations": ": use add_organization()",
}


class Configurable:
    """Something with the settings of a fake."""

    _settings: Settings

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise no_attribute(self, name)

        def __setattr__(self, name: str, value: Any) -> None:
            """Set a setting. Other names would be ignored, unless a class of the user's has them."""
            if name[:1] == "_":
                object.__setattr__(self, name, value)
                return
            kind = type(self)
            known = getattr(kind, name, None)
            if isinstance(known, property) and known.fset is None:
                raise AttributeError(errors.READ_ONLY.format(name=name, hint=INSTEAD.get(name, "")))
            if known is None and kind.__module__.startswith(OURS):
                raise no_attribute(self, name)
            super().__setattr__(name, value)

    @property
    def auto_consent(self) -> bool:
        """Whether `/oauth/authorize` grants consent at once, as the first user."""
        return self._settings.auto_consent

    @auto_consent.setter
    def auto_consent(self, at_once: bool) -> None:
        self._settings.take_auto_consent(at_once)

    @property
    def callbacks(self) -> str:
        """Which integrations are requested over the network: `loopback`, those on this machine; `none`; or `any`."""
        return self._settings.callbacks

    @callbacks.setter
    def callbacks(self, which: str) -> None:
        self._settings.take_callbacks(which)

    @property
    def refresh_tokens(self) -> str:
        """When refresh tokens are issued: `always`, or `offline_access` for that scope only."""
        return self._settings.refresh_tokens

    @refresh_tokens.setter
    def refresh_tokens(self, when: str) -> None:
        self._settings.take_refresh_tokens(when)

    @property
    def strict(self) -> Strict:
        """Whether contract warnings fail the test: all of them, or by rule. A change applies to later requests."""
        return self._settings.strict

    @strict.setter
    def strict(self, strict: Strict) -> None:
        self._settings.take_strict(strict)

    @property
    def journal(self) -> int:
        """How many requests are recorded. If it is reduced, the oldest are dropped."""
        return self._settings.journal

    @journal.setter
    def journal(self, kept: int) -> None:
        self._settings.take_journal(kept, self.journal_bytes)
        self._resize()

    @property
    def journal_bytes(self) -> int:
        """How much memory they may use, in bytes. If it is reduced, bodies are shortened and the oldest are dropped."""
        return self._settings.journal_bytes

    @journal_bytes.setter
    def journal_bytes(self, limit: int) -> None:
        self._settings.take_journal(self.journal, limit)
        self._resize()

    @abstractmethod
    def _resize(self) -> None:
        """Apply the limits to the journal."""

    @property
    def shape(self) -> Shape:
        """The fields of responses: `default`, `minimal`, `maximal` or `drift`."""
        return cast("Shape", self._settings.shape)

    @shape.setter
    def shape(self, shape: Shape) -> None:
        self._settings.take_shape(shape)

    @property
    def sign_actions(self) -> bool:
        """Whether readers of a thread are shown signed URLs, with which a client performs its actions.

        docs/api/thread-actions.md#signed-urls
        """
        return self._settings.sign_actions

    @sign_actions.setter
    def sign_actions(self, sign: bool) -> None:
        self._settings.sign_actions = sign

    @property
    def keep_alive(self) -> float:
        """After how many seconds without an event a stream is kept alive. A change applies after the current wait."""
        return self._settings.keep_alive

    @keep_alive.setter
    def keep_alive(self, seconds: float) -> None:
        self._settings.take_keep_alive(seconds)
