"""What a red test says, line by line."""

from __future__ import annotations

import pytest

from tests.support.inner_pytest import run

SUITE = """
    import pytest
    import requests

    API = "https://api.flowdock.com"
    SOURCES = API + "/flows/example/main/sources"


    def test_red(fake_flowdock):
        source = fake_flowdock.add_source(name="Builds")
        requests.get(SOURCES, **fake_flowdock.as_user())
        requests.post(SOURCES, json={"name": "x"}, **fake_flowdock.as_user())
        thread = {"title": "T", "external_uri": "http://x/", "status": {"color": "pink"}}
        post = {"event": "activity", "title": "opened", "author": {"nam": "x"}, "thread": thread}
        requests.post(API + "/messages", json=post, **fake_flowdock.as_source())
        requests.put(API + "/sources", data={"error_message": "broken"}, **fake_flowdock.as_source())
        requests.put(API + "/user", auth=("wrong", ""))
        requests.get(SOURCES + "/99", **fake_flowdock.as_application(scope="flow"))
        fake_flowdock.add_user(name="Bob", nick="bob")
        assert fake_flowdock.sources == []


    def test_idle(fake_flowdock):
        raise RuntimeError("before any request")


    def test_green(fake_flowdock):
        requests.get(SOURCES, **fake_flowdock.as_user())
"""
RED = """
likely cause: GET /flows/example/main/sources/99 → 404: not found: unknown source 99 in example/main; known: 1

GET /flows/example/main/sources → 200
    as user Ada Example (Basic, api_token)
    response: [{"id": 1, "name": "Builds", "url": "https://api.flowdock.com/flows/example/main/sources/1", \
"created_at": "2015-01-01T00:00:00.001Z", "updated_at": "2015-01-01T00:00:00.001Z", "_links": {}, "applicat… \
(551 characters)
POST /flows/example/main/sources → 403
    as user Ada Example (Basic, api_token)
    parameters: {"name": "x"}
    rejected: Access denied: create source needs an OAuth access token with the scope integration
        it was sent with Basic, api_token; this operation takes an application (Bearer)
    see docs/api/sources.md#create-source (assumed)
POST /messages → 400
    as source Builds of example/main (flow_token in the query)
    parameters: {"flow_token": "834f…", "event": "activity", "title": "opened", "author": {"nam": "x"}, \
"thread": {"title": "T", "external_uri": "http://x/", "status": {"color": "pink"}}}
    rejected: Validation error
        /thread/status/color is not one of red, green, yellow, cyan, orange, grey, black, lime, purple, \
blue or null, got "pink"
        /author/name can't be blank
    see docs/api/messages.md#send-message (documented)
    warning: Send message has no parameter author.nam: did you mean author.name? (docs/api/messages.md#send-message)
    warning: Send message has no parameter thread.external_uri: did you mean thread.external_url? \
(docs/api/messages.md#send-message)
    warning: Send message has the secret flow_token in its URL, where logs keep it: the body can carry it \
(docs/api/messages.md#send-message)
PUT /sources → 200
    as source Builds of example/main (flow_token in the query)
    parameters: {"flow_token": "834f…", "error_message": "broken"}
    response: {"id": 1, "name": "Builds", "url": "https://api.flowdock.com/flows/example/main/sources/1", \
"error_message": "broken", "created_at": "2015-01-01T00:00:00.001Z", "updated_at": "2015-01-01T00:00:00.002Z… \
(576 characters)
    warning: Update source by flow_token has the secret flow_token in its URL, where logs keep it: the body can carry \
it (docs/api/sources.md#update-source-by-flow_token)
PUT /user → 405
    rejected: PUT is not allowed here; allowed methods: GET, HEAD, OPTIONS
    see docs/api/errors.md#method-not-allowed (assumed)
GET /flows/example/main/sources/99 → 404
    as user Ada Example through application Example Application with scopes flow (Bearer)
    rejected: not found
        unknown source 99 in example/main; known: 1
    see docs/api/sources.md#get-source (observed)

arranged by the test:
    + source 1 in example/main: application_id 1, creator_id 1, name 'Builds'
    + user 2: name 'Bob', nick 'bob', email 'user2@example.com'

changed by requests:
    ~ source 1 in example/main: error_message None → 'broken', updated_at 2015-01-01T00:00:00.001Z → \
2015-01-01T00:00:00.002Z

more about any page, error or rule: python -m fakeflowdock explain docs/api/sources.md#get-source
"""


