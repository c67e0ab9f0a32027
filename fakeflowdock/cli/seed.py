"""`python -m fakeflowdock seed`: check a seed and print its world, or print an example."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from .command import Command
from .errors import CommandError
from .options import BOOLEAN, FILE, Option

if TYPE_CHECKING:
    from types import SimpleNamespace


def run(options: SimpleNamespace) -> int:
    """Print the world of a seed. Returns the exit status, 0.

    Raises:
        CommandError: no file is named, or the seed is invalid.
    """
    from ..world import seed_files, serialization
    from ..world.errors import SeedError, WorldFileError

    if options.example:
        sys.stdout.write(seed_files.EXAMPLE)
        return 0
    if not options.file:
        raise CommandError(CommandError.NO_SEED)
    try:
        sys.stdout.write(serialization.dumps(seed_files.load(options.file)))
    except OSError as error:
        raise CommandError(f"{options.file}: {error.strerror}") from None
    except (SeedError, WorldFileError) as error:
        raise CommandError(str(error)) from None
    return 0


seed_command = Command(
    "seed",
    run,
    [
        click.Argument(["file"], metavar="[FILE]", required=False, type=FILE),
        Option("example", "Print an example of a seed.", False, BOOLEAN, twin=False),
    ],
    help="""\
Check a seed and print its world.
A seed is the short form of a world, in YAML, JSON or TOML. Everything is optional. serve and exec take it with --seed,
the pytest fixture with seed=.""",
    epilog="""\
\b
Status: 0 success; 2 the seed is invalid: standard error names file, line and
place.

\b
  python -m fakeflowdock seed --example > seed.yaml
  python -m fakeflowdock --seed seed.yaml""",
)
