"""`python -m fakeflowdock routes` and `explain`: the operations, and the contract of one."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

import click

from .command import Command
from .options import CommandError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from types import SimpleNamespace

    from ..contract.contracts import OperationContract

WIDTH = 100


def routes(options: SimpleNamespace) -> None:
    """The command `routes`."""
    from ..contract.contracts import contracts

    for contract in contracts().operations.values():
        print(contract.name)
        for method, path, obsolete in contract.routes:
            print(f"    {method} {path}{' (obsolete)' if obsolete else ''}")
        print(f"    callers: {_callers(contract)}")
        print(f"    {contract.grade}, {contract.page}")


def _callers(contract: OperationContract) -> str:
    scope = f", whose access token has the scope {contract.scope}" if contract.scope else ""
    return ", ".join(contract.callers) + scope


def explain(options: SimpleNamespace) -> None:
    """The command `explain`.

    Raises:
        CommandError: there is no such operation.
    """
    from ..contract.contracts import contracts

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
        CommandError: there is none.
    """
    from ..api import routing
    from ..contract.contracts import contracts, operation_named
    from ..contract.errors import Refusal

    method, _, path = asked.partition(" ")
    if path.startswith("/"):
        try:
            return routing.match(method.upper(), routing.normal(path)).operation.contract
        except Refusal:
            raise CommandError(f"there is no operation at {asked}; python -m fakeflowdock routes lists them") from None
    try:
        return contracts().operations[operation_named(asked)]
    except ValueError as error:
        raise CommandError(
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
explain_help = "Print the contract of an operation: create-source, or GET /sources."
explain_command = Command("explain", explain, [OPERATION], help=explain_help)
routes_command = Command("routes", routes, help="Print every operation: routes, callers, grade, page.")
