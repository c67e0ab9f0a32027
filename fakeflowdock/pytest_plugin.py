"""The pytest plugin. At import it loads only pytest and the standard library."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .pytest_options import (
    CHOICES,
    DEFAULTLESS,
    DEFAULTS,
    METAVARS,
    NUMBER,
    PATTERNS,
    MarkerCheck,
    choice,
    clock_for,
    folder_for,
    initial_for,
    option_of,
    strict_for,
    twin_of,
    words_of,
    wrong_marker,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from fakeflowdock import Contract, FakeFlowdock
    from fakeflowdock.testing.watching import ActiveFakes, Watched

CONFIGURED = pytest.StashKey[bool]()  # whether the marker of a test configures a fixture of ours
PARTIAL = pytest.StashKey[bool]()  # whether this process runs some of the tests only
DECORATED = "__fakeflowdock__"  # the attribute of a decorated class that has the fake
_NAMED = ("refresh_tokens", "shape", "callbacks", "other_hosts")  # those that a fake takes as they are
ELSEWHERE = "pass the choice to FakeFlowdock(…), or set it in the ini file for fake_flowdock_session"
FIXTURES = ("fake_flowdock", "fake_flowdock_session")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add each choice as an ini option and as a command-line option."""
    group = parser.getgroup("fakeflowdock")
    for name, (values, about) in CHOICES.items():
        default = DEFAULTS.get(name, "none" if values in DEFAULTLESS else values[0])
        words = f"{about}: {words_of(values)} [default: {default}]"
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
    config.pluginmanager.register(MarkerCheck(), "fakeflowdock-markers")
    about = "; ".join(f"{name}: {words_of(values)}" for name, (values, _) in CHOICES.items())
    config.addinivalue_line("markers", f"flowdock({', '.join(CHOICES)}): configure fake_flowdock. {about}.")
    if any(
        config.getoption(f"flowdock_sweep{name}") not in (None, False) for name in ("", "_file", "_baseline", "_update")
    ):
        from fakeflowdock import pytest_sweep

        config.pluginmanager.register(pytest_sweep.sweep_for(config), "fakeflowdock-sweep")


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Note that not all tests run, among them perhaps the one for which a shared fault is."""
    if items:
        items[0].config.stash[PARTIAL] = True


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note the same if single tests are named, or other processes run the rest."""
    if hasattr(session.config, "workerinput") or any("::" in each for each in session.config.args):
        session.config.stash[PARTIAL] = True


def _argparse_kwargs(name: str, values: tuple[str, ...]) -> dict[str, Any]:
    """Return how argparse takes the option's value."""
    if name == "shapes":
        return {"action": "store_const", "const": "true"}
    return {"metavar": METAVARS[values]} if values in PATTERNS else {"choices": values}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize a test over all shapes, if requested."""
    used = next((name for name in FIXTURES if name in metafunc.fixturenames), None)
    if used is not None and not wrong_marker(metafunc.definition) and choice(metafunc.definition, "shapes") == "true":
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

    request.node.stash[CONFIGURED] = True
    return Contract(strict=strict_for(request.node))


def _fake(request: pytest.FixtureRequest, node: Any) -> FakeFlowdock:
    from fakeflowdock import FakeFlowdock

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
        from fakeflowdock import FakeFlowdock  # noqa: F401  # for the fixture

        if folder_for(item) is not None:
            from fakeflowdock.server.artifact import folder  # noqa: F401  # for what runs later
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
        watching.watches[-1].finalizers = _finalizers(item)
    return (yield from _settling(item, ends=False))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Do the same for requests of the teardown."""
    return (yield from _settling(item))


def _settling(item: pytest.Item, *, check: bool = True, ends: bool = True) -> Generator[None, object, object]:
    """Run a phase of a test, and check what its fakes recorded. That of the setup is checked after the call.

    Args:
        ends: whether it is the last phase. A fault may still apply before, if fixtures of the test have a teardown.
    """
    try:
        result = yield
    except BaseException as error:
        if (watching := _watching()) is not None:
            watching.watches[-1].fail(error)
        raise
    if check and (watching := _watching()) is not None:
        _check(item, watching.watches[-1], ends=ends)
    return result


