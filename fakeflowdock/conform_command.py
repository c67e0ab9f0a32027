"""`python -m fakeflowdock conform`: the conformance suite against any server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from . import option_table, options
from .options import Failure

if TYPE_CHECKING:
    import argparse

FORMATS = ("text", "json", "junit")


def add(commands: Any) -> None:
    """Add the command to the parser's own."""
    parser = commands.add_parser(
        "conform",
        help="run the conformance suite against a server",
        allow_abbrev=False,
        description="Ask a server for every operation and every error that Flowdock's docs have, and say where its "
        "replies are something else. What a case needs and is not given is told; such a case is not run. "
        "The status is 0 where all that was run passed, 1 where something differs, 2 where nothing could be run.",
        epilog="Each of the credentials has a twin in the environment: FAKEFLOWDOCK_API_TOKEN for --api-token and so "
        "on; the command line wins, and everybody on the machine can read it.",
    )
    parser.add_argument("url", metavar="URL", help="the server, as in http://127.0.0.1:8080")
    options.add(parser, option_table.CONFORM)
    parser.add_argument(
        "--only", metavar="PATTERN", help="only the cases with this in their page or their name; * is anything"
    )
    read = options.one_of(FORMATS, "is no format")
    parser.add_argument("--format", type=read, default="text", metavar="|".join(FORMATS), help="default: text")


def run(chosen: argparse.Namespace) -> int:
    """The command. Returns the exit status.

    Raises:
        Failure: there is no server, or no case.
    """
    from .conformance import NoAnswer, conform
    from .scopes import scopes_of

    given: dict[str, Any] = {option.key: getattr(chosen, option.key) for option in option_table.CONFORM}
    try:
        given["scopes"] = scopes_of(given["scopes"])
        came = conform(chosen.url, only=chosen.only, **given)
    except NoAnswer as error:
        hint = "; --ca-file names a CA to trust" if "CERTIFICATE_VERIFY_FAILED" in str(error) else ""
        raise Failure(f"{chosen.url} does not answer: {error}{hint}") from None
    except ValueError as error:
        raise Failure(str(error)) from None
    if chosen.format == "json":
        print(json.dumps(came.as_json(), indent=2, ensure_ascii=False))
    else:
        print(came.as_junit() if chosen.format == "junit" else came)
    return 0 if came.ok else 1
