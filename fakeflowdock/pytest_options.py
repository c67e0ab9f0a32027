"""The options of the pytest plugin: the marker, the command line, the ini file and the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

STRICT = ("false", "true", "RULE=ignore|warn|error,…")
NUMBER, SECONDS = ("a positive integer",), ("a number of seconds greater than 0",)
CLOCK, FILE = ("world", "system", "a time such as 2026-05-06T12:00"), ("a file",)
FOLDER = ("a directory",)
PATTERNS: dict[tuple[str, ...], str] = {
    NUMBER: "0*[1-9][0-9]{0,11}",
    STRICT: r"false|true|(?:[a-z.-]{1,80}=(?:ignore|warn|error)(?:, *|\Z)){1,20}",
    SECONDS: r"(?=.*[1-9])[0-9]{1,6}(?:\.[0-9]{1,6})?",
    CLOCK: r"world|system|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9:.,+Z-]{1,40})?",
    FILE: "(?s:.+)",
    FOLDER: "(?s:.+)",
}
# Each choice: its values, the default first, or what number it is; and its description.
CHOICES: dict[str, tuple[tuple[str, ...], str]] = {
    "world": (("empty", "docs"), "initial data of each test"),
    "state": (FILE, "world file with the initial data"),
    "seed": (FILE, "file with the initial data in short form"),
    "clock": (CLOCK, "time of the world"),
    "auto_consent": (("false", "true"), "grant OAuth consent without a consent page"),
    "refresh_tokens": (("always", "offline_access"), "when to issue refresh tokens"),
    "shape": (("default", "minimal", "maximal", "drift"), "fields of responses"),
    "shapes": (("false", "true"), "run each test once per shape"),
    "strict": (STRICT, "fail a test on contract warnings"),
    "journal": (NUMBER, "how many requests to record"),
    "journal_bytes": (NUMBER, "how much memory to use for them, in bytes"),
    "keep_alive": (SECONDS, "after how many seconds without an event to keep a stream alive"),
    "callbacks": (("loopback", "none", "any"), "which integrations to request over the network"),
    "unknown_paths": (("fail", "allow"), "whether requests to unknown paths fail the test"),
    "other_hosts": (("allow", "refuse"), "whether requests to other hosts are allowed"),
    "inspect": (FOLDER, "where to write the inspector of each failed test, as HTML"),
}

NAMES = ", ".join(CHOICES)
METAVARS = {NUMBER: "N", SECONDS: "SECONDS", STRICT: "STRICT", CLOCK: "CLOCK", FILE: "FILE", FOLDER: "DIR"}

DEFAULTS = {"journal": 1000, "journal_bytes": 67_108_864, "keep_alive": 30}  # of the numbers
MARKER = "@pytest.mark.flowdock"
INITIAL = ("world", "state", "seed")  # the initial data: a choice of one

DEFAULTLESS = (NUMBER, SECONDS, FILE, FOLDER)


def words_of(values: tuple[str, ...]) -> str:
    """Return the values of an option as text."""
    return " or ".join(values)


def choice(item: Any, name: str) -> str | None:
    """Return the choice for a test. Precedence: nearest marker, command line, ini file, environment.

    Returns:
        One of the values, by default the first; for a number its digits, or None.

    Raises:
        pytest.UsageError: the value is invalid.
    """
    for label, _, read in _layers(item):
        if (given := read(name)) is not None:
            return _checked(name, label(name), given)
    values = CHOICES[name][0]
    return None if values in DEFAULTLESS else values[0]


def _checked(name: str, where: str, given: Any) -> str:
    """Return a given value as text. Raises pytest.UsageError if it is invalid."""
    values = CHOICES[name][0]
    if isinstance(given, Mapping):
        given = ",".join(f"{rule}={what}" for rule, what in given.items())
    chosen = str(given).lower() if isinstance(given, bool) else str(given)
    if not (re.fullmatch(PATTERNS[values], chosen) if values in PATTERNS else chosen in values):
        raise pytest.UsageError(f"{where}: invalid {name} {chosen!r}: expected {words_of(values)}")
    return chosen


def _layers(item: Any) -> Generator[tuple[Callable[[str], str], Path, Callable[[str], Any]], None, None]:
    """Yield where values are given, in order of precedence: its label, where its files are, and how to read a value."""
    config = item.config
    for marker in item.iter_markers("flowdock"):
        yield lambda _: MARKER, config.rootpath, marker.kwargs.get
    called = config.invocation_params.dir
    yield option_of, called, lambda name: config.getoption(f"flowdock_{name}")
    yield "flowdock_{}".format, config.rootpath, lambda name: config.getini(f"flowdock_{name}") or None
    yield twin_of, called, lambda name: os.environ.get(twin_of(name)) or None


class MarkerCheck:
    """Fails the setup of a test that has a wrong marker, within the hooks of all plugins."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Fail before any fixture is set up."""
        if wrong := wrong_marker(item):
            pytest.fail(wrong, pytrace=False)


