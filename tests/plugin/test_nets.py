"""What fails or warns although a test passes: faults that never applied, and contract warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.inner_pytest import run

if TYPE_CHECKING:
    import pytest

FAULTS = """
    import pytest
    import requests
    from fakeflowdock import FakeFlowdock, Failure

    API = "https://api.flowdock.com"

    def flows(fake):
        return requests.get(API + "/flows", **fake.as_user()).status_code

    @pytest.fixture(scope="session")
    def shared(fake_flowdock_session):
        fake_flowdock_session.fail("get flow", status=500)
        return fake_flowdock_session

    @pytest.fixture
    def failing(fake_flowdock):
        with fake_flowdock.fail("get flow", status=500):
            yield fake_flowdock

    def test_green_applied(fake_flowdock):
        fake_flowdock.fail("list flows", status=500)
        assert flows(fake_flowdock) == 500

    def test_green_optional(fake_flowdock):
        fake_flowdock.fail("get flow", status=500, optional=True)
        fake_flowdock.fail("get flow", sequence=[Failure(status=500), None], optional=True)

    def test_green_removed(fake_flowdock):
        fake_flowdock.fail("get flow", status=500).remove()
        fake_flowdock.fail("get flow", status=500)
        fake_flowdock.clear_faults()

    def test_green_no_failure_at_all(fake_flowdock):
        fake_flowdock.fail("get flow", sequence=[None])

    def test_green_shared(shared):
        assert flows(shared) == 200

    def test_red_never_matched(fake_flowdock):
        fake_flowdock.fail("get flow", status=500)
        assert flows(fake_flowdock) == 200

    def test_red_never_due(fake_flowdock):
        fake_flowdock.fail("list flows", status=500, nth=3)
        assert flows(fake_flowdock) == 200

    def test_red_with(fake_flowdock):
        with fake_flowdock.fail("get flow", status=500):
            assert flows(fake_flowdock) == 200

    def test_red_fixture(failing):
        assert flows(failing) == 200

    def test_red_shared(shared):
        shared.fail("list sources", status=500)
        assert flows(shared) == 200

    def test_red_own():
        with FakeFlowdock() as fake:
            fake.fail("get flow", status=500)

    @FakeFlowdock()
    def test_red_decorated(fake_flowdock):
        fake_flowdock.fail("get flow", status=500)

    @pytest.mark.xfail(strict=True)
    def test_that_fails_for_another_reason(fake_flowdock):
        fake_flowdock.fail("get flow", status=500)
        assert False
"""


def test_a_fault_that_never_applied_fails_its_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(FAULTS)
    result = run(pytester, "-v")
    result.assert_outcomes(passed=5, failed=7, xfailed=1)
    result.stdout.fnmatch_lines_random([f"*::test_red_{name} FAILED*" for name in ("with", "own", "decorated")])
    result.stdout.fnmatch_lines(
        [
            "faults that never applied (fail(…, optional=True) allows them):",
            "    every request for get-flow: 500 (never matched: requested were list-flows)",
        ]
    )
    result.stdout.fnmatch_lines(["    request 3 for list-flows: 500 (matched 1 request, not applied)"])


def test_the_sweep_does_not_count_faults_that_its_own_failures_kept_from_applying(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import requests

        def test_it(fake_flowdock):
            fake_flowdock.fail("list sources", status=503)
            if requests.get("https://api.flowdock.com/flows", **fake_flowdock.as_user()).ok:
                requests.get("https://api.flowdock.com/sources", **fake_flowdock.as_user())
    """)
    result = run(pytester, "--flowdock-sweep")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["12 failures in 1 test: 8 survived, 4 raised*"])


WARNED = """
    import pytest
    import requests
    from fakeflowdock import FakeFlowdock

    URL = "https://api.flowdock.com/sources?lmit=3"

    def test_first(fake_flowdock):
        for _ in range(3):
            requests.get(URL, **fake_flowdock.as_user())

    def test_second():
        with FakeFlowdock() as fake:
            requests.get(URL, **fake.as_user())

    @pytest.mark.filterwarnings("ignore::fakeflowdock.FlowdockWarning")
    def test_ignored(fake_flowdock):
        requests.get(URL, **fake_flowdock.as_user())

    def test_without(fake_flowdock):
        requests.get("https://api.flowdock.com/sources", **fake_flowdock.as_user())
"""
ALWAYS = ("-W", "always::fakeflowdock.FlowdockWarning")
SUMMARY = "FlowdockWarning: GET /sources: List sources has no parameter lmit"


def test_contract_warnings_of_passing_tests_are_in_the_summary(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(WARNED)
    result = run(pytester, *ALWAYS)
    result.assert_outcomes(passed=4, warnings=2)
    result.stdout.fnmatch_lines(
        ["*warnings summary*", f"*{SUMMARY} (docs/api/sources.md#list-sources) [[]request.parameter.unknown[]]"]
    )


def test_a_suite_whose_warnings_are_errors_turns_red(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(WARNED)
    result = run(pytester, "-W", "error::fakeflowdock.FlowdockWarning")
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines([f"{SUMMARY} *", "*- fakeflowdock -*", "GET /sources → 200"])
    pytester.makeini("[pytest]\nfilterwarnings =\n    error\n    ignore::fakeflowdock.FlowdockWarning\n")
    run(pytester).assert_outcomes(passed=4)


RULES = """
    import pytest
    import requests

    @pytest.mark.flowdock(strict={"request.parameter.unknown": "ignore"})
    def test_marked(fake_flowdock, flowdock_contract):
        requests.get("https://api.flowdock.com/sources?lmit=3", **fake_flowdock.as_user())
        assert fake_flowdock.strict == flowdock_contract.strict == {"request.parameter.unknown": "ignore"}

    def test_unmarked(fake_flowdock):
        requests.get("https://api.flowdock.com/sources?lmit=3", **fake_flowdock.as_user())
"""


def test_strict_takes_rules_everywhere(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(RULES)
    rules = "request.parameter.unknown=warn, request.deprecated=ignore"
    run(pytester).assert_outcomes(passed=2)
    run(pytester, "--flowdock-strict", "true").assert_outcomes(passed=1, failed=1)
    run(pytester, "--flowdock-strict", "request.deprecated=ignore").assert_outcomes(passed=1, failed=1)
    run(pytester, "--flowdock-strict", rules, *ALWAYS).assert_outcomes(passed=2, warnings=1)
    monkeypatch.setenv("FAKEFLOWDOCK_STRICT", "true")
    run(pytester).assert_outcomes(passed=1, failed=1)
    pytester.makeini(f"[pytest]\nflowdock_strict = {rules}\n")
    run(pytester).assert_outcomes(passed=2)
    wrong = run(pytester, "--flowdock-strict", "request.deprecated=no", "-k", "test_unmarked")
    wrong.stdout.fnmatch_lines(["*--flowdock-strict: invalid strict 'request.deprecated=no': expected false or true*"])
    unknown = run(pytester, "--flowdock-strict", "request.deprecatd=ignore", "-k", "test_unmarked")
    unknown.stdout.fnmatch_lines(["*unknown rule 'request.deprecatd' in strict: did you mean request.deprecated?*"])
