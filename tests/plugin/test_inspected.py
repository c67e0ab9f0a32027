"""`--flowdock-inspect`: each failed test leaves a file, and its report names it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from fakeflowdock.server.artifact.folder import file_name
from tests.support.chromium import WHOLE
from tests.support.frozen import data_of
from tests.support.inner_pytest import run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.newest_only

PHASES = """
    import pytest, requests

    API = "https://api.flowdock.com"

    @pytest.fixture
    def broken_setup(fake_flowdock):
        requests.get(API + "/user")
        raise RuntimeError("no")

    @pytest.fixture
    def broken_teardown(fake_flowdock):
        yield
        requests.get(API + "/flows")
        raise RuntimeError("no")

    def test_setup(broken_setup):
        pass

    def test_call(fake_flowdock):
        message = {"event": "message", "contnt": "Hello"}
        requests.post(API + "/flows/example/main/messages", json=message, **fake_flowdock.as_user())
        assert fake_flowdock.messages

    def test_both(broken_teardown):
        requests.get(API + "/user")
        assert False

    def test_passed(fake_flowdock):
        requests.get(API + "/user")
"""


def named(result: pytest.RunResult) -> list[str]:
    """The files that reports name."""
    return sorted(line.removeprefix("inspector: ") for line in result.stdout.lines if line.startswith("inspector: "))


def test_each_phase_that_fails_has_its_file(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_app=PHASES)
    result = run(pytester, "--flowdock-inspect", "build/red")
    result.assert_outcomes(failed=2, errors=2, passed=1)
    files = {path.name: data_of(path) for path in (pytester.path / "build/red").iterdir()}
    assert named(result) == sorted(f"build/red/{name}" for name in files)
    shown = {
        each["about"]["test"]: (each["about"]["cause"], [row["path"] for row in each["requests"]])
        for each in files.values()
    }
    assert {name: paths for name, (_, paths) in shown.items()} == {
        "test_app.py::test_setup (setup)": ["/user"],
        "test_app.py::test_call (call)": ["/flows/example/main/messages"],
        "test_app.py::test_both (call)": ["/user"],
        "test_app.py::test_both (teardown)": ["/user", "/flows"],
    }
    assert "contnt" in shown["test_app.py::test_call (call)"][0]


def test_the_file_has_the_report_and_opens_at_the_request_that_its_cause_names(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_app="""
        import requests

        def test_it(fake_flowdock):
            requests.get("https://api.flowdock.com/user", **fake_flowdock.as_user())
            url = "https://api.flowdock.com/flows/example/main/messages"
            requests.post(url, json={"event": "message"}, **fake_flowdock.as_user())
            requests.get("https://api.flowdock.com/user", **fake_flowdock.as_user())
            fake_flowdock.assert_message()
    """
    )
    result = run(pytester, "--flowdock-inspect", "out")
    [file] = (pytester.path / "out").iterdir()
    about = data_of(file)["about"]
    assert (about["first"], about["last"]) == (1, 3)
    assert 'data-start="world=default&amp;view=requests&amp;request=2"' in file.read_text("utf-8")
    assert "<title>test_app.py::test_it (call) · fakeflowdock</title>" in file.read_text("utf-8")
    result.stdout.fnmatch_lines([f"likely cause: {about['cause']}"])
    assert about["report"].startswith(f"likely cause: {about['cause']}\n")


def test_of_a_shared_fake_the_requests_of_the_test_are_told_apart(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import requests

        def test_one(fake_flowdock_session):
            requests.get("https://api.flowdock.com/user")

        def test_two(fake_flowdock_session):
            requests.get("https://api.flowdock.com/flows")
            assert False
    """)
    run(pytester, "--flowdock-inspect", "out", "-p", "no:randomly")
    [file] = (pytester.path / "out").iterdir()
    data = data_of(file)
    assert [each["path"] for each in data["requests"]] == ["/user", "/flows"]
    assert (data["about"]["first"], data["about"]["last"]) == (2, 2)


