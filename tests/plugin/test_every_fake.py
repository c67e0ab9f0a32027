"""Every fake that was active during a test is in its report and under its nets, however the test holds it."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from fakeflowdock import FakeFlowdock
from fakeflowdock.interception import activation
from tests.support.frozen import data_of
from tests.support.inner_pytest import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEAD = """
import unittest
import pytest
import requests
from fakeflowdock import FakeFlowdock

API = "https://api.flowdock.com"

def act():
    requests.get(API + PATH)
    assert OUTCOME
"""
SCOPED = """
@pytest.fixture(scope="{scope}")
def own():
    with FakeFlowdock({options}) as fake:
        yield fake

def test_it(own):
    act()
"""
# Each suite has one test, which holds a fake in another way and calls `act`.
HELD = {
    "the fixture": """
@pytest.mark.flowdock({options})
def test_it(fake_flowdock):
    act()
""",
    "the fixture of the session": """
def test_it(fake_flowdock_session):
    act()
""",
    "a fork": """
@pytest.fixture
def fake(fake_flowdock_session):
    with fake_flowdock_session.fork() as fake:
        yield fake

def test_it(fake):
    act()
""",
    "getfixturevalue": """
def test_it(request):
    request.getfixturevalue("fake_flowdock")
    act()
""",
    "a fixture that returns it": """
@pytest.fixture
def server(fake_flowdock):
    return fake_flowdock.flow

def test_it(server):
    act()
""",
    **{f"an own fixture for each {scope}": SCOPED for scope in ("function", "class", "module", "session")},
    "with": """
def test_it():
    with FakeFlowdock({options}):
        act()
""",
    "async with": """
import asyncio

async def within():
    async with FakeFlowdock({options}):
        act()

def test_it():
    asyncio.run(within())
""",
    "a decorated function": """
@FakeFlowdock({options})
def test_it():
    act()
""",
    "a decorated class": """
@FakeFlowdock({options})
class TestIt:
    def test_it(self):
        act()
""",
    "a decorated TestCase": """
@FakeFlowdock({options})
class ItTest(unittest.TestCase):
    def test_it(self):
        act()
""",
    "a TestCase that starts and stops it": """
class ItTest(unittest.TestCase):
    def setUp(self):
        self.fake = FakeFlowdock({options}).start()
        self.addCleanup(self.fake.stop)

    def test_it(self):
        act()
""",
    "a TestCase that enters it": """
class ItTest(unittest.TestCase):
    def test_it(self):
        with FakeFlowdock({options}):
            act()
""",
    "a module that started it": """
fake = FakeFlowdock({options}).start()

def teardown_module():
    fake.stop()

def test_it():
    act()
""",
}


@pytest.fixture(autouse=True)
def _none_is_left() -> Iterator[None]:
    yield
    assert not activation._started


FORMS = pytest.mark.parametrize("how", HELD)


def suite(how: str, path: str = "/sources", outcome: str = "True", options: str = "") -> str:
    head = HEAD.replace("PATH", repr(path)).replace("OUTCOME", outcome)
    return head + HELD[how].format(options=options, scope=how.rpartition(" ")[2])


@FORMS
def test_a_failed_test_has_its_report(how: str, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(suite(how, outcome="False"))
    result = run(pytester, "--flowdock-inspect", "out")
    result.assert_outcomes(failed=1)
    [file] = (pytester.path / "out").iterdir()
    result.stdout.fnmatch_lines(["*- fakeflowdock -*", "GET /sources → 401", f"inspector: out/{file.name}"])
    assert result.stdout.lines.count("GET /sources → 401") == 1
    assert [each["path"] for each in data_of(file)["requests"]] == ["/sources"]


@FORMS
def test_a_request_to_an_unknown_path_fails_its_test(how: str, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(suite(how, path="/source"))
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*requests to unknown paths*", "    GET /source → 404", "*- fakeflowdock -*"])
    run(pytester, "--flowdock-unknown-paths", "allow").assert_outcomes(passed=1)


@FORMS
def test_a_violation_fails_its_test(how: str, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(suite(how, path="/sources?lmit=3", options="strict=True"))
    result = run(pytester, "--flowdock-strict", "true")
    outcomes = result.parseoutcomes()
    assert outcomes.get("failed", 0) + outcomes.get("errors", 0) == 1, outcomes
    result.stdout.fnmatch_lines(["*violation: List sources has no parameter lmit*"])


IN_PHASES = """
    import pytest, requests

    @pytest.fixture
    def prepared(fake_flowdock):
        requests.get("https://api.flowdock.com/setup")
        {setup}
        yield
        requests.get("https://api.flowdock.com/teardown")
        {teardown}

    def test_it(prepared):
        requests.get("https://api.flowdock.com/call")
        {call}
