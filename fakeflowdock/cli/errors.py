"""The errors of the command line, with their texts. Errors of the wings below are printed as they are."""

from __future__ import annotations

import click

from ..contract.errors import Worded


class CommandError(Worded, click.ClickException):
    """The command cannot run. The message is printed on standard error, and `exit_code` is the exit status."""

    exit_code = 2

    # Commands and options
    COMMAND = "unknown command {name!r} (see --help){hint}"
    OPTION = "unknown option {name!r} (see --help){hint}"
    VARIABLE = "unknown environment variable {name}{hint}"
    SEE_HELP = " (see --help)"
    INVALID = "{place}invalid {name}{shown}: expected {expected}"
    EXPECTED = ": expected {known}"
    NO_FILE = "--save-on-exit requires a file, unless --state has one"
    TWO_WORLDS = "--{one} and --{other} both choose the initial world: give only one of them"
    EVERY_ALONE = "--save-every requires --save-on-exit"
    STORE = "the worlds cannot be shared: {reason}"
    STORE_AND_FILE = "--store cannot be used with --state or --save-on-exit: Redis keeps the worlds"
    READS_ALONE = "--reads local requires --store"
    STORE_ALONE = "--store beyond loopback requires --admin-token: all servers need the same"
    NO_SEED = "seed requires a file, or --example"
    KEY_ALONE = "--tls-key requires --tls-cert"
    NO_CA = "--write-ca requires --tls without --tls-cert: only then is a CA generated"
    THE_CA = "the CA"
    METHOD = "unknown operation {given}: expected a method and a path; methods of this path: {methods}"
    RULE = "unknown rule {name!r}{hint}"
    PAGE = "unknown page {page!r}"
    SECTION = "{page} has no section {anchor!r}{hint}"
    NOTHING_KNOWN = "unknown operation, page, error or rule {given!r}{hint}"
    STATUS = "no response of Flowdock has the status {status}: expected {known}"
    OPERATION = "unknown operation {given}: python -m fakeflowdock routes lists all"

    # Config files
    UTF8 = "{file}:{line}: invalid UTF-8"
    NO_TABLE = "{table} must be a table with the options of {table}"
    KEY = "unknown option {key}{hint}"
    TYPE = "{option} must be {expected}, not {kind}"

    # Servers and commands
    EMPTY_WORLD = "{file}: expected at least one user, one application and one flow"
    ADDRESS = "cannot serve on {host!r}, port {port}: {reason}"
    HOST = "invalid host {host!r}: expected a name or an address"
    NO_ANSWER = "{url} does not answer: {error}{hint}"
    TRUST = "; --ca-file names a CA to trust"
    NOTHING_TO_RUN = "exec requires a command, for example: fakeflowdock exec -- pytest"
    NO_SIGNALS = "exec requires a system with POSIX signals"
    NOT_SAVABLE = "the world cannot be saved to {file}: {reason}"
    LOCKED = "another server saves there"


class NotSaved(CommandError):
    """The world could not be written. An existing file stays as it was."""

    exit_code = 1

    WORLD = "the world is not saved to {file}: {reason}"
    AGAIN = "; trying again every {seconds:g} s"
    NO_LONGER = "the world is saved to {file} again"


class NotStarted(Exception):
    """The command of `exec` cannot be run.

    Attributes:
        status: the exit status that a shell would have.
    """

    UNKNOWN = "{name!r} is not found"
    NOT_RUN = "{name!r} cannot be run: {reason}"

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
