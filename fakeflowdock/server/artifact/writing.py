"""Write a world and its traffic to a file that a browser opens from the disk, without secrets."""

from __future__ import annotations

import gzip
import json
import math
import os
from base64 import b64encode
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import urlencode

from ... import atomic_file
from ...api.environ import DEFAULT_WORLD
from ...checking.recordings.entries import counted
from ...redaction import Redaction
from ...testing import watching
from ...testing.watching import Watched
from ...version import __version__
from ...world.known_secrets import known_secrets
from .page import html
from .tables import FILE, LISTS, LONGEST, MOST, tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...api.exchange import Exchange
    from ...testing.watching import WatchedRun
    from ..worlds import Held

LARGEST = 1024 * 1024  # bytes of a file
CAUSE = "likely cause: "  # how a report begins, if it has one
KEPT = ("about", "worlds", "state", "files", "coverage", "docs")  # tables whose texts are not shortened
REPORT = 50_000  # characters of a report
TITLE = 500  # characters of the name of a test


class Size(NamedTuple):
    """How much a file shows.

    Attributes:
        text: characters of a text.
        messages: those of a flow or conversation.
        entities: those of each other kind.
        file: characters of a file of a message, in base64.
    """

    text: int
    messages: int
    entities: int
    file: int = 0


SIZES = (
    Size(LONGEST, MOST, MOST, FILE),
    Size(LONGEST, MOST, MOST, LONGEST),
    Size(5_000, MOST, MOST),
    Size(2_000, 300, MOST),
    Size(1_000, 100, 500),
    Size(300, 50, 200),
    Size(100, 20, 50),
)


def write(file: str | os.PathLike[str], watched: Watched, test: str | None = None, report: str | None = None) -> Path:
    """Write the file, atomically.

    Args:
        file: its path.
        watched: the world of a fake.
        test: the name of the test that failed, and in which phase. Default: the test that pytest runs.
        report: the report of the world. Default: the one as it is now.

    Returns:
        The path.

    Raises:
        OSError: the file cannot be written. An existing file stays as it was.
    """
    text = frozen(watched, test or os.environ.get("PYTEST_CURRENT_TEST"), report or watched.report())
    with atomic_file.written(file, private=False) as draft:
        draft.write(text)
    return Path(file)


def watched_now(run: WatchedRun) -> Watched:
    """Return the world of a fake as the test that runs now is told of it, with how it has failed."""
    now = watching.watches[-1] if watching.watches else ()
    return next((each for each in now if each.run is run), None) or Watched(run)


def frozen(watched: Watched, test: str | None, report: str) -> str:
    """Return the content of the file."""
    held = cast("Held", watched.run)  # as those of all fakes are
    report, exchanges = report[:REPORT], watched.requests
    name = None if test is None else Redaction(known=known_secrets(held.app.store)).text(test[:TITLE])
    first_line = report.partition("\n")[0]
    cause = first_line.removeprefix(CAUSE) if first_line.startswith(CAUSE) else None
    about = {
        "test": name,
        "cause": cause,
        "report": report,
        "first": exchanges[0].number if exchanges else None,
        "last": exchanges[-1].number if exchanges else None,
        "version": __version__,
    }
    shown = _telling(exchanges, cause)
    view = {"world": DEFAULT_WORLD, "view": "requests" if exchanges else "flow"}
    start = urlencode(view if shown is None else {**view, "request": shown.number})
    title = " · ".join(filter(None, (name, "fakeflowdock")))
    room = LARGEST - len(html(title, start, "").encode())
    return html(title, start, _fitting({**tables(held), "about": about}, room))


def _telling(exchanges: Sequence[Exchange], cause: str | None) -> Exchange | None:
    """Return the request to open: the one that the cause names, or else the last that failed."""
    named = [each for each in exchanges if cause is not None and cause.startswith(str(each))]
    failed = [each for each in exchanges if each.refusal is not None or each.failure is not None or each.warnings]
    return next(iter((*named, *reversed(failed))), None)


