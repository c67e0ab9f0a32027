"""What a suite chooses for its fakes: by marker, command line, ini file and environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.inner_pytest import run

if TYPE_CHECKING:
    import pytest

CHOOSING = """
    import pytest

    @pytest.mark.flowdock(world="docs", auto_consent=True)
    def test_marked(fake_flowdock):
        assert (len(fake_flowdock.sources), fake_flowdock.auto_consent) == (2, True)

    def test_unmarked(fake_flowdock):
        assert (len(fake_flowdock.sources), fake_flowdock.auto_consent) == {expected}
"""


def test_a_choice_is_made_by_marker_command_line_ini_file_and_environment_in_that_order(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(CHOOSING.format(expected="(0, False)"))
    run(pytester).assert_outcomes(passed=2)
    monkeypatch.setenv("FAKEFLOWDOCK_WORLD", "docs")
    pytester.makepyfile(CHOOSING.format(expected="(2, False)"))
    run(pytester).assert_outcomes(passed=2)
    pytester.makepyfile(CHOOSING.format(expected="(0, True)"))
    run(pytester, "--flowdock-world", "empty", "--flowdock-auto-consent", "true").assert_outcomes(passed=2)
    pytester.makeini("[pytest]\nflowdock_world = docs\n")
    pytester.makepyfile(CHOOSING.format(expected="(0, False)"))
    run(pytester, "--flowdock-world", "empty").assert_outcomes(passed=2)
    pytester.makepyfile(CHOOSING.format(expected="(2, False)"))
    run(pytester).assert_outcomes(passed=2)
    monkeypatch.setenv("FAKEFLOWDOCK_WORLD", "empty")
    run(pytester).assert_outcomes(passed=2)


WRONG_MARKERS = {
    'world="moon"': "invalid world 'moon': expected empty or docs",
    "journal=0": "invalid journal '0': expected a positive integer",
    "strct=True": "unknown 'strct': did you mean strict?",
    "moon=True": "unknown 'moon': expected world, *",
    '"docs"': "'docs' needs a name: use world='docs'",
    '"seeds/team.yaml"': "'seeds/team.yaml' needs a name: use state='seeds/team.yaml' or seed='seeds/team.yaml'",
    "True, wrld=3": "True needs a name: expected world, *; unknown 'wrld': did you mean world?",
    'state="gone.json"': "*No such file or directory: *gone.json*",
}


def test_a_wrong_marker_fails_its_test_alone_and_says_what_would_be_right(pytester: pytest.Pytester) -> None:
    tests = "".join(
        f"@pytest.mark.flowdock({marker})\ndef test_{number}(fake_flowdock): pass\n"
        for number, marker in enumerate(WRONG_MARKERS)
    )
    pytester.makepyfile(f"import pytest\n{tests}def test_right(fake_flowdock): pass\n")
    result = run(pytester)
    result.assert_outcomes(errors=len(WRONG_MARKERS), passed=1)
    for words in WRONG_MARKERS.values():
        result.stdout.fnmatch_lines([f"@pytest.mark.flowdock: {words}*"])
    result.stdout.fnmatch_lines(["*strict? (marker of *.py::test_2, line 6)"])
    result.stdout.no_fnmatch_line("*raise *")


def test_a_wrong_marker_of_a_class_or_module_is_told_with_its_place(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest

        pytestmark = pytest.mark.flowdock(wrld="docs")

        def test_of_the_module():
            pass

        @pytest.mark.flowdock(shap="drift")
        class TestIt:
            def test_of_the_class(self, fake_flowdock):
                pass
    """)
    result = run(pytester)
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*did you mean world? (marker of *.py)", "*mean shape? (marker of *::TestIt, line 8)"])


