"""Typical mistakes: the section of each red test names its cause in the first line."""

from __future__ import annotations

import pytest

from tests.support.inner_pytest import run

HEAD = """
import json
import threading
import pytest
import requests

API = "https://api.flowdock.com"
MAIN = API + "/flows/example/main"


def ok(response):
    response.raise_for_status()
    return response


def activity(fake, **changes):
    source = fake.sources[0] if fake.sources else fake.add_source(name="Builds")
    post = {
        "flow_token": source.flow_token,
        "event": "activity",
        "title": "opened",
        "author": {"name": "Ada"},
        "external_thread_id": "1",
        "thread": {"title": "One"},
    }
    return post | changes


"""

# Each mistake: the code of a test, and the first line of the section about the fake, in which `*` stands for anything.
MISTAKES: dict[str, tuple[str, str]] = {
    # Wrong fields
    "a misspelled field that is required": (
        'ok(requests.post(MAIN + "/messages", json={"event": "message", "contnet": "Hi"}, **fake.as_user()))',
        "POST /flows/example/main/messages → 400: Send message has no parameter contnet: did you mean content?*",
    ),
    "a misspelled field that is optional": (
        'ok(requests.post(API + "/messages", json=activity(fake, tag=["bug"])))\nfake.assert_message(tags=["bug"])',
        "POST /messages → 202: Send message has no parameter tag: did you mean tags?*",
    ),
    "a misspelled field inside another": (
        (
            'ok(requests.post(API + "/messages", json=activity(fake, thread={"title": "One", "external_uri": '
            '"http://x/"})))\n'
            'fake.assert_message(thread={"external_url": "http://x/"})'
        ),
        "POST /messages → 202: Send message has no parameter thread.external_uri: did you mean thread.external_url?*",
    ),
    "a value that is not allowed": (
        (
            'thread = {"title": "One", "status": {"value": "open", "color": "gren"}}\n'
            'ok(requests.post(API + "/messages", json=activity(fake, thread=thread)))'
        ),
        'POST /messages → 400: /thread/status/color is not one of red, green,*, got "gren"',
    ),
    "a value of another type": (
        'ok(requests.post(API + "/messages", json=activity(fake, author="Ada")))',
        'POST /messages → 400: /author is not an object, got "Ada"*',
    ),
    "a thread without its id": (
        'ok(requests.post(API + "/messages", json=activity(fake, external_thread_id=None)))',
        "POST /messages → 400: /external_thread_id can't be blank",
    ),
    # Wrong credentials
    "the api_token as Bearer": (
        'ok(requests.get(API + "/flows", headers={"Authorization": f"Bearer {fake.user.api_token}"}))',
        (
            "GET /flows → 401: Unauthorized: the access_token is unknown: that is Ada Example's api_token, sent "
            "as Bearer: "
            "it goes into Basic as the user name"
        ),
    ),
    "the api_token as the password": (
        'ok(requests.get(API + "/flows", auth=("", fake.user.api_token)))',
        (
            "GET /flows → 401: Unauthorized: *: that is Ada Example's api_token, sent as the password of Basic: "
            "it goes into Basic as the user name"
        ),
    ),
    "an access_token as the user name": (
        'ok(requests.get(API + "/flows", auth=(fake.access_token(), "")))',
        (
            "GET /flows → 401: Unauthorized: *: that is Ada Example's access_token, sent as the user name of Basic: "
            "it goes into Bearer, or into the parameter access_token"
        ),
    ),
    "a flow_token as the user name": (
        'ok(requests.get(API + "/sources", auth=(fake.add_source(name="Builds").flow_token, "")))',
        (
            "GET /sources → 401: Unauthorized: *: that is the source Builds's flow_token, sent as the user name "
            "of Basic: "
            "it goes into the parameter flow_token"
        ),
    ),
    "the token of a flow as that of a source": (
        'ok(requests.post(API + "/messages", json=activity(fake, flow_token=fake.flow.api_token)))',
        (
            "POST /messages → 401: Unauthorized: the flow_token is unknown: that is the flow example/main's "
            "flow api_token, "
            "sent as the parameter flow_token: it goes into the path of the push API, *"
        ),
    ),
    "a token in a header of its own": (
        'ok(requests.get(API + "/flows", headers={"X-Flowdock-Token": fake.user.api_token}))',
        (
            "GET /flows → 401: Unauthorized: the request has no credentials: that is Ada Example's api_token, "
            "sent as the header X-Flowdock-Token: it goes into Basic as the user name"
        ),
    ),
    "an Authorization header without a scheme": (
        'ok(requests.get(API + "/flows", headers={"Authorization": fake.user.api_token}))',
        (
            "GET /flows → 401: Unauthorized: an Authorization header must begin with Basic or Bearer: "
            "that is Ada Example's api_token, sent as an Authorization without a scheme: it goes into Basic as "
            "the user name"
        ),
    ),
    "a secret in place of a token": (
        'ok(requests.get(API + "/flows", headers={"Authorization": f"Bearer {fake.application.client_secret}"}))',
        (
            "GET /flows → 401: *: that is the application Example Application's client_secret, sent as Bearer: "
            "it goes into the parameter client_secret of POST /oauth/token"
        ),
    ),
    "the token of single sign-on as that of a user": (
        (
            "token = fake.add_sso().scim_token\n"
            'ok(requests.get(API + "/flows", headers={"Authorization": f"Bearer {token}"}))'
        ),
        (
            "GET /flows → 401: *: that is the organization Example's scim_token, sent as Bearer: it goes into "
            "Bearer, for the paths below /scim of its organization"
        ),
    ),
    "the token of a user for single sign-on": (
        (
            "uid, token = fake.add_sso().sso_uid, fake.user.api_token\n"
            'ok(requests.get(f"{API}/scim/{uid}/Users", headers={"Authorization": "Bearer " + token}))'
        ),
        (
            "GET /scim/*/Users → 403: *: that is Ada Example's api_token: this operation takes the scim_token of the "
            "organization (Bearer)"
        ),
    ),
    "the token of another organization for single sign-on": (
        (
            "fake.add_sso(fake.add_organization('acme'), uid='acme-sso')\n"
            'ok(requests.get(f"{API}/scim/acme-sso/Users", **fake.as_scim()))'
        ),
        (
            "GET /scim/acme-sso/Users → 403: *: that is the organization Example's scim_token: the paths of this "
            "organization are below /scim/123456"
        ),
    ),
    "no credentials": (
        'ok(requests.get(API + "/flows"))',
        (
            "GET /flows → 401: Unauthorized: the request has no credentials: this operation takes a user (Basic, "
            "api_token) or an application (Bearer)"
        ),
    ),
    "a token of nobody": (
        'ok(requests.get(API + "/flows", auth=("0" * 32, "")))',
        "GET /flows → 401: Unauthorized: *: no user, application or source of this world has that secret*",
    ),
    "an expired token": (
        (
            "token = fake.access_token(expires_in=60)\n"
            "fake.advance(61)\n"
            'ok(requests.get(API + "/flows", headers={"Authorization": f"Bearer {token}"}))'
        ),
        (
            "GET /flows → 401: Unauthorized: the access_token has expired: that is Ada Example's access_token, "
            "which expired at 2015-01-01T00:01:00.0*Z; the world's clock is at 2015-01-01T00:01:01.0*Z"
        ),
    ),
    "a token with too few scopes": (
        'ok(requests.post(MAIN + "/sources", json={"name": "x"}, **fake.as_application(scope="flow")))',
        (
            "POST /flows/example/main/sources → 403: Access denied: create source needs an OAuth access token with the "
            "scope integration: the access_token has the scopes flow, but not integration"
        ),
    ),
    "a user in place of an application": (
        'ok(requests.post(MAIN + "/sources", json={"name": "x"}, **fake.as_user()))',
        (
            "POST /flows/example/main/sources → 403: *: it was sent with Basic, api_token; this operation takes an "
            "application (Bearer)"
        ),
    ),
    # Wrong content types
    "a form with an object in it": (
        'ok(requests.post(API + "/messages", data=activity(fake)))',
        (
            "POST /messages → 400: thread is an object, which a form needs as thread[[]title[]]=…; "
            "or send JSON (json=, not data=)*"
        ),
    ),
    "JSON as a form": (
        (
            'form = {"Content-Type": "application/x-www-form-urlencoded"}\n'
            'ok(requests.post(API + "/messages", data=json.dumps(activity(fake)), headers=form))'
        ),
        (
            "POST /messages → 4??: *The body looks like JSON but is sent as a form: set its Content-Type to "
            "application/json*"
        ),
    ),
    "JSON as text": (
        (
            'text = {"Content-Type": "text/plain"}\n'
            'ok(requests.post(MAIN + "/messages", data="{}", headers=text | fake.as_user().headers))'
        ),
        "POST /flows/example/main/messages → 4??: Unknown Content-Type text/plain: expected application/json*",
    ),
    "JSON that is none": (
        (
            'headers = {"Content-Type": "application/json"} | fake.as_user().headers\n'
            "ok(requests.post(MAIN + \"/messages\", data=\"{'event': 'message'}\", headers=headers))"
        ),
        "POST /flows/example/main/messages → 400: The body is not valid JSON: *",
    ),
    # Missing headers
    "no wait for the message": (
        'ok(requests.post(API + "/messages", json=activity(fake))).json()["id"]',
        (
            "POST /messages → 202: no message in the response: it has one, with the status 201, if the request has the "
            "header X-flowdock-wait-for-message"
        ),
    ),
    # Wrong paths
    "a path in the singular": (
        'ok(requests.get(API + "/flow/example/main", **fake.as_user()))',
        "GET /flow/example/main → 404: not found: did you mean GET /flows/example/main?*",
    ),
    "a misspelled flow": (
        'ok(requests.get(API + "/flows/example/mian", **fake.as_user()))',
        "GET /flows/example/mian → 404: not found: unknown flow 'example/mian': did you mean example/main?",
    ),
    "the number of another thing": (
        'ok(requests.get(MAIN + "/sources/7", **fake.as_user()))',
        "GET /flows/example/main/sources/7 → 404: not found: unknown source 7 in example/main*",
    ),
    "a method that is not allowed": (
        'ok(requests.post(API + "/user", json={"nick": "ada"}, **fake.as_user()))',
        "POST /user → 405: POST is not allowed here; allowed methods: GET,*",
    ),
    # Posting twice
    "a double post": (
        (
            'for _ in range(2):\n    ok(requests.post(API + "/messages", json=activity(fake)))\n'
            "assert len(fake.messages) == 1"
        ),
        "POST /messages → 202: the same request was sent 2 times",
    ),
    "a retry of a post that was taken": (
        (
            'fake.fail("send message", connection="reset", after=True, times=1)\n'
            "for _ in range(2):\n"
            "    try:\n"
            '        requests.post(API + "/messages", json=activity(fake))\n'
            "        break\n"
            "    except requests.ConnectionError:\n"
            "        pass\n"
            "assert len(fake.messages) == 1"
        ),
        (
            "POST /messages → 202: the same request was processed before its response was lost, and repeated: "
            "the retry "
            "posted it twice"
        ),
    ),
    # Swallowed errors
    "a swallowed 410": (
        (
            "post = activity(fake)\n"
            'requests.delete(MAIN + "/sources/1", **fake.as_user())\n'
            'requests.post(API + "/messages", json=post)\n'
            'fake.assert_message(event="activity")'
        ),
        "POST /messages → 410: Gone: the source of this flow_token was deleted: source Builds was deleted: *",
    ),
    # Queries
    "an unencoded & in a query": (
        'ok(requests.get(MAIN + "/messages?search=R&D", **fake.as_user()))\nassert False',
        (
            "GET /flows/example/main/messages → 200: an & begins the next parameter of a query: in the value of "
            "search, "
            "send it as %26"
        ),
    ),
    "an unencoded + in a query": (
        'ok(requests.get(MAIN + "/threads?since=2015-01-01T00:00:00+02:00", **fake.as_user()))',
        "GET /flows/example/main/threads → 400: a + in a query is a space: in the value of since, send it as %2B*",
    ),
    # Wrong hosts
    "a misspelled host": (
        'requests.get("https://api.flowdok.example/flows", **fake.as_user())',
        "no requests reached the fake, but another host was called: GET https://api.flowdok.example/flows",
    ),
    "another host of Flowdock": (
        'requests.get("https://www.flowdock.com/flows", **fake.as_user())',
        "no requests reached the fake, but another host was called: GET https://www.flowdock.com/flows",
    ),
    # Races
    "a thread that posts later": (
        (
            "gate = threading.Event()\n"
            "request.addfinalizer(lambda: (gate.set(), thread.join()))\n"
            'thread = threading.Thread(target=gate.wait, name="poster", args=(60,))\n'
            "thread.start()\n"
            'fake.assert_message(event="activity")'
        ),
        "the thread 'poster' still ran when the test had ended: wait for it before the assertion",
    ),
    # Faults
    "a fault that no request matches": (
        (
            'fake.fail("post activity", status=500)\n'
            'assert requests.post(API + "/messages", json=activity(fake)).status_code == 500'
        ),
        "fault: every request for post-activity: 500 (never matched: requested were send-message)",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_in_the_first_line(mistake: str, pytester: pytest.Pytester) -> None:
    code, cause = MISTAKES[mistake]
    lines = "".join(f"    {line}\n" for line in code.splitlines())
    pytester.makepyfile(f"{HEAD}def test_it(fake_flowdock, request):\n    fake = fake_flowdock\n{lines}")
    result = run(pytester, "--tb=short")
    result.assert_outcomes(failed=1)
    shown = result.stdout.lines
    [start] = [place for place, line in enumerate(shown) if line.strip("-") == " fakeflowdock "]
    pytester_line = pytest.LineMatcher([shown[start + 1]])
    pytester_line.fnmatch_lines([f"likely cause: {cause}"])


def test_there_are_thirty_mistakes_at_least() -> None:
    assert len(MISTAKES) >= 30
