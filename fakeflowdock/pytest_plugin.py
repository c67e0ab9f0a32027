"""The pytest plugin of fakeflowdock. It imports pytest and the standard library, and the rest when it is used."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from fakeflowdock import Contract, FakeFlowdock

NUMBER = ()
# Each choice: its values, the first of which is the default, or that it is a NUMBER from 1; and what it is about.
CHOICES: dict[str, tuple[tuple[str, ...], str]] = {
    "world": (("empty", "docs"), "what the world of a test begins with"),
    "auto_consent": (("false", "true"), "whether an application gets a user's consent at once"),
    "refresh_tokens": (("always", "offline_access"), "when tokens come with a refresh token"),
    "shape": (("default", "minimal", "maximal", "drift"), "which fields answers have"),
    "shapes": (("false", "true"), "whether each test is run under each shape"),
    "strict": (("false", "true"), "whether what the docs advise against fails a test"),
    "journal": (NUMBER, "how many requests are remembered, 1000 when nothing is said"),
    "unknown_paths": (("fail", "allow"), "whether a request to a path that Flowdock never had fails the test"),
}

FIXTURES = ("fake_flowdock", "fake_flowdock_session")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add each choice as an option of the ini file and of the command line."""
    group = parser.getgroup("fakeflowdock")
    for name, (values, about) in CHOICES.items():
        words = f"{about}: {_words(values)}"
        twin = f"FAKEFLOWDOCK_{name.upper()}"
        parser.addini(f"flowdock_{name}", f"{words}. @pytest.mark.flowdock({name}=…) comes before it.")
        group.addoption(
            f"--flowdock-{name.replace('_', '-')}",
            **_taken(name, values),
            help=f"{words}; also {twin}. The marker and flowdock_{name} of the ini file come before it.",
        )
    again = (
        "run each passed test again, once for each failure that the docs allow on its calls, and show which it survives"
    )
    group.addoption("--flowdock-sweep", action="store_true", help=again)
    group.addoption(
        "--flowdock-sweep-file", type=Path, metavar="FILE", help="the same, with the results as JSON in FILE"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, and sweep if that was asked for.

    Raises:
        pytest.UsageError: the sweep cannot be done in this way.
    """
    about = "; ".join(f"{name}: {_words(values)}" for name, (values, _) in CHOICES.items())
    config.addinivalue_line("markers", f"flowdock({', '.join(CHOICES)}): how fake_flowdock behaves. {about}.")
    file: Path | None = config.getoption("flowdock_sweep_file")
    if file is not None or config.getoption("flowdock_sweep"):
        from fakeflowdock import pytest_sweep

        config.pluginmanager.register(pytest_sweep.asked_for(config, file), "fakeflowdock-sweep")


def _words(values: tuple[str, ...]) -> str:
    return "a number from 1" if values == NUMBER else " or ".join(values)


def _taken(name: str, values: tuple[str, ...]) -> dict[str, Any]:
    """How an option of the command line takes its value."""
    if name == "shapes":
        return {"action": "store_const", "const": "true"}
    return {"metavar": "N"} if values == NUMBER else {"choices": values}


def choice(item: Any, name: str) -> str | None:
    """What was chosen for a test: by the marker nearest to it, the ini file, the command line, the environment.

    Returns:
        One of its values, the first when nothing was chosen; of a number its digits, or None.

    Raises:
        pytest.UsageError: it is none of the values that there are.
    """
    values = CHOICES[name][0]
    config = item.config
    for where, given in (
        ("@pytest.mark.flowdock", _marked(item, name)),
        (f"flowdock_{name}", config.getini(f"flowdock_{name}") or None),
        (f"--flowdock-{name.replace('_', '-')}", config.getoption(f"flowdock_{name}")),
        (f"FAKEFLOWDOCK_{name.upper()}", os.environ.get(f"FAKEFLOWDOCK_{name.upper()}")),
    ):
        if given is not None:
            chosen = str(given).lower() if isinstance(given, bool) else str(given)
            fits = re.fullmatch("0*[1-9][0-9]{0,8}", chosen) if values == NUMBER else chosen in values
            if not fits:
                raise pytest.UsageError(f"{where}: {name} is {_words(values)}, not {chosen!r}")
            return chosen
    return values[0] if values else None


def _marked(item: Any, name: str) -> Any:
    for marker in item.iter_markers("flowdock"):
        unknown = set(marker.kwargs) - set(CHOICES)
        if marker.args or unknown:
            wrong = ", ".join(map(repr, (*marker.args, *sorted(unknown))))
            raise pytest.UsageError(f"@pytest.mark.flowdock takes {', '.join(CHOICES)}, by name, and not {wrong}")
        if name in marker.kwargs:
            return marker.kwargs[name]
    return None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once under each shape, where that was chosen."""
    used = next((name for name in FIXTURES if name in metafunc.fixturenames), None)
    if used is not None and choice(metafunc.definition, "shapes") == "true":
        metafunc.parametrize(used, CHOICES["shape"][0], indirect=True)


@pytest.fixture
def fake_flowdock(request: pytest.FixtureRequest) -> Generator[FakeFlowdock, None, None]:
    """Flowdock, in memory: a new world for each test, reached at https://api.flowdock.com by every client library."""
    with _fake(request, request.node) as fake:
        yield fake


@pytest.fixture(scope="session")
def fake_flowdock_session(request: pytest.FixtureRequest) -> Generator[FakeFlowdock, None, None]:
    """Flowdock, in memory: one world for the whole session. Tests share it; `fork()` gives each one of its own."""
    with _fake(request, request.session) as fake:
        yield fake


@pytest.fixture
def flowdock_contract(request: pytest.FixtureRequest) -> Contract:
    """What Flowdock's docs say, to hold requests and replies against."""
    from fakeflowdock import Contract

    return Contract(strict=choice(request.node, "strict") == "true")


def _fake(request: pytest.FixtureRequest, node: Any) -> FakeFlowdock:
    from fakeflowdock import FakeFlowdock

    chosen: dict[str, Any] = {name: choice(node, name) for name in ("world", "refresh_tokens", "shape")}
    chosen |= {name: choice(node, name) == "true" for name in ("auto_consent", "strict")}
    chosen["shape"] = getattr(request, "param", chosen["shape"])
    if (journal := choice(node, "journal")) is not None:
        chosen["journal"] = int(journal)
    return FakeFlowdock(**chosen)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test in which fakeflowdock broke its own contract, or that asked for a path that Flowdock never had.

    That holds even if the code under test swallowed the answer.
    """
    used = getattr(item, "funcargs", {})
    fakes: list[FakeFlowdock] = [used[name] for name in FIXTURES if name in used]
    try:
        result = yield
    except BaseException as error:
        for fake in fakes:
            fake.settle(error)
        raise
    for fake in fakes:
        _settle(fake)
    lost = used["fake_flowdock"].unknown_paths if "fake_flowdock" in used else ()
    if lost and choice(item, "unknown_paths") == "fail":
        asked = "\n".join(f"    {exchange}" for exchange in lost)
        allowed = '@pytest.mark.flowdock(unknown_paths="allow") allows that'
        pytest.fail(f"the test asked for what Flowdock never had; {allowed}:\n{asked}", pytrace=False)
    return result


def _settle(fake: FakeFlowdock) -> None:
    from fakeflowdock import ContractViolation

    found = None
    try:
        fake.settle()
    except ContractViolation as error:
        found = str(error)
    if found is not None:
        pytest.fail(found, pytrace=False)


def _told(fake: FakeFlowdock) -> str:
    """The section; a bug in it must not end the whole run."""
    try:
        return fake.report()
    except Exception as error:  # whatever it is
        return f"fakeflowdock has a bug and cannot tell what happened: {type(error).__name__}: {error}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the traffic of a failed test in its report."""
    report = yield
    fake: FakeFlowdock | None = getattr(item, "funcargs", {}).get("fake_flowdock")
    if report.failed and report.when == "call" and fake is not None:
        report.sections.append(("fakeflowdock", _told(fake)))
    return report
