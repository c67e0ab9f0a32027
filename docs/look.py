"""Looks at the built site: `python docs/look.py`, after `.ci/run guide`, which must have built all of it.

- Each link within the site leads to a page and a heading.
- The search finds what readers look for: `SOUGHT`. The page they want is among the first three results.
- No page scrolls sideways at 320, 390, 1280 and 1920 pixels, and each table fits 1280.

`--pictures FOLDER [PAGE…]` keeps a picture of each page at three widths, light and dark. It needs Debian's packages
`chromium` and `chromium-driver`, and the environment of the tests.
"""

from __future__ import annotations

import base64
import functools
import http.server
import sys
import tempfile
import threading
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urldefrag, urljoin

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "build" / "guide"
WIDTHS = (320, 390, 1100, 1280, 1400, 1920)
SHOWN = tuple((width, scheme) for width in (390, 1280, 1920) for scheme in ("light", "dark"))
FIRST = 3  # results
SOUGHT = {
    "429": "guide/how-to.html#test-retries-and-rate-limits",
    "xdist": "guide/how-to.html#run-tests-in-parallel",
    "install": "guide/install.html",
    "retry": "guide/how-to.html#test-retries-and-rate-limits",
    "add_source": "python/fakeflowdock.html#fakeflowdock.FakeFlowdock.add_source",
    "changelog": "changelog.html",
    "docker": "guide/server.html#docker",
    "inject faults": "guide/how-to.html#inject-faults",
    "oauth": "guide/how-to.html#test-an-oauth-client",
    "send message": "api/messages.html#send-message",
    "strict mode": "guide/contract.html#strict-mode",
    "timeout": "guide/how-to.html#inject-faults",
}


class Document(HTMLParser):
    """The ids and links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids, self.links = set[str](), set[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what an element links and is linked by."""
        for name, value in attrs:
            if name == "id" or (name == "name" and tag == "a"):
                self.ids.add(value or "")
            elif name in ("href", "src") and value:
                self.links.add(value)


def dead_links(site: Path) -> Iterator[str]:
    """Yield the links within the site that lead nowhere."""
    pages = {str(path.relative_to(site)): Document(path.read_text("utf-8")) for path in site.rglob("*.html")}
    for page, document in sorted(pages.items()):
        for link in sorted(document.links):
            url, anchor = urldefrag(urljoin(f"http://site/{page}", link))
            if not url.startswith("http://site/"):
                continue
            name = unquote(url.removeprefix("http://site/").partition("?")[0])
            if not (site / name).is_file():
                yield f"{page}: {link} leads to no file"
            elif page.startswith("_modules/"):
                continue  # code leads to the page that describes it, where some of it has no heading of its own
            elif anchor and name in pages and unquote(anchor) not in pages[name].ids:
                yield f"{page}: {link} leads to no heading"


@contextmanager
def served(site: Path) -> Iterator[str]:
    """Serve the site on a free port."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()


def results(chrome: Any, root: str, words: str) -> list[str]:
    """Return the addresses of the results of a search, best first."""
    chrome.get(f"{root}/search.html?q={quote(words)}")
    script = "return [...document.querySelectorAll('#search-results ul.search li a')].map(each => each.href)"
    end = monotonic() + 20
    while monotonic() < end:
        status = "return document.querySelector('#search-results p.search-summary')?.innerText ?? ''"
        if "found" in chrome.execute_script(status) or "did not match" in chrome.execute_script(status):
            break
        sleep(0.1)
    return [str(each).removeprefix(f"{root}/") for each in chrome.execute_script(script)]


TOO_WIDE = """
const wide = [...document.querySelectorAll('article table')].filter(each => {
    const around = each.closest('.table-wrapper') ?? each.parentElement
    return around.scrollWidth > around.clientWidth + 1
})
return [document.documentElement.scrollWidth > window.innerWidth, wide.map(each => each.innerText.slice(0, 40))]
"""


def faults(site: Path, chrome: Any, root: str) -> Iterator[str]:
    """Yield what is wrong with the search and the widths."""
    from tests.support.chromium import looks

    if '"indexentries":{}' in (site / "searchindex.js").read_text("utf-8"):
        yield "the search of a site that was built in part has no entries: remove build/guide, and build it again"
        return
    for words, wanted in SOUGHT.items():
        first = results(chrome, root, words)[:FIRST]
        if wanted not in [each.partition("?")[0] if "#" not in each else each for each in first]:
            yield f"the search for {words!r} finds {first} first, and not {wanted}"
    for page in pages_of(site):
        chrome.get(f"{root}/{page}")
        for width in WIDTHS:
            looks(chrome, width=width, scheme="light")
            sideways, tables = chrome.execute_script(TOO_WIDE)
            if sideways:
                yield f"{page} scrolls sideways at {width} pixels"
            if width >= 1280:
                yield from (f"{page}: a table is wider than its place at {width} pixels: {each!r}" for each in tables)


def pages_of(site: Path) -> list[str]:
    """Return the pages that were written, without those that show code or lists of everything."""
    pages = sorted(str(path.relative_to(site)) for path in site.rglob("*.html"))
    return [page for page in pages if not page.startswith(("_", "genindex", "py-modindex", "search"))]


def picture(chrome: Any, url: str, width: int, scheme: str, tallest: int) -> bytes:
    """Return a picture of a page from its top, as PNG."""
    from tests.support.chromium import looks

    looks(chrome, width=width, scheme=scheme)
    chrome.get(url)
    height = min(chrome.execute_script("return document.documentElement.scrollHeight"), tallest)
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    taken = chrome.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
    return base64.b64decode(taken["data"])


def main() -> int:
    """Check the site, or keep pictures of it. Returns the exit status."""
    sys.path.insert(0, str(ROOT))
    from tests.support.chromium import Browsers

    with tempfile.TemporaryDirectory() as folder, served(SITE) as root:
        browsers = Browsers(Path(folder))
        try:
            chrome: Any = browsers.browser()
            if sys.argv[1:2] == ["--pictures"]:
                target = Path(sys.argv[2])
                target.mkdir(parents=True, exist_ok=True)
                for page in sys.argv[3:] or pages_of(SITE):
                    for width, scheme in SHOWN:
                        name = f"{page.removesuffix('.html').replace('/', '.')}.{width}.{scheme}.png"
                        (target / name).write_bytes(picture(chrome, f"{root}/{page}", width, scheme, 2400))
                return 0
            found = [*dead_links(SITE), *faults(SITE, chrome, root)]
        finally:
            browsers.end()
    print("\n".join(found) or f"{len(pages_of(SITE))} pages: links, search and widths are as they should be")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
