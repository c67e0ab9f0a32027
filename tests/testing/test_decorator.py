"""Fakes that are started within each other, and functions and classes that are decorated with one."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from fakeflowdock import FakeFlowdock
from tests.support import inner_pytest

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = "https://api.flowdock.com/sources"


def status() -> int:
    return requests.get(SOURCES, timeout=9).status_code


def test_an_inner_with_does_not_stop_the_outer(fake_flowdock: FakeFlowdock) -> None:
    with fake_flowdock as inner:
        assert inner is fake_flowdock
        url = inner.url
        assert status() == 401
    assert fake_flowdock.active
    assert status() == 401
    assert requests.get(f"{url}/sources", timeout=9).status_code == 401


def test_each_start_needs_its_stop() -> None:
    fake = FakeFlowdock().start().start()
    fake.stop()
    assert (fake.active, status()) == (True, 401)
    fake.stop()
    fake.stop()
    assert not fake.active
    with fake:
        assert fake.active
    assert not fake.active


def test_a_decorated_function_takes_positional_arguments_wherever_the_fake_is() -> None:
    shared = FakeFlowdock()

    @shared
    def first(fake_flowdock: FakeFlowdock, a: int, b: int = 2) -> Any:
        return fake_flowdock, a, b

    @shared
    def middle(a: int, fake_flowdock: FakeFlowdock, b: int = 2) -> Any:
        return fake_flowdock, a, b

    @shared
    def last(a: int, b: int = 2, *, fake_flowdock: FakeFlowdock) -> Any:
        return fake_flowdock, a, b

    functions: list[Any] = [first, middle, last]
    for call in functions:
        assert [call(1), call(1, 3), call(1, b=3), call(a=1)] == [(shared, 1, b) for b in (2, 3, 3, 2)]
        assert call(a=1, fake_flowdock=None) == (None, 1, 2)


def test_hypothesis_inside_or_outside() -> None:
    seen: list[int] = []

    @settings(max_examples=5, deadline=None, database=None)
    @given(st.integers(), st.integers())
    @FakeFlowdock()
    def examples_with_worlds(fake_flowdock: FakeFlowdock, number: int, other: int) -> None:
        seen.append(len(fake_flowdock.sources))
        fake_flowdock.add_source()

    @FakeFlowdock()
    @settings(max_examples=5, deadline=None, database=None)
    @given(number=st.integers())
    def a_world_for_all_examples(fake_flowdock: FakeFlowdock, number: int) -> None:
        seen.append(len(fake_flowdock.sources))
        fake_flowdock.add_source()

    given_the_rest: list[Any] = [examples_with_worlds, a_world_for_all_examples]
    for run in given_the_rest:
        run()
    assert set(seen[:5]) == {0}
    assert max(seen[5:]) > 0


CASES = """
import unittest
import requests
from fakeflowdock import FakeFlowdock

fake = FakeFlowdock()


def names():
    reply = requests.get("https://api.flowdock.com/sources", auth=(fake.user.api_token, ""), timeout=9)
    return [source["name"] for source in reply.json()]


def setUpModule():
    assert names() == []
    fake.add_source(name="module")


@fake
class Cases(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        assert names() == ["module"]
        fake.add_source(name="class")

    def setUp(self):
        fake.add_source(name="test")

    def test_one(self, fake_flowdock):
        self.assertIs(fake_flowdock, fake)
        self.assertEqual(names(), ["module", "class", "test"])

    test_two = test_one

    @classmethod
    def tearDownClass(cls):
        assert names() == ["module", "class"]


@fake
class Asynchronous(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        fake.add_source(name="test")

    async def test_three(self, fake_flowdock):
        self.assertIs(fake_flowdock, fake)
        self.assertEqual(names(), ["module", "test"])


def tearDownModule():
    assert names() == ["module"]
    print("torn down")
"""


def test_what_sets_up_a_decorated_test_case_runs_inside(tmp_path: Path) -> None:
    tmp_path.joinpath("test_cases.py").write_text(CASES)
    command = [sys.executable, "-W", "error", "-m", "unittest", "test_cases.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert "Ran 3 tests" in done.stderr
    assert (done.returncode, done.stdout) == (0, "torn down\n"), done.stderr


@pytest.mark.newest_only  # before 8.2, pytest runs tearDownModule before it has torn down the last class
def test_pytest_runs_a_decorated_test_case_in_the_same_way(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(CASES)
    result = inner_pytest.run(pytester, "-s")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*torn down*"])


def test_fixtures_of_a_decorated_class_run_inside(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest, requests
        from fakeflowdock import FakeFlowdock

        fake = FakeFlowdock()

        def names():
            reply = requests.get("https://api.flowdock.com/sources", auth=(fake.user.api_token, ""), timeout=9)
            return [source["name"] for source in reply.json()]

        @pytest.fixture(scope="module")
        def of_module():
            fake.add_source(name="module")

        @pytest.fixture(scope="class")
        def of_class():
            fake.add_source(name="class")
            yield
            assert names() == ["module", "class"]

        @pytest.fixture
        def of_test():
            fake.add_source(name="test")
            yield
            assert names()[-1] == "made by the test"

        @fake
        class TestAll:
            @classmethod
            def setup_class(cls):
                assert names() == ["module"]

            def setup_method(self):
                fake.add_source(name="method")

            @pytest.mark.parametrize("number", [1, 2])
            def test_it(self, of_test, number, of_class, of_module, fake_flowdock):
                assert fake_flowdock is fake
                assert sorted(names()) == ["class", "method", "module", "test"]
                fake.add_source(name="made by the test")

        """
    )
    pytester.makepyfile(
        test_plain="""
        from fakeflowdock import FakeFlowdock
        fake = FakeFlowdock()

        @fake
        class TestOne:
            def setup_method(self):
                assert fake.active

            def test_one(self):
                assert fake.active

        def test_outside():
            assert not fake.active
        """
    )
    inner_pytest.run(pytester).assert_outcomes(passed=4)
