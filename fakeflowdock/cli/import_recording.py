"""`python -m fakeflowdock import`: make a world from a recording."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from .command import Command
from .errors import CommandError
from .options import FILE, Option

if TYPE_CHECKING:
    from types import SimpleNamespace


def run(options: SimpleNamespace) -> int:
    """Write the world. Returns the exit status, 0.

    Raises:
        CommandError: a file is unreadable, or has no traffic with Flowdock.
    """
    from ..checking.errors import RecordingError
    from ..checking.recordings.imported_world import imported

    try:
        world, counts = imported(options.files, options.host)
    except RecordingError as error:
        raise CommandError(str(error)) from None
    text = json.dumps(world, indent=2, ensure_ascii=False) + "\n"
    if options.output is None:
        sys.stdout.write(text)
    else:
        _write(options.output, text)
    for line in counts:
        print(line, file=sys.stderr)
    return 0


def _write(name: str, text: str) -> None:
    """Write the world to a file that only its owner may read, because it holds secrets."""
    from .. import atomic_file

    try:
        with atomic_file.written(name, private=True) as draft:
            draft.write(text)
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}") from None


import_command = Command(
    "import",
    run,
    [
        click.Argument(["files"], metavar="FILE...", nargs=-1, required=True, type=FILE),
        Option("host", "Another host of Flowdock; may be repeated.", (), metavar="HOST", multiple=True, twin=False),
        Option("output", "Write the world to a file; by default to standard output.", None, FILE, "FILE", twin=False),
    ],
    help="""\
Make a world file from recorded traffic.
The world is the one in which the recording began, as far as its responses show it. FILE is a HAR file of a browser
or proxy, a cassette of vcrpy in YAML or JSON, or a file written by fake_flowdock.requests.export(); also packed by
gzip or in a zip archive. - is standard input. The world has the users, organizations, flows, applications, sources,
threads and messages that responses show, with their ids, and the secrets with which the client called. What the
recording itself creates is not in it.""",
    epilog="""\
\b
Standard error says what the world has, and what was left out.
Status: 0 success; 2 a file is unreadable, or has no traffic with Flowdock.

\b
  python -m fakeflowdock import cassette.yaml > world.json
  python -m fakeflowdock --state world.json""",
)
