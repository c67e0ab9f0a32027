"""The pytest plugin: its hooks and fixtures. What they do for a test with a fake is in modules of their own.

Every run of pytest loads this module, with a fake or without. pytest is slow to load the code of a plugin, and looks at
each name in it. So it has little code and few names, and imports only pytest and the options.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from fakeflowdock import Contract, FakeFlowdock

PARTIAL: pytest.StashKey[bool] = pytest.StashKey()  # whether some of the collected tests do not run
FIXTURES = ("fake_flowdock", "fake_flowdock_session")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add each choice as an ini option and as a command-line option."""
    from . import pytest_options

    pytest_options.add_to(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and the sweep if requested.

    Raises:
        pytest.UsageError: the options for the sweep are invalid.
    """
    from . import pytest_options

    config.addinivalue_line("markers", pytest_options.marker_line())
    if pytest_options.is_sweep_requested(config):
        from .plugin import sweep

        config.pluginmanager.register(sweep.sweep_for(config), "fakeflowdock-sweep")


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Note that not all tests run, among them perhaps the one for which a shared fault is."""
    if items:
        items[0].config.stash[PARTIAL] = True


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize a test over all shapes, if requested."""
    if used := [name for name in FIXTURES if name in metafunc.fixturenames]:
        from .plugin import choices

        if shapes := choices.shapes_for(metafunc.definition):
            metafunc.parametrize(used[0], shapes, indirect=True)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let a class that is decorated with a fake have it."""
    if hasattr(getattr(item, "cls", None), "__fakeflowdock__"):
        from .plugin import decorated

        if not item.config.pluginmanager.has_plugin(decorated.__name__):
            item.config.pluginmanager.register(decorated, decorated.__name__)
        decorated.set_up(item)


@pytest.fixture
def fake_flowdock(request: pytest.FixtureRequest) -> Generator[FakeFlowdock, None, None]:
    """Flowdock, in memory: a new world for each test, at https://api.flowdock.com for every client library."""
    from .plugin import choices

    with choices.fake_for(request, request.node) as fake:
        yield fake


@pytest.fixture(scope="session")
def fake_flowdock_session(request: pytest.FixtureRequest) -> Generator[FakeFlowdock, None, None]:
    """Flowdock, in memory: one world for the whole session. Tests share it; `fork()` gives a test one of its own."""
    from .plugin import choices

    with choices.fake_for(request, request.session) as fake:
        yield fake


@pytest.fixture
def flowdock_contract(request: pytest.FixtureRequest) -> Contract:
    """Flowdock's documented contract, to check requests and responses against."""
    from .plugin import choices

    return choices.contract_for(request.node)


def _checks() -> Any:
    """The checks of tests with fakes; None if nothing has imported what knows the fakes, so that there are none."""
    if "fakeflowdock.testing.watching" not in sys.modules:
        return None
    from .plugin import checks

    return checks


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Watch all fakes that are active during a test, and forget them after it."""
    if item.get_closest_marker("flowdock") is not None:
        from .plugin import choices

        choices.check_markers(item.config)
    if (checks := _checks()) is not None:
        checks.enter()
    try:
        return (yield)
    finally:
        if checks is not None:
            checks.leave()
        elif (checks := _checks()) is not None:
            checks.begin()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """Begin to watch, and import what a fixture needs before other fixtures can fake the file system."""
    if any(name in getattr(item, "fixturenames", ()) for name in FIXTURES):
        from .plugin import checks

        checks.import_for(item)
    if (checks := _checks()) is not None:
        checks.begin()
    return (yield from _settling(item, check=False))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test in which fakeflowdock broke its own contract, or which requested an unknown path.

    The test fails even if the code under test ignored the response.
    """
    if (checks := _checks()) is not None:
        checks.call(item)
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
        if (checks := _checks()) is not None:
            checks.fail(error)
        raise
    if check and (checks := _checks()) is not None:
        checks.check(item, ends=ends, is_partial=item.config.stash.get(PARTIAL, False))
    return result


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
    """Note which faults several tests share, and whether requests may follow the call of the test."""
    before = len(getattr(fixturedef, "_finalizers", ()))
    try:
        return (yield)
    finally:
        if (checks := _checks()) is not None:
            checks.set_up(fixturedef, before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the requests of a failed test to its report, for each fake that was active, in each phase."""
    report = yield
    if report.failed and (checks := _checks()) is not None:
        checks.add_requests(item, call, report)
    return report
