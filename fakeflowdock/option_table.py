"""Every option of the commands that has a twin in the environment. To add one is to add an entry here."""

from __future__ import annotations

from .options import Option, admin_token, count, one_of, port, seconds, truth
from .settings import REFRESH_TOKENS, WORLDS
from .shapes import SHAPES, USUAL

HOST = Option("host", "address to listen on", "127.0.0.1")
JSON = Option("json", "print address and credentials as one line of JSON, instead of the greeting", False, truth)

SERVE = (
    HOST,
    Option("port", "port to listen on, 0 for a free one", 8080, port),
    Option(
        "world",
        "the world to begin with: what Flowdock's examples show, or nothing but a user",
        "docs",
        one_of(("docs", "empty"), "is no world"),
        "docs|empty",
    ),
    Option("state", "a file with the world to begin with, in the place of --world", "", metavar="FILE"),
    Option(
        "auto-consent",
        "give each application that asks for it the consent of user 1, without a page",
        False,
        truth,
    ),
    Option(
        "shape",
        "which fields replies have: the usual ones, what is always there, all, or some that are new",
        USUAL,
        one_of(SHAPES, "is no shape"),
        "|".join(SHAPES),
    ),
    Option(
        "refresh-tokens",
        "when tokens come with a refresh token: always, or with that scope alone",
        "always",
        one_of(REFRESH_TOKENS, "is not when refresh tokens come"),
        "|".join(REFRESH_TOKENS),
    ),
    Option(
        "admin-token",
        "what whoever administers the server has to show; made up where others can reach it",
        "",
        admin_token,
        "TOKEN",
    ),
    Option("max-worlds", "how many worlds suites may make", WORLDS, count, "N"),
    JSON,
    Option(
        "tls", "speak https, with a certificate made at start, whose CA is in the file that ca_file names", False, truth
    ),
    Option("ca-file", "where to write that CA, instead of a temporary file", "", metavar="FILE"),
    Option("tls-cert", "speak https with this certificate, in the form of PEM", "", metavar="FILE"),
    Option("tls-key", "its key, where that is not in the same file", "", metavar="FILE"),
)
TRUSTED = Option("ca-file", "certificate authorities that are trusted besides the usual ones", "", metavar="FILE")

PROXY = (
    HOST,
    Option("port", "port to listen on, 0 for a free one", 8081, port),
    Option("json", "print a line of JSON for the address and for each exchange", False, truth),
    Option("strict", "take what the docs advise against for a violation", False, truth),
    Option("fail", "end with status 1 where there were violations", False, truth),
    Option("timeout", "seconds for which the server may be silent", 30.0, seconds),
    TRUSTED,
)

CONFORM = (
    Option("organization", "the organization of the users, by its name in URLs", ""),
    Option(
        "flow",
        "a flow of it to play in, by its name in URLs; without one the suite makes one, and archives it",
        "",
    ),
    Option("api-token", "of a user who administers the organization", "", metavar="TOKEN"),
    Option("email", "of the same user", ""),
    Option(
        "password",
        "of the same user; with both, the suite gets access tokens with the scopes that it needs",
        "",
    ),
    Option(
        "second-api-token",
        "of another user of the organization, who does not administer it",
        "",
        metavar="TOKEN",
    ),
    Option(
        "spare-api-token",
        "of a third one, whom the suite may remove from the organization for good",
        "",
        metavar="TOKEN",
    ),
    Option(
        "access-token",
        "of an application for the first user, in the place of e-mail address and password",
        "",
        metavar="TOKEN",
    ),
    Option("scopes", "the scopes of the access token, with spaces between (default: flow private)", ""),
    TRUSTED,
)

OPTIONS = {None: SERVE, "proxy": PROXY, "conform": CONFORM}  # by command; None is the server