def section(result: pytest.RunResult, number: int = 0) -> list[str]:
    """The lines of the n-th section about the fake."""
    lines = result.stdout.lines
    starts = [place for place, line in enumerate(lines) if line.strip("- ") == "fakeflowdock" and line.startswith("-")]
    rest = lines[starts[number] + 1 :]
    end = next(place for place, line in enumerate(rest) if line.startswith(("=", "_")))
    return rest[:end]


def test_a_failed_test_shows_its_traffic_its_refusals_and_what_changed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SUITE)
    result = run(pytester)
    result.assert_outcomes(passed=1, failed=2)
    assert section(result) == RED.strip("\n").split("\n")
    assert section(result, 1) == ["no requests reached the fake", "", "no changes in the world"]
    assert result.stdout.str().count("- fakeflowdock -") == 2


def test_a_field_that_is_not_as_sure_as_its_operation_says_so(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import requests

        def test_red(fake_flowdock):
            url = f"https://api.flowdock.com/messages/chat/{fake_flowdock.flow.api_token}"
            requests.post(url, json={"external_user_name": "CI", "thread_id": 2, "uuid": 1})
            assert False
    """)
    lines = section(run(pytester))
    assert "        /content can't be blank" in lines
    assert "        /thread_id is not a string, got 2 (observed)" in lines
    assert "        /uuid is not a string, got 1 (assumed)" in lines


FAULTS = """
likely cause: POST /messages → no response: /external_thread_id can't be blank

POST /messages → no response
    as source Builds of example/main (flow_token in the query)
    parameters: {"flow_token": "834f…", "event": "activity", "title": "opened", "author": {"name": "x"}}
    fault: connection reset, after the request was processed; original response: 400
    rejected: Validation error
        /external_thread_id can't be blank
    see docs/api/messages.md#send-message (documented)
    warning: Send message has the secret flow_token in its URL, where logs keep it: the body can carry it \
(docs/api/messages.md#send-message)
GET /sources → 503
    as source Builds of example/main (flow_token in the query)
    fault: 503, a body of 6 bytes, Content-Type: text/html
    response: <html>

faults:
    the next request to /messages: connection reset, after the request was processed (applied once)
    every request for list-sources: 503, a body of 6 bytes, Content-Type: text/html (applied once)
    the next request for list-flows by source Builds: timeout (never matched: requested were \
send-message, list-sources)

arranged by the test:
    + source 1 in example/main: application_id 1, creator_id 1, name 'Builds'

no changes by requests

more about any page, error or rule: python -m fakeflowdock explain docs/api/messages.md#send-message
"""


def test_a_failed_test_shows_its_faults_and_those_that_nothing_met(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        import requests

        API = "https://api.flowdock.com"

        def test_red(fake_flowdock):
            source = fake_flowdock.add_source(name="Builds")
            fake_flowdock.fail(path="/messages", nth=1, connection="reset", after=True)
            post = {"event": "activity", "title": "opened", "author": {"name": "x"}}
            with pytest.raises(requests.ConnectionError):
                requests.post(API + "/messages", json=post, **fake_flowdock.as_source())
            with fake_flowdock.fail("list sources", status=503, body="<html>", content_type="text/html"):
                requests.get(API + "/sources", **fake_flowdock.as_source())
            fake_flowdock.fail("list flows", caller=source, connection="timeout", times=1)
            assert False
    """)
    assert section(run(pytester)) == FAULTS.strip("\n").split("\n")


def test_a_long_story_is_cut(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import requests

        def test_long(fake_flowdock):
            for number in range(60):
                fake_flowdock.add_message("x" * 600)
            for number in range(53):
                requests.get("https://api.flowdock.com/sources", **fake_flowdock.as_user())
            assert False
    """)
    lines = section(run(pytester))
    assert lines[0] == "(3 earlier requests not shown)"
    assert lines.count("GET /sources → 200") == 50
    assert lines[-3:] == ["    (70 more changes not shown)", "", "no changes by requests"]
    assert max(map(len, lines)) < 600


def test_a_request_to_what_flowdock_never_had_fails_the_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        import requests

        def test_lost(fake_flowdock):
            requests.get("https://api.flowdock.com/flow/example/main")

        @pytest.mark.flowdock(unknown_paths="allow")
        def test_allowed(fake_flowdock):
            requests.get("https://api.flowdock.com/flow/example/main")
    """)
    result = run(pytester)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            'requests to unknown paths (@pytest.mark.flowdock(unknown_paths="allow") allows them):',
            "    GET /flow/example/main → 404",
        ]
    )
    run(pytester, "--flowdock-unknown-paths", "allow").assert_outcomes(passed=2)
    pytester.makeini("[pytest]\nflowdock_unknown_paths = allow\n")
    run(pytester).assert_outcomes(passed=2)