def test_markers_and_options_are_listed(pytester: pytest.Pytester) -> None:
    choices = (
        "world, state, seed, clock, auto_consent, refresh_tokens, shape, shapes, strict, journal, journal_bytes, "
        "keep_alive, callbacks, unknown_paths, other_hosts, inspect"
    )
    run(pytester, "--markers").stdout.fnmatch_lines([f"@pytest.mark.flowdock({choices}): configure fake_flowdock*"])
    helped = run(pytester, "--help").stdout
    options = ["*--flowdock-world={empty,docs}*", "*--flowdock-journal=N*", "*flowdock_unknown_paths*"]
    helped.fnmatch_lines(["fakeflowdock:", *options])


def test_how_many_requests_are_remembered_is_a_choice_too(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        import requests

        def kept(fake):
            for _ in range(5):
                requests.get("https://api.flowdock.com/sources", timeout=9)
            return len(fake.requests)

        def test_chosen(fake_flowdock):
            assert kept(fake_flowdock) == 3

        @pytest.mark.flowdock(journal=2)
        def test_marked(fake_flowdock):
            assert kept(fake_flowdock) == 2
    """)
    run(pytester, "--flowdock-journal", "3").assert_outcomes(passed=2)
    pytester.makeini("[pytest]\nflowdock_journal = 9\n")
    run(pytester, "--flowdock-journal", "3").assert_outcomes(passed=2)
    pytester.makeini("[pytest]\nflowdock_journal = 3\n")
    run(pytester).assert_outcomes(passed=2)


def test_how_much_memory_they_use_is_a_choice_too(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile("""
        import pytest
        import requests

        def kept(fake):
            for _ in range(50):
                requests.get("https://api.flowdock.com/sources", timeout=9)
            return len(fake.requests)

        def test_chosen(fake_flowdock):
            assert 1 < kept(fake_flowdock) < 20

        @pytest.mark.flowdock(journal_bytes=1)
        def test_marked(fake_flowdock):
            assert kept(fake_flowdock) == 1
    """)
    run(pytester, "--flowdock-journal-bytes", "80000").assert_outcomes(passed=2)
    pytester.makeini("[pytest]\nflowdock_journal_bytes = 80000\n")
    run(pytester).assert_outcomes(passed=2)
    pytester.makeini("[pytest]\n")
    monkeypatch.setenv("FAKEFLOWDOCK_JOURNAL_BYTES", "80000")
    run(pytester).assert_outcomes(passed=2)


STRICT = """
    import pytest
    import requests
    from fakeflowdock import FakeFlowdock

    API = "https://api.flowdock.com"

    @pytest.mark.flowdock(strict=True)
    def test_strict(fake_flowdock, flowdock_contract):
        assert flowdock_contract.strict
        requests.get(API + "/sources?lmit=3", **fake_flowdock.as_user())

    @pytest.mark.flowdock(strict=True)
    def test_strict_and_right(fake_flowdock):
        requests.get(API + "/sources", **fake_flowdock.as_user())
        requests.get(API + "/sources")

    def test_lenient(fake_flowdock, flowdock_contract):
        assert not flowdock_contract.strict
        requests.get(API + "/sources?lmit=3", **fake_flowdock.as_user())

    @FakeFlowdock(strict=True)
    def test_decorated():
        requests.get(API + "/sources?lmit=3")
"""


def test_a_test_with_a_strict_fake_fails_for_what_the_docs_advise_against(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(STRICT)
    result = run(pytester)
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.no_fnmatch_line("During handling of*")
    result.stdout.fnmatch_lines(
        [
            "violations of Flowdock's contract:",
            (
                "violation: List sources has no parameter lmit (docs/api/sources.md#list-sources) "
                "[[]request.parameter.unknown, documented[]]"
            ),
            "*- fakeflowdock -*",
            "GET /sources → 200",
            "    warning: List sources has no parameter lmit (docs/api/sources.md#list-sources)",
            "*fakeflowdock.contract.findings.ContractViolation: violations of Flowdock's contract:*",
        ]
    )
    assert run(pytester, "--flowdock-strict", "true").parseoutcomes() == {"passed": 1, "failed": 3}
