"""The initial world and the clock of a test, chosen by marker, ini file, command line and environment."""

from __future__ import annotations

import pytest

from fakeflowdock import FakeFlowdock
from tests.support.inner_pytest import run

SEED = "users: [{name}]\n"
SUITE = """
    from datetime import datetime, timezone
    import pytest

    def test_unmarked(fake_flowdock):
        print(f"<{fake_flowdock.user.name}, {fake_flowdock.clock.now:%Y}>")

    @pytest.mark.flowdock(seed={"users": ["Marked"]}, clock=datetime(2031, 5, 6, tzinfo=timezone.utc))
    def test_marked(fake_flowdock):
        print(f"<{fake_flowdock.user.name}, {fake_flowdock.clock.now:%Y}>")
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A suite in a folder below pytest's root directory, where it is called, with a file in each of the two."""
    pytester.makepyfile(**{"inner/test_worlds": SUITE})
    pytester.makeini("[pytest]\n")
    inner = pytester.path / "inner"
    (pytester.path / "seed.yaml").write_text(SEED.format(name="Root"), "utf-8")
    (inner / "seed.yaml").write_text(SEED.format(name="Called"), "utf-8")
    FakeFlowdock(seed={"users": ["Saved"]}).dump(pytester.path / "world.json")
    pytester.chdir()
    return pytester


def shown(pytester: pytest.Pytester, *options: str, test: str = "test_unmarked") -> str:
    result = run(pytester, "-s", "-k", test, *options)
    result.assert_outcomes(passed=1, deselected=1)
    [line] = [line for line in result.outlines if "<" in line]
    return line[line.index("<") + 1 : line.index(">")]


def test_the_marker_takes_a_seed_and_a_time(suite: pytest.Pytester) -> None:
    assert shown(suite, test="test_marked") == "Marked, 2031"


def test_paths_of_the_ini_file_start_at_the_root(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.makeini("[pytest]\nflowdock_seed = seed.yaml\nflowdock_clock = 2030-01-02T03:04\n")
    monkeypatch.chdir("inner")
    assert shown(suite) == "Root, 2030"
    assert shown(suite, test="test_marked") == "Marked, 2031"
    suite.makeini("[pytest]\nflowdock_state = world.json\n")
    assert shown(suite) == "Saved, 2015"


def test_paths_of_the_call_start_where_pytest_was_called(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("inner")
    assert shown(suite, "--flowdock-seed", "seed.yaml") == "Called, 2015"
    monkeypatch.setenv("FAKEFLOWDOCK_SEED", "seed.yaml")
    assert shown(suite) == "Called, 2015"
    monkeypatch.setenv("FAKEFLOWDOCK_CLOCK", "2029-01-01")
    assert shown(suite, "--flowdock-state", "../world.json") == "Saved, 2029"
    assert shown(suite, "--flowdock-state", "../world.json", "--flowdock-clock", "2028-01-01") == "Saved, 2028"


def test_a_world_of_the_command_line_overrides_a_seed_of_the_ini_file(suite: pytest.Pytester) -> None:
    suite.makeini("[pytest]\nflowdock_seed = seed.yaml\n")
    assert shown(suite, "--flowdock-world", "docs") != shown(suite)
    assert shown(suite, "--flowdock-world", "docs", test="test_marked") == "Marked, 2031"


def test_the_clock_of_the_system_is_that_of_the_world(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        from unittest import mock
        import pytest

        @pytest.mark.flowdock(clock="system")
        def test_it(fake_flowdock):
            with mock.patch("time.time", return_value=4_000_000_000.0):
                assert fake_flowdock.add_message("Hello").sent.year == 2096
    """)
    run(pytester).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--flowdock-clock", "noon"], "*--flowdock-clock: invalid clock 'noon': expected world or system or a time*"),
        (["--flowdock-clock", "2026-13-01"], "*invalid clock '2026-13-01': month must be in 1..12*"),
        (["--flowdock-clock", "1950-01-01"], "*invalid time 1950-01-01*"),
        (["--flowdock-seed", "none.yaml"], "*--flowdock-seed: *No such file*none.yaml*"),
        (["--flowdock-state", "seed.yaml"], "*--flowdock-state: *seed.yaml:1: *"),
        (
            ["--flowdock-state", "world.json", "--flowdock-seed", "seed.yaml"],
            "*--flowdock-state, --flowdock-seed: give only one of world, state, seed*",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(suite: pytest.Pytester, options: list[str], error: str) -> None:
    result = run(suite, "-k", "test_unmarked", *options)
    result.assert_outcomes(errors=1, deselected=1)
    result.stdout.fnmatch_lines([error])


def test_the_session_has_the_initial_world_too(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        def test_unmarked(fake_flowdock_session):
            print(f"<{fake_flowdock_session.user.name}>")
    """)
    result = run(suite, "-s", "test_the_session_has_the_initial_world_too.py", "--flowdock-seed", "seed.yaml")
    result.stdout.fnmatch_lines(["*<Root>*"])
