"""The command `check`: hold recorded traffic against the docs."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from ..checking.recordings.reports import Report, Summary

FORMATS = ("text", "json", "junit", "sarif")
DESCRIPTION = """\
Hold recorded traffic against Flowdock's docs: HAR files, as browsers and
proxies write them, cassettes of vcrpy in YAML or JSON, and what
fake_flowdock.requests.export() writes. What went to other hosts is left out.
What recorders filter out, such as credentials, is not missed."""
EPILOG = """\
Status: 0 there is no violation; 1 there is one; 2 a file cannot be read: one
line on standard error says which, and where. Warnings, and differences of
--replay, do not count.

  python -m fakeflowdock check traffic.har
  python -m fakeflowdock check --strict --format junit --output out.xml *.yaml
  python -m fakeflowdock check --replay --host 127.0.0.1:8080 traffic.har"""


def add(commands: Any) -> None:
    """Add the command to those of the command line."""
    parser = commands.add_parser(
        "check",
        help="hold recorded traffic against the docs",
        usage="fakeflowdock check [OPTION ...] FILE ...",
        description=DESCRIPTION,
        epilog=EPILOG,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a HAR file or a cassette")
    parser.add_argument(
        "--host",
        dest="hosts",
        action="append",
        default=[],
        metavar="HOST",
        help="a host that is Flowdock's too; may come again",
    )
    parser.add_argument("--strict", action="store_true", help="what the docs advise against is a violation")
    parser.add_argument(
        "--replay", action="store_true", help="send each request to a fresh fake too, and show where it differs"
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        metavar="FORMAT",
        default="text",
        help="text (default), json, junit, or sarif for a code scanner",
    )
    parser.add_argument("--output", metavar="FILE", help="write the report there, and print the counts alone")
    parser.add_argument("--all", action="store_true", help="as text, show exchanges without findings too")


def run(options: argparse.Namespace) -> int:
    """Check. Returns the exit status, 0 or 1.

    Raises:
        CommandError: a file cannot be read.
        OSError: the report cannot be written.
    """
    from ..checking.recordings.errors import RecordingError
    from .options import CommandError

    try:
        with _output(options.output) as write:
            summary = _report(options, write)
    except RecordingError as error:
        raise CommandError(str(error)) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    if options.output is not None:
        print(summary.text(replayed=options.replay))
    return 1 if summary.violations else 0


def _report(options: argparse.Namespace, write: Callable[[str], object]) -> Summary:
    from ..checking.recordings.checker import checked
    from ..checking.recordings.entries import Hosts
    from ..checking.recordings.progress import Progress
    from ..checking.recordings.reader import Recording
    from ..checking.recordings.reports import Json, JUnit, Summary, Text
    from ..checking.recordings.sarif import Sarif

    kinds: dict[str, type[Report]] = {"text": Text, "json": Json, "junit": JUnit, "sarif": Sarif}
    report = kinds[options.format](write, every=options.all, replayed=options.replay)
    summary, hosts = Summary(), Hosts(tuple(options.hosts))
    for name in options.files:
        progress = Progress(name)
        recording = Recording(name, hosts, progress)
        report.begin_file(name)
        count = summary.exchanges
        try:
            for exchange in checked(recording, strict=options.strict, replay=options.replay):
                summary.add(exchange)
                report.add(exchange)
        finally:
            progress.end()
        summary.others += recording.read - (summary.exchanges - count)
        report.end_file()
    report.end(summary)
    return summary


@contextmanager
def _output(name: str | None) -> Iterator[Callable[[str], object]]:
    """What takes the text of the report: a file, whole or not there, or standard output."""
    if name is None:
        out = sys.stdout
        coding = getattr(out, "encoding", None) or "utf-8"
        yield lambda text: out.write(text.encode(coding, "backslashreplace").decode(coding))
        return
    from .. import atomic_file

    with ExitStack() as stack:
        try:
            file = stack.enter_context(atomic_file.written(name, private=False, errors="backslashreplace"))
        except OSError as error:
            from .options import CommandError

            raise CommandError(f"{name}: {error.strerror}") from None
        yield file.write
