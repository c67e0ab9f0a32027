"""Data files of the package: read from a folder or an archive, also where a test fakes the file system."""

from __future__ import annotations

import json
from contextlib import suppress
from importlib.machinery import SourceFileLoader
from os.path import dirname, join
from typing import Any, cast

from .errors import NO_SCHEMAS

HERE = dirname(dirname(__file__))


def content(name: str) -> str:
    """Return a file of the package: `world/data/empty.json`. Raises OSError if there is none."""
    path = join(HERE, *name.split("/"))
    try:  # Python's own loader reads with functions that are not replaced; that of pytest for this package does not
        found = SourceFileLoader(__name__, path).get_data(path)
    except OSError:
        found = cast("Any", __spec__).loader.get_data(path)
    return found.decode("utf-8")


def document(name: str) -> Any:
    """Return a compiled document, from the installed package or from the checkout: `admin/openapi`.

    Raises:
        RuntimeError: it is missing.
    """
    found = shipped(f"schemas/{name}.json")
    if found is None:
        raise RuntimeError(NO_SCHEMAS.format(folder=join(HERE, "schemas")))
    return json.loads(found)


def shipped(name: str) -> str | None:
    """Return a file that stands beside the package in a checkout, and in the package once it is installed."""
    for folder in ("", "../"):
        with suppress(OSError):
            return content(folder + name)
    return None
