"""Record a fake with every recorder: `python record.py TOOLS`. README.md says what the folder TOOLS has to have."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import DEVNULL, Popen
from subprocess import run as call
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from collections.abc import Iterator

TOOLS = Path(sys.argv[1]).resolve()
HERE = Path(__file__).resolve().parent
OUT = HERE.parent
API, PAGE, PROXY = "http://127.0.0.1:8123", "http://127.0.0.1:8124", "http://127.0.0.1:8125"
API_TOKEN, BEARER = "8039a1301dbbd53c49cc0573bd566a12", "b95aba40affa9565d0e00dac2c694c44"  # of the world `docs`
CURRENT = ("requests.yaml", "requests.json", "httpx.yaml", "aiohttp.json", "betamax", "betamax-bytes")


@contextmanager
def running(*command: str, port: int) -> Iterator[None]:
    """A server, until the end of the block."""
    process = Popen(command, stdout=DEVNULL, stderr=DEVNULL)
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def run(*command: str | Path, **environ: str) -> None:
    call([*map(str, command)], check=True, timeout=120, env={**os.environ, **environ})


def flow_token() -> str:
    headers = {"Authorization": f"Bearer {BEARER}"}
    with urlopen(Request(f"{API}/flows/example/main/sources", b"name=Builds", headers), timeout=30) as reply:
        return str(json.load(reply)["flow_token"])


def browsers(folder: Path, token: str) -> None:
    for name in ("browser.mjs", "client.js"):
        shutil.copy(HERE / name, TOOLS / "node" / name)
    made = {"playwright": "embed", "playwright-omit": "omit", "playwright-attach": "attach", "devtools": "devtools"}
    for stem, kind in made.items():
        name = f"{stem}.{'zip' if kind == 'attach' else 'har'}"
        run("node", TOOLS / "node/browser.mjs", kind, folder / name, API, f"{PAGE}/", token, API_TOKEN)


def libraries(folder: Path, token: str) -> None:
    given = (folder, API, token, API_TOKEN)
    for kind in (*CURRENT, "mitmproxy"):
        run(TOOLS / "vcrpy/bin/python", "-W", "ignore", HERE / "cassettes.py", kind, *given)
    run(TOOLS / "vcrpy-2.0.1/bin/python", "-W", "ignore", HERE / "cassettes.py", "aiohttp-old.yaml", *given)
    run("ruby", HERE / "vcr.rb", *given)
    run("ruby", "-I", TOOLS / "vcr/lib", HERE / "vcr.rb", *given, "ruby-vcr-newest")
    for version in ("0.0.4", "0.4.0"):
        packages = str(TOOLS / f"vcrpy-{version}")
        file = folder / f"vcrpy-{version}.yaml"
        run("python2", HERE / "oldest.py", file, API, token, PYTHONPATH=packages)


def main() -> None:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder, page = Path(name), Path(name, "page")
        page.mkdir()
        (page / "index.html").write_text("<!doctype html><title>A page</title>\n")
        serve = (sys.executable, "-m", "fakeflowdock", "serve", "--port", "8123", "--world", "docs")
        web = (sys.executable, "-m", "http.server", "8124", "--bind", "127.0.0.1", "--directory", str(page))
        har = f"hardump={folder / 'mitmproxy.har'}"
        proxy = (str(TOOLS / "mitmproxy/bin/mitmdump"), "-q", "--listen-port", "8125", "--set", har)
        stack.enter_context(running(*serve, port=8123))
        stack.enter_context(running(*web, port=8124))
        token = flow_token()
        with running(*proxy, port=8125):
            libraries(folder, token)
        browsers(folder, token)
        for file in folder.iterdir():
            if file.is_file():
                shutil.copy(file, OUT)


if __name__ == "__main__":
    main()
