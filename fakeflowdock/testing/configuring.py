"""The settings of a fake, as attributes that can be changed at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from ..world.settings import Settings

Shape = Literal["default", "minimal", "maximal", "drift"]


class Configurable:
    """Something with the settings of a fake."""

    _settings: Settings

    @property
    def auto_consent(self) -> bool:
        """Whether `/oauth/authorize` grants consent at once, as the first user."""
        return self._settings.auto_consent

    @auto_consent.setter
    def auto_consent(self, at_once: bool) -> None:
        self._settings.auto_consent = at_once

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
