"""The files about failed tests in one folder."""

from __future__ import annotations

import re
from contextlib import suppress
from hashlib import blake2b
from importlib.machinery import SourceFileLoader
from typing import TYPE_CHECKING

from ...redaction import shortened
from .writing import write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ...testing.watching import Watched

LONGEST = 100  # characters of a test's name in the name of a file


def inspected(
    folder: Path, seen_from: Path, test: str, phase: str, told: Sequence[tuple[str, str, Watched]]
) -> Iterator[tuple[str, str]]:
    """Write a file for each world of a failed test.

    Args:
        folder: where to write. It is created if it does not exist.
        seen_from: the directory from which reports name the files, if they are below it.
        test: the name of the test.
        phase: `setup`, `call` or `teardown`.
        told: of each world the title and the text of its report, and the world as the test is told of it.

    Yields:
        The title and the text of each report. The text names the file, or says why there is none.
    """
    for number, (title, text, watched) in enumerate(told, 1):
        file = folder / file_name(test, phase, number if len(told) > 1 else None)
        name = file
        with suppress(ValueError):
            name = file.relative_to(seen_from)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _keep(write(file, watched, f"{test} ({phase})", text))
            line = f"inspector: {name}"
        except OSError as error:
            line = f"inspector: cannot write {name}: {error.strerror or error}"
        except Exception as error:  # it must not hide why the test failed
            line = f"inspector: fakeflowdock cannot write {name}, which is a bug: {type(error).__name__}: {error}"
        yield title, f"{text}\n\n{line}"


def _keep(file: Path) -> None:
    """Write a file once more to where it belongs, if the test fakes the file system. Raises OSError."""
    name, data = str(file), file.read_bytes()
    loader = SourceFileLoader(__name__, name)  # Python's own functions, which are not replaced
    with suppress(OSError):
        if loader.get_data(name) == data:
            return
    loader.set_data(name, data)
    loader.get_data(name)


def file_name(test: str, phase: str, number: int | None = None) -> str:
    """Return the name of a file for a test: safe on each system, and different for each test.

    Args:
        test: the name of the test.
        phase: `setup`, `call` or `teardown`.
        number: which of several files of the test it is.
    """
    digest = blake2b(test.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    readable = re.sub("[^A-Za-z0-9_]+", "-", shortened(test).replace(".py::", "::")).strip("-")[:LONGEST]
    parts = (readable, digest, "" if phase == "call" else phase, "" if number is None else str(number))
    return f"{'-'.join(filter(None, parts))}.html"
