"""The media types of requests and replies."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Needs = Callable[[Mapping[str, str], str], Iterable[str]]


JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
HTML = "text/html"
