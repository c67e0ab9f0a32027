"""Read seeds from files: YAML, JSON or TOML."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.json_pointer import steps_of
from . import serialization
from .errors import SeedError
from .seeds import built

if TYPE_CHECKING:
    import os

    from .store import Store

LARGEST = 1_000_000  # values
EXAMPLE = """\
# A seed for fakeflowdock: --seed FILE, or FakeFlowdock(seed="FILE"). Everything is optional.
organizations:
- name: Acme
users:
- name: Ada Lovelace
  nick: ada
  email: ada@example.com
- Bob
flows:
- name: Builds
  members: [ada, Bob]
- name: acme/lobby
  access_mode: organization
applications:
- name: CI
  redirect_uri: https://ci.example.com/callback
sources:
- name: Pipeline
  flow: Builds
  application: CI
messages:
- content: "Is the build #green?"
  user: Bob
  flow: Builds
- content: It is
  comments: "Is the build #green?"
  flow: Builds
- source: Pipeline
  event: activity
  title: finished
  author: {name: CI}
  external_thread_id: build-7
  thread: {title: Build 7, status: {value: passed, color: green}}
"""


def load(file: str | os.PathLike[str]) -> Store:
    """Return the world of a seed in a file. Its format is TOML if the name ends so, else YAML, which includes JSON.

    Raises:
        OSError: the file cannot be read.
        WorldFileError: the file is too large or not UTF-8.
        SeedError: the seed is invalid. The message begins with file and line.
    """
    path = Path(file)
    text = serialization.text_of(path)
    is_toml = path.suffix.lower() == ".toml"
    seed = _parsed_toml(text, path) if is_toml else _parsed_yaml(text, path)
    try:
        if _size(seed, {}) > LARGEST:
            raise SeedError("", SeedError.TOO_LARGE.format(limit=LARGEST))
        return built(seed)
    except RecursionError:
        raise SeedError("", SeedError.NESTED, f"{path}:1: ") from None
    except SeedError as error:
        line = _line_in_toml(text, error.pointer) if is_toml else serialization.line_of(text, error.pointer)
        raise SeedError(error.pointer, error.reason, f"{path}:{line}: ") from None


def _parsed_yaml(text: str, path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = 1 if error.problem_mark is None else error.problem_mark.line + 1
        raise SeedError("", f"{error.problem}", f"{path}:{line}: ") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = SeedError.NESTED if isinstance(error, RecursionError) else str(error)
        raise SeedError("", reason, f"{path}:1: ") from None


def _parsed_toml(text: str, path: Path) -> Any:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        reason = SeedError.NESTED if isinstance(error, RecursionError) else str(error)
        found = re.search(r" \(at (?:line ([0-9]+), .*|end of document)\)$", reason)
        line = 1 if found is None else found[1] or len(text.splitlines())
        raise SeedError("", reason[: found and found.start()], f"{path}:{line}: ") from None


def _size(value: Any, known: dict[int, int]) -> int:
    """Return the number of values in a value. Anchors of YAML can repeat one without limit; each is counted once."""
    if not isinstance(value, (dict, list)):
        return 1
    if id(value) not in known:
        known[id(value)] = 1 + sum(
            _size(each, known) for each in (value.values() if isinstance(value, dict) else value)
        )
    return known[id(value)]


def _line_in_toml(text: str, pointer: str) -> int:
    """Return the line of a value, as far as lines tell: of a table `[[users]]`, and of a key in it."""
    kind, number, *rest = (*steps_of(pointer), "", "0")
    key, line, seen = (rest or [""])[0], 1, -1
    for place, written in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[\[?\s*[\"']?([\w-]+)", written)
        if header:
            if seen == int(number or 0) and written.lstrip().startswith("[["):
                return line
            if header[1] == kind and written.lstrip().startswith("[["):
                seen += 1
            if header[1] == kind and seen == int(number or 0):
                line = place
        named = re.match(r"\s*[\"']?([\w-]+)[\"']?\s*=", written)
        if named and ((seen < 0 and named[1] == kind) or (seen == int(number or 0) and named[1] == key)):
            return place
    return line
