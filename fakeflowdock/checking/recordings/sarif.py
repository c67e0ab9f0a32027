"""Reports as SARIF 2.1.0, with the place of each exchange in its file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ...contract.documentation import address_of, linked, sections_of
from ...contract.findings import RULES, VIOLATION
from ...version import __version__
from .reports import Report

if TYPE_CHECKING:
    from ...contract.findings import Finding
    from .checker import CheckedExchange
    from .entries import Skipped
    from .reports import Summary, Write

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
NOTES = 1_000  # notifications, which are collected until the end
RULES_PAGE = "docs/guide/contract.md#rules"
# The pages of rules that belong to no single operation.
HELP = {
    "request.path": "errors#no-such-route",
    "request.path.unanswered": "errors#no-such-route",
    "request.method": "errors#method-not-allowed",
    "request.unreadable": "errors#unreadable",
    "request.too-large": "errors#too-large",
    "request.credentials.missing": "errors#unauthorized",
    "request.route.obsolete": "general-information#paths",
    "reply.cors": "general-information#cross-origin-requests",
    "reply.status-header.missing": "general-information#headers",
    "reply.status-header.wrong": "general-information#headers",
    "reply.flowdock-user.missing": "general-information#headers",
}


class Sarif(Report):
    """A report as a run, with a result for each finding."""

    _separator = ""

    def __init__(self, write: Write, **more: Any) -> None:
        super().__init__(write, **more)
        self._notes: list[dict[str, Any]] = []
        self._left_out = 0
        self._numbers = {name: number for number, name in enumerate(RULES)}
        driver = {
            "name": "fakeflowdock",
            "version": __version__,
            "semanticVersion": __version__,
            "rules": [_rule(name, self._docs) for name in RULES],
        }
        head = {"$schema": SCHEMA, "version": "2.1.0"}
        run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints"}
        write(f'{json.dumps(head)[:-1]}, "runs": [{json.dumps(run)[:-1]}, "results": [')

    def add(self, exchange: CheckedExchange) -> None:
        """Write a result for each finding."""
        for found in exchange.findings:
            self._write(f"{self._separator}\n{json.dumps(self._result(exchange, found))}")
            self._separator = ","
        for what in exchange.not_checked:
            self._note(exchange, f"{exchange.summary}: not checked: {what}")

    def skip(self, entry: Skipped) -> None:
        """Note that an entry was not checked."""
        self._note(entry, f"entry {entry.number} was not checked: {entry.reason}")

    def _note(self, at: CheckedExchange | Skipped, text: str) -> None:
        if len(self._notes) == NOTES:
            self._left_out += 1
            return
        self._notes.append({"level": "note", "message": {"text": text}, "locations": [_place(at)]})

    def _result(self, exchange: CheckedExchange, found: Finding) -> dict[str, Any]:
        place = {
            **_place(exchange),
            "logicalLocations": [
                {"name": f"{exchange.number}", "fullyQualifiedName": f"{exchange.number} {exchange.summary}"}
            ],
        }
        shown = found.as_json()
        same = "\n".join((found.rule, str(found.operation), found.where, found.pointer, str(exchange.number)))
        return {
            "ruleId": found.rule,
            "ruleIndex": self._numbers[found.rule],
            "level": "error" if found.severity == VIOLATION else "warning",
            "message": {"text": linked(f"{exchange.summary}: {found}", self._docs)},
            "locations": [place],
            "partialFingerprints": {"fakeflowdock/v1": hashlib.sha256(same.encode("utf-8", "replace")).hexdigest()},
            "properties": {
                name: shown[name] for name in ("operation", "where", "pointer", "actual", "expected", "grade")
            }
            | {"page": found.page, **({"pageUri": address_of(found.page, self._docs)} if self._docs else {})},
        }

    def end(self, summary: Summary) -> None:  # noqa: ARG002  # SARIF has no place for it
        """Write the end of the run."""
        if self._left_out:
            self._notes.append({"level": "note", "message": {"text": f"{self._left_out:,} more were not checked"}})
        invocation = {"executionSuccessful": True, "toolExecutionNotifications": self._notes}
        self._write(f'\n], "invocations": [{json.dumps(invocation)}]}}]}}\n')


def _place(at: CheckedExchange | Skipped) -> dict[str, Any]:
    return {
        "physicalLocation": {"artifactLocation": {"uri": _uri(at.file)}, "region": {"startLine": at.line}},
    }


def _rule(name: str, docs: str) -> dict[str, Any]:
    """Return a rule with the section that explains it, and its URL if there is one."""
    rule, (page, _, anchor) = RULES[name], HELP.get(name, "general-information#parameters").partition("#")
    about = f"{rule.message} {linked(RULES_PAGE, docs)} has all rules; each result names the page that it is about."
    return {
        "id": name,
        "shortDescription": {"text": rule.message},
        **({"helpUri": address_of(f"docs/api/{page}.md#{anchor}", docs)} if docs else {}),
        "help": {"text": about, "markdown": f"{about}\n\n{sections_of(f'docs/api/{page}.md')[anchor]}"},
        "defaultConfiguration": {"level": "error" if rule.severity == VIOLATION else "warning"},
    }


def _uri(name: str) -> str:
    """Return the URI of a file, relative to the working directory if it is inside: other checkouts have it too."""
    path = Path(name)
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
