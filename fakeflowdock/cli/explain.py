"""`python -m fakeflowdock routes` and `explain`: the operations, and the contract of one."""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING, Any

import click

from ..redaction import brief
from .command import Command
from .errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from types import SimpleNamespace

    from ..contract.contracts import OperationContract

WIDTH = 100
HEADING = re.compile(r"([A-Za-z]+ (?:/|https://)\S*) *(?:→|->) *([1-5][0-9][0-9])\b")  # of a request in a report


def routes(options: SimpleNamespace) -> None:
    """Print every operation."""
    from ..contract.contracts import contracts

    for contract in contracts().operations.values():
        _print_routes(contract.name, contract)
        hosted = _hosted(contract)
        print(f"    callers: {_callers(contract)}")
        print(f"    {contract.grade}, {contract.page}{f', as {hosted}' if hosted else ''}")


HOST = "https://stream.flowdock.com"


def _print_routes(title: str, contract: OperationContract) -> None:
    print(title)
    for method, path, obsolete in contract.routes:
        print(f"    {method} {path}{' (obsolete)' if obsolete else ''}")


def _hosted(contract: OperationContract) -> str:
    """Return the documented URLs of an operation whose routes begin with our prefix."""
    from ..api.internal_routes import STREAM, is_of_streams

    urls = (f"{HOST}{path.removeprefix(STREAM)}" for _, path, _ in contract.routes if is_of_streams(path))
    return ", ".join(urls)


def _callers(contract: OperationContract) -> str:
    scope = f", whose access token has the scope {contract.scope}" if contract.scope else ""
    return ", ".join(contract.callers) + scope


def explain(options: SimpleNamespace) -> None:
    """Print the contract of an operation, what one of its responses means, or what else a report refers to.

    Raises:
        CommandError: it is unknown.
    """
    from .references import explain_reference

    given = " ".join(options.operation)
    if (heading := HEADING.search(given)) is not None:
        _print_outcome(_operation(heading[1]), int(heading[2]))
        return
    try:
        contract = explain_reference(given)
    except LookupError:
        contract = _operation(given)
    if contract is not None:
        _print_contract(contract)


def _print_outcome(contract: OperationContract, status: int) -> None:
    """Print what a response of an operation means, by its status."""
    from ..contract.contracts import contracts

    every = contracts().errors
    of_operation = {name: of for name, of in contract.errors.items() if every[name].status == status}
    everywhere = [each for each in every.values() if each.everywhere and each.status == status]
    print(f"{contract.title}, with the status {status}\n")
    if status in contract.replies:
        _print_reply(contract, status)
    sentences = re.split(r"(?<=\.)\s", contract.description)
    for number, sentence in enumerate(sentences):
        if re.search(rf"\b{status}\b", sentence):  # what follows says when it is another one
            _say(" ".join(sentences[number : number + 2]), "    ")
    for name, (grade, when) in of_operation.items():
        _say(f"{name} ({grade}): {when}", "    ")
    for error in everywhere:
        _say(f"{error.name} ({error.grade}): {error.description}", "    ")
    if not (of_operation or everywhere or status in contract.replies):
        _say("The operation itself has no response with that status. A fault may have sent it.", "    ")
    print(f"\nThe whole operation: python -m fakeflowdock explain {contract.name}\nPage: {contract.page}")


def _print_reply(contract: OperationContract, status: int) -> None:
    check = contract.replies[status]
    print(f"    {status}: {check.address if check is not None else 'no body'}")
    if status in contract.reply_examples:
        example = json.dumps(contract.reply_examples[status], indent=2, ensure_ascii=False)
        print(textwrap.indent(example, " " * 8))