def _fitting(found: dict[str, Any], room: int) -> str:
    """Return the packed data, cut until it fits."""
    packed = ""
    for shown in _smaller(found):
        packed = _packed(shown)
        if len(packed) <= room:
            break
    return packed


def _smaller(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield smaller and smaller copies of the data, the last ones without the oldest requests."""
    for size in SIZES:
        yield _cut(found, size)
    shown, smallest = _cut(found, SIZES[-1]), SIZES[-1].text
    while requests := shown["requests"]:
        shown["requests"] = requests[len(requests) // 2 + 1 :]
        shown["about"] = {**shown["about"], "cut": _said(found, shown, smallest)}
        yield shown


def _packed(data: dict[str, Any]) -> str:
    return b64encode(gzip.compress(json.dumps(data, separators=(",", ":")).encode(), 6, mtime=0)).decode()


def _cut(found: dict[str, Any], size: Size) -> dict[str, Any]:
    """Return a smaller copy of the data, which says what was cut."""
    shown = dict(found)
    for name in (*LISTS, "deleted-sources", "requests"):
        if isinstance(table := found[name], list):
            shown[name] = table[-size.entities :] if name in ("requests", "deliveries") else table[: size.entities]
    shown["messages"] = {place: each[-size.messages :] for place, each in found["messages"].items()}
    for name in ("threads", "inbox"):
        shown[name] = {place: each[: size.messages] for place, each in found[name].items()}
    shown["docs"] = found["docs"] if size.file else {}
    shown["files"] = {path: each for path, each in found["files"].items() if len(each["data"]) <= size.file}
    cutting = _Cutting(size.text)
    shown |= {name: cutting.value(shown[name]) for name in shown if name not in KEPT}
    shown["about"] = {**found["about"], "cut": _said(found, shown, size.text if cutting.has_cut else None)}
    return shown


def _said(found: dict[str, Any], shown: dict[str, Any], longest: int | None) -> list[str]:
    """Return sentences about what was cut.

    Args:
        longest: characters of a shortened text, or None if there is none.
    """
    said = [] if longest is None else [f"Texts of more than {longest:,} characters are shortened."]
    made, kept = found["state"]["requests"], len(shown["requests"])
    if kept < made:
        said.append(f"The file has the last {kept:,} of {counted(made, 'request')}.")
    if any(len(each) < _count(found, place) for place, each in shown["messages"].items()):
        most = max(map(len, shown["messages"].values()))
        said.append(f"It has the last {most:,} messages of each flow at most.")
    if not shown["docs"]:
        said.append("The documentation is left out.")
    files = {each["path"] for row in _rows(found) for each in row["shown"]["attachments"]}
    if left := len(files) - len(shown["files"]):
        said.append(f"{counted(left, 'uploaded file')} {'is' if left == 1 else 'are'} left out.")
    short = [len(table) for name in LISTS if isinstance(table := shown[name], list) if len(table) < len(found[name])]
    if short:
        said.append(f"It has {max(short):,} users, sources and others of a kind at most.")
    return said


def _rows(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return chain(*found["messages"].values())


def _count(found: dict[str, Any], place: str) -> int:
    """Return how many messages a flow or conversation has."""
    flows = {each["flow"]["id"]: each["messages"] for each in found["flows"]}
    return int(flows.get(place) or {each["id"]: each["messages"] for each in found["conversations"]}.get(place, 0))


class _Cutting:
    """Shortens texts.

    Args:
        longest: characters of a text that are kept.
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self.has_cut = False

    def value(self, value: Any) -> Any:
        """Return a JSON value with shortened texts."""
        if isinstance(value, dict):
            cut = {str(name)[: self._longest]: self.value(item) for name, item in value.items()}
            if isinstance(body := value.get("body"), str) and len(body) > self._longest and "shortened" in value:
                cut["shortened"] = value["shortened"] or {"length": len(body), "sha256": None}
            return cut
        if isinstance(value, (list, tuple)):
            return [self.value(item) for item in value]
        if isinstance(value, str) and len(value) > self._longest:
            self.has_cut = True
            return f"{value[: self._longest]}…"
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)  # has no form in JSON
        return value
