"""A page in a real browser reads a stream of another origin. docs/api/streaming.md."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from selenium.webdriver.support.wait import WebDriverWait

from tests.support.chromium import WHOLE
from tests.support.sockets import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium import webdriver

    from fakeflowdock import FakeFlowdock
    from tests.support.chromium import Browsers

pytestmark = pytest.mark.newest_only

LONGEST = 60.0  # seconds

# Each shows what it is told: a JSON list in a line of its own.
SHOW = """
    const show = (...told) => {
      const line = document.createElement('li')
      line.textContent = JSON.stringify(told)
      document.querySelector('ul').append(line)
    }
    const asked = new URLSearchParams(location.search)
"""
PAGES = {
    "/source": """
        const source = new EventSource(asked.get('url'))
        source.onopen = () => show('open')
        source.onerror = () => show('error', source.readyState)
        source.onmessage = ({ data, lastEventId }) => show('message', lastEventId, JSON.parse(data))
    """,
    "/fetch": """
        const headers = { Authorization: 'Basic ' + btoa(asked.get('token') + ':') }
        const leaving = new AbortController()
        const read = async () => {
          const response = await fetch(asked.get('url'), { headers, signal: leaving.signal })
          show('open', response.status, response.headers.get('content-type'), response.headers.get('flowdock-user'))
          const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
          for (let text = ''; ;) {
            const { done, value } = await reader.read()
            if (done) return show('end')
            const lines = (text + value).split('\\r\\n')
            text = lines.pop()
            for (const line of lines) show('message', null, JSON.parse(line))
          }
        }
        read().catch(error => show('error', error.name))
    """,
}


class Page(BaseHTTPRequestHandler):
    """A page of an application."""

    def do_GET(self) -> None:
        script = PAGES.get(self.path.partition("?")[0], "")
        body = f"<!doctype html><title>Live</title><ul></ul><script>{SHOW}{script}</script>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Reader:
    """A browser with such a page."""

    def __init__(self, chrome: webdriver.Chrome, origin: str) -> None:
        self.chrome = chrome
        self._origin = origin

    def opens(self, page: str, **asked: str) -> None:
        self.chrome.get(f"{self._origin}{page}?{urlencode(asked)}")

    def shows(self, count: int) -> list[list[Any]]:
        """Everything that it was told so far, after waiting for so many things."""
        script = "return [...document.querySelectorAll('li')].map(line => line.textContent)"
        WebDriverWait(self.chrome, LONGEST).until(lambda chrome: len(chrome.execute_script(script)) >= count)
        return [json.loads(line) for line in self.chrome.execute_script(script)]

    def contents(self, count: int) -> list[str]:
        return [each[2]["content"] for each in self.shows(count) if each[0] == "message"]


@pytest.fixture
def reader(browsers: Browsers) -> Iterator[Reader]:
    with serving(Page) as origin:
        chrome = browsers.browser()
        yield Reader(chrome, origin)
        chrome.get("about:blank")  # no page stays that would ask for a stream again


def test_a_page_of_another_origin_reads_server_sent_events_and_resumes(
    reader: Reader, fake_flowdock: FakeFlowdock
) -> None:
    token = fake_flowdock.access_token(scope="flow")
    reader.opens("/source", url=f"{fake_flowdock.stream_url}?filter=example/main&access_token={token}")
    stream = fake_flowdock.wait_for_stream(timeout=LONGEST)
    assert stream.format == "event-stream"
    assert reader.shows(1) == [["open"]]
    first = fake_flowdock.add_message("Größe 👍")
    assert reader.shows(2)[1][2]["content"] == "Größe 👍"
    assert reader.shows(2)[1][1] == str(first.event_id)

    stream.close()
    assert reader.shows(3)[2] == ["error", 0]  # it connects again, by itself
    missed = fake_flowdock.add_message("While nobody listened")
    fake_flowdock.wait_for_stream(timeout=LONGEST)
    fake_flowdock.add_message("Live again")
    assert reader.contents(6) == ["Größe 👍", missed.content, "Live again"]
    opened = [each for each in fake_flowdock.requests if each.request.method == "GET"]
    assert opened[-1].request.headers["last-event-id"] == str(first.event_id)
    assert opened[-1].request.headers["origin"] == reader.chrome.execute_script("return location.origin")


@WHOLE
def test_a_page_of_another_origin_reads_json_by_fetch(reader: Reader, fake_flowdock: FakeFlowdock) -> None:
    url, token = f"{fake_flowdock.stream_url}/example/main", fake_flowdock.user.api_token
    reader.opens("/fetch", url=url, token=token)
    stream = fake_flowdock.wait_for_stream(timeout=LONGEST)
    assert stream.format == "json"
    assert reader.shows(1) == [["open", 200, "application/json; charset=utf-8", "1"]]
    message = fake_flowdock.add_message("Größe 👍")
    fake_flowdock.add_message("Here", event="comment", comments=message)
    assert [each[2]["event"] for each in reader.shows(3)[1:]] == ["message", "comment"]
    stream.close()
    assert reader.shows(4)[3] == ["end"]

    reader.opens("/fetch", url=url, token=token)
    stream = fake_flowdock.wait_for_stream(timeout=LONGEST)
    reader.shows(1)
    reader.chrome.execute_script("leaving.abort()")
    assert reader.shows(2)[1] == ["error", "AbortError"]
    for _ in range(round(LONGEST / 0.02)):
        if stream.ended:
            break
        reader.chrome.execute_async_script("setTimeout(arguments[0], 20)")
    assert (stream.ended, fake_flowdock.streams) == ("left", [])


@WHOLE
def test_a_page_is_told_why_it_gets_no_stream(reader: Reader, fake_flowdock: FakeFlowdock) -> None:
    reader.opens("/source", url=f"{fake_flowdock.stream_url}?filter=example/main&access_token=unknown")
    assert reader.shows(1) == [["error", 2]]  # closed: it does not try again
    reader.opens("/fetch", url=f"{fake_flowdock.stream_url}?filter=example/nothing", token=fake_flowdock.user.api_token)
    assert reader.shows(1)[0][:2] == ["open", 404]
    assert [each.status for each in fake_flowdock.requests if each.request.method == "GET"] == [401, 404]
