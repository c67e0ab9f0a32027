"""Secrets and control characters, as they are shown."""

from __future__ import annotations

import re
from typing import Any


def shortened(text: str) -> str:
    """A text with each token in it cut to its first four characters."""
    return re.sub("([0-9a-fA-F]{4})[0-9a-fA-F]{28}", r"\1…", text)


SHOWN = 80  # characters of what came


SECRETS = ("access_token", "flow_token", "refresh_token", "token", "code", "client_secret", "password", "api_token")


def _masked(value: Any, name: str = "", depth: int = 0) -> Any:
    if depth > SHOWN and isinstance(value, (dict, list)):
        return "…"  # behind so many brackets nothing is shown
    if isinstance(value, dict):
        return {key: _masked(item, name if name in SECRETS else key, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, name, depth + 1) for item in value]
    return f"{value[:4]}…" if name in SECRETS and isinstance(value, str) and len(value) > 4 else value
