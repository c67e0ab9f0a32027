"""The pytest plugin. At import it loads only pytest and the standard library."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .pytest_options import (
    CHOICES,
    DEFAULTS,
    FILE,
    METAVARS,
    NUMBER,
    PATTERNS,
    choice,
    clock_for,
    initial_for,
    option_of,
    strict_for,
    twin_of,
    words_of,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from fakeflowdock import Contract, FakeFlowdock
    from fakeflowdock.api.exchange import Exchange
    from fakeflowdock.testing.watching import ActiveFakes

DECORATED = "__fakeflowdock__"  # the attribute of a decorated class that has the fake
_NAMED = ("refresh_tokens", "shape", "callbacks", "other_hosts")  # those that a fake takes as they are
FIXTURES = ("fake_flowdock", "fake_flowdock_session")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add each choice as an ini option and as a command-line option."""
    group = parser.getgroup("fakeflowdock")
    for name, (values, about) in CHOICES.items():
        words = f"{about}: {words_of(values)} [default: {DEFAULTS.get(name, 'none' if values is FILE else values[0])}]"
        parser.addini(f"flowdock_{name}", f"{words}. Overridden by {option_of(name)} and the marker.")
        group.addoption(
            option_of(name),
            **_argparse_kwargs(name, values),
            help=f"{words} [env: {twin_of(name)}]. Overrides the ini option flowdock_{name}. Overridden by the marker.",
        )
    again = "run each passed test again, once for each documented failure of its requests, or for some: 429,timeout"
    group.addoption("--flowdock-sweep", nargs="?", const="all", metavar="FAILURES", help=again)
    to_file = "like --flowdock-sweep; also write JSON to FILE"
    group.addoption("--flowdock-sweep-file", type=Path, metavar="FILE", help=to_file)
    accepting = "like --flowdock-sweep; accept the findings that are listed in FILE"
    group.addoption("--flowdock-sweep-baseline", type=Path, metavar="FILE", help=accepting)
    updating = "with --flowdock-sweep-baseline: write the findings to that file instead, and accept all of them"
    group.addoption("--flowdock-sweep-update", action="store_true", help=updating)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and the sweep if requested.

    Raises:
        pytest.UsageError: the options for the sweep are invalid.
    """
    about = "; ".join(f"{name}: {words_of(values)}" for name, (values, _) in CHOICES.items())
    config.addinivalue_line("markers", f"flowdock({', '.join(CHOICES)}): configure fake_flowdock. {about}.")
    if any(config.getoption(f"flowdock_sweep{name}") for name in ("", "_file", "_baseline", "_update")):
        from fakeflowdock import pytest_sweep

        config.pluginmanager.register(pytest_sweep.sweep_for(config), "fakeflowdock-sweep")


def _argparse_kwargs(name: str, values: tuple[str, ...]) -> dict[str, Any]:
    """Return how argparse takes the option's value."""
    if name == "shapes":
        return {"action": "store_const", "const": "true"}
    return {"metavar": METAVARS[values]} if values in PATTERNS else {"choices": values}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize a test over all shapes, if requested."""
    used = next((name for name in FIXTURES if name in metafunc.fixturenames), None)
    if used is not None and choice(metafunc.definition, "shapes") == "true":
        metafunc.parametrize(used, CHOICES["shape"][0], indirect=True)


@pytest.fixture
def fake_flowdock(request: pytest.FixtureRequest) -> Generator[FakeFlowdock, None, None]:
    """Flowdock, in memory: a new world for each test, at https://api.flowdock.com for every client library."""
    with _fake(request, request.node) as fake:
        yield fake


@pytest.fixture(scope="session")
def fake_flowdock_session(request: pytest.FixtureRequest) -> Generator[FakeFlowdock, None, None]:
    """Flowdock, in memory: one world for the whole session. Tests share it; `fork()` gives a test one of its own."""
    with _fake(request, request.session) as fake:
        yield fake


def pytest_itemcollected(item: pytest.Item) -> None:
    """Set up a class that is decorated with a fake inside of it, with its fixtures and those of its module."""
    if isinstance(item, pytest.Function) and hasattr(item.cls, DECORATED):
        found, names = item._fixtureinfo.name2fixturedefs, [*item.fixturenames]
        item.fixturenames = names  # of this item: those of a parametrized function share theirs
        scopes = [found[name][-1].scope if name in found else "function" for name in names]  # the widest come first

        def insert(what: str, *within: str) -> None:
            place = next((number for number, scope in enumerate(scopes) if scope in within), len(names))
            names.insert(place, f"_flowdock_around_{what}")

        insert("test", "function")  # the last comes first, so that the other places stay as they are
        insert("class", "class", "function")
        if "module" in scopes:
            insert("module", "module")


@pytest.fixture(scope="module")
def _flowdock_around_module(request: pytest.FixtureRequest) -> Generator[None, None, None]:
    with ExitStack() as stack:
        for fake in {getattr(each, DECORATED, None): None for each in vars(request.module).values()}:
            if fake is not None:
                stack.enter_context(fake.fresh_world("class"))
        yield


@pytest.fixture(scope="class")
def _flowdock_around_class(request: pytest.FixtureRequest) -> Generator[None, None, None]:
    with getattr(request.cls, DECORATED).fresh_world("class"):
        yield


