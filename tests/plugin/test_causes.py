"""Which cause a failed test is told, of several that it could have: what the failure itself says comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from fakeflowdock.testing.causes import RANKS
from tests.plugin.test_mistakes import HEAD
from tests.support.inner_pytest import run

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock

TWICE = 'for _ in range(2):\n    ok(requests.post(API + "/messages", json=activity(fake)))\n'
POST = 'requests.post(API + "/messages", json=activity(fake))\n'
REFUSED = 'requests.get(API + "/flows", auth=("bad", ""))'
EXPECTED = f"assert {REFUSED}.status_code == 401\n"
UNAUTHORIZED = "GET /flows → 401: Unauthorized: *"
DOUBLE = "POST /messages → 202: the same request was sent 2 times"
NO_MESSAGE = "POST /messages → 202: no message in the response: *"
MISTAKE = "POST /messages → 202: Send message has no parameter tag: did you mean tags?*"
MISTAKEN = 'requests.post(API + "/messages", json=activity(fake, tag=["bug"]))\n'
LATE = "POST /messages → 202 arrived after the test had failed: wait for it before the assertion"
THREAD = (
    "gate = threading.Event()\n"
    'post = lambda: gate.wait(60) and requests.post(API + "/messages", json=activity(fake))\n'
    "thread = threading.Thread(target=post)\n"
)

# By the name of a rank: the code of tests, each with its cause, or None. Most have signs of a later rank too.
RANKED: dict[str, list[tuple[str, str | None]]] = {
    "a check failed": [
        (
            f'{EXPECTED}fake.fail("send message", status=500)',
            "fault: every request for send-message: 500 (never matched: requested were list-flows)",
        ),
        (
            f'{REFUSED}\nfake.fail("send message", status=500)',
            "fault: every request for send-message: 500 (never matched: requested were list-flows)",
        ),
        (
            f'requests.get(API + "/flowz")\n{EXPECTED}',
            "GET /flowz → 404: not found: did you mean GET /flows?*",
        ),
        (
            f"fake.strict = True\n{MISTAKEN}{EXPECTED}",
            "violation: Send message has no parameter tag: *",
        ),
        (
            (
                "from fakeflowdock import FakeFlowdock\nwith FakeFlowdock(strict=True) as fake:\n"
                f"    {MISTAKEN}    {EXPECTED}"
            ),
            "violation: Send message has no parameter tag: *",
        ),
    ],
    "the exception has a status": [
        (f"ok({REFUSED})\n{POST}", UNAUTHORIZED),
        (
            f'{POST}assert requests.get(API + "/sources/9", **fake.as_user()).status_code == 200',
            "GET /sources/9 → 404: not found*",
        ),
        (
            'fake.fail("list flows", status=503)\nok(requests.get(API + "/flows", **fake.as_user()))',
            "GET /flows → 503: the test injected it: 503",
        ),
    ],
    "the exception names a host": [
        (
            f'{EXPECTED}requests.get("http://nowhere.invalid/x")',
            "another host was called: GET http://nowhere.invalid/x",
        ),
    ],
    "too many after a retry": [
        (
            (
                'fake.fail("send message", connection="reset", after=True, times=1)\n'
                "with pytest.raises(requests.ConnectionError):\n"
                f"    {POST}{POST}fake.assert_message(times=1)"
            ),
            "POST /messages → 202: the same request was processed before its response was lost, and repeated: *",
        ),
    ],
    "too many after a repetition": [
        (f"{TWICE}{REFUSED}\nassert len(fake.messages) == 1", DOUBLE),
        (f"{TWICE}fake.assert_message(times=1)", DOUBLE),
        (f"{TWICE}fake.assert_no_message()", DOUBLE),
        (f'{TWICE}fake.assert_requested("send message", times=1)', DOUBLE),
        (f"{TWICE}assert 1 + 1 == 3", None),
        (f"{TWICE}assert len(fake.messages) == 3", None),
        (f"{TWICE}assert fake.sources == []", None),
        (f'{TWICE}fake.assert_message(content="other")', None),
        (f'{TWICE}dict(a=1)["b"]', None),
    ],
    "it came later": [
        (
            f"{THREAD}thread.start()\ntry:\n    fake.assert_message()\nfinally:\n    gate.set()\n    thread.join()",
            LATE,
        ),
        (
            (
                f"{THREAD}thread.start()\ntry:\n    assert len(fake.messages) == 1\nfinally:\n"
                "    gate.set()\n    thread.join()"
            ),
            LATE,
        ),
        (
            (
                "from concurrent.futures import ThreadPoolExecutor\n"
                "gate = threading.Event()\nwith ThreadPoolExecutor() as pool:\n    try:\n"
                '        pool.submit(lambda: gate.wait(60) and requests.post(API + "/messages", json=activity(fake)))\n'
                '        fake.assert_requested("send message")\n    finally:\n        gate.set()'
            ),
            LATE,
        ),
        (
            f"try:\n    fake.assert_source(name='x')\nfinally:\n    {POST}",
            None,
        ),
        (f"{POST}fake.messages\n{POST}assert 1 + 1 == 3", None),
    ],
    "it went to another host": [
        (
            (
                'requests.get(API + "/user", **fake.as_user())\nwith pytest.raises(requests.ConnectionError):\n'
                '    requests.post("https://api.flowdok.invalid/messages")\nfake.assert_message()'
            ),
            "another host was called: POST https://api.flowdok.invalid/messages",
        ),
        (
            (
                'requests.get(API + "/user", **fake.as_user())\nwith pytest.raises(requests.ConnectionError):\n'
                '    requests.post("http://localhost:9/messages")\nfake.assert_requested("send message")'
            ),
            "another host was called: POST http://localhost:9/messages",
        ),
        (
            (
                'requests.get(API + "/user", **fake.as_user())\nwith pytest.raises(requests.ConnectionError):\n'
                '    requests.post("http://localhost:9/other")\nfake.assert_message()'
            ),
            None,
        ),
    ],
    "an unexpected refusal": [
        (f"{REFUSED}\nassert 1 + 1 == 3", UNAUTHORIZED),
        (f"{EXPECTED}assert 1 + 1 == 3", None),
        (f"assert 401 == {REFUSED}.status_code\nfake.assert_message()", None),
        (f"assert {REFUSED}.status_code in (401, 403)\nfake.assert_message()", None),
        (f"assert {REFUSED}.status_code == requests.codes.unauthorized\nfake.assert_message()", None),
        (f"assert not {REFUSED}.ok\nfake.assert_message()", None),
        (f"with pytest.raises(requests.HTTPError):\n    ok({REFUSED})\nfake.assert_message()", None),
        (f"try:\n    ok({REFUSED})\nexcept requests.HTTPError:\n    pass\nfake.assert_message()", None),
        (f"response = {REFUSED}\nfake.assert_message()\nassert response.status_code == 401", None),
        (f"unauthorized({REFUSED})\nfake.assert_message()", None),
        (f'{EXPECTED}dict(a=1)["b"]', None),
        (
            f'requests.post(MAIN + "/messages", json={{}}, **fake.as_user())\n{REFUSED}\nfake.assert_message()',
            "POST /flows/example/main/messages → 400: *",
        ),
        (
            (
                'requests.get(API + "/flows/example/new", **fake.as_user())\n'
                'requests.post(API + "/flows/example", json={"name": "New"}, **fake.as_user())\n'
                'fake.assert_flow(name="Old")'
            ),
            None,
        ),
    ],
    "no message in the response": [
        (f"response = {POST}assert response.status_code == 201", NO_MESSAGE),
        (f'response = {POST}assert "id" in response.json()', NO_MESSAGE),
        (f'response = {POST}body = response.json()\nassert "id" in body', NO_MESSAGE),
        (f'response = {POST}assert response.json().get("content") == "x"', NO_MESSAGE),
        (f'response = {POST}number = response.json()["id"]', NO_MESSAGE),
        (
            f"import unittest\nresponse = {POST}unittest.TestCase().assertEqual(response.status_code, 201)",
            NO_MESSAGE,
        ),
        (f"{POST}assert 1 + 1 == 3", None),
        (f'{POST}fake.assert_message(content="x")', None),
    ],
    "a mistake in a request": [
        (
            f'{MISTAKEN}requests.get(MAIN + "/messages?tags=#ci", **fake.as_user())\nassert 1 + 1 == 3',
            MISTAKE,
        ),
        (
            'assert requests.get(MAIN + "/messages?tags=#ci", **fake.as_user()).json() == [1]',
            "GET /flows/example/main/messages → 200: the value of tags is empty: a # begins the fragment of a URL*",
        ),
        (
            'assert requests.get(MAIN + "/messages?tags=a+b", **fake.as_user()).json() == [1]',
            "GET /flows/example/main/messages → 200: a + in a query is a space: in the value of tags, send it as %2B*",
        ),
        (f"{EXPECTED}{MISTAKEN}assert fake.messages[-1].tags == ['bug']", MISTAKE),
    ],
    "a repetition": [],  # see below
    "an unmatched fault": [
        (f'{EXPECTED}fake.fail("send message", status=500, optional=True)\nassert 1 + 1 == 3', None),
        (
            f'{EXPECTED}fake.fail("send message", status=500)\nassert 1 + 1 == 3',
            "fault: every request for send-message: 500 (never matched: requested were list-flows)",
        ),
    ],
    "something still runs": [
        (
            f"{THREAD}request.addfinalizer(lambda: (gate.set(), thread.join()))\nthread.start()\nassert fake.messages",
            "the thread * still ran when the test had ended: wait for it before the assertion",
        ),
        (
            (
                "import asyncio\nasync def post_later():\n    await asyncio.sleep(60)\nasync def main():\n"
                "    task = asyncio.create_task(post_later())\n    await asyncio.sleep(0)\n    fake.assert_message()\n"
                "asyncio.run(main())"
            ),
            "the task 'Task-*' (*post_later) still ran when the assertion failed: wait for it before the assertion",
        ),
        (
            (
                "import subprocess, sys\n"
                "with subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE) as child:\n"
                "    fake.assert_message()"
            ),
            "the process * still ran when the assertion failed: wait for it before the assertion",
        ),
        (
            (
                "import subprocess, sys\n"
                "with subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE) as child:\n"
                "    assert 1 + 1 == 3"
            ),
            None,
        ),
    ],
    "another host": [
        (
            (
                "try:\n    requests.get('http://127.0.0.1:9/flows')\nexcept requests.ConnectionError:\n    pass\n"
                "fake.assert_message()"
            ),
            "no requests reached the fake, but another host was called: GET http://127.0.0.1:9/flows",
        ),
        (
            (
                'requests.get(API + "/user", **fake.as_user())\n'
                "try:\n    requests.get('https://api.flowdok.invalid/flows')\n"
                "except requests.ConnectionError:\n    pass\n"
                "assert fake.messages"
            ),
            "another host was called: GET https://api.flowdok.invalid/flows",
        ),
        (
            'requests.get(fake.url + "/user", **fake.as_user())\nassert 1 + 1 == 3',
            None,
        ),
    ],
}
HELPER = """
def unauthorized(response):
    assert response.status_code == 401


