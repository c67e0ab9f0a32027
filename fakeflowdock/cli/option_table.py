"""Every option of the commands that has a twin in the environment and in a file. To add one is to add an entry here.

It then has its flag, its twins, its line in `--help`, and its value in what the command is given. Its row in
docs/guide is printed by `python -m fakeflowdock.cli.option_table`, and a test asks for it.
"""

from __future__ import annotations

from ..http.access_log import FORMS
from ..world.settings import DEFAULT, MOST_WORLDS, REFRESH_TOKENS, SHAPES
from .options import Option, admin_token, count, file, hosts, one_of, port, seconds, truth, truth_or_file

WORLDS = ("docs", "empty")
REPORTS = ("text", "json", "junit")
WHEN = one_of(REFRESH_TOKENS, "is not when refresh tokens come")
LOG = one_of(FORMS, "is no form of a log")

# Of each command, in the order of `--help`. The words are few: a line there has 80 columns.
CONFIG = Option("config", "options in TOML", "", file, "FILE")
SERVE = (
    Option("host", "address to listen on", "127.0.0.1", str, "ADDRESS"),
    Option("port", "port, 0 for a free one", 8080, port, "PORT"),
    Option("world", "begin with docs or empty", "docs", one_of(WORLDS, "is no world"), "WORLD"),
    Option("state", "begin with the world in a file", "", file, "FILE"),
    Option("save-on-exit", "write the world there, or to --state", False, truth_or_file, "FILE"),
    Option("auto-consent", "ask no user for consent", False, truth),
    Option("refresh-tokens", "always, or offline_access", "always", WHEN, "WHEN"),
    Option("shape", "of replies: default, minimal, maximal, drift", DEFAULT, one_of(SHAPES, "is no shape"), "SHAPE"),
    Option("access-log", "of requests: none, text, json", "none", LOG, "FORM"),
    Option("json", "print address and credentials as JSON", False, truth),
    Option("admin-token", "to be shown by who administers it", "", admin_token, "TOKEN", unset="made up where needed"),
    Option("max-worlds", "how many worlds suites may make", MOST_WORLDS, count, "N"),
    Option("tls", "speak https, with a certificate made at start", False, truth),
    Option("write-ca", "where to write the CA of it", "", file, "FILE", unset="a temporary file"),
    Option("tls-cert", "speak https with this certificate, PEM", "", file, "FILE"),
    Option("tls-key", "its key, if that is not in the same file", "", file, "FILE"),
    CONFIG,
)
SHARED = ("world", "state", "save-on-exit", "auto-consent", "refresh-tokens", "shape", "access-log")
EXEC = (
    *(option for option in SERVE if option.name in SHARED),
    Option("tunnel", "lead to all other hosts, which are refused else", False, truth),
    Option("tunnel-to", "lead to these hosts: a.org,*.b.org", (), hosts, "HOSTS"),
    CONFIG,
)
TRUSTED = Option("ca-file", "authorities trusted besides the usual ones", "", file, "FILE")
PROXY = (
    Option("host", "address to listen on", "127.0.0.1", str, "ADDRESS"),
    Option("port", "port, 0 for a free one", 8081, port, "PORT"),
    Option("json", "a line of JSON for the address and each exchange", False, truth),
    Option("strict", "take what the docs advise against for a violation", False, truth),
    Option("fail", "end with status 1 where there were violations", False, truth),
    Option("timeout", "how long the server may be silent", 30.0, seconds, "SECONDS"),
    TRUSTED,
    CONFIG,
)
CONFORM = (
    Option("organization", "of the users, by its name in URLs", "", str, "NAME"),
    Option("flow", "to play in, by its name in URLs", "", str, "NAME", unset="a new one"),
    Option("api-token", "of a user who administers the organization", "", str, "TOKEN"),
    Option("email", "of the same user", "", str, "ADDRESS"),
    Option("password", "of the same user: with both, tokens are asked for", "", str, "WORDS"),
    Option("second-api-token", "of a user who does not administer it", "", str, "TOKEN"),
    Option("spare-api-token", "of a user who may be removed from it", "", str, "TOKEN"),
    Option("access-token", "of an application, in place of e-mail and password", "", str, "TOKEN"),
    Option("scopes", "of the access token", "", str, "SCOPES", unset="flow private"),
    TRUSTED,
    Option("only", "cases whose page or name has it; * is anything", "", str, "PATTERN"),
    Option("format", "text, json or junit", "text", one_of(REPORTS, "is no format"), "FORMAT"),
    CONFIG,
)
OPTIONS = {None: SERVE, "exec": EXEC, "proxy": PROXY, "conform": CONFORM}  # by command; None is the server


def rows(command: str | None) -> str:
    """The options of a command as a table for the guide."""
    lines = ["| option | environment | in a file | default | |", "| --- | --- | --- | --- | --- |"]
    for option in OPTIONS[command]:
        value = f" {option.metavar}" if option.metavar else ""
        if option.read is truth_or_file:
            value = f" [{option.metavar}]"
        key = "" if option is CONFIG else f"`{option.key}`"
        words = option.help[:1].upper() + option.help[1:]
        lines.append(f"| `--{option.name}{value}` | `{option.variable}` | {key} | {option.shown_default} | {words}. |")
    return "\n".join(lines)


if __name__ == "__main__":
    print("\n\n".join(rows(command) for command in OPTIONS))
