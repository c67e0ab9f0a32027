"""The conformance suite: the TOML files beside this one, a file for each page of docs/api.

A case is a sequence of steps, each a request and what is expected of its reply; the last one is what the case is about.
A value that a reply gives is kept under a name: `{id}` within its case, `{source.id}` elsewhere, where `source` is the
`id` of the case that gives it. So a case needs those whose values it uses, and they run before it.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_-]*(?:\.[a-z_]+)?)\}")
NOBODY, USER, PASSWORD, SECOND, SPARE = "nobody", "user", "password", "second", "spare"
SOURCE, DEAD, CLIENT = "source", "dead source", "client"
WITH, WITHOUT = "application with ", "application without "
ACTORS = (NOBODY, USER, PASSWORD, SECOND, SPARE, SOURCE, DEAD, CLIENT)
# What everybody may use besides what is kept.
CREDENTIALS = frozenset(
    ("api_token", "email", "password", "second_api_token", "spare_api_token", "access_token", "organization")
)
# Of an application without a scope the suite takes the token of this other one.
OTHER_SCOPE = {"flow": "profile", "integration": "flow", "manage": "flow", "profile": "flow"}


class NotASuite(ValueError):
    """A file of the suite says what nobody understands."""


@dataclass(frozen=True)
class Step:
    """A request, and what is expected of its reply.

    Attributes:
        call: method and path, `GET /flows/{organization}/{flow}`.
        who: who asks, of `ACTORS`, or an application with or without a scope.
        query: parameters in the URL.
        body: goes as JSON; `form` as a form, `parts` as multipart, `raw` as it is, `size` as so many bytes.
        kind: the Content-Type of `raw` and `size`.
        sends: more headers.
        expect: the status, or the name of a documented error.
        fields: JSON pointer to the value that is there.
        absent: JSON pointers where nothing is.
        has, lacks: fields of an item that the list in the reply has, or has not.
        headers: name to a pattern that is found in the value; an empty one wants the header to be missing.
        text: a pattern that is found in the body.
        keep: name to where a value is found: a JSON pointer, `text: pattern` or `Header: pattern`, with one group.
        undo: what takes back what this made, at the end.
        leaves: what this made and nothing takes back.
        operation: the name of what is asked for, where the path alone does not say it.
        wrong: whether the request is meant not to be as documented, although its reply is no error.
        unchecked: why no page says what the reply looks like.
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

    @property
    def method(self) -> str:
        """In capitals."""
        return self.call.partition(" ")[0]

    @property
    def path(self) -> str:
        """With its placeholders."""
        return self.call.partition(" ")[2]

    @property
    def names(self) -> set[str]:
        """The placeholders in it, and those that its caller stands for."""
        found = {name for text in _texts(self.__dict__) for name in PLACEHOLDER.findall(text)}
        return found | (self.undo.names if self.undo is not None else set())


@dataclass(frozen=True)
class Case:
    """A sequence of steps.

    Attributes:
        page: the page that it is about, `sources`.
        name: what it shows, in a sentence.
        id: what others call the values that it keeps; empty where none does.
        rule: the rule that it shows, as its page calls it; empty where it is about an operation.
        about: the operation or the error that it is about, by its name; that of its last step where it is empty.
        after: the ids of cases that have to run before, besides those whose values it uses.
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
        """Everybody who asks."""
        return {step.who for step in self.steps} | {step.undo.who for step in self.steps if step.undo is not None}


@dataclass(frozen=True)
class LeftOut:
    """What a page lists and the suite has no case for.

    Attributes:
        operation: its name; empty for every one.
        error: its name.
        reason: why there is no case.
    """

    operation: str
    error: str
    reason: str


@dataclass(frozen=True)
class Suite:
    """All cases, in the order of their pages."""

    cases: tuple[Case, ...]
    left_out: tuple[LeftOut, ...]

    @cached_property
    def by_id(self) -> dict[str, Case]:
        """The cases whose values others use."""
        return {case.id: case for case in self.cases if case.id}


@cache
def load() -> Suite:
    """The suite that is shipped, read once per process."""
    cases: list[Case] = []
    left_out: list[LeftOut] = []
    for path in sorted(Path(__file__).parent.glob("*.toml")):
        content = tomllib.loads(path.read_text("utf-8"))
        cases += read(path.stem, content.get("case", []))
        left_out += [LeftOut(**{"operation": "", **each}) for each in content.get("left_out", [])]
    return Suite(tuple(cases), tuple(left_out))


def read(page: str, given: list[dict[str, Any]]) -> Iterator[Case]:
    """The cases of a page, from what its file says.

    Raises:
        NotASuite: a key is not known, or a caller.
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
    """The step, or one for each of several calls."""
    if unknown := set(given) - KEYS:
        raise NotASuite(f"{given['call']} has no {', '.join(sorted(unknown))}")
    values = {RENAMED.get(name, name): value for name, value in given.items()}
    values.setdefault("who", who)
    if not (values["who"] in ACTORS or values["who"].startswith((WITH, WITHOUT))):
        raise NotASuite(f"{given['call']}: nobody is called {values['who']}")
    for name in ("absent", "parts"):
        values[name] = tuple(values.get(name, ()))
    if shadowed := CREDENTIALS.intersection(values.get("keep", {})):
        raise NotASuite(f"{given['call']} keeps what is given: {', '.join(sorted(shadowed))}")
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
