"""The conformance suite: the TOML files in this folder, one for each page of docs/api.

A case is a sequence of steps, each a request and the expected response. The last step is the subject of the case.
Values of a response are kept under a name: `{id}` within the case, `{source.id}` elsewhere, where `source` is the `id`
of the case. A case that uses values of other cases runs after them.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import NotASuite

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_-]*(?:\.[a-z_]+)?)\}")
NOBODY, USER, PASSWORD, SECOND, SPARE, SCIM = "nobody", "user", "password", "second", "spare", "scim"
SOURCE, DEAD, CLIENT = "source", "dead source", "client"
WITH, WITHOUT = "application with ", "application without "
ACTORS = (NOBODY, USER, PASSWORD, SECOND, SPARE, SCIM, SOURCE, DEAD, CLIENT)
# Available to all cases, in addition to kept values.
CREDENTIALS = frozenset(
    (
        *("api_token", "email", "password", "second_api_token", "spare_api_token", "access_token", "organization"),
        *("scim_uid", "scim_token"),
    )
)
# The token for "without" a scope has this other scope.
OTHER_SCOPE = {"flow": "profile", "integration": "flow", "manage": "flow", "private": "flow", "profile": "flow"}


@dataclass(frozen=True)
class Step:
    """A request, and the expected response.

    Attributes:
        call: method and path, `GET /flows/{organization}/{flow}`.
        who: the caller, one of `ACTORS`, or an application with or without a scope.
        query: parameters in the URL.
        body: sent as JSON; `form` as a form, `parts` as multipart, `raw` unchanged, `size` as that many bytes.
        kind: the Content-Type of `raw` and `size`.
        sends: additional headers.
        expect: the status, or the name of a documented error.
        fields: expected values by JSON pointer.
        absent: JSON pointers without a value.
        has, lacks: fields of an item that the list in the response contains, or does not.
        headers: patterns by name; an empty one requires the header to be missing.
        text: a pattern in the body.
        keep: places of values by name: a JSON pointer, `text: pattern` or `Header: pattern`, with one group.
        undo: a step that deletes what this one created, at the end.
        leaves: what this step created and nothing deletes.
        operation: its name, if the path alone is ambiguous.
        wrong: whether the request violates the contract on purpose, although the response is not an error.
        unchecked: why no page describes the response.
        records: how many records of a stream are read, before the client leaves.
    """

    call: str
    who: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    form: Mapping[str, Any] | None = None
    parts: tuple[Mapping[str, str], ...] = ()
    raw: str | None = None
    size: int = 0
    kind: str = ""
    sends: Mapping[str, str] = field(default_factory=dict)
    expect: int | str = 200
    fields: Mapping[str, Any] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    has: Mapping[str, Any] = field(default_factory=dict)
    lacks: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    keep: Mapping[str, str] = field(default_factory=dict)
    undo: Step | None = None
    leaves: str = ""
    operation: str = ""
    wrong: bool = False
    unchecked: str = ""
    records: int | None = None

    @property
    def method(self) -> str:
        """The method, in capitals."""
        return self.call.partition(" ")[0]

    @property
    def path(self) -> str:
        """The path, with placeholders."""
        return self.call.partition(" ")[2]

    @property
    def names(self) -> set[str]:
        """The placeholders in it."""
        found = {name for text in _texts(self.__dict__) for name in PLACEHOLDER.findall(text)}
        return found | (self.undo.names if self.undo is not None else set())


@dataclass(frozen=True)
class Case:
    """A sequence of steps.

    Attributes:
        page: that it tests, such as `sources`.
        name: the tested behavior, as a sentence.
        id: the prefix of its values in other cases; empty if none uses them.
        rule: the tested rule, by its name on the page; empty for an operation.
        about: the tested operation or error, by its name; by default that of the last step.
        after: ids of cases that run before, in addition to those whose values it uses.
    """

    page: str
    name: str
    steps: tuple[Step, ...]
    id: str = ""
    rule: str = ""
    about: str = ""
    after: tuple[str, ...] = ()

    @cached_property
    def names(self) -> set[str]:
        """The values that it uses and does not keep itself."""
        own = {name for step in self.steps for name in step.keep}
        return {name for step in self.steps for name in step.names} - own

    @cached_property
    def actors(self) -> set[str]:
        """All callers."""
        return {step.who for step in self.steps} | {step.undo.who for step in self.steps if step.undo is not None}


@dataclass(frozen=True)
class LeftOut:
    """A documented error without a case.

    Attributes:
        error: its name.
        reason: why there is no case.
        operation: its name; empty for all operations.
    """

    error: str
    reason: str
    operation: str = ""


@dataclass(frozen=True)
class Suite:
    """All cases, in the order of their pages."""

    cases: tuple[Case, ...]
    left_out: tuple[LeftOut, ...]

    @cached_property
    def by_id(self) -> dict[str, Case]:
        """The cases with an id."""
        return {case.id: case for case in self.cases if case.id}


@cache
def load() -> Suite:
    """Return the suite, which is read once per process."""
    cases: list[Case] = []
    left_out: list[LeftOut] = []
    for path in sorted(Path(__file__).parent.glob("*.toml")):
        content = tomllib.loads(path.read_text("utf-8"))
        cases += read(path.stem, content.get("case", []))
        left_out += [LeftOut(**each) for each in content.get("left_out", [])]
    return Suite(tuple(cases), tuple(left_out))


def read(page: str, given: list[dict[str, Any]]) -> Iterator[Case]:
    """Yield the cases of a page, from the content of its file.

    Raises:
        NotASuite: a key or a caller is unknown.
    """
    for each in given:
        case = dict(each)
        who = case.pop("as", USER)
        steps = tuple(step for step in case.pop("steps") for step in _steps(step, who))
        try:
            yield Case(page, steps=steps, after=tuple(case.pop("after", ())), **case)
        except TypeError as error:
            raise NotASuite(f"{page}, {each['name']}: {error}") from None


RENAMED = {"as": "who", "type": "kind", "with": "sends"}
KEYS = {each.name for each in fields(Step)} - set(RENAMED.values()) | set(RENAMED)


def _steps(given: dict[str, Any], who: str) -> Iterator[Step]:
    """Yield a step for each call."""
    if unknown := set(given) - KEYS:
        raise NotASuite.of(NotASuite.KEY, call=given["call"], unknown=", ".join(sorted(unknown)))
    values = {RENAMED.get(name, name): value for name, value in given.items()}
    values.setdefault("who", who)
    if not (values["who"] in ACTORS or values["who"].startswith((WITH, WITHOUT))):
        raise NotASuite.of(NotASuite.CALLER, call=given["call"], given=values["who"])
    for name in ("absent", "parts"):
        values[name] = tuple(values.get(name, ()))
    if shadowed := CREDENTIALS.intersection(values.get("keep", {})):
        raise NotASuite.of(NotASuite.SHADOWED, call=given["call"], names=", ".join(sorted(shadowed)))
    if "undo" in values:
        [values["undo"]] = _steps({"expect": 0, **values["undo"]}, values["who"])
    calls = values.pop("call")
    for call in [calls] if isinstance(calls, str) else calls:
        yield Step(call=call, **values)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            if name != "keep":
                yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
