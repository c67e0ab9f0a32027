"""`python -m fakeflowdock conform`: the conformance suite against any server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from . import option_table, options
from .options import CommandError

if TYPE_CHECKING:
    import argparse


def add(commands: Any) -> None:
    """Add the command to the parser's own."""
    parser = commands.add_parser(
        "conform",
        help="run the conformance suite against a server",
        usage="fakeflowdock conform [OPTION ...] URL",
        description="""\
Ask a server for every operation and every error that Flowdock's docs have, and
say where its replies are something else. A case that needs what is not given is
not run, and told. Everybody on a machine can read its command lines: secrets
are better given in the environment.""",
        epilog="Status: 0 all that was run passed; 1 something differs; 2 nothing could be run.",
    )
    parser.add_argument("url", metavar="URL", help="the server, as in http://127.0.0.1:8080")
    options.add(parser, option_table.CONFORM)


def run(chosen: argparse.Namespace) -> int:
    """The command. Returns the exit status.

    Raises:
        CommandError: there is no server, or no case.
    """
    from ..checking.conformance import NoAnswer, conform
    from ..world.scopes import scopes_of

    given: dict[str, Any] = {option.key: getattr(chosen, option.key) for option in option_table.CONFORM}
    only, form = given.pop("only") or None, given.pop("format")
    del given["config"]
    given["flow"] = given["flow"].rpartition("/")[2]  # example/main, as the ready line of a fake has it, is main
    try:
        given["scopes"] = scopes_of(given["scopes"])
        came = conform(chosen.url, only=only, **given)
    except NoAnswer as error:
        hint = "; --ca-file names a CA to trust" if "CERTIFICATE_VERIFY_FAILED" in str(error) else ""
        raise CommandError(f"{chosen.url} does not answer: {error}{hint}") from None
    except ValueError as error:
        raise CommandError(str(error)) from None
    if form == "json":
        print(json.dumps(came.as_json(), indent=2, ensure_ascii=False))
    else:
        print(came.as_junit() if form == "junit" else came)
    return 0 if came.ok else 1
