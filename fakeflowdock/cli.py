"""The command line: serve, list the routes, explain an operation."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import textwrap
import traceback
from typing import TYPE_CHECKING, Any, NoReturn

from . import __version__
from .settings import REFRESH_TOKENS, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .contracts import OperationContract
    from .errors import BrokenContract

WIDTH = 100
TRUTH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


class Failure(Exception):
    """The command cannot do what it was asked for; the text is the line for standard error."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Failure(message)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command.

    Args:
        arguments: what follows the program's name; `sys.argv` when left out.

    Returns:
        The exit status: 0, or 2 with one line on standard error when an option or the address is wrong.
    """
    try:
        options = _parser(os.environ).parse_args(arguments)
        run = {"routes": _routes, "explain": _explain, None: _serve}[options.command]
        run(options)
        if sys.stdout is not None:  # it was closed
            sys.stdout.flush()
    except BrokenPipeError:  # as in `fakeflowdock routes | head`
        _discard_output()
    except Failure as failure:
        print(f"fakeflowdock: {failure}", file=sys.stderr)
        return 2
    except OSError as error:  # as with a full disk behind standard output
        print(f"fakeflowdock: {error.strerror or error}", file=sys.stderr)
        _discard_output()
        return 2
    return 0


def _discard_output() -> None:
    """Let what is still to be printed go nowhere, or Python would complain at its end."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    def twin(option: str, default: Any) -> Any:
        """The value of an option's environment twin; argparse checks it as if it stood on the command line."""
        return environ.get(f"FAKEFLOWDOCK_{option}") or default

    parser = _Parser(
        prog="fakeflowdock",
        allow_abbrev=False,
        description="Serve Flowdock's REST API from memory, until SIGINT or SIGTERM.",
        epilog="Each setting has a twin in the environment: FAKEFLOWDOCK_HOST, _PORT, _WORLD, _AUTO_CONSENT, "
        "_REFRESH_TOKENS and _JSON; "
        "the command line wins.",
    )
    parser.add_argument("--host", default=twin("HOST", "127.0.0.1"), help="name or address to bind, %(default)s")
    parser.add_argument("--port", type=_port, default=twin("PORT", "8080"), help="0 for a free one, %(default)s")
    parser.add_argument(
        "--world", type=_world, default=twin("WORLD", "docs"), metavar="docs|empty", help="what is there, %(default)s"
    )
    parser.add_argument(
        "--auto-consent",
        action="store_true",
        default=_truth(environ, "FAKEFLOWDOCK_AUTO_CONSENT"),
        help="give each application that asks for it the consent of user 1, without a page",
    )
    parser.add_argument(
        "--refresh-tokens",
        type=_refresh_tokens,
        default=twin("REFRESH_TOKENS", "always"),
        metavar="always|offline_access",
        help="when tokens come with a refresh token: always, or with that scope alone, %(default)s",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        default=_truth(environ, "FAKEFLOWDOCK_JSON"),
        help="say that it is ready in one line of JSON",
    )
    parser.add_argument("--version", action="version", version=f"fakeflowdock {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    commands.add_parser("routes", help="print every operation: routes, callers, grade, page")
    explain = commands.add_parser("explain", help="print the contract of one operation")
    explain.add_argument("operation", help="its name, create-source, or its title")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: a number from 0 to 65535")
    return int(text)


def _world(text: str) -> str:
    if text not in ("docs", "empty"):
        raise argparse.ArgumentTypeError(f"{text!r} is no world: docs or empty")
    return text


def _refresh_tokens(text: str) -> str:
    if text not in REFRESH_TOKENS:
        raise argparse.ArgumentTypeError(f"{text!r} is not when refresh tokens come: {' or '.join(REFRESH_TOKENS)}")
    return text


def _truth(environ: Mapping[str, str], name: str) -> bool:
    text = environ.get(name) or "0"
    if text.lower() not in TRUTH:
        raise Failure(f"{name} is {text!r}, neither true nor false")
    return TRUTH[text.lower()]


def _serve(options: argparse.Namespace) -> None:
    from . import arrange, worlds
    from .app import App
    from .server import Server

    store = worlds.make(options.world, Settings(options.auto_consent, options.refresh_tokens))
    try:
        server = Server(App(store, _report), options.host, options.port)
    except OSError as error:
        number = error.errno or 0  # below zero it is no errno but one of getaddrinfo's
        reason = os.strerror(number) if number > 0 else error.strerror or str(error)
        raise Failure(f"cannot serve on {options.host!r}, port {options.port}: {reason}") from None
    except UnicodeError:
        raise Failure(f"{options.host!r} is no host name") from None
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.stop())
    user = store.users[1]
    application = store.applications[1]
    ready = {
        "event": "ready",
        "url": server.url,
        "world": options.world,
        "api_token": user.api_token,
        "access_token": arrange.add_access_token(store, user, application, None).access_token,
        "client_id": application.client_id,
        "client_secret": application.client_secret,
        "email": user.email,
        "password": user.password,
    }
    print(json.dumps(ready) if options.json else _greeting(ready), flush=True)
    server.serve()