def test_each_of_several_fakes_has_its_file(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import requests
        from fakeflowdock import FakeFlowdock

        def test_two(fake_flowdock):
            requests.get("https://api.flowdock.com/flows")
            with FakeFlowdock():
                requests.get("https://api.flowdock.com/sources")
                assert False
    """)
    result = run(pytester, "--flowdock-inspect", "out")
    files = sorted((pytester.path / "out").iterdir())
    assert [re.sub("[0-9a-f]{8}", "…", path.stem) for path in files] == [
        f"test_each_of_several_fakes_has_its_file-test_two-…-{number}" for number in (1, 2)
    ]
    assert [[each["path"] for each in data_of(path)["requests"]] for path in files] == [["/flows"], ["/sources"]]
    assert len(named(result)) == 2


def test_processes_of_xdist_write_all_files_and_leave_old_ones_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest, requests

        NAMES = ["a", "A", "../../etc/passwd", "</script>", "con", "x" * 3000, "é", "\\U0001f600", "a b", "a-b", ""]

        @pytest.mark.parametrize("name", NAMES)
        def test_named(fake_flowdock, name):
            requests.get("https://api.flowdock.com/user")
            assert False
    """)
    folder = pytester.path / "out"
    folder.mkdir()
    (folder / "old.html").write_text("old")
    for options, plugins in ((["-n", "2"], ["xdist.plugin"]), ([], [])):
        result = run(pytester, "--flowdock-inspect", "out", *options, plugins=plugins)
        result.assert_outcomes(failed=11)
        assert named(result) == sorted(f"out/{path.name}" for path in folder.iterdir() if path.name != "old.html")
        assert len(named(result)) == 11
    assert (folder / "old.html").read_text() == "old"


def test_names_of_files_are_safe_and_differ_in_more_than_capitals() -> None:
    tests = [
        f"tests/test_x.py::TestIt::test_it[{each}]" for each in ("a", "A", "/", "\\", "..", "NUL", "\n", "x" * 999)
    ]
    tests += ["tests/test_x.py::test_it", "tests/test/x.py::test_it", "con.py::test_it", "tests/test_x.py", "\ud800"]
    names = [file_name(test, phase, number) for test in tests for phase in ("setup", "call") for number in (None, 1)]
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{1,130}\.html", name)
    assert file_name("tests/test_x.py::test_it", "call").startswith("tests-test_x-test_it-")
    assert file_name(f"test_x.py::test_it[{'0123456789abcdef' * 2}]", "call").startswith("test_x-test_it-0123-")


def test_a_file_that_cannot_be_written_is_told_and_hides_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_app=PHASES)
    (pytester.path / "taken").write_text("a file")
    result = run(pytester, "--flowdock-inspect", "taken", "-k", "call")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*assert*fake_flowdock.messages*", "likely cause: *contnt*"])
    assert [line.partition(".html: ")[0].rpartition("-")[0] for line in named(result)] == [
        "cannot write taken/test_app-test_call"
    ]
    assert (pytester.path / "taken").read_text() == "a file"


def test_a_bug_while_writing_is_told_and_hides_nothing(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(test_app=PHASES)
    monkeypatch.setattr("fakeflowdock.server.artifact.writing.html", (1).__add__)
    result = run(pytester, "--flowdock-inspect", "out", "-k", "call")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["likely cause: *contnt*", "inspector: fakeflowdock cannot write*a bug: TypeError: *"])


@pytest.mark.parametrize("where", ["ini file", "environment", "marker", "command line"])
def test_the_folder_is_chosen_as_other_choices_are(
    where: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    marker = 'pytestmark = pytest.mark.flowdock(inspect="out")' if where == "marker" else ""
    pytester.makepyfile(f"""
        import os, pytest, requests
        {marker}

        def test_it(fake_flowdock, monkeypatch, tmp_path):
            monkeypatch.chdir(tmp_path)
            requests.get("https://api.flowdock.com/user")
            assert False
    """)
    if where == "ini file":
        pytester.makeini("[pytest]\nflowdock_inspect = out\n")
    if where == "environment":
        monkeypatch.setenv("FAKEFLOWDOCK_INSPECT", str(tmp_path / "out"))
    result = run(pytester, *(["--flowdock-inspect", "out"] if where == "command line" else []))
    folder = (tmp_path if where == "environment" else pytester.path) / "out"
    [file] = folder.iterdir()
    assert named(result) == [str(file) if where == "environment" else f"out/{file.name}"]


def test_a_suite_that_passes_leaves_nothing_and_a_sweep_no_more(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import requests

        def test_it(fake_flowdock):
            assert requests.get("https://api.flowdock.com/user", **fake_flowdock.as_user()).ok
    """)
    result = run(pytester, "--flowdock-inspect", "out", "--flowdock-sweep", "429")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["    get-own-user  429  wrong result*"])
    assert not (pytester.path / "out").exists()


@WHOLE
def test_a_test_that_fakes_the_file_system_leaves_a_file_too(pytester: pytest.Pytester) -> None:
    pytest.importorskip("pyfakefs")
    pytester.makepyfile("""
        import requests

        def test_it(fs, fake_flowdock):
            requests.get("https://api.flowdock.com/user")
            assert False
    """)
    result = run(pytester, "--flowdock-inspect", "out", plugins=["pyfakefs.pytest_plugin"], new_process=True)
    result.assert_outcomes(failed=1)
    [file] = (pytester.path / "out").iterdir()
    assert named(result) == [f"out/{file.name}"]
    assert [each["path"] for each in data_of(file)["requests"]] == ["/user"]
