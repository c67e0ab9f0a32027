"""The command line: serve, list the routes, explain an operation; what else there is has files of its own."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import textwrap
import traceback
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from . import __version__, conform_command, proxy_command
from .recordings import command as check_command
from .settings import REFRESH_TOKENS, Settings
from .shapes import SHAPES, USUAL

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from .contracts import OperationContract
    from .errors import BrokenContract
    from .findings import Finding
    from .server import Server
    from .threaded import ThreadedServer

Listening = TypeVar("Listening", "Server", "ThreadedServer")

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
        The exit status: 0; 1 where a command found what it looks for; 2 with one line on standard error when an option,
        the address or a file is wrong.
    """
    status = 0
    try:
        options = _parser().parse_args(arguments)
        runs: dict[str | None, Callable[[argparse.Namespace], int | None]]
        runs = {"routes": _routes, "explain": _explain, None: _serve}
        runs |= {"conform": conform_command.run, "proxy": proxy_command.run, "check": check_command.run}
        status = runs[options.command](options) or 0
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
    return status


def _discard_output() -> None:
    """Let what is still to be printed go nowhere, or Python would complain at its end."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="fakeflowdock",
        allow_abbrev=False,
        description="Serve Flowdock's REST API from memory, until SIGINT or SIGTERM.",
        epilog="Each setting has a twin in the environment: FAKEFLOWDOCK_HOST, _PORT, _WORLD, _STATE, "
        "_AUTO_CONSENT, "
        "_REFRESH_TOKENS and _JSON; "
        "the command line wins.",
    )
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=_port, help="port to listen on, 0 for a free one (default: 8080)")
    parser.add_argument(
        "--world",
        type=_world,
        metavar="docs|empty",
        help="the world to begin with: what Flowdock's examples show, or nothing but a user (default: docs)",
    )
    parser.add_argument("--state", metavar="FILE", help="a file with the world to begin with, in the place of --world")
    parser.add_argument(
        "--auto-consent",
        action="store_true",
        default=None,
        help="give each application that asks for it the consent of user 1, without a page",
    )
    parser.add_argument(
        "--shape",
        type=_shape,
        metavar="|".join(SHAPES),
        help="which fields replies have: the usual ones, what is always there, all, or some that are new",
    )
    parser.add_argument(
        "--refresh-tokens",
        type=_refresh_tokens,
        metavar="always|offline_access",
        help="when tokens come with a refresh token: always, or with that scope alone (default: always)",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        default=None,
        help="print address and credentials as one line of JSON, instead of the greeting",
    )
    parser.add_argument("--version", action="version", version=f"fakeflowdock {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    commands.add_parser("routes", help="print every operation: routes, callers, grade, page")
    explain = commands.add_parser("explain", help="print the contract of one operation")
    explain.add_argument("operation", nargs="+", help="create-source, or GET /sources")
    conform_command.add(commands)
    proxy_command.add(commands, _port)
    check_command.add(commands)
    return parser


def _setting(given: Any, name: str, default: str, read: Callable[[str], Any]) -> Any:
    """A setting from the command line, or else from its twin in the environment.

    Raises:
        Failure: the twin holds what the setting cannot be.
    """
    if given is not None:
        return given
    variable = f"FAKEFLOWDOCK_{name}"
    try:
        return read(os.environ.get(variable) or default)
    except argparse.ArgumentTypeError as error:
        raise Failure(f"{variable}: {error}") from None


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


def _shape(text: str) -> str:
    if text not in SHAPES:
        raise argparse.ArgumentTypeError(f"{text!r} is no shape: {' or '.join(SHAPES)}")
    return text


def _truth(text: str) -> bool:
    if text.lower() not in TRUTH:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return TRUTH[text.lower()]


def _serve(options: argparse.Namespace) -> None:
    from . import arrange, world_files, worlds
    from .app import App
    from .server import Server

    host = _setting(options.host, "HOST", "127.0.0.1", str)
    port = _setting(options.port, "PORT", "8080", _port)
    world = _setting(options.world, "WORLD", "docs", _world)
    in_json = _setting(options.json, "JSON", "false", _truth)
    auto_consent = _setting(options.auto_consent, "AUTO_CONSENT", "false", _truth)
    refresh_tokens = _setting(options.refresh_tokens, "REFRESH_TOKENS", "always", _refresh_tokens)
    shape = _setting(options.shape, "SHAPE", USUAL, _shape)
    state = _setting(options.state, "STATE", "", str)
    settings = Settings(auto_consent, refresh_tokens, shape)
    try:
        store = worlds.over(world_files.load(state), settings) if state else worlds.make(world, settings)
    except (OSError, world_files.WorldFileError) as error:
        raise Failure(str(error)) from None
    if not store.users or not store.applications or not store.flows:
        raise Failure(f"{state} has no user, no application or no flow, for which the server could print credentials")
    store.clock.run()
    server = _listen(lambda: Server(App(store, _report, _note), host, port), host, port)
    user, application = store.users[min(store.users)], store.applications[min(store.applications)]
    flow = next(iter(store.flows.values()))
    ready = {
        "event": "ready",
        "url": server.url,
        "world": state or world,
        "api_token": user.api_token,
        "access_token": arrange.add_access_token(store, user, application, None).access_token,
        "client_id": application.client_id,
        "client_secret": application.client_secret,
        "email": user.email,
        "password": user.password,
        "flow_api_token": flow.api_token,
    }
    print(json.dumps(ready) if in_json else _greeting(ready), flush=True)
    server.serve()


def _listen(make: Callable[[], Listening], host: str, port: int) -> Listening:
    """A server that SIGINT and SIGTERM stop.

    Raises:
        Failure: the address cannot be served.
    """
    try:
        server = make()
    except OSError as error:
        number = error.errno or 0  # below zero it is no errno but one of getaddrinfo's
        reason = os.strerror(number) if number > 0 else error.strerror or str(error)
        raise Failure(f"cannot serve on {host!r}, port {port}: {reason}") from None
    except UnicodeError:
        raise Failure(f"{host!r} is no host name") from None
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.stop())
    return server


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
            "Post with that flow_token, as the source, or as old clients did, and read what was posted:",
            f"  curl -d flow_token=… -d event=message -d content=Done {ready['url']}/messages",
            "  curl -d external_user_name=CI -d content=Done \\",
            f"       {ready['url']}/v1/messages/chat/{ready['flow_api_token']}",
            f"  curl -u {ready['api_token']}: {ready['url']}/flows/example/main/messages",
            "",
            "The user's e-mail address and password do as well:",
            f"  curl -u {ready['email']}:{ready['password']} {ready['url']}/sources",
        )
    )


def _report(broken: BrokenContract) -> None:
    print("".join(traceback.format_exception(broken)), file=sys.stderr, end="", flush=True)


def _note(found: Finding) -> None:
    # In one line, and nothing in it that a terminal obeys: names are what somebody sent.
    text = "".join(each if each.isprintable() else repr(each)[1:-1] for each in str(found))
    print(f"fakeflowdock: {found.severity}: {text}", file=sys.stderr, flush=True)


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

    contract = _operation(" ".join(options.operation))
    print(contract.title)
    for method, path, obsolete in contract.routes:
        print(f"    {method} {path}{' (obsolete)' if obsolete else ''}")
    print()
    _say(contract.description)
    print()
    print(f"Callers: {_callers(contract)}")
    if contract.successor is not None:
        print(f"Deprecated: {contract.successor} came in its place")
    _say(f"Grade: {contract.grade}. Evidence: {contract.evidence}")
    if contract.properties:
        print("\nParameters")
        always = {name: schema for name, schema in contract.properties.items() if schema}
        _say_parameters(always, contract.required, contract.grade)
    for variant in contract.variants:
        print(f"\nParameters where {variant.field} is {' or '.join(variant.values)}")
        _say_parameters(variant.properties, variant.required, contract.grade)
    print("\nReplies")
    for status, check in contract.replies.items():
        print(f"    {status}: {check.address if check is not None else 'no body'}")
        if status in contract.reply_examples:
            print(
                textwrap.indent(json.dumps(contract.reply_examples[status], indent=2, ensure_ascii=False), "        ")
            )
    print("\nErrors")
    every = contracts().errors
    for name, (grade, when) in contract.errors.items():
        _say(f"{every[name].status} {name} ({grade}): {when}", "    ")
    print("\nErrors of every operation")
    for error in every.values():
        if error.everywhere:
            _say(f"{error.status} {error.name} ({error.grade}): {error.description}", "    ")
    print(f"\nWritten in {contract.page}")


def _operation(asked: str) -> OperationContract:
    """The operation of a name, or of a method and a path.

    Raises:
        Failure: there is none.
    """
    from . import api
    from .contracts import contracts
    from .errors import Refusal
    from .journal import operation_named

    method, _, path = asked.partition(" ")
    if path.startswith("/"):
        try:
            return api.match(method.upper(), api.normal(path)).operation.contract
        except Refusal:
            raise Failure(f"there is no operation at {asked}; python -m fakeflowdock routes lists them") from None
    try:
        return contracts().operations[operation_named(asked)]
    except ValueError as error:
        raise Failure(
            f"{error}{'' if 'mean' in str(error) else ', only ' + ', '.join(contracts().operations)}"
        ) from None


def _say_parameters(properties: Mapping[str, Mapping[str, Any]], required: Collection[str], usual_grade: str) -> None:
    for name, schema in properties.items():
        mark = "required, " if name in required else ""
        grade = schema.get("x-grade", usual_grade)
        other = f", {grade}" if grade != usual_grade else ""
        words = [f": {schema['description']}"] if "description" in schema else []
        evidence = [f"Evidence: {schema['x-evidence']}"] if "x-evidence" in schema else []
        _say(f"{name} ({mark}{schema['title']}{other}){' '.join([*words, *evidence])}", "    ")
        if inner := _inner(schema):
            _say_parameters({f"{name}.{each}": it for each, it in inner.items()}, (), usual_grade)


def _inner(schema: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The fields of an object, or of the objects in a list, those of each of its forms together."""
    schema = schema.get("items", schema)
    if "properties" not in schema:
        return {}
    fields = {name: each for name, each in schema["properties"].items() if each}
    for case in schema.get("allOf", ()):
        fields |= case["then"]["properties"]
    return fields


def _say(text: str, indent: str = "") -> None:
    print(textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "    " if indent else ""))
