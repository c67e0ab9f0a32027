"""`python -m fakeflowdock conform`: the conformance suite against any server."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

FORMATS = ("text", "json", "junit")
# Each has a twin in the environment, FAKEFLOWDOCK_API_TOKEN and so on, where a list of processes does not show it.
GIVEN = {
    "organization": "the organization of the users, by its name in URLs",
    "flow": "a flow of it to play in, by its name in URLs (default: the suite makes one, and archives it)",
    "api-token": "of a user who administers the organization",
    "email": "of the same user",
    "password": "of the same user; with both, the suite gets access tokens with the scopes that it needs",
    "second-api-token": "of another user of the organization, who does not administer it",
    "spare-api-token": "of a third one, whom the suite may remove from the organization for good",
    "access-token": "of an application for the first user, in the place of e-mail address and password",
    "scopes": "the scopes of the access token, with spaces between (default: flow private)",
}


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
    for name, words in GIVEN.items():
        parser.add_argument(f"--{name}", metavar=name.rpartition("-")[2].upper(), help=words)
    parser.add_argument(
        "--only", metavar="PATTERN", help="only the cases with this in their page or their name; * is anything"
    )
    parser.add_argument("--format", type=_format, default="text", metavar="|".join(FORMATS), help="default: text")


def _format(text: str) -> str:
    if text not in FORMATS:
        raise ArgumentTypeError(f"{text!r} is no format: {' or '.join(FORMATS)}")
    return text


def run(options: argparse.Namespace) -> int:
    """The command. Returns the exit status.

    Raises:
        Failure: there is no server, or no case.
    """
    from .cli import Failure, _setting
    from .conformance import NoAnswer, conform
    from .scopes import scopes_of

    names = [name.replace("-", "_") for name in GIVEN]
    given: dict[str, Any] = {name: _setting(getattr(options, name), name.upper(), "", str) for name in names}
    try:
        given["scopes"] = scopes_of(given["scopes"])
        came = conform(options.url, only=options.only, **given)
    except NoAnswer as error:
        raise Failure(f"{options.url} does not answer: {error}") from None
    except ValueError as error:
        raise Failure(str(error)) from None
    if options.format == "json":
        print(json.dumps(came.as_json(), indent=2, ensure_ascii=False))
    else:
        print(came.as_junit() if options.format == "junit" else came)
    return 0 if came.ok else 1
