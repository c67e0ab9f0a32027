"""Run the conformance suite against a server."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from ...api.authentication import basic_header
from ...api.media_types import FORM, JSON, MULTIPART, multipart
from ...api.parameters import BODY_IS_OPTIONAL
from ...contract.findings import Findings
from .judge import Judge
from .results import DIFFERS, NOT_RUN, PASSED, Conformance, ConformanceDifference, ConformanceResult
from .senders import NoAnswer
from .suite import (
    CLIENT,
    DEAD,
    NOBODY,
    OTHER_SCOPE,
    PASSWORD,
    PLACEHOLDER,
    SCIM,
    SECOND,
    SOURCE,
    SPARE,
    USER,
    WITH,
    WITHOUT,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ...contract.findings import Finding
    from .senders import Send
    from .suite import Case, Step, Suite

SAFE = "/?=&%:+~@!$'()*,;"  # in a value in a path, which may be the rest of a URL
PLACE = "place"  # the case that creates the flow for all others, unless one is given


@dataclass(frozen=True)
class ConformanceCredentials:
    """The credentials of the suite, and its flow. `conform` describes them."""

    api_token: str = field(default="", repr=False)
    email: str = ""
    password: str = field(default="", repr=False)
    second_api_token: str = field(default="", repr=False)
    spare_api_token: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    scopes: frozenset[str] = frozenset()
    organization: str = ""
    flow: str = ""
    scim_uid: str = ""
    scim_token: str = field(default="", repr=False)


class _Missing(Exception):
    """A value that a step uses is missing."""


class ConformanceRun:
    """A run of the suite against a server.

    Args:
        suite: the cases.
        send: sends a request to the server.
        base: the URL of the server.
        credentials: of the callers.
        unique: a part of names that no other run uses.
    """

    def __init__(self, suite: Suite, send: Send, base: str, credentials: ConformanceCredentials, unique: str) -> None:
        self._suite = suite
        self._send = send
        self._credentials = credentials
        given = {name: value for name, value in vars(credentials).items() if value and name not in ("flow", "scopes")}
        self._given = {**given, "base": base.rstrip("/"), "unique": unique}
        self._kept: dict[str, dict[str, Any]] = {}
        self._results: dict[int, ConformanceResult] = {}
        self._undo: list[tuple[Step, dict[str, Any]]] = []
        self._left: list[str] = []
        self._broken = False
        self._answered = False
        if credentials.flow:
            self._kept[PLACE] = {"flow": credentials.flow}

    def conformance(self, chosen: Callable[[Case], bool]) -> Conformance:
        """Run the chosen cases, and those that they need.

        Raises:
            NoAnswer: the first request got no response.
        """
        cases = [case for case in self._suite.cases if chosen(case)]
        try:
            for case in cases:
                self._ensure(case)
        finally:
            self._tidy()
        return Conformance(tuple(self._results[id(case)] for case in cases), tuple(self._left), self._broken)

    def _ensure(self, case: Case) -> None:
        """Run a case after those that it needs, unless it was run before."""
        if id(case) not in self._results:
            reason = self._obstacle(case)
            not_run = ConformanceResult(case.name, *Judge(case).subject(), NOT_RUN, reason)
            self._results[id(case)] = not_run if reason else self._run(case)

    def _obstacle(self, case: Case) -> str:
        """Run the cases that a case needs. Return why the case itself cannot run; empty if it can."""
        if lacking := sorted(self._lacking(case)):
            scopes = sorted(self._lacking_scopes(case)) if {"email", "password"}.intersection(lacking) else ()
            instead = f", or an access_token with {' and '.join(scopes)}" if scopes else ""
            return f"needs {', '.join(lacking)}{instead}"
        for name in sorted(self._needed(case)):
            needed = self._suite.by_id[name]
            self._ensure(needed)
            if not self._used(case).get(name, set()) <= self._kept.get(name, {}).keys():
                self._broken = True
                return f"needs a value from another case: {needed.name}"
        return ""

    def _names(self, case: Case) -> set[str]:
        """Return the names of the values that a case uses."""
        return case.names.union(*(self._names_of(actor) for actor in case.actors))

    def _needed(self, case: Case) -> set[str]:
        """Return the ids of the cases that a case needs."""
        needed = {*self._used(case), *case.after}
        return needed - {PLACE} if self._credentials.flow else needed

    def _used(self, case: Case) -> dict[str, set[str]]:
        """Return the values of other cases that a case uses, by their ids."""
        used: dict[str, set[str]] = {}
        for name in self._names(case):
            giver, dot, inner = name.partition(".")
            if dot:
                used.setdefault(giver, set()).add(inner)
        return used

    def _lacking(self, case: Case) -> set[str]:
        """Return the missing credentials of a case and of those that it needs."""
        own = {name for name in self._names(case) if "." not in name} - {*self._given}
        return own.union(*(self._lacking(self._suite.by_id[needed]) for needed in self._needed(case)))

    def _lacking_scopes(self, case: Case) -> set[str]:
        """Return the missing scopes of a case and of those that it needs."""
        missing = (actor for actor in case.actors if actor.startswith(WITH) and not self._is_given(actor))
        scopes = {actor.removeprefix(WITH) for actor in missing}
        return scopes.union(*(self._lacking_scopes(self._suite.by_id[name]) for name in self._needed(case)))

    def _names_of(self, actor: str) -> set[str]:
        """Return the names of the values that authenticate an actor, given or kept by a case."""
        if actor.startswith((WITH, WITHOUT)):
            return set() if self._is_given(actor) else {f"token-{_scope_of(actor)}.token"}
        return {
            NOBODY: set(),
            USER: {"api_token"},
            PASSWORD: {"email", "password"},
            SECOND: {"second_api_token"},
            SPARE: {"spare_api_token"},
            SCIM: {"scim_token"},
            SOURCE: {"source.flow_token"},
            DEAD: {"dead.flow_token"},
            CLIENT: {"application.client_id", "application.client_secret"},
        }[actor]

    def _is_given(self, actor: str) -> bool:
        """Return whether the given access token suits an actor."""
        has = actor.rpartition(" ")[2] in self._credentials.scopes
        return bool(self._credentials.access_token) and has == actor.startswith(WITH)

    def _run(self, case: Case) -> ConformanceResult:
        judge, local = Judge(case), dict[str, Any]()
        differences: list[ConformanceDifference] = []
        warnings: list[Finding] = []
        for number, step in enumerate(case.steps, 1):
            try:
                filled, request = self._filled(step, local), self._request(step, local)
            except _Missing:
                break  # an earlier step should have provided it, and its difference is reported
            try:
                reply = self._send(*request, records=step.records)
            except NoAnswer as error:
                if not self._answered:
                    raise
                differences.append(judge.unanswered(number, step, str(error)))
                break
            self._answered = True
            judged = judge.judge(number, step, filled, request, reply)
            differences += judged.differences
            warnings += judged.warnings
            local |= judged.kept
            if 200 <= reply[0] < 400:
                if step.undo is not None:
                    self._undo.append((step.undo, dict(local)))
                if step.leaves:
                    self._left.append(step.leaves)
        if case.id and not (case.id == PLACE and self._credentials.flow):
            self._kept[case.id] = local
        outcome = DIFFERS if differences else PASSED
        return ConformanceResult(case.name, *judge.subject(), outcome, "", tuple(differences), Findings(warnings))

    def _tidy(self) -> None:
        """Delete everything that was created, in reverse order."""
        for step, local in reversed(self._undo):
            try:
                status, _, _ = self._send(*self._request(step, local))
            except (_Missing, NoAnswer):
                status = 0
            if not (200 <= status < 300 or status in (404, 410)):
                self._left.append(f"the target of {step.call}")

    # Requests

    def _request(self, step: Step, local: Mapping[str, Any]) -> tuple[str, str, dict[str, str], bytes]:
        """Return method, path, headers and body."""
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
        if who == SCIM:
            return f"Bearer {self._value('scim_token', local)}"
        if who == CLIENT:
            names = "application.client_id", "application.client_secret"
            return basic_header(":".join(self._value(name, local) for name in names))
        if self._is_given(who):
            return f"Bearer {self._credentials.access_token}"
        return f"Bearer {self._value(f'token-{_scope_of(who)}.token', local)}"

    def _filled(self, step: Step, local: Mapping[str, Any]) -> dict[str, Any]:
        """Return the expectation, with the values that are known before the request."""
        return {name: self._fill(getattr(step, name), local) for name in ("fields", "has", "lacks", "headers", "text")}

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
    """Return the scope of the token of an application with a scope, or without it."""
    scope = actor.rpartition(" ")[2]
    return scope if actor.startswith(WITH) else OTHER_SCOPE[scope]


def choice(pattern: str | None) -> Callable[[Case], bool]:
    """Return a filter of cases by a part of their page or name, ignoring case; `*` is any text."""
    if not pattern:
        return lambda _: True
    first, *others = map(re.escape, pattern.split("*"))
    wanted = re.compile(first + "".join(f"(?>.*?{each})" for each in others), re.IGNORECASE)  # no backtracking
    return lambda case: wanted.search(f"{Judge(case).subject()[0]} {case.name}") is not None
