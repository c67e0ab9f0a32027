"""`python -m fakeflowdock conform`: the conformance suite against any server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from .command import CONFIG, Command
from .errors import CommandError
from .options import CA_FILE, Option, choice

if TYPE_CHECKING:
    from types import SimpleNamespace


def run(chosen: SimpleNamespace) -> int:
    """Run the suite. Returns the exit status.

    Raises:
        CommandError: the server does not answer, no case matches, or an option is invalid.
    """
    from ..checking.conformance import NoAnswer, conform
    from ..world.scopes import scopes_of

    given: dict[str, Any] = vars(chosen).copy()
    url, only, form, docs, _ = (given.pop(name) for name in ("url", "only", "format", "docs", "config"))
    given["flow"] = given["flow"].rpartition("/")[2]  # accepts example/main, as in the ready line
    try:
        given["scopes"] = scopes_of(given["scopes"])
        report = conform(url, only=only or None, **given)
    except NoAnswer as error:
        hint = CommandError.TRUST if "CERTIFICATE_VERIFY_FAILED" in str(error) else ""
        raise CommandError.of(CommandError.NO_ANSWER, url=url, error=error, hint=hint) from None
    except ValueError as error:
        raise CommandError(str(error)) from None
    if form == "json":
        print(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
    else:
        print(report.as_junit(docs) if form == "junit" else report)
    return 0 if report.ok else 1


conform_command = Command(
    "conform",
    run,
    [
        click.Argument(["url"], metavar="URL"),
        Option("organization", "The users' organization, by its name in URLs.", "", metavar="NAME"),
        Option("flow", "Run in this flow, by its name in URLs.", "", metavar="NAME", unset="a new one"),
        Option("api-token", "Of an administrator of the organization.", "", metavar="TOKEN"),
        Option("email", "Of the same user.", "", metavar="ADDRESS"),
        Option("password", "Of the same user; with both, access tokens are requested.", "", metavar="PASSWORD"),
        Option("second-api-token", "Of a user who is not an administrator.", "", metavar="TOKEN"),
        Option("spare-api-token", "Of a user who may be removed.", "", metavar="TOKEN"),
        Option("access-token", "Of an application, instead of e-mail and password.", "", metavar="TOKEN"),
        Option("scopes", "Of the access token.", "", metavar="SCOPES", unset="flow private"),
        Option("scim-uid", "Of the organization's Single Sign-On.", "", metavar="UID"),
        Option("scim-token", "Of the same, for SCIM.", "", metavar="TOKEN"),
        CA_FILE,
        Option("only", "Run cases whose page or name matches; * is any text.", "", metavar="PATTERN"),
        Option("format", "Report as text, json or junit.", "text", choice("text", "json", "junit"), "FORMAT"),
        Option("docs", "Where a server shows the docs: URL/_fakeflowdock/docs.", "", metavar="URL"),
        CONFIG,
    ],
    help="""\
Run the conformance suite against a server. It tests every operation and every error in Flowdock's docs on the server at
URL, such as http://127.0.0.1:8080. Cases that need a missing option are not run, and reported. Pass secrets in the
environment: other users can read the command line.""",
    epilog="Status: 0 every case that was run passed; 1 a case differs; 2 nothing could be run.",
)
