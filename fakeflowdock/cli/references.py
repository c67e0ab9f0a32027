"""Explain what reports refer to: sections of the documentation, errors and rules."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from .errors import CommandError

if TYPE_CHECKING:
    from ..contract.contracts import ErrorContract, OperationContract

WIDTH = 100
PAGE = re.compile(r"(docs/[a-z]+/[a-z-]+\.md)(?:#([A-Za-z0-9_-]+))?")
HEADING = re.compile(r"(#+) +(.+?)\s*$")


def explain_reference(given: str) -> OperationContract | None:
    """Print what a reference stands for, or return the operation that it stands for.

    Args:
        given: a page, an error or a rule, possibly inside a line of a report.

    Raises:
        CommandError: the page has no such section.
        LookupError: it is no reference.
    """
    from ..contract.contracts import contracts

    every = contracts()
    if (page := PAGE.search(given)) is not None:
        for operation in every.operations.values():
            if operation.page == page[0]:
                return operation
        for error in (*every.errors.values(), *every.refusals.values()):
            if error.page == page[0]:
                _print_error(error)
                return None
        _print_section(page[1], page[2])
        return None
    if (rule := re.search(r"\b(?:request|reply)\.[a-z.-]*[a-z]", given)) is not None:
        _print_rule(rule[0])
        return None
    name = re.sub(r"[^a-z0-9]+", "-", given.lower()).strip("-")
    if (known := every.errors.get(name) or every.refusals.get(name)) is not None:
        _print_error(known)
        return None
    raise LookupError


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
    """Print a section as it is written, up to the next heading of its level or a higher one."""
    from ..contract.package_files import content
    from ..suggestions import did_you_mean, nearest

    for folder in ("", "../"):
        try:
            lines = content(f"{folder}{page}").splitlines()
            break
        except OSError:
            continue
    else:
        raise CommandError.of(CommandError.PAGE, page=page)
    found: dict[str, tuple[int, int]] = {}
    code = False
    for number, line in enumerate(lines):
        code ^= line.startswith("```")
        if not code and (heading := HEADING.match(line)) is not None:
            found.setdefault(_anchor_of(heading[2]), (number, len(heading[1])))
    if anchor is not None and anchor not in found:
        hint = did_you_mean(nearest(anchor, found), f": it has {', '.join(found)}")
        raise CommandError.of(CommandError.SECTION, page=page, anchor=anchor, hint=hint)
    start, level = (0, 0) if anchor is None else found[anchor]
    end = min((at for at, inner in found.values() if at > start and inner <= level), default=len(lines))
    print("\n".join(lines[start:end]).strip())


def _anchor_of(title: str) -> str:
    """Return the anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
