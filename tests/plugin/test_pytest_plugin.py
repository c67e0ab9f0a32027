"""The pytest plugin, as a suite that installs it sees it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import jedi
import pytest

import fakeflowdock
from tests.support.inner_pytest import PLUGIN, run

ROOT = Path(__file__).parent.parent.parent
SUITE = """
    import requests

    SOURCES = "https://api.flowdock.com/flows/example/main/sources"

    def test_registers_a_source(fake_flowdock):
        access_token = fake_flowdock.access_token(scope="flow integration")
        reply = requests.post(
            SOURCES, headers={"Authorization": f"Bearer {access_token}"}, json={"name": "Helsinki Lunch Poll"}
        )
        assert reply.status_code == 201
        assert [source.name for source in fake_flowdock.sources] == ["Helsinki Lunch Poll"]

    def test_begins_with_a_new_world(fake_flowdock):
        assert fake_flowdock.sources == []
"""


def test_the_fixture_is_there_without_any_set_up(pytester: pytest.Pytester) -> None:
    """By the entry point, among all plugins that are installed."""
    pytester.makepyfile(SUITE)
    pytester.runpytest_subprocess("-W", "error", "-p", "no:asyncio").assert_outcomes(passed=2)


def test_the_fixture_is_listed_with_what_it_is(pytester: pytest.Pytester) -> None:
    result = run(pytester, "--fixtures")
    result.stdout.fnmatch_lines(["fake_flowdock*", "    Flowdock, in memory: a new world for each test*"])


def test_a_broken_contract_fails_the_test_that_swallowed_the_500(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import requests
        from fakeflowdock.api import wire

        def test_swallows(fake_flowdock, monkeypatch):
            monkeypatch.setattr(wire, "source", lambda source, *_, **__: {"id": source.id})
            fake_flowdock.add_source()
            requests.get("https://api.flowdock.com/sources", auth=(fake_flowdock.user.api_token, ""))

        def test_after_it(fake_flowdock):
            assert fake_flowdock.sources == []
    """)
    result = run(pytester)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["E*BrokenContract: fakeflowdock broke its own contract: List sources answered 200 with /0/name: it can't*"]
    )


def test_a_failure_of_the_test_itself_keeps_its_own_words_and_gets_a_note(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import requests
        from fakeflowdock.api import wire

        def test_notices(fake_flowdock, monkeypatch):
            monkeypatch.setattr(wire, "source", lambda source, *_, **__: {"id": source.id})
            fake_flowdock.add_source()
            reply = requests.get("https://api.flowdock.com/sources", auth=(fake_flowdock.user.api_token, ""))
            assert reply.status_code == 200
    """)
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*assert 500 == 200*", "E*fakeflowdock broke its own contract: List sources*"])


def test_a_contract_broken_while_fixtures_are_torn_down_is_an_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest, requests
        from fakeflowdock.api import wire

        @pytest.fixture
        def cleans_up(fake_flowdock, monkeypatch):
            yield
            monkeypatch.setattr(wire, "source", lambda source, *_, **__: {"id": source.id})
            requests.get("https://api.flowdock.com/sources", auth=(fake_flowdock.user.api_token, ""))

        def test_passes(fake_flowdock, cleans_up):
            fake_flowdock.add_source()
    """)
    run(pytester).assert_outcomes(passed=1, errors=1)


def test_a_session_scoped_fake_and_a_functions_fake_coexist(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest, requests
        from fakeflowdock import FakeFlowdock

        def names(fake):
            reply = requests.get("https://api.flowdock.com/sources", auth=(fake.user.api_token, ""))
            return [source["name"] for source in reply.json()]

        @pytest.fixture(scope="session", autouse=True)
        def shared():
            with FakeFlowdock() as fake:
                fake.add_source(name="shared")
                yield fake

        @pytest.mark.parametrize("time", [1, 2])
        def test_the_innermost_answers(fake_flowdock, shared, time):
            assert names(fake_flowdock) == []
            assert [source.name for source in shared.sources] == ["shared"]

        def test_the_shared_one_answers(shared):
            assert names(shared) == ["shared"]
    """)
    run(pytester).assert_outcomes(passed=3)


def test_a_live_server_of_the_fixture_leaves_no_warning(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import gc, requests

        def test_over_a_socket(fake_flowdock):
            assert requests.get(fake_flowdock.url + "/sources").status_code == 401

        def test_after_it():
            gc.collect()
    """)
    run(pytester).assert_outcomes(passed=2)


