"""The options of the pytest plugin: what can be chosen, on the command line, in the ini file and by the marker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

STRICT = ("false", "true", "RULE=ignore|warn|error,…")
NUMBER, SECONDS = ("a positive integer",), ("a number of seconds greater than 0",)
CLOCK, FILE = ("world", "system", "a time such as 2026-05-06T12:00"), ("a file",)
FOLDER = ("a directory",)
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
METAVARS = {NUMBER: "N", SECONDS: "SECONDS", STRICT: "STRICT", CLOCK: "CLOCK", FILE: "FILE", FOLDER: "DIR"}
DEFAULTS = {"journal": 1000, "journal_bytes": 67_108_864, "keep_alive": 30}  # of the numbers
DEFAULTLESS = (NUMBER, SECONDS, FILE, FOLDER)
SWEEP: dict[str, dict[str, Any]] = {  # its options
    "": {
        "nargs": "?",
        "const": "all",
        "metavar": "FAILURES",
        "help": "run each passed test again, once for each documented failure of its requests, "
        "or for some: 429,timeout",
    },
    "-file": {"type": Path, "metavar": "FILE", "help": "like --flowdock-sweep; also write JSON to FILE"},
    "-baseline": {
        "type": Path,
        "metavar": "FILE",
        "help": "like --flowdock-sweep; accept the findings that are listed in FILE",
    },
    "-update": {
        "action": "store_true",
        "help": "with --flowdock-sweep-baseline: write the findings to that file instead, and accept all of them",
    },
}


def add_to(parser: pytest.Parser) -> None:
    """Add each choice as an ini option and as a command-line option, and the options of the sweep."""
    group = parser.getgroup("fakeflowdock")
    for name, (values, about) in CHOICES.items():
        default = DEFAULTS.get(name, "none" if values in DEFAULTLESS else values[0])
        words = f"{about}: {words_of(values)} [default: {default}]"
        parser.addini(f"flowdock_{name}", f"{words}. Overridden by {option_of(name)} and the marker.")
        group.addoption(
            option_of(name),
            dest=f"flowdock_{name}",  # pytest looks for a conflict with every other option if it is not given
            **_argparse_kwargs(name, values),
            help=f"{words} [env: {twin_of(name)}]. Overrides the ini option flowdock_{name}. Overridden by the marker.",
        )
    for name, kwargs in SWEEP.items():
        group.addoption(f"--flowdock-sweep{name}", dest=_sweep_dest(name), **kwargs)


def _argparse_kwargs(name: str, values: tuple[str, ...]) -> dict[str, Any]:
    """Return how argparse takes the option's value."""
    if name == "shapes":
        return {"action": "store_const", "const": "true"}
    return {"metavar": METAVARS[values]} if values in METAVARS else {"choices": values}


def _sweep_dest(name: str) -> str:
    return f"flowdock_sweep{name.replace('-', '_')}"


def is_sweep_requested(config: pytest.Config) -> bool:
    """Return whether any option of the sweep is given."""
    return any(config.getoption(_sweep_dest(name)) not in (None, False) for name in SWEEP)


def marker_line() -> str:
    """Return the description of the marker."""
    about = "; ".join(f"{name}: {words_of(values)}" for name, (values, _) in CHOICES.items())
    return f"flowdock({', '.join(CHOICES)}): configure fake_flowdock. {about}."


def words_of(values: tuple[str, ...]) -> str:
    """Return the values of an option as text."""
    return " or ".join(values)


def option_of(name: str) -> str:
    """Return the command-line option for a choice."""
    return f"--flowdock-{name.replace('_', '-')}"


def twin_of(name: str) -> str:
    """Return the environment variable for a choice."""
    return f"FAKEFLOWDOCK_{name.upper()}"