"""


@pytest.mark.parametrize(
    ("phase", "seen"),
    [("setup", ["setup"]), ("call", ["setup", "call"]), ("teardown", ["setup", "call", "teardown"])],
)
def test_a_report_is_there_whatever_phase_fails(phase: str, seen: list[str], pytester: pytest.Pytester) -> None:
    ends = dict.fromkeys(("setup", "call", "teardown"), "pass") | {phase: "raise RuntimeError('no')"}
    pytester.makepyfile(IN_PHASES.format(**ends))
    result = run(pytester, "--flowdock-unknown-paths", "allow")
    result.stdout.fnmatch_lines(["*- fakeflowdock -*", *(f"GET /{each} → 404" for each in seen)])


def test_unknown_paths_of_each_phase_fail_the_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(IN_PHASES.format(setup="pass", call="pass", teardown="pass"))
    result = run(pytester)
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown*", "*unknown paths*", "    GET /teardown → 404"])
    result.stdout.fnmatch_lines(["*FAILURES*", "*unknown paths*", "    GET /setup → 404", "    GET /call → 404"])


def test_a_test_is_told_of_its_own_requests_to_a_shared_fake_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import requests

        def get(path, fake):
            fake.add_user(name=path)
            requests.get(f"https://api.flowdock.com/{path}", **fake.as_user())

        def test_one(fake_flowdock_session):
            get("flows", fake_flowdock_session)

        def test_two(fake_flowdock_session):
            get("sources", fake_flowdock_session)
            assert False

        def test_three():
            assert False
    """)
    result = run(pytester, "-p", "no:randomly")
    result.assert_outcomes(passed=1, failed=2)
    text = result.stdout.str()
    assert "GET /flows" not in text
    assert "name 'flows'" not in text
    assert (text.count("GET /sources → 200"), text.count("name 'sources'")) == (1, 1)
    assert text.count("- fakeflowdock -") == 1  # the third test made no request and does not hold it


def test_several_fakes_are_told_apart_by_their_names(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import requests
        from fakeflowdock import FakeFlowdock

        def test_two(fake_flowdock):
            requests.get("https://api.flowdock.com/flows")
            with FakeFlowdock():
                requests.get("https://api.flowdock.com/sources")
                assert False
    """)
    result = run(pytester)
    result.stdout.fnmatch_lines(
        ["*- fakeflowdock: fake_flowdock -*", "GET /flows → 401", "*- fakeflowdock: 2 of 2 -*", "GET /sources → 401"]
    )


def test_of_many_fakes_in_one_test_the_last_ones_are_told(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import requests
        from fakeflowdock import FakeFlowdock

        def test_many():
            for number in range(40):
                with FakeFlowdock():
                    requests.get(f"https://api.flowdock.com/{number}")
    """)
    result = run(pytester)
    result.assert_outcomes(failed=1)
    lost = result.stdout.str().partition("- fakeflowdock")[0]
    assert all(f"    GET /{number} → 404" in lost for number in range(40))  # the nets have all of them
    assert result.stdout.str().count("- fakeflowdock: ") == 20


def test_scenarios_of_pytest_bdd_have_their_report(pytester: pytest.Pytester) -> None:
    pytest.importorskip("pytest_bdd", reason="pytest-bdd is not installed")
    pytester.makefile(".feature", it="Feature: It\n  Scenario: It\n    When it acts\n")
    pytester.makepyfile(f"""
{HEAD.replace("PATH", "'/sources'").replace("OUTCOME", "False")}
from pytest_bdd import scenario, when

@scenario("it.feature", "It")
def test_it():
    pass

@when("it acts")
def _(fake_flowdock):
    act()
""")
    result = run(pytester, plugins=["pytest_bdd.plugin"])
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*- fakeflowdock -*", "GET /sources → 401"])