def test_the_plugin_imports_nothing_until_the_fixture_is_used(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import sys

        def test_nothing_was_imported():
            heavy = {"werkzeug", "requests", "responses", "jsonschema", "jsonschema_rs", "orjson"}
            assert not heavy & set(sys.modules)
            ours = {name for name in sys.modules if name.partition(".")[0] == "fakeflowdock"}
            assert ours == {"fakeflowdock", "fakeflowdock.pytest_options", "fakeflowdock.pytest_plugin"}
    """)
    run(pytester, new_process=True).assert_outcomes(passed=1)


IMPORTS = """
import sys
import fakeflowdock

libraries = {"click", "httptools", "imagesize", "jsonschema", "jsonschema_rs", "markdown_it", "nh3", "orjson"}
libraries |= {"pytest", "regex", "requests", "responses", "trustme", "werkzeug", "yaml"}
print(*sorted(libraries & set(sys.modules)))

import requests
import fakeflowdock.cli.serve

with fakeflowdock.FakeFlowdock() as fake:
    user = {"auth": (fake.user.api_token, ""), "timeout": 9}
    for base in ("https://api.flowdock.com", fake.url):
        assert requests.get(f"{base}/sources", **user).json() == []
        sent = {"event": "message", "content": "Done"}
        assert requests.post(f"{base}/flows/example/main/messages", json=sent, **user).status_code == 201
print(*sorted(libraries & set(sys.modules)))
"""


def test_importing_the_package_imports_none_of_its_libraries_and_a_request_those_that_it_needs() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.splitlines() == ["", "click httptools jsonschema jsonschema_rs orjson requests"]


def test_a_world_is_built_once_per_session_and_forked_per_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest, requests

        @pytest.fixture(scope="session")
        def built(fake_flowdock_session):
            for number in range(100):
                fake_flowdock_session.add_message(f"message {number}")
            return fake_flowdock_session

        @pytest.fixture
        def fake(built):
            with built.fork() as fake:
                yield fake

        @pytest.mark.parametrize("time", [1, 2])
        def test_each_begins_with_the_same_world(fake, time):
            assert len(fake.messages) == 100
            url = "https://api.flowdock.com/flows/example/main/messages"
            sent = requests.post(url, json={"event": "message", "content": "Hello"}, **fake.as_user())
            assert (sent.json()["id"], len(fake.messages)) == (101, 101)

        def test_the_session_has_a_world_of_its_own(fake_flowdock_session, fake_flowdock):
            assert fake_flowdock_session.active
            assert len(fake_flowdock_session.messages) in (0, 100)
            assert fake_flowdock.messages == []
    """)
    run(pytester).assert_outcomes(passed=3)


def test_a_broken_contract_of_the_sessions_fake_fails_the_test_that_met_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import requests
        from fakeflowdock.api import wire

        def test_swallows(fake_flowdock_session, monkeypatch):
            monkeypatch.setattr(wire, "source", lambda source, *_, **__: {"id": source.id})
            fake_flowdock_session.add_source()
            requests.get("https://api.flowdock.com/sources", **fake_flowdock_session.as_user())

        def test_after_it(fake_flowdock_session):
            assert len(fake_flowdock_session.sources) == 1
    """)
    run(pytester).assert_outcomes(passed=1, failed=1)


LEANING = """
    import pytest, requests

    def sources_of(fake):
        return requests.get("https://api.flowdock.com/sources", **fake.as_user()).json()

    def test_leans_on_nothing(fake_flowdock):
        fake_flowdock.add_source(name="Builds")
        assert [source["name"] for source in sources_of(fake_flowdock)] == ["Builds"]

    def test_leans_on_an_optional_field(fake_flowdock):
        fake_flowdock.add_source(error_message="broken")
        assert [source["error_message"] for source in sources_of(fake_flowdock)] == ["broken"]

    @pytest.mark.parametrize("time", [1, 2])
    def test_leans_on_a_field_that_is_missing(fake_flowdock, time):
        fake_flowdock.add_source()
        assert [len(source) for source in sources_of(fake_flowdock)] == [8]

    def test_uses_no_fake():
        pass
"""


def test_each_test_is_run_under_each_shape(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(LEANING)
    run(pytester).assert_outcomes(passed=5)
    result = run(pytester, "--flowdock-shapes", "-v")
    result.assert_outcomes(passed=12, failed=5)
    result.stdout.fnmatch_lines_random(
        [
            "*::test_leans_on_nothing[[]default[]] PASSED*",
            "*::test_leans_on_nothing[[]drift[]] PASSED*",
            "*::test_leans_on_an_optional_field[[]minimal[]] FAILED*",
            "*::test_leans_on_a_field_that_is_missing[[]*maximal*[]] FAILED*",
            "*::test_leans_on_a_field_that_is_missing[[]*drift*[]] FAILED*",
            "*::test_uses_no_fake PASSED*",
            "shape maximal: responses had every documented field, some with made-up values",
        ]
    )


def test_shapes_are_chosen_by_marker_and_run_in_parallel(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest

        @pytest.mark.flowdock(shapes=True)
        def test_each(fake_flowdock, request):
            assert fake_flowdock.shape in request.node.name

        @pytest.mark.flowdock(shape="minimal")
        def test_one(fake_flowdock):
            assert fake_flowdock.shape == "minimal"

        @pytest.mark.flowdock(shapes=False)
        def test_usual(fake_flowdock):
            assert fake_flowdock.shape == "default"

        @pytest.fixture
        def fork(fake_flowdock_session):
            return fake_flowdock_session.fork()

        @pytest.mark.flowdock(shapes=True)
        def test_forks(fork, request):
            assert fork.shape in request.node.name
    """)
    run(pytester).assert_outcomes(passed=10)
    run(pytester, "--flowdock-shape", "minimal", "-k", "not test_usual").assert_outcomes(passed=9, deselected=1)
    parallel = run(pytester, "-n", "2", plugins=["xdist.plugin"])
    parallel.assert_outcomes(passed=10)


