"""The documented-failures sweep, as a suite that asks for it sees it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.inner_pytest import run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.newest_only

SUITE = """
    import pytest
    import requests

    API = "https://api.flowdock.com"

    def tell(flow_token, tries):
        message = {"flow_token": flow_token, "event": "message", "content": "x", "external_user_name": "CI"}
        for number in range(tries):
            try:
                reply = requests.post(API + "/messages", json=message, timeout=5)
            except requests.RequestException:
                if number == tries - 1:
                    raise
            else:
                if reply.ok:
                    break
        reply.raise_for_status()

    def test_careless(fake_flowdock):
        requests.get(API + "/sources", timeout=5, **fake_flowdock.as_user())

    def test_once(fake_flowdock):
        tell(fake_flowdock.add_source().flow_token, tries=1)

    def test_three_times(fake_flowdock):
        tell(fake_flowdock.add_source().flow_token, tries=3)
        fake_flowdock.clear_faults()
        assert len(fake_flowdock.messages) == 1

    def test_red(fake_flowdock):
        requests.get(API + "/sources", timeout=5, **fake_flowdock.as_user())
        assert False

    @pytest.mark.xfail(strict=False)
    def test_known(fake_flowdock):
        requests.get(API + "/sources", timeout=5, **fake_flowdock.as_user())

    def test_idle(fake_flowdock):
        fake_flowdock.add_source()

    def test_elsewhere():
        pass
