"""Makes the pictures of the inspector in docs/pictures, from the world `docs`: `python docs/pictures.py`.

It needs Debian's packages `chromium` and `chromium-driver`, the environment of the tests, and Pillow.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from time import sleep
from typing import Any
from urllib.parse import urlencode

import requests

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "pictures"
SIZE = {"width": 1180, "height": 620, "deviceScaleFactor": 1, "mobile": False}
PICTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "inspector-flow": ("light", {"view": "flow"}),
    "inspector-requests": ("dark", {"view": "requests", "request": 4}),
    "inspector-failed-test": ("light", {}),
}
TEST = """
import requests


def test_a_ticket_is_posted(fake_flowdock):
    source = fake_flowdock.add_source(name="Help desk")
    for number, author in enumerate(({"name": "Marty"}, {"nam": "Marty"}), 41):
        ticket = {"flow_token": source.flow_token, "event": "activity", "title": "opened", "author": author}
        ticket |= {"external_thread_id": f"ticket:{number}", "thread": {"title": f"Ticket {number}"}}
        requests.post("https://api.flowdock.com/messages", json=ticket, timeout=5)
    fake_flowdock.assert_message(external_thread_id="ticket:42")
"""


def main() -> None:
    """Write the pictures."""
    sys.path.insert(0, str(ROOT))
    from fakeflowdock import FakeFlowdock
    from tests.support.chromium import Browsers

    pillow = import_module("PIL.Image")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, FakeFlowdock("docs", unknown_paths="allow") as fake:
        _arrange(fake)
        browsers = Browsers(Path(folder))
        try:
            chrome: Any = browsers.browser()
            chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", SIZE)
            thread = next(each.id for each in fake.threads if each.title == "Build 42")
            for name, (scheme, address) in PICTURES.items():
                more = {"item": thread} if address.get("view") == "flow" else {}
                media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
                chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
                chrome.get("about:blank")
                live = f"{fake.url}/_fakeflowdock/#{urlencode({**address, **more})}"
                chrome.get(live if address else _failed(Path(folder)))
                sleep(3)
                path = FOLDER / f"{name}.png"
                picture = pillow.open(io.BytesIO(chrome.get_screenshot_as_png()))
                picture.convert("RGB").quantize(128).save(path, optimize=True)
                print(f"wrote docs/pictures/{name}.png, {path.stat().st_size:,} bytes")
        finally:
            browsers.end()


def _failed(folder: Path) -> str:
    """Let a test fail. Return the address of its inspector."""
    (folder / "test_tickets.py").write_text(TEST, "utf-8")
    options = ("-q", "-p", "no:cacheprovider", "--flowdock-inspect", "inspected", "test_tickets.py")
    command = [sys.executable, "-m", "pytest", *options]
    subprocess.run(command, cwd=folder, check=False, stdout=subprocess.DEVNULL)  # noqa: S603  # of ours
    [file] = (folder / "inspected").iterdir()
    return file.as_uri()


def _arrange(fake: Any) -> None:
    """Let something happen in the world."""
    auth = (fake.user.api_token, "")
    messages = f"{fake.url}/flows/example/main/messages"
    source = fake.add_source(name="Builds")
    for title, status, color in (("Build 41", "passed", "green"), ("Build 42", "failed", "red")):
        given = {
            "flow_token": source.flow_token,
            "event": "activity",
            "title": f"ran the tests: {status}",
            "author": {"name": "CI"},
            "external_thread_id": title,
            "thread": {
                "title": title,
                "status": {"value": status, "color": color},
                "fields": [{"label": "Branch", "value": "main"}, {"label": "Duration", "value": "4 min 12 s"}],
                "external_url": "https://ci.example.com/builds/42",
            },
        }
        requests.post(f"{fake.url}/messages", json=given, timeout=30).raise_for_status()
    requests.post(
        messages, auth=auth, json={"event": "message", "content": "Who looks at #build 42? @Ulla"}, timeout=30
    )
    wrong = {"flow_token": source.flow_token, "event": "activity", "title": "opened", "author": {"nam": "Marty"}}
    requests.post(f"{fake.url}/messages", json={**wrong, "external_thread_id": "ticket:42"}, timeout=30)
    fake.fail("get-own-user", status=429, times=1)
    for path in ("/user", "/users?lmit=3", "/flows/example/none", "/nowhere", "/flows/example/main/messages"):
        requests.get(f"{fake.url}{path}", auth=auth, timeout=30)


if __name__ == "__main__":
    main()