def test_a_fixture_of_the_same_name_has_the_shape_too(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest

        @pytest.fixture
        def fake_flowdock(fake_flowdock):
            fake_flowdock.add_source(name="mine")
            return fake_flowdock

        def test_own(fake_flowdock, request):
            assert fake_flowdock.shape in request.node.name
            assert len(fake_flowdock.sources) == 1
    """)
    run(pytester, "--flowdock-shapes").assert_outcomes(passed=4)


@pytest.mark.newest_only
def test_the_public_names_are_listed_and_each_is_there() -> None:
    assert dir(fakeflowdock) == sorted(fakeflowdock.__all__)
    assert {"Clock", "Exchange", "FakeFlowdock", "Message", "Thread"} <= set(dir(fakeflowdock))
    for name in fakeflowdock.__all__:
        assert getattr(fakeflowdock, name) is not None


@pytest.mark.newest_only
@pytest.mark.parametrize(
    ("code", "completed"),
    [
        ("def test_it(fake_flowdock):\n    fake_flowdock.add_so", "add_source"),
        ("def test_it(fake_flowdock):\n    fake_flowdock.requests[0].resp", "response"),
        ("def test_it(fake_flowdock_session):\n    fake_flowdock_session.for", "fork"),
        ("from fakeflowdock import Exch", "Exchange"),
    ],
)
def test_an_editor_completes(code: str, completed: str, tmp_path: Path) -> None:
    file = tmp_path / "test_it.py"
    file.write_text(code, "utf-8")
    script = jedi.Script(code, path=file, project=jedi.Project(tmp_path, environment_path=sys.prefix))
    assert completed in {each.name for each in script.complete()}


@pytest.mark.parametrize("loaded", ["by a conftest.py", "by -p", "by both"])
def test_the_plugin_of_a_checkout_and_the_entry_point_may_both_be_there(loaded: str, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SUITE)
    pytester.makepyfile(conftest_plugin=(ROOT / "conftest_plugin.py").read_text("utf-8"))
    pytester.syspathinsert()
    if loaded != "by -p":
        pytester.makeconftest('pytest_plugins = ["conftest_plugin"]')
    options = [] if loaded == "by a conftest.py" else ["-p", "conftest_plugin"]
    run(pytester, *options, new_process=True).assert_outcomes(passed=2)  # the name of our plugin is its entry point's


def test_a_suite_may_have_a_file_of_the_name_of_that_of_a_checkout(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`python -m pytest` finds the files of the suite before all others."""
    pytester.makepyfile(SUITE)
    pytester.makepyfile(conftest_plugin="import pytest\n\n@pytest.fixture\ndef own():\n    return 1\n")
    pytester.makeconftest('pytest_plugins = ["conftest_plugin"]')
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    result = pytester.run(sys.executable, "-W", "error", "-m", "pytest", "-p", PLUGIN)
    result.assert_outcomes(passed=2)


@pytest.mark.parametrize("logging", ["no", "all"])
def test_the_report_is_in_the_junit_file(logging: str, pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        import requests

        URL = "https://api.flowdock.com/flows"

        def test_red(fake_flowdock):
            requests.get(URL)
            assert False

        def test_net(fake_flowdock):
            requests.get(URL + "z")

        @pytest.fixture
        def broken(fake_flowdock):
            requests.get(URL)
            raise ValueError("no")

        def test_error(broken):
            pass
    """)
    result = run(pytester, "--junitxml=junit.xml", "-o", f"junit_logging={logging}")
    result.assert_outcomes(failed=2, errors=1)
    file = ElementTree.parse(pytester.path / "junit.xml")  # noqa: S314  # our own
    texts = [each.text for each in file.iter() if each.text]
    told = [text for text in texts if "- fakeflowdock -" in text]
    assert sorted(text.count("\nGET /flows → 401") for text in told) == [0, 1, 1]
    assert all("likely cause: GET /flow" in text for text in told)
    assert result.stdout.str().count("- fakeflowdock -") == 3
