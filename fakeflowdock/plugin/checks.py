"""What tests are told of the fakes that they use: why they fail, and the requests of those that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ..contract.errors import BrokenContract
from ..testing import nets, watching
from ..testing.errors import FlowdockWarning
from .choices import CONFIGURED, choice, folder_for

if TYPE_CHECKING:
    from collections.abc import Generator

    from ..testing.watching import Watched

ELSEWHERE = "pass the choice to FakeFlowdock(…), or set it in the ini file for fake_flowdock_session"


def import_for(item: pytest.Item) -> None:
    """Import what a test with a fixture of ours needs later."""
    from .. import FakeFlowdock  # noqa: F401  # loads its modules

    if folder_for(item) is not None:
        from ..server.artifact import folder  # noqa: F401  # loads these too


def enter() -> None:
    """Begin a test, possibly within another one."""
    watching.watches.append(watching.ActiveFakes())


def leave() -> None:
    """Forget the fakes of a test."""
    watching.watches.pop()


def begin() -> None:
    """Begin to watch all fakes that are active during a test."""
    watching.begin()


def call(item: pytest.Item) -> None:
    """Note that the test itself begins, after its setup."""
    watch = watching.watches[-1]
    watch.call()
    watch.finalizers = _finalizers(item)


def fail(error: BaseException) -> None:
    """Note how the test has failed."""
    watching.watches[-1].fail(error)


def check(item: pytest.Item, *, ends: bool, is_partial: bool) -> None:
    """Fail a test for all that its fakes recorded. Each net tells what it has, whatever the others have.

    Args:
        ends: whether it is the last phase of the test.
        is_partial: whether some of the collected tests do not run.
    """
    watch = watching.watches[-1]
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
    if session.shouldstop or session.shouldfail or is_partial or _is_selected(item.config):
        shared, lasting = [], [*shared, *lasting]
    of_shared = "faults of shared fixtures that never applied (fail(…, optional=True) allows them)"
    if shared:
        told.append(nets.listed(of_shared, shared))
    if lasting:
        warned.append(nets.listed(of_shared, lasting))
    if not ends and (watch.is_used or "fake_flowdock_session" in getattr(item, "fixturenames", ())):
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


def _is_selected(config: pytest.Config) -> bool:
    """Return whether single tests are named, or other processes run the rest."""
    return hasattr(config, "workerinput") or any("::" in each for each in config.args)


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
    for line in lines:
        try:
            item.warn(FlowdockWarning(line))
        except FlowdockWarning as error:
            yield f"FlowdockWarning: {error}"


def _finalizers(item: pytest.Item) -> int:
    """Return how many things are to be torn down after a test."""
    stack = getattr(getattr(item.session, "_setupstate", None), "stack", {})
    return len(stack[item][0]) if item in stack else 0


def set_up(fixturedef: pytest.FixtureDef[Any], before: int) -> None:
    """Note which faults several tests share, and whether requests may follow the call of the test.

    Args:
        fixturedef: the fixture that was set up.
        before: how many teardowns it had before.
    """
    if fixturedef.scope != "function":
        watching.shared(lasting=fixturedef.scope in ("package", "session"))
    elif watching.is_active() and len(getattr(fixturedef, "_finalizers", ())) > before and not _is_known(fixturedef):
        watching.watches[-1].has_teardown = True


def _is_known(fixturedef: pytest.FixtureDef[Any]) -> bool:
    """Return whether a fixture is ours or pytest's own, so that its teardown makes no request."""
    module = str(getattr(fixturedef.func, "__module__", ""))
    return module.startswith("fakeflowdock.") or (module.startswith("_pytest.") and "setup" not in fixturedef.argname)


def add_requests(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Add the requests of a failed test to its report."""
    watch = watching.watches[-1]
    try:
        if call.excinfo is not None:
            watch.end_phase(call.excinfo.value)
        sections = _inspected(item, call.when, [*watch.reports(getattr(item, "funcargs", {}).items())])
    except Exception as error:  # a bug in it must not end the test run
        words = "fakeflowdock failed to create the report, which is a bug"
        sections = [("fakeflowdock", f"{words}: {type(error).__name__}: {error}")]
    add = getattr(report.longrepr, "addsection", None)  # where other tools look, such as JUnit's
    if add is None or item.config.getoption("showcapture", "all") == "no":  # which hides sections of the report
        report.sections += sections
    else:
        for section in sections:
            add(*section)


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
    from ..server.artifact.folder import inspected

    return [*inspected(folder, item.config.invocation_params.dir, item.nodeid, phase, told)]
