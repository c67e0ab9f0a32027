"""The suites of the guide in the languages of the client libraries."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parent.parent.parent / "docs/guide/clients.md"


def suite_of(language: str) -> dict[str, str]:
    """The files that the guide shows for a language: names to texts."""
    blocks = re.findall(
        rf"^```{language}\n(?://|#) (\S+)\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    return dict(blocks)