"""
TABLE = """
test_suite.py::test_careless
    list-sources  401          survived
    list-sources  403          survived
    list-sources  429          survived
    list-sources  500          survived
    list-sources  timeout      raised ReadTimeout: HTTPSConnectionPool(host='api.flowdock.com', port…
    list-sources  lost answer  raised ConnectionError: ('Connection aborted.', ConnectionResetError(…
test_suite.py::test_once
    send-message  401          raised HTTPError: 401 Client Error: Unauthorized for url: https://api…
    send-message  403          raised HTTPError: 403 Client Error: Forbidden for url: https://api.fl…
    send-message  404          raised HTTPError: 404 Client Error: Not Found for url: https://api.fl…
    send-message  410          raised HTTPError: 410 Client Error: Gone for url: https://api.flowdoc…
    send-message  429          raised HTTPError: 429 Client Error: Too Many Requests for url: https:…
    send-message  500          raised HTTPError: 500 Server Error: Internal Server Error for url: ht…
    send-message  timeout      raised ReadTimeout: HTTPSConnectionPool(host='api.flowdock.com', port…
    send-message  lost answer  raised ConnectionError: ('Connection aborted.', ConnectionResetError(…
test_suite.py::test_three_times
    send-message  401          raised HTTPError: 401 Client Error: Unauthorized for url: https://api…
    send-message  403          raised HTTPError: 403 Client Error: Forbidden for url: https://api.fl…
    send-message  404          raised HTTPError: 404 Client Error: Not Found for url: https://api.fl…
    send-message  410          raised HTTPError: 410 Client Error: Gone for url: https://api.flowdoc…
    send-message  429          survived
    send-message  500          survived
    send-message  timeout      survived
    send-message  lost answer  failed: assert 2 == 1
"""
SUMMARY = """
new findings by operation and failure; . is none, blank was not run:
              401  403  404  410  429  500  timeout  lost answer
list-sources    1    1              1    1        .            .
send-message    .    .    .    .    .    .        .            1
test_suite.py::test_careless
    list-sources  401, 403, 429, 500  unnoticed: the test passes although the call fails
test_suite.py::test_three_times
    send-message  lost answer  wrong result: assert 2 == 1
22 failures in 3 tests: 7 survived, 1 failed, 14 raised; 5 findings
"""
ALL = [*TABLE.strip("\n").split("\n"), *SUMMARY.strip("\n").split("\n")]


def table(result: pytest.RunResult) -> list[str]:
    """The lines of the section at the end."""
    lines = result.stdout.lines
    [start] = [place for place, line in enumerate(lines) if line.strip("= ") == "documented failures"]
    rest = lines[start + 1 :]
    return [line for line in rest[: next(place for place, line in enumerate(rest) if line.startswith("="))] if line]


def swept(pytester: pytest.Pytester, body: str, *options: str) -> list[str]:
    """What the table says of one test, without its name and the counts."""
    pytester.makepyfile(body)
    result = run(pytester, "-v", "--flowdock-sweep", *options)
    lines = table(result)
    assert result.ret == (0 if lines[-1].endswith("; 0 findings") else 1)
    runs = lines[1 : next(place for place, line in enumerate(lines) if line.startswith("new findings"))]
    return [line.strip() for line in runs]


def test_each_passed_test_is_run_again_with_each_failure_that_the_docs_allow(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_suite=SUITE)
    plain, result = run(pytester, "-v"), run(pytester, "-v", "--flowdock-sweep")
    assert table(result) == ALL
    for each in (plain, result):
        each.assert_outcomes(passed=5, failed=1, xpassed=1)
        assert each.ret == pytest.ExitCode.TESTS_FAILED
    assert "documented failures" not in plain.stdout.str()
    assert [line for line in result.stdout.lines if line.startswith("test_suite.py") and "[" in line] == [
        line for line in plain.stdout.lines if line.startswith("test_suite.py") and "[" in line
    ]


def test_the_workers_of_xdist_find_the_same(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_suite=SUITE)
    result = run(pytester, "-v", "-n", "2", "--flowdock-sweep-file", "swept.json", plugins=["xdist.plugin"])
    assert table(result) == [*ALL, f"written to {pytester.path / 'swept.json'}"]
    result.assert_outcomes(passed=5, failed=1, xpassed=1)
    alone = run(pytester, "--flowdock-sweep-file", "alone.json")
    assert table(alone)[-1] == f"written to {pytester.path / 'alone.json'}"
    assert read(pytester.path / "swept.json") == read(pytester.path / "alone.json")


def read(file: Path) -> Any:
    return json.loads(file.read_text("utf-8"))


def test_the_file_has_every_run_with_its_outcome_and_why(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_suite=SUITE)
    run(pytester, "--flowdock-sweep", "--flowdock-sweep-file", "swept.json", "-k", "three")
    whole = read(pytester.path / "swept.json")
    assert set(whole) == {"fakeflowdock", "counts", "not_swept", "results"}
    assert whole["counts"] == {"survived": 3, "failed": 1, "raised": 4}
    first, *_, late, lost = whole["results"]
    test = "test_suite.py::test_three_times"
    assert first == {
        "test": test,
        "operation": "send-message",
        "failure": "401",
        "outcome": "raised",
        "phase": "call",
        "exception": "requests.exceptions.HTTPError",
        "message": "401 Client Error: Unauthorized for url: https://api.flowdock.com/messages",
        "finding": None,
        "accepted": False,
    }
    nothing = {"phase": None, "exception": None, "message": None}
    assert late == {**first, **nothing, "failure": "timeout", "outcome": "survived"}
    why = {"exception": "AssertionError", "message": "assert 2 == 1", "finding": "wrong result"}
    assert lost == {**first, **why, "failure": "lost answer", "outcome": "failed"}


def test_what_is_called_in_fixtures_fails_there(pytester: pytest.Pytester) -> None:
    lines = swept(
        pytester,
        """
        import pytest, requests

        @pytest.fixture
        def flows(fake_flowdock):
            reply = requests.get("https://api.flowdock.com/flows", timeout=5, **fake_flowdock.as_user())
            reply.raise_for_status()
            yield reply.json()
            requests.get("https://api.flowdock.com/user", timeout=5, **fake_flowdock.as_user()).raise_for_status()

        def test_flows(flows):
            assert len(flows) == 1
        """,
    )
    assert [line.split(": ")[0] for line in lines] == [
        "list-flows    401          raised HTTPError in setup",
        "list-flows    403          raised HTTPError in setup",
        "list-flows    429          raised HTTPError in setup",
        "list-flows    500          raised HTTPError in setup",
        "list-flows    timeout      raised ReadTimeout in setup",
        "list-flows    lost answer  raised ConnectionError in setup",
        "get-own-user  401          raised HTTPError in teardown",
        "get-own-user  403          raised HTTPError in teardown",
        "get-own-user  429          raised HTTPError in teardown",
        "get-own-user  500          raised HTTPError in teardown",
        "get-own-user  timeout      raised ReadTimeout in teardown",
        "get-own-user  lost answer  raised ConnectionError in teardown",
    ]


def test_a_token_that_is_gone_is_a_sources_alone(pytester: pytest.Pytester) -> None:
    lines = swept(
        pytester,
        """
        import requests

        def test_both(fake_flowdock):
            source = fake_flowdock.add_source()
            for who in (fake_flowdock.as_user(), fake_flowdock.as_source(source)):
                reply = requests.get("https://api.flowdock.com/sources", timeout=5, **who)
                assert reply.status_code == (200 if "headers" in who else 410) or not fake_flowdock.requests[-1].fault
        """,
    )
    assert "list-sources  410          survived" in lines


def test_a_run_that_skips_itself_or_makes_no_call_is_no_survivor(pytester: pytest.Pytester) -> None:
    lines = swept(
        pytester,
        """
        import pytest, requests

        runs = []

        def test_moody(fake_flowdock):
            runs.append(1)
            if len(runs) % 2:
                reply = requests.get("https://api.flowdock.com/sources", timeout=5, **fake_flowdock.as_user())
                if not reply.ok:
                    pytest.skip("not today")
        """,
    )
    assert lines == [
        "list-sources  401          not_reached",
        "list-sources  403          skipped: not today",
        "list-sources  429          not_reached",
        "list-sources  500          skipped: not today",
        "list-sources  timeout      not_reached",
        "list-sources  lost answer  raised ConnectionError: ('Connection aborted.', ConnectionResetError(…",
    ]


def test_code_that_asks_for_ever_is_stopped(pytester: pytest.Pytester) -> None:
    lines = swept(
        pytester,
        """
        import requests

        def test_stubborn(fake_flowdock):
            while True:
                try:
                    if requests.get("https://api.flowdock.com/sources", timeout=5, **fake_flowdock.as_user()).ok:
                        break
                except Exception:
                    pass
        """,
    )
    assert lines == [
        "list-sources  401          failed: gave up after 100 consecutive failures",
        "list-sources  403          failed: gave up after 100 consecutive failures",
        "list-sources  429          survived",
        "list-sources  500          survived",
        "list-sources  timeout      survived",
        "list-sources  lost answer  survived",
    ]


def test_over_a_socket_it_is_the_same(pytester: pytest.Pytester) -> None:
    lines = swept(
        pytester,
        """
        import requests

        # Of the run without a failure, and of those with 401, 403, 429, 500, a timeout and a lost answer.
        timeouts = iter([30, 30, 30, 30, 30, 0.2, 30])

        def test_socket(fake_flowdock):
            url, timeout = fake_flowdock.url + "/sources", (30, next(timeouts))
            requests.get(url, timeout=timeout, **fake_flowdock.as_user()).raise_for_status()
        """,
    )
    assert [line.split(": ")[0] for line in lines] == [
        "list-sources  401          raised HTTPError",
        "list-sources  403          raised HTTPError",
        "list-sources  429          raised HTTPError",
        "list-sources  500          raised HTTPError",
        "list-sources  timeout      raised ReadTimeout",
        "list-sources  lost answer  raised ConnectionError",
    ]


def test_a_run_of_the_sweep_leaves_no_trace_in_the_suite(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import gc, socket, unittest, warnings
        import pytest, requests

        def listed(fake):
            reply = requests.get("https://api.flowdock.com/sources", timeout=5, **fake.as_user())
            if not reply.ok:
                warnings.warn("refused", UserWarning, stacklevel=1)
                left_open = socket.socket()
                reply.cycle = [reply, left_open]
            reply.raise_for_status()

        def test_leaks(fake_flowdock, tmp_path):
            (tmp_path / "once").touch(exist_ok=False)
            listed(fake_flowdock)

        def test_after_it(fake_flowdock):
            gc.collect()

        class TestOld(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def fake(self, fake_flowdock):
                self.fake = fake_flowdock

            def test_method(self):
                listed(self.fake)

        @pytest.mark.parametrize("number", [1, 2])
        def test_number(fake_flowdock, number):
            listed(fake_flowdock)
    """)
    result = run(pytester, "-v", "--flowdock-sweep", "--junitxml", "junit.xml")
    result.assert_outcomes(passed=5, warnings=0)
    assert result.ret == 0
    assert table(result)[-1] == "24 failures in 4 tests: 24 raised; 0 findings"
    assert (pytester.path / "junit.xml").read_text("utf-8").count("<testcase") == 5
    assert sum(" PASSED " in line for line in result.stdout.lines) == 5


def test_a_suite_that_never_asks_flowdock_is_told_so(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_nothing(): pass")
    result = run(pytester, "--flowdock-sweep")
    assert table(result) == ["no passed test made a request to Flowdock"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["--flowdock-sweep", "--pdb"],
            "ERROR: --flowdock-sweep and --pdb cannot be combined: *",
        ),
        (
            ["--flowdock-sweep=429,timout"],
            "ERROR: --flowdock-sweep: unknown failure 'timout': expected all or some of *",
        ),
        (["--flowdock-sweep", "test_suite.py"], "ERROR: *(without a value, write --flowdock-sweep after the files)"),
        (["--flowdock-sweep-update"], "ERROR: --flowdock-sweep-update requires --flowdock-sweep-baseline FILE"),
        (
            ["--flowdock-sweep-baseline", "none.txt"],
            "ERROR: *none.txt: No such file or directory (--flowdock-sweep-update writes it)",
        ),
        (["--flowdock-sweep-file", "no/where.json"], "ERROR: --flowdock-sweep-file: cannot write to *where.json"),
        (["--flowdock-sweep-file", "."], "ERROR: --flowdock-sweep-file: cannot write to *"),
    ],
)
def test_what_cannot_be_done_is_refused(options: list[str], words: str, pytester: pytest.Pytester) -> None:
    result = run(pytester, *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([words])


def test_a_filter_selects_failures(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_suite=SUITE)
    result = run(pytester, "--flowdock-sweep=429,lost-answer", "-k", "careless or three")
    assert table(result) == [
        "new findings by operation and failure; . is none, blank was not run:",
        "              429  lost answer",
        "list-sources    1            .",
        "send-message    .            1",
        "test_suite.py::test_careless",
        "    list-sources  429  unnoticed: the test passes although the call fails",
        "test_suite.py::test_three_times",
        "    send-message  lost answer  wrong result: assert 2 == 1",
        "4 failures in 2 tests: 2 survived, 1 failed, 1 raised; 2 findings",
    ]


def test_only_findings_that_the_baseline_does_not_have_fail_the_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_suite=SUITE)
    baseline = ("--flowdock-sweep-baseline", "baseline.txt")
    chosen = ("-k", "careless or three")
    assert run(pytester, "--flowdock-sweep", *chosen).ret == 1
    result = run(pytester, *baseline, "--flowdock-sweep-update", *chosen)
    assert (result.ret, table(result)[-1]) == (0, f"5 findings accepted in {pytester.path / 'baseline.txt'}")
    lines = [
        "# Findings of --flowdock-sweep that are accepted",
        "list-sources  401  unnoticed  test_suite.py::test_careless",
        "list-sources  403  unnoticed  test_suite.py::test_careless",
        "list-sources  429  unnoticed  test_suite.py::test_careless",
        "list-sources  500  unnoticed  test_suite.py::test_careless",
        "send-message  lost answer  wrong result  test_suite.py::test_three_times",
    ]
    file = pytester.path / "baseline.txt"
    assert file.read_text("utf-8").splitlines() == lines
    result = run(pytester, *baseline, *chosen)
    assert (result.ret, table(result)[-1].partition("; ")[2]) == (0, "0 findings besides 5 accepted")

    gone = "send-message  500  crashed  test_suite.py::test_three_times"
    file.write_text("\n".join([*lines[:-1], gone]))
    result = run(pytester, *baseline, *chosen)
    assert result.ret == 1
    assert table(result)[-2:] == [
        f"no longer found, can leave the baseline: {gone}",
        "14 failures in 2 tests: 7 survived, 1 failed, 6 raised; 1 finding besides 4 accepted",
    ]
    result = run(pytester, *baseline, "--flowdock-sweep-update", "-k", "three")
    assert file.read_text("utf-8").splitlines() == lines, "what was not run stays"


@pytest.mark.parametrize(
    "line", ["garbage", "send-message  501  crashed  test_x.py::test", "send-message  500  odd  test_x.py::test"]
)
def test_a_line_of_a_baseline_that_is_no_finding_is_an_error(line: str, pytester: pytest.Pytester) -> None:
    (pytester.path / "baseline.txt").write_text(f"# accepted\n\n{line}\n", "utf-8")
    result = run(pytester, "--flowdock-sweep-baseline", "baseline.txt")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    words = f"ERROR: --flowdock-sweep-baseline: *baseline.txt:3: invalid line '{line}': expected operation, failure, *"
    result.stderr.fnmatch_lines([words])


def test_a_crash_is_a_finding_and_an_error_of_the_client_is_not(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_suite="""
        import pytest, requests

        def asked(fake):
            return requests.get("https://api.flowdock.com/user", timeout=5, **fake.as_user())

        def test_reads_what_is_not_there(fake_flowdock):
            asked(fake_flowdock).json()["nick"]

        def test_checks_first(fake_flowdock):
            reply = asked(fake_flowdock)
            reply.raise_for_status()
            reply.json()["nick"]

        class Refused(ValueError):
            pass

        def test_raises_its_own(fake_flowdock):
            if not asked(fake_flowdock).ok:
                raise Refused

        def test_tries_again(fake_flowdock):
            if not asked(fake_flowdock).ok:
                asked(fake_flowdock).raise_for_status()
        """
    )
    result = run(pytester, "--flowdock-sweep=401,429")
    assert result.ret == 1
    assert table(result)[3:] == [
        "test_suite.py::test_reads_what_is_not_there",
        "    get-own-user  401, 429  crashed: raised KeyError: 'nick'",
        "8 failures in 4 tests: 1 survived, 7 raised; 2 findings",
    ]


STREAMS = """
import json
import requests

def hear(fake):
    for _ in range(2):
        url = fake.stream_url + "?filter=example/main"
        with requests.get(url, stream=True, timeout=5, **fake.as_user()) as reply:
            reply.raise_for_status()
            fake.add_message("Hello")
            try:
                for line in reply.iter_lines(chunk_size=1):
                    return json.loads(line)["content"]
            except requests.exceptions.ChunkedEncodingError:
                continue

def test_reconnects(fake_flowdock):
    assert hear(fake_flowdock) == "Hello"
"""


def test_a_stream_is_also_broken_after_it_has_opened(pytester: pytest.Pytester) -> None:
    lines = (re.split(" {2,}", line) for line in swept(pytester, STREAMS))
    found = {failure: outcome for _, failure, outcome in lines}
    assert (found["reset stream"], found["cut record"]) == ("survived", "survived")
    assert set(found) == {"401", "403", "404", "429", "500", "timeout", "lost answer", "reset stream", "cut record"}
    assert found["429"].startswith("raised HTTPError")


LEFT_OUT = """
    import pytest
    import requests
    from fakeflowdock import FakeFlowdock

    def flows(fake):
        requests.get("https://api.flowdock.com/flows", timeout=5, **fake.as_user()).raise_for_status()

    def test_swept(fake_flowdock):
        flows(fake_flowdock)

    def test_session(fake_flowdock_session):
        flows(fake_flowdock_session)

    def test_fork(fake_flowdock_session):
        with fake_flowdock_session.fork() as fake:
            flows(fake)

    def test_own():
        with FakeFlowdock() as fake:
            flows(fake)

    def test_without_a_request(fake_flowdock_session):
        pass

    @pytest.mark.xfail(strict=True)
    def test_red(fake_flowdock_session):
        flows(fake_flowdock_session)
        assert False
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_tests_that_are_not_swept_are_named(workers: tuple[str, ...], pytester: pytest.Pytester) -> None:
    file = pytester.makepyfile(LEFT_OUT).name
    options = ("--flowdock-sweep", "--flowdock-sweep-file", "sweep.json", *workers)
    result = run(pytester, *options, plugins=["xdist.plugin"] if workers else [])
    result.assert_outcomes(passed=5, xfailed=1)
    names = [f"{file}::test_{name}" for name in ("fork", "own", "session")]
    told = "not swept, because the fake is not that of fake_flowdock: 3 tests"
    result.stdout.fnmatch_lines([told, *(f"    {name}" for name in names), "6 failures in 1 test: *"])
    assert json.loads((pytester.path / "sweep.json").read_text("utf-8"))["not_swept"] == names
    only = run(pytester, "--flowdock-sweep", "-k", "test_own")
    only.stdout.fnmatch_lines(["not swept, *: 1 test"])
    assert "no passed test" not in only.stdout.str()


def test_an_empty_choice_of_failures_is_an_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(LEFT_OUT)
    result = run(pytester, "--flowdock-sweep=")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--flowdock-sweep: unknown failure '': expected all or some of *"])
