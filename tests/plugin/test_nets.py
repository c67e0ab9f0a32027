"""What fails or warns although a test passes: faults that never applied, and contract warnings."""

from __future__ import annotations

import pytest

from tests.support.inner_pytest import run

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
    result.assert_outcomes(passed=6, failed=6, xfailed=1, errors=1)
    result.stdout.fnmatch_lines_random([f"*::test_red_{name} FAILED*" for name in ("with", "own", "decorated")])
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_red_fixture*"])
    result.stdout.fnmatch_lines(
        [
            "faults that never applied (fail(…, optional=True) allows them):",
            "    every request for get-flow: 500 (never matched: requested were list-flows)",
        ]
    )
    result.stdout.fnmatch_lines(["    request 3 for list-flows: 500 (matched 1 request, not applied)"])


SHARED = """
    import pytest
    import requests
    from fakeflowdock import FakeFlowdock

    @pytest.fixture(scope="{scope}")
    def shared():
        with FakeFlowdock() as fake:
            fake.fail("list flows", status=500)
            fake.fail("get flow", status=500)
            fake.fail("get user", status=500, optional=True)
            yield fake

    class TestIt:
        def test_one(self, shared):
            pass

        def test_two(self, shared):
            requests.get("https://api.flowdock.com/flows", **shared.as_user())
"""
NEVER_MET = [
    "faults of shared fixtures that never applied (fail(…, optional=True) allows them):",
    "    every request for get-flow: 500 (never matched: requested were list-flows)",
]


@pytest.mark.parametrize("scope", ["class", "module"])
def test_a_shared_fault_that_no_test_met_is_an_error_of_the_last_teardown(
    scope: str, pytester: pytest.Pytester
) -> None:
    pytester.makepyfile(SHARED.format(scope=scope))
    result = run(pytester, "-p", "no:randomly")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of TestIt.test_two*", *NEVER_MET])
    assert "list-flows: 500" not in result.stdout.str().partition("- fakeflowdock")[0]


def test_it_is_a_warning_where_another_test_may_have_met_it(pytester: pytest.Pytester) -> None:
    file = pytester.makepyfile(SHARED.format(scope="module"))
    told = f"*FlowdockWarning: {NEVER_MET[0]}"
    for selected in (("-k", "test_two"), (f"{file.name}::TestIt::test_two",)):
        some = run(pytester, *selected, *ALWAYS)
        some.assert_outcomes(passed=1, warnings=1, deselected=1 if "-k" in selected else 0)
        some.stdout.fnmatch_lines([told])
    pytester.makepyfile(SHARED.format(scope="session"))
    every = run(pytester, *ALWAYS)
    every.assert_outcomes(passed=2, warnings=1)
    every.stdout.fnmatch_lines([told])


IN_TEARDOWN = """
    import pytest
    import requests
    from fakeflowdock import FakeFlowdock

    def flows(fake):
        requests.get("https://api.flowdock.com/flows", **fake.as_user())

    @pytest.fixture
    def bot(fake_flowdock):
        yield
        flows(fake_flowdock)

    @pytest.fixture
    def idle(fake_flowdock):
        yield

    @pytest.fixture
    def failing(fake_flowdock_session):
        fake_flowdock_session.fail("get flow", status=500)

    def test_green_fixture(bot, fake_flowdock):
        fake_flowdock.fail("list flows", status=500)

    def test_green_finalizer(request, fake_flowdock):
        request.addfinalizer(lambda: flows(fake_flowdock))
        fake_flowdock.fail("list flows", status=500)

    class TestGreen:
        def setup_method(self):
            self.fake = FakeFlowdock().start()

        def teardown_method(self):
            flows(self.fake)
            self.fake.stop()

        def test_method(self):
            self.fake.fail("list flows", status=500)

    def test_error_in_teardown(idle, fake_flowdock, monkeypatch):
        fake_flowdock.fail("list flows", status=500)

    def test_red_at_once(fake_flowdock, monkeypatch, tmp_path):
        fake_flowdock.fail("list flows", status=500)

    def test_red_of_a_fixture_of_the_test(failing):
        pass
"""


