"""The metrics of a server in the text format of Prometheus. docs/admin/metrics.md describes them."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from ..http.meter import BOUNDS, Meter
from ..version import __version__
from .memory import resident

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .worlds import Worlds

    Sample = tuple[str, float]  # what follows the name, and the value

MEDIA_TYPE = "text/plain; version=0.0.4"
NONE = "none"  # the status without a response, and the operation of an unknown path
COUNTER, GAUGE, HISTOGRAM = "counter", "gauge", "histogram"


def text_of(worlds: Worlds) -> str:
    """Return the metrics of a server."""
    return "".join(f"{line}\n" for line in _lines(worlds))


def _lines(worlds: Worlds) -> Iterator[str]:
    apps, budget = [world.app for world in worlds.worlds], worlds.default.app.journal.budget
    counted = Meter()
    for each in worlds.meters:
        counted.add(each)
    yield from _metric("fakeflowdock_info", GAUGE, "The version of the server.", [(_labels(version=__version__), 1)])
    yield from _of_requests(counted)
    numbers = {
        "fakeflowdock_worlds": ("Worlds, with the server's own.", len(apps)),
        "fakeflowdock_worlds_limit": ("The most that there can be.", worlds.limit + 1),
        "fakeflowdock_streams": ("Open streams.", sum(len(app.streams.open) for app in apps)),
        "fakeflowdock_journal_bytes": ("Memory of all journals.", budget.used),
        "fakeflowdock_journal_limit_bytes": ("The most that they can use.", budget.limit),
        "process_resident_memory_bytes": ("Memory of the process.", resident()),
    }
    if worlds.replica is not None:
        store = worlds.replica.status()
        numbers |= {
            "fakeflowdock_store_connected": ("Whether the shared log can be used.", int(store["connected"])),
            "fakeflowdock_store_behind": ("Entries of the shared log not processed yet.", store["behind"]),
            "fakeflowdock_store_servers": ("Servers that share the worlds.", store["servers"]),
        }
    for name, (help_text, number) in numbers.items():
        yield from _metric(name, GAUGE, help_text, [("", number)])


def _of_requests(counted: Meter) -> Iterator[str]:
    """Yield what was counted. The buckets of a histogram include the smaller ones."""
    statuses: list[Sample] = []
    durations: list[Sample] = []
    for (api, name, status), count in counted.requests.items():
        statuses.append((_labels(api=api, operation=name or NONE, status=status or NONE), count))
    for (api, name), buckets in counted.durations.items():
        which = {"api": api, "operation": name or NONE}
        for bound, count in zip([*map(str, BOUNDS), "+Inf"], accumulate(buckets), strict=True):
            durations.append((f"_bucket{_labels(**which, le=bound)}", count))
        durations.append((f"_sum{_labels(**which)}", counted.seconds[api, name]))
        durations.append((f"_count{_labels(**which)}", sum(buckets)))
    faults = [(_labels(operation=name or NONE), count) for name, count in counted.faults.items()]
    yield from _metric("fakeflowdock_requests_total", COUNTER, "Requests: answered, refused or lost.", statuses)
    what = "Seconds from a complete request to its response."
    yield from _metric("fakeflowdock_request_duration_seconds", HISTOGRAM, what, durations)
    yield from _metric("fakeflowdock_faults_applied_total", COUNTER, "Faults applied to requests.", faults)


def _metric(name: str, kind: str, help_text: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} {kind}"
    for rest, value in samples:
        yield f"{name}{rest} {value}"


def _labels(**labels: object) -> str:
    """Return labels. None of the values has a character that would have to be escaped."""
    pairs = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{{{pairs}}}"