def _check(item: pytest.Item, watch: ActiveFakes, *, ends: bool) -> None:
    """Fail a test for all that its fakes recorded. Each net tells what it has, whatever the others have."""
    from fakeflowdock import BrokenContract
    from fakeflowdock.testing import nets

    errors, (lost, warned), shared = [*watch.errors()], watch.caught(), watch.shared(lasting=False)
    lasting, session = watch.shared(lasting=True), item.session
    may_apply = not ends and (watch.has_teardown or _finalizers(item) > watch.finalizers)
    overlooked = watch.overlooked(may_apply=may_apply)
    bug = next((each for each in errors if isinstance(each, BrokenContract)), None)
    told = [str(each) for each in errors if each is not bug]
    if lost and choice(item, "unknown_paths") == "fail":
        told.append(nets.listed(nets.UNKNOWN_PATHS('@pytest.mark.flowdock(unknown_paths="allow")'), lost))
    if overlooked:
        told.append(nets.listed(nets.NEVER_APPLIED, overlooked))
    if session.shouldstop or session.shouldfail or item.config.stash.get(PARTIAL, False):
        shared, lasting = [], [*shared, *lasting]
    of_shared = "faults of shared fixtures that never applied (fail(…, optional=True) allows them)"
    if shared:
        told.append(nets.listed(of_shared, shared))
    if lasting:
        warned.append(nets.listed(of_shared, lasting))
    if not ends and (watch.is_used or FIXTURES[1] in getattr(item, "fixturenames", ())):
        own, inherited = _unused(item)
        told += own
        warned += inherited
    told += _warned(item, warned)
    if bug is not None:
        for text in told:
            bug.add_note(text)
        raise bug
    if told:
        pytest.fail("\n\n".join(told), pytrace=False)


def _unused(item: pytest.Item) -> tuple[list[str], list[str]]:
    """Return texts about a marker of the test itself, and about inherited ones, that configure none of its fakes."""
    texts: tuple[list[str], list[str]] = [], []
    if not item.stash.get(CONFIGURED, False):
        for marker in item.iter_markers("flowdock"):
            if names := [name for name in marker.kwargs if name not in ("unknown_paths", "shapes", "inspect")]:
                which = f"@pytest.mark.flowdock({', '.join(f'{name}=…' for name in names)})"
                text = f"{which} configures the fixture fake_flowdock, but this test uses another fake: {ELSEWHERE}"
                texts[marker not in item.own_markers].append(text)
    return texts


def _warned(item: pytest.Item, lines: list[str]) -> Generator[str, None, None]:
    """Add contract warnings to the summary of warnings. Filters may ignore them, or make them errors: yield those."""
    from fakeflowdock import FlowdockWarning

    for line in lines:
        try:
            item.warn(FlowdockWarning(line))
        except FlowdockWarning as error:
            yield f"FlowdockWarning: {error}"


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
    """Note which faults several tests share, and whether requests may follow the call of the test."""
    before = _teardowns(fixturedef)
    try:
        return (yield)
    finally:
        if (watching := _watching()) is not None:
            if fixturedef.scope != "function":
                watching.shared(lasting=fixturedef.scope in ("package", "session"))
            elif watching.is_active() and _teardowns(fixturedef) > before and not _is_known(fixturedef):
                watching.watches[-1].has_teardown = True


def _finalizers(item: pytest.Item) -> int:
    """Return how many things are to be torn down after a test."""
    stack = getattr(getattr(item.session, "_setupstate", None), "stack", {})
    return len(stack[item][0]) if item in stack else 0


def _teardowns(fixturedef: pytest.FixtureDef[Any]) -> int:
    return len(getattr(fixturedef, "_finalizers", ()))


def _is_known(fixturedef: pytest.FixtureDef[Any]) -> bool:
    """Return whether a fixture is ours or pytest's own, so that its teardown makes no request."""
    module = str(getattr(fixturedef.func, "__module__", ""))
    return module == __name__ or (module.startswith("_pytest.") and "setup" not in fixturedef.argname)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the requests of a failed test to its report, for each fake that was active, in each phase."""
    report = yield
    if report.failed and (watching := _watching()) is not None and watching.watches[-1] is not None:
        try:
            if call.excinfo is not None:
                watching.watches[-1].end_phase(call.excinfo.value)
            told = [*watching.watches[-1].reports(getattr(item, "funcargs", {}).items())]
            sections = _inspected(item, call.when, told)
        except Exception as error:  # a bug in it must not end the test run
            words = "fakeflowdock failed to create the report, which is a bug"
            sections = [("fakeflowdock", f"{words}: {type(error).__name__}: {error}")]
        add = getattr(report.longrepr, "addsection", None)  # where other tools look, such as JUnit's
        if add is None or item.config.getoption("showcapture", "all") == "no":  # which hides sections of the report
            report.sections += sections
        else:
            for section in sections:
                add(*section)
    return report


def _inspected(item: pytest.Item, phase: str, told: list[tuple[str, str, Watched]]) -> list[tuple[str, str]]:
    """Return the sections of a report. If it is requested, a file for each has the inspector."""
    plain = [(title, text) for title, text, _ in told]
    sweep = item.config.pluginmanager.get_plugin("fakeflowdock-sweep")
    if sweep is not None and sweep.is_trying:
        return plain
    try:
        folder = folder_for(item)
    except pytest.UsageError as error:
        return [(title, f"{text}\n\ninspector: {error}") for title, text in plain]
    if folder is None or not told:
        return plain
    from fakeflowdock.server.artifact.folder import inspected

    return [*inspected(folder, item.config.invocation_params.dir, item.nodeid, phase, told)]