@pytest.fixture
def _flowdock_around_test(request: pytest.FixtureRequest) -> Generator[None, None, None]:
    with getattr(request.cls, DECORATED).fresh_world("test"):
        yield


@pytest.fixture
def flowdock_contract(request: pytest.FixtureRequest) -> Contract:
    """Flowdock's documented contract, to check requests and responses against."""
    from fakeflowdock import Contract

    return Contract(strict=strict_for(request.node))


def _fake(request: pytest.FixtureRequest, node: Any) -> FakeFlowdock:
    from fakeflowdock import FakeFlowdock

    chosen: dict[str, Any] = {name: choice(node, name) for name in _NAMED}
    chosen |= {"auto_consent": choice(node, "auto_consent") == "true", "strict": strict_for(node)}
    chosen["shape"] = getattr(request, "param", chosen["shape"])  # parametrized over shapes
    numbers = {name: number for name in DEFAULTS if (number := choice(node, name)) is not None}
    chosen |= {name: (int if CHOICES[name][0] == NUMBER else float)(number) for name, number in numbers.items()}
    where, initial = initial_for(node)
    chosen["clock"] = clock_for(node)
    try:
        return FakeFlowdock(**initial, **chosen)
    except (OSError, ValueError) as error:
        raise pytest.UsageError(f"{where}: {error}" if where else str(error)) from None


def _watching() -> Any:
    """The module that knows the fakes of the current test; None if nothing has imported it, so that there is none."""
    return sys.modules.get("fakeflowdock.testing.watching")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Watch all fakes that are active during a test, and forget them after it."""
    from_here = _watching()
    if from_here is not None:
        from_here.watches.append(None)
    try:
        return (yield)
    finally:
        if from_here is not None:
            from_here.watches.pop()
        elif (watching := _watching()) is not None:
            watching.begin()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """Begin to watch, and import what a fixture needs before other fixtures can fake the file system."""
    if any(name in getattr(item, "fixturenames", ()) for name in FIXTURES):
        from fakeflowdock import FakeFlowdock  # noqa: F401
    if (watching := _watching()) is not None:
        watching.begin()
    return (yield from _settling(item, check=False))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test in which fakeflowdock broke its own contract, or which requested an unknown path.

    The test fails even if the code under test ignored the response.
    """
    if (watching := _watching()) is not None:
        watching.watches[-1].call()
    return (yield from _settling(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Do the same for requests of the teardown."""
    return (yield from _settling(item))


def _settling(item: pytest.Item, *, check: bool = True) -> Generator[None, object, object]:
    """Run a phase of a test, and check what its fakes recorded. That of the setup is checked after the call."""
    try:
        result = yield
    except BaseException as error:
        if (watching := _watching()) is not None:
            watching.watches[-1].settle(error)
            watching.watches[-1].unchecked()
            watching.watches[-1].overlooked()
        raise
    if check and (watching := _watching()) is not None:
        _check(item, watching.watches[-1])
    return result


def _check(item: pytest.Item, watch: ActiveFakes) -> None:
    from fakeflowdock import ContractViolation
    from fakeflowdock.testing.exchanges import has_unknown_path

    exchanges, overlooked = watch.unchecked(), watch.overlooked()
    lost = [each for each in exchanges if has_unknown_path(each)]
    try:
        watch.settle(None)
    except ContractViolation as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    if lost and choice(item, "unknown_paths") == "fail":
        from fakeflowdock.testing.hints import unanswered

        reasons = [(exchange, unanswered(exchange)) for exchange in lost]
        listed = "\n".join(f"    {exchange}" if why is None else f"    {exchange}: {why}" for exchange, why in reasons)
        allowed = '@pytest.mark.flowdock(unknown_paths="allow") allows them'
        pytest.fail(f"requests to unknown paths ({allowed}):\n{listed}", pytrace=False)
    if overlooked:
        listed = "\n".join(f"    {each}" for each in overlooked)
        pytest.fail(f"faults that never applied (fail(…, optional=True) allows them):\n{listed}", pytrace=False)
    _warn(item, exchanges)


def _warn(item: pytest.Item, exchanges: list[Exchange]) -> None:
    """Add the contract warnings of a test to the summary of warnings. Filters may ignore them or make them errors."""
    from fakeflowdock import FlowdockWarning

    found = {
        f"{exchange.method} {exchange.shown_path}: {warning} [{warning.rule}]": None
        for exchange in exchanges
        for warning in exchange.warnings
        if warning.severity == "warning"
    }
    try:
        for text in found:
            item.warn(FlowdockWarning(text))
    except FlowdockWarning as error:
        pytest.fail(f"FlowdockWarning: {error}", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
    """Note which fakes several tests share."""
    watching = None if fixturedef.scope == "function" else _watching()
    if watching is None:
        return (yield)
    watching.sharing += 1
    try:
        return (yield)
    finally:
        watching.sharing -= 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the requests of a failed test to its report, for each fake that was active, in each phase."""
    report = yield
    if report.failed and (watching := _watching()) is not None:
        try:
            if call.excinfo is not None:
                watching.watches[-1].end_phase(call.excinfo.value)
            sections = [*watching.watches[-1].reports(getattr(item, "funcargs", {}).items())]
        except Exception as error:  # a bug in it must not end the test run
            words = "fakeflowdock failed to create the report, which is a bug"
            sections = [("fakeflowdock", f"{words}: {type(error).__name__}: {error}")]
        report.sections += sections
    return report