def wrong_marker(item: Any) -> str | None:
    """Return what is wrong with a marker of a test, with test and line; None if all of them can be used."""
    for node, marker in item.iter_markers_with_node("flowdock"):
        wrong = [*_unnamed(marker.args), *_unknown(marker.kwargs)]
        for name in CHOICES.keys() & marker.kwargs:
            if name != "seed" or not isinstance(marker.kwargs[name], Mapping):
                try:
                    _checked(name, "", marker.kwargs[name])
                except pytest.UsageError as error:
                    wrong.append(str(error).removeprefix(": "))
        if wrong:
            line = node.reportinfo()[1] if isinstance(node, pytest.Function | pytest.Class) else None
            place = node.nodeid if line is None else f"{node.nodeid}, line {line + 1}"
            return f"{MARKER}: {'; '.join(wrong)} (marker of {place})"
    return None


def _unnamed(args: tuple[Any, ...]) -> Generator[str, None, None]:
    """Yield texts about arguments of the marker that have no name."""
    for given in args:
        names = [name for name, (values, _) in CHOICES.items() if values not in PATTERNS and given in values]
        if not names and isinstance(given, str | os.PathLike) and Path(given).suffix:
            names = ["state", "seed"]
        use = f"use {' or '.join(f'{name}={given!r}' for name in names[:2])}" if names else f"expected {NAMES}"
        yield f"{given!r} needs a name: {use}"


def _unknown(kwargs: Mapping[str, Any]) -> Generator[str, None, None]:
    """Yield texts about unknown arguments of the marker."""
    for name in sorted(set(kwargs) - set(CHOICES)):
        from .suggestions import did_you_mean, nearest

        yield f"unknown {name!r}{did_you_mean(nearest(name, CHOICES), f': expected {NAMES}')}"


def option_of(name: str) -> str:
    """Return the command-line option for a choice."""
    return f"--flowdock-{name.replace('_', '-')}"


def twin_of(name: str) -> str:
    """Return the environment variable for a choice."""
    return f"FAKEFLOWDOCK_{name.upper()}"


def initial_for(item: Any) -> tuple[str, dict[str, Any]]:
    """Return the initial world of a test, as an argument of a fake, and where it was given."""
    for label, folder, read in _layers(item):
        given = {name: value for name in INITIAL if (value := read(name)) is not None}
        if len(given) > 1:
            raise pytest.UsageError(
                f"{', '.join(dict.fromkeys(map(label, given)))}: give only one of {', '.join(INITIAL)}"
            )
        for name, value in given.items():
            if name != "seed" or not isinstance(value, Mapping):
                checked = _checked(name, label(name), value)
                value = checked if name == "world" else folder / checked
            return label(name), {name: value}
    return "", {}


def folder_for(item: Any) -> Path | None:
    """Return the directory for the inspectors of failed tests, if there is one. Raises pytest.UsageError."""
    for label, folder, read in _layers(item):
        if (value := read("inspect")) is not None:
            return folder / _checked("inspect", label("inspect"), value)
    return None


def clock_for(item: Any) -> Any:
    """Return the clock of a test: `world`, `system` or a datetime."""
    chosen = str(choice(item, "clock"))
    if chosen in CLOCK:
        return chosen
    try:
        return datetime.fromisoformat(chosen)
    except ValueError as error:
        raise pytest.UsageError(f"invalid clock {chosen!r}: {error}") from None


def strict_for(item: Any) -> Any:
    """Return whether a test is strict, or its rules."""
    chosen = str(choice(item, "strict"))
    if "=" not in chosen:
        return chosen == "true"
    return dict(pair.strip().split("=") for pair in chosen.split(",") if pair.strip())