"""


@pytest.mark.parametrize(("code", "cause"), [each for cases in RANKED.values() for each in cases])
def test_the_surest_cause_is_named(code: str, cause: str | None, pytester: pytest.Pytester) -> None:
    lines = "".join(f"    {line}\n" for line in code.splitlines())
    pytester.makepyfile(f"{HEAD}{HELPER}def test_it(fake_flowdock, request):\n    fake = fake_flowdock\n{lines}")
    result = run(pytester, "--tb=short")
    result.assert_outcomes(failed=1)
    shown = result.stdout.lines
    [start] = [place for place, line in enumerate(shown) if line.strip("-").startswith(" fakeflowdock")]
    first = shown[start + 1]
    if cause is None:
        assert not first.startswith("likely cause"), first
    else:
        pytest.LineMatcher([first]).fnmatch_lines([f"likely cause: {cause}"])


def test_a_repetition_is_named_if_nothing_has_failed(fake_flowdock: FakeFlowdock) -> None:
    post = {"event": "message", "content": "Hi", "flow": fake_flowdock.flow.id}
    for _ in range(2):
        requests.post("https://api.flowdock.com/messages", json=post, timeout=9, **fake_flowdock.as_user())
    first = fake_flowdock.report().splitlines()[0]
    assert first == "likely cause: POST /messages → 201: the same request was sent 2 times"


def test_each_rank_has_a_test() -> None:
    assert set(RANKED) == set(RANKS)
