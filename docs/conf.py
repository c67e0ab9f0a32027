"""How Sphinx makes the site: `sphinx-build -W docs build/guide`. `python docs/look.py` looks at it in a browser."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from fakeflowdock.version import __version__  # noqa: E402  # of this checkout

# Where the source and the issues are, once they have public addresses. Until then the site links neither: each page of
# the site leads to its own text, and each class to its code, which the site has too.
REPOSITORY = ""  # https://…/fakeflowdock, with the branch `main`
ISSUES = ""  # https://…/fakeflowdock/issues

project = "fakeflowdock"
version = release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
default_role = "literal"  # what stands in single backquotes in a docstring is code
html_theme = "furo"
html_title = f"fakeflowdock {version}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_theme_options: dict[str, Any] = {"top_of_page_buttons": ["view"]}
if REPOSITORY:
    html_theme_options |= {"source_repository": REPOSITORY, "source_branch": "main", "source_directory": "docs/"}
if ISSUES:
    html_theme_options["announcement"] = f'<a href="{ISSUES}">Report an issue</a>'
smartquotes = False  # two hyphens begin an option
html_show_copyright = False
html_domain_indices = False
toc_object_entries_show_parents = "hide"
exclude_patterns = ["build"]
myst_heading_anchors = 3
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints = "description"
suppress_warnings = [
    "misc.highlighting_failure",  # the requests of the contract are no whole HTTP
]
linkcheck_ignore = [
    r"https?://(127\.0\.0\.1|localhost)[:/].*",  # a server that a reader starts
    r"https?://[\w.]*example\.(com|org)/.*",
    r"https?://[\w.]*flowdock\.com/.*",  # was shut down in 2023
]

CONTENTS = ("admin/index", "api/index", "background/index")  # each is followed by the pages of its folder
OUTSIDE = {
    "benchmarks/README.md": "benchmarks.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "README.md#supported-versions": "guide/install.md#supported-versions",
    "README.md": "index.md",
}

# What readers search for, and where it is. Sphinx's search neither finds a number in a text nor a synonym.
SEARCH = {
    "401": "guide/how-to#run-tests-with-every-documented-failure",
    "410": "guide/how-to#test-a-removed-source",
    "429": "guide/how-to#test-retries-and-rate-limits",
    "500": "guide/how-to#inject-faults",
    "503": "guide/how-to#inject-faults",
    "asyncio": "guide/how-to#supported-clients",
    "CI": "guide/how-to#run-the-sweep-in-ci",
    "docker": "guide/server#docker",
    "freezegun": "guide/how-to#choose-the-time",
    "install": "guide/install",
    "Java": "guide/clients#java",
    "JavaScript": "guide/clients#node",
    "kubernetes": "guide/server#kubernetes",
    "mock": "guide/how-to#combine-with-other-mocks",
    "OAuth": "guide/how-to#test-an-oauth-client",
    "parallel": "guide/how-to#run-tests-in-parallel",
    "pip": "guide/install",
    "proxy": "guide/servers#proxy",
    "pytest-xdist": "guide/how-to#run-tests-in-parallel",
    "rate limit": "guide/how-to#test-retries-and-rate-limits",
    "retry": "guide/how-to#test-retries-and-rate-limits",
    "Redis": "guide/many-servers",
    "Retry-After": "guide/how-to#test-retries-and-rate-limits",
    "SSE": "guide/how-to#test-a-client-that-reads-a-stream",
    "timeout": "guide/how-to#inject-faults",
    "unittest": "guide/how-to#see-the-world-of-a-failed-test",
    "upgrade": "changelog",
    "version": "guide/install#supported-versions",
    "webhook": "guide/how-to#test-thread-actions",
    "xdist": "guide/how-to#run-tests-in-parallel",
}


def setup(app: Sphinx) -> None:
    """Register what this site adds to Sphinx."""
    app.connect("source-read", _read)
    app.connect("doctree-read", _index)


def _read(_: Sphinx, page: str, source: list[str]) -> None:
    """Lead to pages of the site, not to files that they include. Put the pages of a folder below its first one."""
    for file, name in OUTSIDE.items():
        source[0] = re.sub(rf"\]\((\.\./)+{file}", f"](/{name}", source[0])
    if page in CONTENTS:
        source[0] += "\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"


def _index(app: Sphinx, document: Any) -> None:
    """Add to a page the words that lead to its sections. So do the headings of the contract and the guide."""
    from sphinx import addnodes
    from sphinx.util import logging

    words = [(word, *target.split("#")) for word, target in SEARCH.items()]
    if app.env.docname.startswith(("api/", "guide/")):
        words += [
            (part[0].astext(), app.env.docname, part["ids"][0])
            for part in document.findall(lambda each: each.tagname == "section")
        ]
    for word, page, *anchors in words:
        if page == app.env.docname:
            anchor = "".join(anchors)
            if anchor and anchor not in document.ids:
                logging.getLogger(__name__).warning("%s has no section %s, which %r leads to", page, anchor, word)
            document.append(addnodes.index(entries=[("single", word, anchor, "main", None)]))