def _print_contract(contract: OperationContract) -> None:
    from ..contract.contracts import contracts

    _print_routes(contract.title, contract)
    print()
    _say(contract.description)
    print()
    if hosted := _hosted(contract):
        _say(f"Documented as {hosted}")
    print(f"Callers: {_callers(contract)}")
    if contract.successor is not None:
        print(f"Deprecated: use {contract.successor}")
    _say(f"Grade: {contract.grade}. Evidence: {contract.evidence}")
    if contract.properties:
        print("\nParameters")
        always = {name: schema for name, schema in contract.properties.items() if schema}
        _say_parameters(always, contract.required, contract.grade)
    for variant in contract.variants:
        print(f"\nParameters where {variant.condition}")
        _say_parameters(variant.properties, variant.required, contract.grade)
    print("\nResponses")
    for status in contract.replies:
        _print_reply(contract, status)
    print("\nErrors")
    every = contracts().errors
    for name, (grade, when) in contract.errors.items():
        _say(f"{every[name].status} {name} ({grade}): {when}", "    ")
    print("\nErrors of every operation")
    for error in every.values():
        if error.everywhere:
            _say(f"{error.status} {error.name} ({error.grade}): {error.description}", "    ")
    print(f"\nPage: {contract.page}")


def _operation(given: str) -> OperationContract:
    """Return the operation of a name, or of a method and a path. Raises CommandError."""
    from ..api import routing
    from ..api.unanswered import why_unanswered
    from ..contract.contracts import contracts, operation_named
    from ..contract.errors import Closed, MethodNotAllowed, Refusal

    method, _, path = given.partition(" ") if not given.startswith("/") else ("", "", given)
    if path.startswith(("/", "https://")):
        route = routing.route_called(path.partition("?")[0])
        try:
            return routing.match(method.upper(), route).operation.contract
        except Closed as closed:
            raise CommandError(closed.message) from None
        except MethodNotAllowed:
            methods = ", ".join(sorted(routing.methods_of(route) - {"OPTIONS"}))
            raise CommandError.of(CommandError.METHOD, given=given, methods=methods) from None
        except Refusal:
            if (why := why_unanswered(routing.route_called(path))) is not None:
                raise CommandError(f"{given} {why}") from None
            raise CommandError.of(CommandError.OPERATION, given=given) from None
    try:
        return contracts().operations[operation_named(given)]
    except ValueError:
        from .references import suggestion_for

        raise CommandError.of(CommandError.NOTHING_KNOWN, given=brief(given), hint=suggestion_for(given)) from None


def _say_parameters(properties: Mapping[str, Mapping[str, Any]], required: Collection[str], usual_grade: str) -> None:
    for name, schema in properties.items():
        mark = "required, " if name in required else ""
        grade = schema.get("x-grade", usual_grade)
        other = f", {grade}" if grade != usual_grade else ""
        words = [f": {schema['description']}"] if "description" in schema else []
        evidence = [f"Evidence: {schema['x-evidence']}"] if "x-evidence" in schema else []
        _say(f"{name} ({mark}{schema.get('title', 'anything')}{other}){' '.join([*words, *evidence])}", "    ")
        if inner := _inner(schema):
            _say_parameters({f"{name}.{each}": it for each, it in inner.items()}, (), usual_grade)


def _inner(schema: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the fields of an object, or of the objects in a list, including those of every variant."""
    from ..contract.schema_walk import variants_of

    schema = schema.get("items", schema)
    if "properties" not in schema:
        return {}
    fields = {name: each for name, each in schema["properties"].items() if each}
    for variant in variants_of(schema):
        fields |= variant.properties
    return fields


def _say(text: str, indent: str = "") -> None:
    print(textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "    " if indent else ""))


OPERATION = click.Argument(["operation"], metavar="OPERATION...", nargs=-1, required=True)
explain_help = (
    "Explain an operation (create-source, GET /sources), or a page, error, rule, status or request of a report."
)
explain_command = Command("explain", explain, [OPERATION], help=explain_help)
routes_command = Command("routes", routes, help="Print every operation: routes, callers, grade, page.")
