"""Explain what reports refer to: sections of the documentation, errors and rules."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from .errors import CommandError

if TYPE_CHECKING:
    from ..contract.contracts import ErrorContract, OperationContract

WIDTH = 100


def explain_reference(given: str) -> OperationContract | None:
    """Print what a reference stands for, or return the operation that it stands for.

    Args:
        given: a page, an error or a rule, possibly inside a line of a report; or a status.

    Raises:
        CommandError: the page has no such section, or nothing has the status.
        LookupError: it is no reference.
    """
    from ..contract.contracts import contracts
    from ..contract.documentation import PAGE

    every = contracts()
    if (found := PAGE.search(given)) is not None:
        page, anchor = f"{found[1]}.md", found[2]
        for operation in every.operations.values():
            if operation.page == f"{page}#{anchor}":
                return operation
        for error in (*every.errors.values(), *every.refusals.values()):
            if error.page == f"{page}#{anchor}":
                _print_error(error)
                return None
        _print_section(page, anchor)
        return None
    if (rule := re.search(r"\b(?:request|reply)\.[a-z.-]*[a-z]", given)) is not None:
        _print_rule(rule[0])
        return None
    if re.fullmatch("[1-5][0-9][0-9]", given) is not None:
        _print_status(int(given))
        return None
    name = re.sub(r"[^a-z0-9]+", "-", given.lower()).strip("-")
    if (known := every.errors.get(name) or every.refusals.get(name)) is not None:
        _print_error(known)
        return None
    raise LookupError


def suggestion_for(given: str) -> str:
    """Return the end of the error for a reference that stands for nothing: the closest name, or where names are."""
    from ..contract.contracts import contracts
    from ..contract.findings import RULES
    from ..suggestions import did_you_mean, nearest

    every, name = contracts(), re.sub(r"[^a-z0-9.]+", "-", given.lower()).strip("-")
    known = [*every.operations, *every.errors, *every.refusals, *RULES]
    near = nearest(name, known) or next((each for each in known if len(name) > 3 and name in each.split("-")), None)
    return did_you_mean(near, ": python -m fakeflowdock routes lists the operations")


def _print_status(status: int) -> None:
    """Print the errors with a status, and the operations that have a response with it."""
    from ..contract.contracts import contracts

    every = contracts()
    errors = [each for each in (*every.errors.values(), *every.refusals.values()) if each.status == status]
    answering = [each for each in every.operations.values() if status in each.replies]
    if not (errors or answering):
        known = {each.status for each in every.errors.values()}
        known |= {each for operation in every.operations.values() for each in operation.replies}
        raise CommandError.of(CommandError.STATUS, status=status, known=", ".join(map(str, sorted(known))))
    if answering:
        print(textwrap.fill(f"{status}: a response of {', '.join(each.name for each in answering)}", WIDTH))
    for number, error in enumerate(errors):
        print("\n" * bool(number or answering), end="")
        _print_error(error)


def _print_error(error: ErrorContract) -> None:
    print(f"{error.name}: an error with the status {error.status}\n")
    print(textwrap.fill(error.description, WIDTH))
    print(f"\nGrade: {error.grade}. Evidence: {error.evidence}")
    print(f"Page: {error.page}")


def _print_rule(name: str) -> None:
    from ..contract.findings import RULES, WARNING
    from ..suggestions import did_you_mean, nearest

    rule = RULES.get(name)
    if rule is None:
        raise CommandError.of(CommandError.RULE, name=name, hint=did_you_mean(nearest(name, RULES)))
    severity = f"{rule.severity}{', a violation where strict' if rule.severity == WARNING and rule.strict else ''}"
    print(f"{name}: {severity}\n\n{rule.message}\n")
    print(f'Ignore it: FakeFlowdock(strict={{"{name}": "ignore"}})\nPage: docs/guide/contract.md#rules')


def _print_section(page: str, anchor: str | None) -> None:
    """Print a section as it is written, or a whole page."""
    from ..contract.documentation import sections_of, text_of
    from ..suggestions import did_you_mean, nearest

    try:
        sections = sections_of(page)
    except OSError:
        raise CommandError.of(CommandError.PAGE, page=page) from None
    if anchor is not None and anchor not in sections:
        hint = did_you_mean(nearest(anchor, sections), f": it has {', '.join(sections)}")
        raise CommandError.of(CommandError.SECTION, page=page, anchor=anchor, hint=hint)
    print(text_of(page).strip() if anchor is None else sections[anchor])