OUTSIDE = """
import unittest
import requests
from fakeflowdock import FakeFlowdock

API = "https://api.flowdock.com"

class StartedTest(unittest.TestCase):
    def test_it(self):
        with FakeFlowdock():
            requests.get(API + "/one")
            self.fail("no")

@FakeFlowdock()
class DecoratedTest(unittest.TestCase):
    def setUp(self):
        requests.get(API + "/two")

    def test_it(self):
        self.fail("no")

    def test_parts(self):
        with self.subTest("a part"):
            requests.get(API + "/three")
            self.fail("no")

    def test_skipped(self):
        self.skipTest("not today")

class FunctionTest(unittest.TestCase):
    @FakeFlowdock()
    def test_it(self):
        requests.get(API + "/four")
        self.fail("no")

    @FakeFlowdock()
    async def coroutine(self):
        requests.get(API + "/five")
        self.fail("no")

    def test_awaited(self):
        import asyncio
        asyncio.run(self.coroutine())
"""


def test_outside_pytest_the_exception_carries_the_report_as_a_note(tmp_path: Path) -> None:
    (tmp_path / "test_outside.py").write_text(OUTSIDE)
    command = [sys.executable, "-W", "error", "-m", "unittest", "-v", "test_outside"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert "failures=5, skipped=1" in done.stderr
    notes = done.stderr.split("fakeflowdock report:\n")[1:]
    assert len(notes) == 5
    told = [re.findall(r"(?m)^(GET /\w+) → 404$", note) for note in notes]
    assert sorted(told) == [
        ["GET /five"],
        ["GET /four"],
        ["GET /one"],
        ["GET /two"],
        ["GET /two", "GET /three"],
    ]


HELD_OUTSIDE = """
import unittest
import requests
from fakeflowdock import FakeFlowdock

API = "https://api.flowdock.com"

class EnteredTest(unittest.TestCase):
    def setUp(self):
        self.fake = self.enterContext(FakeFlowdock())

    def test_report(self):
        requests.get(API + "/entered")
        self.fail("no")

    def test_path(self):
        requests.get(API + "/entered")

    def test_fault(self):
        self.fake.fail("list flows", status=500)

    def test_failed_before_its_fault(self):
        self.fake.fail("list flows", status=500)
        self.fail("no")

    def test_skipped(self):
        requests.get(API + "/entered")
        self.skipTest("not today")

    def test_green_fault(self):
        self.fake.fail("list flows", status=500)
        requests.get(API + "/flows")

class StartedTest(unittest.TestCase):
    def setUp(self):
        fake = FakeFlowdock().start()
        self.addCleanup(fake.stop)

    def test_report(self):
        requests.get(API + "/started")
        self.fail("no")

    def test_path(self):
        requests.get(API + "/started")

class ClassTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fake = cls.enterClassContext(FakeFlowdock())
        cls.fake.fail("get flow", status=500)

    def test_1_green(self):
        requests.get(API + "/flows")

    def test_2_report(self):
        requests.get(API + "/sources")
        self.fail("no")

@FakeFlowdock()
class DecoratedTest(unittest.TestCase):
    def test_path(self):
        requests.get(API + "/decorated")

@FakeFlowdock(strict=True)
class StrictTest(unittest.TestCase):
    def test_violation(self):
        requests.get(API + "/sources?lmit=3")
        requests.get(API + "/strict")

class MethodTest(unittest.TestCase):
    @FakeFlowdock()
    def test_path(self):
        requests.get(API + "/method")

    @FakeFlowdock(unknown_paths="allow")
    def test_green_allowed(self):
        requests.get(API + "/method")
"""
OUTSIDE_LINES = {  # what the failure of each test says at least
    "EnteredTest.test_report": ["fakeflowdock report:", "GET /entered → 404"],
    "EnteredTest.test_path": ["AssertionError: requests to unknown paths *", "    GET /entered → 404"],
    "EnteredTest.test_fault": [
        "AssertionError: faults that never applied *",
        "    every request for list-flows: 500 *",
    ],
    "EnteredTest.test_failed_before_its_fault": ["AssertionError: no", "fakeflowdock report:"],
    "StartedTest.test_report": ["fakeflowdock report:", "GET /started → 404"],
    "StartedTest.test_path": ["AssertionError: requests to unknown paths *", "    GET /started → 404"],
    "ClassTest.test_2_report": ["fakeflowdock report:", "(1 earlier request not shown)", "GET /sources → 401"],
    "DecoratedTest.test_path": ["AssertionError: requests to unknown paths *", "    GET /decorated → 404"],
    "StrictTest.test_violation": ["violation: List sources has no parameter lmit*", "    GET /strict → 404"],
    "MethodTest.test_path": ["AssertionError: requests to unknown paths *", "    GET /method → 404"],
    "tearDownClass (test_held.ClassTest)": ["AssertionError: faults that never applied *"],
}


def test_outside_pytest_reports_and_nets_are_there_however_a_test_holds_the_fake(tmp_path: Path) -> None:
    (tmp_path / "test_held.py").write_text(HELD_OUTSIDE)
    command = [sys.executable, "-W", "error", "-m", "unittest", "-v", "test_held"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    failures = re.split(r"(?m)^={70}\n(?:FAIL|ERROR): ", done.stderr)[1:]
    assert len(failures) == len(OUTSIDE_LINES), done.stderr
    for name, lines in OUTSIDE_LINES.items():
        [failure] = [each for each in failures if name in each.partition("\n")[0]]
        pytest.LineMatcher(failure.splitlines()).fnmatch_lines(lines)
        assert failure.count("fakeflowdock report:") == 1
    assert "FAILED (failures=10, errors=1, skipped=1)" in done.stderr
    assert not any("GET /flows →" in each for each in failures if "test_2_report" in each)


SCRIPT = """
import requests
from fakeflowdock import FakeFlowdock

with FakeFlowdock({options}) as fake:
    requests.get("https://api.flowdock.com/{path}")
    fake.fail("get flow", status=500, optional={optional})
"""


@pytest.mark.parametrize(
    ("options", "path", "optional", "told"),
    [
        ("", "flowz", True, 'requests to unknown paths (FakeFlowdock(unknown_paths="allow") allows them):'),
        ("", "flows", False, "faults that never applied (fail(…, optional=True) allows them):"),
        ("unknown_paths='allow'", "flowz", True, None),
    ],
)
def test_a_script_ends_with_what_the_nets_have(
    options: str, path: str, optional: bool, told: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "script.py"
    file.write_text(SCRIPT.format(options=options, path=path, optional=optional))
    command = [sys.executable, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False)
    assert (done.returncode, f"AssertionError: {told}" in done.stderr) == ((0, False) if told is None else (1, True))


def test_unknown_paths_are_checked(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(suite("with", path="/source", options="unknown_paths='allow'"))
    run(pytester).assert_outcomes(passed=1)
    with pytest.raises(ValueError, match="invalid unknown_paths 'no': expected 'fail' or 'allow'"):
        FakeFlowdock(unknown_paths="no")  # type: ignore[arg-type]


EXPECTED = """
import unittest
import requests
from fakeflowdock import FakeFlowdock

API = "https://api.flowdock.com"

@FakeFlowdock()
class Test(unittest.TestCase):
    def test_expected(self):
        self.assertEqual(requests.get(API + "/flows").status_code, 401)
        self.fail("no")

    def test_unexpected(self):
        requests.get(API + "/sources")
        self.fail("no")

    def test_counted(self):
        with FakeFlowdock() as fake:
            for _ in range(2):
                requests.post(API + "/messages?event=message&content=Hi&flow=" + fake.flow.id, **fake.as_user())
            self.assertEqual(len(fake.messages), 1)
"""


def test_outside_pytest_the_likely_cause_fits_the_exception_too(tmp_path: Path) -> None:
    (tmp_path / "test_outside.py").write_text(EXPECTED)
    command = [sys.executable, "-m", "unittest", "-v", "test_outside"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert "failures=3" in done.stderr
    assert [first.partition(":")[2] for first in re.findall("likely cause(.*)", done.stderr)] == [
        " POST /messages → 201: the same request was sent 2 times",
        (
            " GET /sources → 401: Unauthorized: the request has no credentials: this operation takes a user (Basic, "
            "api_token) or an application (Bearer) or a source (flow_token)"
        ),
    ]


def test_under_pytest_the_exception_carries_none(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(suite("with", outcome="False"))
    assert "fakeflowdock report" not in run(pytester).stdout.str()
