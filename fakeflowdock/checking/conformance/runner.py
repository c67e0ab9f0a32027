"""Runs the conformance suite against a server."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from ...api.authentication import basic_header
from ...api.media_types import FORM, JSON, MULTIPART, multipart
from ...api.parameters import BODY_IS_OPTIONAL
from ...contract.findings import Findings
from .judge import Judge
from .results import DIFFERS, NOT_RUN, PASSED, Conformance, ConformanceDifference, ConformanceResult
from .senders import NoAnswer
from .suite import CLIENT, DEAD, NOBODY, OTHER_SCOPE, PASSWORD, PLACEHOLDER, SECOND, SOURCE, SPARE, USER, WITH, WITHOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ...contract.findings import Finding
    from .senders import Send
    from .suite import Case, Step, Suite

SAFE = "/?=&%:+~@!$'()*,;"  # of a value in a path, which may be the rest of an address
PLACE = "place"  # the case that makes the flow in which all others play, where none was given


@dataclass(frozen=True)
class ConformanceCredentials:
    """Whom the suite may be, and where. What is missing is the reason why cases are not run.

    Attributes:
        api_token: of a user who is a member of the flow and administers its organization.
        email, password: of the same user.
        second_api_token: of a user of the organization who does not administer it.
        spare_api_token: of a user who may be removed from the organization for good.
        access_token: of an application, for the first user; `scopes` are its own.
        organization, flow: where the suite makes things, by their names in URLs.
    """

    api_token: str = field(default="", repr=False)
    email: str = ""
    password: str = field(default="", repr=False)
    second_api_token: str = field(default="", repr=False)
    spare_api_token: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    scopes: frozenset[str] = frozenset()
    organization: str = ""
    flow: str = ""


class _Missing(Exception):
    """A value that a step uses was not given."""


class ConformanceRun:
    """The suite on its way through a server.

    Args:
        suite: the cases.
        send: the way to the server.
        base: scheme, host and path before all others, as the server is called.
        credentials: whom the suite may be.
        unique: what no other run calls its things.
    """

    def __init__(self, suite: Suite, send: Send, base: str, credentials: ConformanceCredentials, unique: str) -> None:
        self._suite = suite
        self._send = send
        self._credentials = credentials
        given = {
            each.name: getattr(credentials, each.name) for each in fields(ConformanceCredentials) if each.name != "flow"
        }
        self._given = {name: value for name, value in given.items() if value and isinstance(value, str)}
        self._given |= {"base": base.rstrip("/"), "unique": unique}
        self._kept: dict[str, dict[str, Any]] = {}
        self._results: dict[int, ConformanceResult] = {}
        self._undo: list[tuple[Step, dict[str, Any]]] = []
        self._left: list[str] = []
        self._broken = False
        self._answered = False
        if credentials.flow:
            self._kept[PLACE] = {"flow": credentials.flow}

    def conformance(self, chosen: Callable[[Case], bool]) -> Conformance:
        """ConformanceRun the cases that are chosen, and what they need.

        Raises:
            NoAnswer: the very first request was not answered.
        """
        cases = [case for case in self._suite.cases if chosen(case)]
        try:
            for case in cases:
                self._ensure(case)
        finally:
            self._tidy()
        return Conformance(tuple(self._results[id(case)] for case in cases), tuple(self._left), self._broken)

    def _ensure(self, case: Case) -> None:
        """ConformanceRun a case, after those that it needs, unless it was run before."""
        if id(case) in self._results:
            return
        if lacking := sorted(self._lacking(case)):
            scopes = sorted(self._lacking_scopes(case)) if {"email", "password"}.intersection(lacking) else ()
            instead = f", or an access_token with {' and '.join(scopes)}" if scopes else ""
            self._results[id(case)] = self._not_run(case, f"needs {', '.join(lacking)}{instead}")
            return
        for name in sorted(self._needed(case)):
            needed = self._suite.by_id[name]
            self._ensure(needed)
            if any(used not in self._kept.get(name, {}) for used in self._used(case).get(name, ())):
                self._broken = True
                self._results[id(case)] = self._not_run(case, f"needs what another case should give: {needed.name}")
                return
        self._results[id(case)] = self._run(case)

    def _not_run(self, case: Case, reason: str) -> ConformanceResult:
        page, grade = Judge(case).subject()
        return ConformanceResult(case.name, page, grade, NOT_RUN, reason)

    def _needed(self, case: Case) -> set[str]:
        """The ids of the cases that have to run before it."""
        needed = {*self._used(case), *case.after}
        return needed - {PLACE} if self._credentials.flow else needed

    def _used(self, case: Case) -> dict[str, set[str]]:
        """The values of other cases that it uses, by their ids."""
        used: dict[str, set[str]] = {}
        for name in case.names.union(*(self._names_of(actor) for actor in case.actors)):
            giver, dot, inner = name.partition(".")
            if dot:
                used.setdefault(giver, set()).add(inner)
        return used

    def _lacking(self, case: Case) -> set[str]:
        """The credentials that a case, and what it needs, would need besides."""
        names = {name for name in case.names if "." not in name} - {*self._given}
        for actor in case.actors:
            names |= {name for name in self._names_of(actor) if "." not in name} - {*self._given}
        for needed in self._needed(case):
            names |= self._lacking(self._suite.by_id[needed])
        return names

    def _lacking_scopes(self, case: Case) -> set[str]:
        """The scopes of access tokens that a case, and what it needs, would have to be given."""
        asked = (actor for actor in case.actors if actor.startswith(WITH) and not self._is_given(actor))
        scopes = {actor.removeprefix(WITH) for actor in asked}
        return scopes.union(*(self._lacking_scopes(self._suite.by_id[name]) for name in self._needed(case)))

    def _names_of(self, actor: str) -> set[str]:
        """The values that an actor shows, of those that are given or of those that cases keep."""
        if actor.startswith((WITH, WITHOUT)):
            return set() if self._is_given(actor) else {f"token-{_scope_of(actor)}.token"}
        return {
            NOBODY: set(),
            USER: {"api_token"},
            PASSWORD: {"email", "password"},
            SECOND: {"second_api_token"},
            SPARE: {"spare_api_token"},
            SOURCE: {"source.flow_token"},
            DEAD: {"dead.flow_token"},
            CLIENT: {"application.client_id", "application.client_secret"},
        }[actor]

    def _is_given(self, actor: str) -> bool:
        """Whether the access token that was given is good for this."""
        has = actor.rpartition(" ")[2] in self._credentials.scopes
        return bool(self._credentials.access_token) and has == actor.startswith(WITH)

    def _run(self, case: Case) -> ConformanceResult:
        judge, local = Judge(case), dict[str, Any]()
        differences: list[ConformanceDifference] = []
        warnings: list[Finding] = []
        for number, step in enumerate(case.steps, 1):
            try:
                filled = self._filled(step, local)
                method, path, headers, body = self._request(step, local)
            except _Missing:
                break  # an earlier step should have given it, and has said so
            try:
                status, came, content = self._send(method, path, headers, body)
            except NoAnswer as error:
                if not self._answered:
                    raise
                differences.append(judge.unanswered(number, step, str(error)))
                break
            self._answered = True
            judged = judge.judge(number, step, filled, (method, path, headers, body), (status, came, content))
            differences += judged.differences
            warnings += judged.warnings
            local |= judged.kept
            if 200 <= status < 400:
                if step.undo is not None:
                    self._undo.append((step.undo, dict(local)))
                if step.leaves:
                    self._left.append(step.leaves)
        if case.id and not (case.id == PLACE and self._credentials.flow):
            self._kept[case.id] = local
        page, grade = judge.subject()
        outcome = DIFFERS if differences else PASSED
        return ConformanceResult(case.name, page, grade, outcome, "", tuple(differences), Findings(warnings))

    def _tidy(self) -> None:
        """Take away what was made, the last thing first. What is gone already is none the worse for it."""
        while self._undo:
            step, local = self._undo.pop()
            try:
                status, _, _ = self._send(*self._request(step, local))
            except (_Missing, NoAnswer):
                status = 0
            if not (200 <= status < 300 or status in (404, 410)):
                self._left.append(f"what {step.call} should have taken away")

    # A step as a request

    def _request(self, step: Step, local: Mapping[str, Any]) -> tuple[str, str, dict[str, str], bytes]:
        """Method, path, headers and body."""
        query, body = dict(self._fill(step.query, local)), self._fill(step.body, local)
        headers: dict[str, str] = {"Accept": JSON}
        if step.who in (SOURCE, DEAD):
            flow_token = self._value(f"{'source' if step.who == SOURCE else 'dead'}.flow_token", local)
            if step.method in BODY_IS_OPTIONAL:
                query["flow_token"] = flow_token
            else:
                body = {**(body or {}), "flow_token": flow_token}
        elif step.who != NOBODY:
            headers["Authorization"] = self._authorization(step.who, local)
        kind, content = "", b""
        if step.raw is not None or step.size:
            kind, content = step.kind, str(self._fill(step.raw or "", local)).encode() or b" " * step.size
        elif step.form is not None:
            kind, content = FORM, urlencode(self._fill(step.form, local), doseq=True).encode()
        elif step.parts:
            parts = self._fill(step.parts, local)
            kind = MULTIPART
            content = multipart((part["name"], part.get("file"), part.get("type"), part["value"]) for part in parts)
        elif body is not None:
            kind, content = JSON, json.dumps(body).encode()
        if kind:
            headers["Content-Type"] = kind
        headers |= self._fill(step.sends, local)
        path = PLACEHOLDER.sub(lambda found: quote(str(self._value(found[1], local)), safe=SAFE), step.path)
        if query:
            path += ("&" if "?" in path else "?") + urlencode(query, doseq=True)
        return step.method, path, headers, content

    def _authorization(self, who: str, local: Mapping[str, Any]) -> str:
        if who == PASSWORD:
            return basic_header(f"{self._value('email', local)}:{self._value('password', local)}")
        if who in (USER, SECOND, SPARE):
            [name] = self._names_of(who)
            return basic_header(f"{self._value(name, local)}:")
        if who == CLIENT:
            return basic_header(
                ":".join(self._value(f"application.{name}", local) for name in ("client_id", "client_secret"))
            )
        if self._is_given(who):
            return f"Bearer {self._credentials.access_token}"
        return f"Bearer {self._value(f'token-{_scope_of(who)}.token', local)}"

    def _filled(self, step: Step, local: Mapping[str, Any]) -> dict[str, Any]:
        """What is expected, with the values that are known before the request."""
        expected = {"fields": step.fields, "has": step.has, "lacks": step.lacks, "headers": step.headers}
        filled = {name: self._fill(value, local) for name, value in expected.items()}
        return {**filled, "text": self._fill(step.text, local)}

    def _fill(self, value: Any, local: Mapping[str, Any]) -> Any:
        if isinstance(value, str):
            if whole := PLACEHOLDER.fullmatch(value):
                return self._value(whole[1], local)
            return PLACEHOLDER.sub(lambda found: str(self._value(found[1], local)), value)
        if isinstance(value, dict):
            return {name: self._fill(item, local) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._fill(item, local) for item in value]
        return value

    def _value(self, name: str, local: Mapping[str, Any]) -> Any:
        case, dot, inner = name.partition(".")
        values = self._kept.get(case, {}) if dot else {**self._given, **local}
        if (inner if dot else name) not in values:
            raise _Missing(name)
        return values[inner if dot else name]


def _scope_of(actor: str) -> str:
    """The scope that the token of an application has, which is with or without another."""
    scope = actor.rpartition(" ")[2]
    return scope if actor.startswith(WITH) else OTHER_SCOPE[scope]


def choice(pattern: str | None) -> Callable[[Case], bool]:
    """Whether a case is meant: its name or its page, with `*` for anything, or a part of either, in whichever case."""
    if not pattern:
        return lambda _: True
    wanted = re.compile(".*".join(map(re.escape, pattern.split("*"))), re.IGNORECASE)
    return lambda case: wanted.search(f"{Judge(case).subject()[0]} {case.name}") is not None
