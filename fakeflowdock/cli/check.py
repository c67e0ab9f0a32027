"""`python -m fakeflowdock check`: check recorded traffic against the docs."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click

from .command import Command
from .errors import CommandError
from .options import BOOLEAN, FILE, Option, choice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import SimpleNamespace

    from ..checking.recordings.reports import Report, Summary


def run(options: SimpleNamespace) -> int:
    """Check the files. Returns the exit status, 0 or 1.

    Raises:
        CommandError: a file is unreadable, or nothing was checked.
        OSError: the report cannot be written.
    """
    from ..checking.errors import RecordingError

    try:
        with _output(options.output) as write:
            summary, nothing = _report(options, write)
    except RecordingError as error:
        raise CommandError(str(error)) from None
    if options.output is not None:
        print(summary.text(replayed=options.replay))
    if nothing:
        raise CommandError(nothing)
    return 1 if summary.violations else 0


def _report(options: SimpleNamespace, write: Callable[[str], object]) -> tuple[Summary, str]:
    """Write the report. Return its counts, and why nothing was checked."""
    from ..checking.recordings.checker import checked, nothing_in
    from ..checking.recordings.entries import Hosts, Skipped
    from ..checking.recordings.progress import Progress
    from ..checking.recordings.reader import Recording
    from ..checking.recordings.reports import Json, JUnit, Summary, Text
    from ..checking.recordings.sarif import Sarif

    kinds: dict[str, type[Report]] = {"text": Text, "json": Json, "junit": JUnit, "sarif": Sarif}
    report = kinds[options.format](write, every=options.all, replayed=options.replay, docs=options.docs)
    summary, recordings = Summary(), []
    for name in options.files:
        progress = Progress(name)
        recording = Recording(name, Hosts(tuple(options.host)), progress)
        recordings.append(recording)
        report.begin_file(name)
        try:
            for exchange in checked(recording, strict=options.strict, replay=options.replay):
                summary.add(exchange)
                if isinstance(exchange, Skipped):
                    report.skip(exchange)
                else:
                    report.add(exchange)
        finally:
            progress.end()
        summary.others += recording.others
        summary.own += recording.own
        report.end_file()
    report.end(summary)
    return summary, "" if summary.exchanges else nothing_in(recordings, summary.not_checked)


@contextmanager
def _output(name: str | None) -> Iterator[Callable[[str], object]]:
    """Yield a function that writes to a file, which appears complete or not at all, or to standard output."""
    if name is None:
        yield sys.stdout.write
        return
    from .. import atomic_file

    with ExitStack() as stack:
        try:
            file = stack.enter_context(atomic_file.written(name, private=False, errors="backslashreplace"))
        except OSError as error:
            raise CommandError(f"{name}: {error.strerror}") from None
        yield file.write


REPORTS = choice("text", "json", "junit", "sarif")
check_command = Command(
    "check",
    run,
    [
        click.Argument(["files"], metavar="FILE...", nargs=-1, required=True, type=FILE),
        Option("host", "Another host of Flowdock; may be repeated.", (), metavar="HOST", multiple=True, twin=False),
        Option("strict", "Treat what the docs advise against as a violation.", False, BOOLEAN, twin=False),
        Option("replay", "Send each request to a fresh fake too, and show differences.", False, BOOLEAN, twin=False),
        Option("format", "Report as text, json, junit or sarif.", "text", REPORTS, "FORMAT", twin=False),
        Option("output", "Write the report to a file, and print only the counts.", None, FILE, "FILE", twin=False),
        Option("docs", "Where a server shows the docs: URL/_fakeflowdock/docs.", "", metavar="URL", twin=False),
        Option("all", "In text, show exchanges without findings too.", False, BOOLEAN, twin=False),
    ],
    help="""\
Check recorded traffic against Flowdock's docs. FILE is a HAR file of a browser or proxy, a cassette of vcrpy in YAML or
JSON, or a file written by fake_flowdock.requests.export(); also packed by gzip or in a zip archive. - is standard
input. Traffic with other hosts is ignored. What recorders filter out or do not keep, such as credentials, is not
reported as missing.""",
    epilog="""\
\b
Status: 0 no violation; 1 a violation; 2 a file is unreadable, or nothing was
checked: standard error says why. Warnings and differences of --replay do not
count.

\b
  python -m fakeflowdock check traffic.har
  python -m fakeflowdock check --strict --format junit --output out.xml *.yaml
  python -m fakeflowdock check --replay --host 127.0.0.1:8080 traffic.har""",
)