@pytest.mark.parametrize("path", ["/v1/jira/x", "/github/x"])
def test_a_path_that_clients_used_and_that_is_not_answered_is_called_that(pytester: pytest.Pytester, path: str) -> None:
    pytester.makepyfile(f"""
        import requests

        def test_early(fake_flowdock):
            requests.get("https://api.flowdock.com{path}")
    """)
    result = run(pytester)
    result.assert_outcomes(failed=1)
    why = "was used by clients of Flowdock, but fakeflowdock does not answer it"
    result.stdout.fnmatch_lines([f"    GET {path} → 404: {why}", f"        this path {why}"])
    result.stdout.no_fnmatch_line("*did you mean*")


def test_what_a_page_for_people_refused_is_told_too(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import requests

        def test_red(fake_flowdock):
            asked = {"client_id": "nobody's", "response_type": "code"}
            requests.get("https://api.flowdock.com/oauth/authorize", params=asked)
            assert False
    """)
    assert section(run(pytester)) == [
        "GET /oauth/authorize → 400",
        "    as anyone (no credentials required)",
        '    parameters: {"client_id": "nobody\'s", "response_type": "code"}',
        "    response: Unknown application The client_id in the link is missing or unknown.",
        "    rejected: see the page in the response body",
        "    see docs/api/oauth.md#ask-for-consent (documented)",
        "",
        "no changes in the world",
    ]


def test_a_bug_in_the_section_does_not_end_the_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        from fakeflowdock.testing import report

        def test_red(fake_flowdock, monkeypatch):
            monkeypatch.setattr(report, "text", None)
            assert False

        def test_green():
            pass
    """)
    result = run(pytester)
    result.assert_outcomes(passed=1, failed=1)
    assert section(result) == [
        "fakeflowdock failed to create the report, which is a bug: TypeError: 'NoneType' object is not callable"
    ]