def _greeting(ready: Mapping[str, str]) -> str:
    return "\n".join(
        (
            f"fakeflowdock {__version__} answers on {ready['url']}, with the world {ready['world']}.",
            "Ctrl-C stops it.",
            "",
            "List sources as a user:",
            f"  curl -u {ready['api_token']}: {ready['url']}/sources",
            "Create one through an OAuth application, and keep the flow_token of the reply:",
            f"  curl -H 'Authorization: Bearer {ready['access_token']}' -d name=Builds \\",
            f"       {ready['url']}/flows/example/main/sources",
            "",
            f"The user signs in with {ready['email']} and {ready['password']} too.",
            f"The application has client_id {ready['client_id']} and client_secret {ready['client_secret']}.",
        )
    )


def _report(broken: BrokenContract) -> None:
    print("".join(traceback.format_exception(broken)), file=sys.stderr, end="", flush=True)


def _routes(options: argparse.Namespace) -> None:  # noqa: ARG001  # each command is called alike
    from .contracts import contracts

    for contract in contracts().operations.values():
        print(contract.name)
        for method, path, obsolete in contract.routes:
            print(f"    {method} {path}{' (obsolete)' if obsolete else ''}")
        print(f"    callers: {_callers(contract)}")
        print(f"    {contract.grade}, {contract.page}")


def _callers(contract: OperationContract) -> str:
    scope = f", whose access token has the scope {contract.scope}" if contract.scope else ""
    return ", ".join(contract.callers) + scope


def _explain(options: argparse.Namespace) -> None:
    from .contracts import contracts

    known = contracts().operations
    contract = known.get(options.operation.lower().replace(" ", "-"))
    if contract is None:
        raise Failure(f"there is no operation {options.operation!r}, only {', '.join(known)}")
    print(contract.title)
    for method, path, obsolete in contract.routes:
        print(f"    {method} {path}{' (obsolete)' if obsolete else ''}")
    print()
    _say(contract.description)
    print()
    print(f"Callers: {_callers(contract)}")
    _say(f"Grade: {contract.grade}. {contract.evidence}")
    if contract.properties:
        print("\nParameters")
        for name, schema in contract.properties.items():
            required = "required, " if name in contract.required else ""
            _say(f"{name} ({required}{schema['title']}): {schema['description']}", "    ")
    print("\nReplies")
    for status, check in contract.replies.items():
        print(f"    {status}: {check.schema if check is not None else 'no body'}")
    print("\nErrors")
    for error in contracts().errors.values():
        if error.name in contract.errors:
            grade, when = contract.errors[error.name]
            _say(f"{error.status} {error.name} ({grade}): {when}", "    ")
        elif error.everywhere:
            _say(f"{error.status} {error.name} ({error.grade}): {error.description}", "    ")
    print(f"\nWritten in {contract.page}")


def _say(text: str, indent: str = "") -> None:
    print(textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "    " if indent else ""))
