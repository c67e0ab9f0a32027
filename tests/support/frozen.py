"""A file that holds a frozen world, read without a browser."""

from __future__ import annotations

import base64
import gzip
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def data_of(file: Path) -> dict[str, Any]:
    """What the page reads: tables by the paths of the admin API, and what it says of the test."""
    found = re.findall(r'<script type="text/plain" id="frozen">([A-Za-z0-9+/=]+)</script>', file.read_text("utf-8"))
    assert len(found) == 1
    data: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(found[0])))
    return data


def text_of(file: Path) -> str:
    """All that somebody can read in it: the page, and the data."""
    page = re.sub(r'id="frozen">[^<]*', "", file.read_text("utf-8"))
    return page + json.dumps(data_of(file), ensure_ascii=False)