def test_a_fault_may_apply_in_the_teardown_of_a_fixture(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(IN_TEARDOWN)
    result = run(pytester)
    result.assert_outcomes(passed=4, failed=2, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_error_in_teardown*", "faults that never applied *"])


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


BEYOND_THE_JOURNAL = """
    import pytest
    import requests

    API = "https://api.flowdock.com"

    def flows(fake, times=1):
        for _ in range(times):
            requests.get(API + "/flows", **fake.as_user())

    def test_cleared(fake_flowdock):
        requests.get(API + "/flowz")
        fake_flowdock.requests.clear()

    @pytest.mark.flowdock(journal=1)
    def test_small(fake_flowdock):
        requests.get(API + "/flowz")
        flows(fake_flowdock)

    def test_full(fake_flowdock):
        requests.get(API + "/flowz")
        flows(fake_flowdock, 1001)

    def test_shared(fake_flowdock_session):
        flows(fake_flowdock_session)
        requests.get(API + "/flowz")
        fake_flowdock_session.requests.clear()

    def test_green_after_a_shared_one(fake_flowdock_session):
        flows(fake_flowdock_session)

    def test_green_warned(fake_flowdock):
        requests.get(API + "/sources?lmit=3", **fake_flowdock.as_user())
        fake_flowdock.requests.clear()
"""


def test_the_nets_have_what_the_journal_has_no_longer(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(BEYOND_THE_JOURNAL)
    result = run(pytester, "-p", "no:randomly", "-v", *ALWAYS)
    result.assert_outcomes(passed=2, failed=4, warnings=1)
    result.stdout.fnmatch_lines_random([f"*::test_green_{name} PASSED*" for name in ("after_a_shared_one", "warned")])
    assert result.stdout.lines.count("    GET /flowz → 404") == 4
    result.stdout.fnmatch_lines([f"*{SUMMARY} *"])


def test_one_line_stands_for_repeated_requests_and_a_thousand_are_kept(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import requests

        def test_it(fake_flowdock):
            with requests.Session() as session:
                for number in range(1003):
                    session.get(f"https://api.flowdock.com/{number}")
                    session.get("https://api.flowdock.com/flowz")
    """)
    result = run(pytester)
    result.assert_outcomes(failed=1)
    told = [line for line in result.stdout.str().partition("- fakeflowdock")[0].splitlines() if line.endswith("→ 404")]
    assert told == [*(f"    GET /{number} → 404" for number in range(4, 1003)), "    GET /flowz → 404"]


def test_each_net_tells_what_it_has(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        import requests
        from fakeflowdock import FakeFlowdock

        URL = "https://api.flowdock.com/sources?lmit=3"

        @pytest.mark.flowdock(strict=True)
        def test_it(fake_flowdock):
            requests.get("https://api.flowdock.com/flows?pge=3", **fake_flowdock.as_user())
            with FakeFlowdock() as lenient:
                requests.get(URL, **lenient.as_user())
            requests.get("https://api.flowdock.com/flowz")
            fake_flowdock.fail("get flow", status=500)
    """)
    result = run(pytester, "-W", "error::fakeflowdock.FlowdockWarning")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "violations of Flowdock's contract:",
            "violation: List flows has no parameter pge *",
            "requests to unknown paths*",
            "    GET /flowz → 404",
            "faults that never applied*",
            "    every request for get-flow: 500 (never matched*",
            f"{SUMMARY} *",
            "*- fakeflowdock: fake_flowdock -*",
        ]
    )


def test_a_marker_that_configures_no_fake_of_the_test_is_told(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        import requests
        from fakeflowdock import FakeFlowdock

        strict = pytest.mark.flowdock(strict=True)

        @strict
        def test_red_session(fake_flowdock_session):
            pass

        @pytest.mark.flowdock(world="docs", unknown_paths="allow")
        def test_red_own():
            with FakeFlowdock():
                pass

        @strict
        def test_green_fixture(fake_flowdock, fake_flowdock_session):
            assert fake_flowdock.strict

        @strict
        def test_green_value(request):
            assert request.getfixturevalue("fake_flowdock").strict

        @strict
        def test_green_contract(flowdock_contract):
            with FakeFlowdock():
                assert flowdock_contract.strict

        @pytest.mark.flowdock(unknown_paths="allow")
        def test_green_unknown_paths(fake_flowdock_session):
            requests.get("https://api.flowdock.com/flowz")

        @strict
        def test_green_without_a_fake():
            pass

        @strict
        class TestWarned:
            def test_one(self):
                with FakeFlowdock():
                    pass
    """)
    result = run(pytester, *ALWAYS)
    result.assert_outcomes(passed=6, failed=2, warnings=1)
    told = "configures the fixture fake_flowdock, but this test uses another fake: pass the choice to FakeFlowdock(…)*"
    result.stdout.fnmatch_lines_random(
        [
            f"@pytest.mark.flowdock(strict=…) {told}",
            f"@pytest.mark.flowdock(world=…) {told}",
            f"*FlowdockWarning: @pytest.mark.flowdock(strict=…) {told}",
        ]
    )