def test_repeated_refusals_are_counted(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import requests

        def test_red(fake_flowdock):
            for _ in range(5):
                requests.post("https://api.flowdock.com/messages", json={})
                requests.get("https://api.flowdock.com/flows", **fake_flowdock.as_user())
            assert False
    """)
    lines = section(run(pytester))
    assert lines.count("POST /messages → 401 (5 times)") == 1
    assert sum(line.startswith("POST /messages") for line in lines) == 1
    assert lines.count("GET /flows → 200") == 5


def test_responses_are_shortened_and_without_secrets(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import requests

        def test_red(fake_flowdock):
            url = "https://api.flowdock.com/flows/example/main/sources"
            token = requests.post(url, json={"name": "x"}, **fake_flowdock.as_application()).json()["flow_token"]
            requests.get("https://api.flowdock.com/user", **fake_flowdock.as_user())
            fake_flowdock.fail("list sources", status=200, body={"flow_token": token, "text": f"see {token}"})
            requests.get("https://api.flowdock.com/sources", **fake_flowdock.as_user())
            open("token", "w").write(token)
            assert False
    """)
    lines = section(run(pytester))
    token = (pytester.path / "token").read_text()
    shown = [line for line in lines if line.startswith("    response: ")]
    assert len(shown) == 3
    assert shown[2] == f'    response: {{"flow_token": "{token[:4]}…", "text": "see {token[:4]}…"}}'
    assert max(map(len, shown)) < 260
    assert token not in "\n".join(lines)


def test_requests_to_other_hosts_are_listed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        import requests

        def test_red(fake_flowdock):
            requests.get("https://api.flowdock.com/flows", **fake_flowdock.as_user())
            for _ in range(2):
                with pytest.raises(requests.ConnectionError):
                    requests.post("https://hooks.example/in?token=0123456789abcdef0123456789abcdef")
            assert False

        def test_none(fake_flowdock):
            assert False
    """)
    result = run(pytester, "-p", "no:randomly")
    lines = section(result)
    at = lines.index("requests to other hosts:")
    assert lines[at + 1 : at + 3] == ["    POST https://hooks.example/in?token=0123…", ""]
    assert "requests to other hosts:" not in section(result, 1)


def test_requests_that_arrive_after_the_failure_are_named(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        def test_red(fake_flowdock):
            fake_flowdock.assert_requested("list flows")
    """)
    pytester.makeconftest("""
        import pytest
        import requests

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_makereport(item, call):
            if call.when == "call":
                requests.get("https://api.flowdock.com/flows", **item.funcargs["fake_flowdock"].as_user())
    """)
    late = "GET /flows → 200 arrived after the test had failed: wait for it before the assertion"
    assert section(run(pytester))[0] == f"likely cause: {late}"


def test_what_the_test_arranged_stands_apart_whenever_it_did(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import requests

        def test_red(fake_flowdock):
            for number in range(2):
                fake_flowdock.add_user(name=f"User {number}")
                url = "https://api.flowdock.com/flows/example/main/messages"
                post = {"event": "message", "content": f"Message {number}"}
                requests.post(url, json=post, **fake_flowdock.as_user())
            requests.get(url, **fake_flowdock.as_user())
            assert False
    """)
    lines = section(run(pytester))
    arranged, changed = lines.index("arranged by the test:"), lines.index("changed by requests:")
    users = [line for line in lines if "+ user" in line]
    messages = [line for line in lines if "+ message" in line]
    assert [lines.index(line) for line in users] == [arranged + 1, arranged + 2]
    assert [f"Message {number}" in line for number, line in enumerate(messages)] == [True, True]
    assert all(lines.index(line) > changed for line in messages)


def test_threads_that_have_nothing_to_do_with_the_failure_are_not_named(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import threading
        from concurrent.futures import ThreadPoolExecutor
        import pytest
        import requests

        @pytest.fixture
        def server():
            gate = threading.Event()
            thread = threading.Thread(target=gate.wait, args=(60,))
            thread.start()
            yield
            gate.set()
            thread.join()

        def test_red(fake_flowdock, server, request):
            pool = ThreadPoolExecutor(1)
            request.addfinalizer(pool.shutdown)
            pool.submit(requests.get, "https://api.flowdock.com/flows", **fake_flowdock.as_user()).result(60)
            assert pool._idle_semaphore.acquire(timeout=60)
            assert False
    """)
    assert section(run(pytester))[0] == "GET /flows → 200"
