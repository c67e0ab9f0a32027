"""What is chosen for a test: by its marker, on the command line, in the ini file or by the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..pytest_options import (
    CHOICES,
    CLOCK,
    DEFAULTLESS,
    DEFAULTS,
    FILE,
    FOLDER,
    NUMBER,
    SECONDS,
    STRICT,
    option_of,
    twin_of,
    words_of,
)
from . import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from .. import Contract, FakeFlowdock

CONFIGURED = pytest.StashKey[bool]()  # whether the marker of a test configures a fixture of ours
MARKER = "@pytest.mark.flowdock"
NAMES = ", ".join(CHOICES)
INITIAL = ("world", "state", "seed")  # the initial data: a choice of one
_NAMED = ("refresh_tokens", "shape", "callbacks", "other_hosts")  # those that a fake takes as they are
PATTERNS: dict[tuple[str, ...], str] = {
    NUMBER: "0*[1-9][0-9]{0,11}",
    STRICT: r"false|true|(?:[a-z.-]{1,80}=(?:ignore|warn|error)(?:, *|\Z)){1,20}",
    SECONDS: r"(?=.*[1-9])[0-9]{1,6}(?:\.[0-9]{1,6})?",
    CLOCK: r"world|system|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9:.,+Z-]{1,40})?",
    FILE: "(?s:.+)",
    FOLDER: "(?s:.+)",
}


def fake_for(request: pytest.FixtureRequest, node: Any) -> FakeFlowdock:
    """Return the fake of a fixture. Fails the test if a choice is invalid."""
    from .. import FakeFlowdock

    node.stash[CONFIGURED] = True
    where = ""
    try:
        chosen: dict[str, Any] = {name: choice(node, name) for name in _NAMED}
        chosen |= {"auto_consent": choice(node, "auto_consent") == "true", "strict": strict_for(node)}
        chosen["shape"] = getattr(request, "param", chosen["shape"])  # parametrized over shapes
        numbers = {name: number for name in DEFAULTS if (number := choice(node, name)) is not None}
        chosen |= {name: (int if CHOICES[name][0] == NUMBER else float)(number) for name, number in numbers.items()}
        where, initial = initial_for(node)
        chosen["clock"] = clock_for(node)
        return FakeFlowdock(**initial, **chosen)
    except (OSError, ValueError, pytest.UsageError) as error:
        text = f"{where}: {error}" if where and not isinstance(error, pytest.UsageError) else str(error)
    pytest.fail(text, pytrace=False)


def contract_for(node: Any) -> Contract:
    """Return the contract of a test."""
    from .. import Contract

    node.stash[CONFIGURED] = True
    return Contract(strict=strict_for(node))


def shapes_for(node: Any) -> tuple[str, ...]:
    """Return the shapes with which a test is to run, if requested. A wrong marker fails it later."""
    return CHOICES["shape"][0] if not wrong_marker(node) and choice(node, "shapes") == "true" else ()


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
        raise pytest.UsageError(errors.INVALID.format(where=where, name=name, chosen=chosen, values=words_of(values)))
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


def check_markers(config: pytest.Config) -> None:
    """Check the markers of tests from now on."""
    if not config.pluginmanager.has_plugin("fakeflowdock-markers"):
        config.pluginmanager.register(_MarkerCheck(), "fakeflowdock-markers")


class _MarkerCheck:
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
        from ..suggestions import did_you_mean, nearest

        yield f"unknown {name!r}{did_you_mean(nearest(name, CHOICES), f': expected {NAMES}')}"


def initial_for(item: Any) -> tuple[str, dict[str, Any]]:
    """Return the initial world of a test, as an argument of a fake, and where it was given."""
    for label, folder, read in _layers(item):
        given = {name: value for name in INITIAL if (value := read(name)) is not None}
        if len(given) > 1:
            places = ", ".join(dict.fromkeys(map(label, given)))
            raise pytest.UsageError(errors.ONLY_ONE.format(places=places, names=", ".join(INITIAL)))
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
        raise pytest.UsageError(errors.CLOCK.format(chosen=chosen, reason=error)) from None


def strict_for(item: Any) -> Any:
    """Return whether a test is strict, or its rules."""
    chosen = str(choice(item, "strict"))
    if "=" not in chosen:
        return chosen == "true"
    return dict(pair.strip().split("=") for pair in chosen.split(",") if pair.strip())
