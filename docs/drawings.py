"""Draws pictures as SVG in docs/pictures: `python docs/drawings.py`, or `--check` that two of them are up to date.

- `report`: the report of the red test of the tutorial, from a run of pytest in the current environment
- `architecture`: the wings of the package, from its imports
- `benchmarks`: the server compared with others, from the figures in benchmarks/README.md

tests/project/test_pictures.py checks all three; it compares the report with the tutorial.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from html import escape
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "pictures"
SANS = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
MONO = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"
# Colors of Okabe and Ito, which color-blind readers tell apart; lighter ones on a dark background.
THEME = """\
.b { font-weight: bold }
.back { fill: #fff; stroke: #d0d7de } .box { fill: #eef4fb; stroke: #0072b2 } .line { stroke: #57606a; fill: none }
.head, text { fill: #1f2328 } .quiet { fill: #57606a } .get { fill: #0072b2 } .post { fill: #d55e00 }
@media (prefers-color-scheme: dark) {
.back { fill: #131416; stroke: #3d444d } .box { fill: #16263a; stroke: #56b4e9 } .line { stroke: #9da7b3 }
.head, text { fill: #e6edf3 } .quiet { fill: #9da7b3 } .get { fill: #56b4e9 } .post { fill: #e69f00 }
}"""


def svg(width: int, height: int, title: str, body: Iterable[str], style: str) -> str:
    """Return a picture. Its background makes it readable on pages of any color."""
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(title)}">\n'
    back = f'<rect class="back" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="6"/>'
    return "\n".join([f"{head}<title>{escape(title)}</title>", f"<style>\n{style}\n</style>", back, *body, "</svg>\n"])


# The report of a failed test

COLUMNS, ROW, LETTER = 110, 17, 7.5
TERMINAL = """\
.back { fill: #0d1117; stroke: #3d444d } text { fill: #e6edf3; white-space: pre; font: 12.5px MONO }
.b { font-weight: bold } .red { fill: #ff7b72 } .green { fill: #7ee787 } .yellow { fill: #f2cc60 }
.blue { fill: #79c0ff } .cyan { fill: #76e3ea } .gray { fill: #9da7b3 }""".replace("MONO", MONO)
COLORS = {
    "31": "red",
    "91": "red",
    "32": "green",
    "92": "green",
    "33": "yellow",
    "93": "yellow",
    "34": "blue",
    "94": "blue",
    "36": "cyan",
    "96": "cyan",
    "90": "gray",
}


def report() -> str:
    """Run the red test of the tutorial, and return its report as in a terminal."""
    command = "pytest -q --tb=short test_helpdesk.py"
    cells = [[("", letter) for letter in line] for line in (f"$ {command}", "")]
    cells += letters(printed(command.split()[1:]))
    rows = [row for line in cells for row in wrapped(line)]
    body = list(filter(None, (drawn(row, number) for number, row in enumerate(rows))))
    height = len(rows) * ROW + 28
    return svg(round(COLUMNS * LETTER) + 32, height, "The report of a failed test in a terminal", body, TERMINAL)


def printed(options: Iterable[str]) -> str:
    """Return what pytest prints in color, without what differs from run to run and from machine to machine."""
    page = (ROOT / "docs/guide/tutorial.md").read_text("utf-8")
    files = re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```", page, re.DOTALL | re.MULTILINE)[:2]
    plugins = ["-p", "fakeflowdock.pytest_plugin", "-p", "no:cacheprovider", "--color=yes", "-rN"]
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files:
            Path(folder, name).write_text(text, "utf-8")
        environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": str(COLUMNS)}
        environment.pop("CI", None)
        done = subprocess.run(  # noqa: S603  # of ours
            [sys.executable, "-m", "pytest", *plugins, *options],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    text = re.sub(r"(?<=m)[\w./-]*/site-packages/", "…/site-packages/", done.stdout)
    return re.sub(r" in [\d.]+s", "", text).strip()


def letters(text: str) -> Iterator[list[tuple[str, str]]]:
    """Yield for each line its letters, each with the class of its color."""
    color, bold = "", False
    line = list[tuple[str, str]]()
    for part in re.split(r"(\x1b\[[\d;]*m|\n)", text):
        if part == "\n":
            yield line
            line = []
        elif part.startswith("\x1b["):
            for code in part[2:-1].split(";"):
                color = COLORS.get(code, "" if code in ("", "0", "39") else color)
                bold = code == "1" or (bold and code not in ("", "0", "22"))
        else:
            kind = f"{color} b".strip() if bold else color
            line += [(kind, letter) for letter in part]
    yield line


def wrapped(line: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Yield the rows of a line, as a terminal breaks it."""
    for start in range(0, max(len(line), 1), COLUMNS):
        yield line[start : start + COLUMNS]


def drawn(row: list[tuple[str, str]], number: int) -> str:
    """Return a row as text, with its width, so that each font has its columns at the same places."""
    if not row:
        return ""
    spans = ""
    for kind, group in groupby(row, key=lambda cell: cell[0]):
        text = escape("".join(letter for _, letter in group), quote=False)
        spans += f'<tspan class="{kind}">{text}</tspan>' if kind else text
    place = f'x="16" y="{number * ROW + 26}" textLength="{len(row) * LETTER:g}"'
    return f'<text xml:space="preserve" {place} lengthAdjust="spacingAndGlyphs">{spans}</text>'


# The architecture

GROUPS = {  # what is drawn as one
    "pytest plugin": ("pytest_plugin", "pytest_options", "plugin"),
    "cli": ("cli", "__main__"),
    "fake": ("fake", "runs", "decorator", "__init__"),
}
CONTENTS = {
    "pytest plugin": "fixtures, options, the sweep",
    "cli": "commands and their options",
    "fake": "FakeFlowdock, which a test holds",
    "server": "many worlds, the admin API, the inspector",
    "testing": "set up, read, assert, explain",
    "interception": "requests of client libraries, in process",
    "checking": "recordings, conformance suite, proxy",
    "http": "sockets, HTTP/1.1, TLS",
    "api": "one request to one response",
    "world": "entities, and the rules that need no HTTP",
    "contract": "schemas and rules, compiled from the documentation",
}
WIDE, TALL, GAP = 340, 44, 22


def architecture() -> str:
    """Return the wings, each above those from which it imports. An arrow is left out where a longer way leads there."""
    uses = reduced(wings())
    floors = sorted({depth(wing, uses) for wing in uses}, reverse=True)
    rows = [sorted(wing for wing in uses if depth(wing, uses) == floor) for floor in floors]
    width = 2 * WIDE + GAP + 40
    places = dict[str, tuple[float, float]]()
    for number, row in enumerate(rows):
        left = (width - len(row) * WIDE - (len(row) - 1) * GAP) / 2
        for place, wing in enumerate(row):
            places[wing] = (left + place * (WIDE + GAP), 20 + number * (TALL + 26))
    marker = '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    body = [f'<defs>{marker}<path class="head" d="M0 0 8 4 0 8z"/></marker></defs>']
    body += [arrow(places[wing], places[other]) for wing in sorted(uses) for other in sorted(uses[wing])]
    for wing, (x, y) in places.items():
        body += [
            f'<rect class="box" x="{x:g}" y="{y:g}" width="{WIDE}" height="{TALL}" rx="5"/>',
            f'<text x="{x + WIDE / 2:g}" y="{y + 18:g}" class="b">{wing}</text>',
            f'<text class="quiet" x="{x + WIDE / 2:g}" y="{y + 34:g}" font-size="12">{escape(CONTENTS[wing])}</text>',
        ]
    style = f"text {{ font: 14px {SANS}; text-anchor: middle }} text.quiet {{ font-size: 12px }}\n{THEME}"
    height = 40 + len(rows) * (TALL + 26) - 26
    return svg(width, height, "The wings of the package: each imports only from those below it", body, style)


def wings() -> dict[str, set[str]]:
    """Return what each wing imports, with the leaves of the package left out."""
    sys.path.insert(0, str(ROOT))
    from tests.support.imports import FLOORS, imports, wing_of

    group = {name: title for title, names in GROUPS.items() for name in names}
    found: dict[str, set[str]] = {}
    for module, targets in imports().items():
        wing = wing_of(module)
        if wing not in FLOORS[0]:
            others = {group.get(wing_of(each), wing_of(each)) for each in targets if wing_of(each) not in FLOORS[0]}
            found.setdefault(group.get(wing, wing), set()).update(others)
    return {wing: others - {wing} for wing, others in found.items()}


def reduced(uses: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Return a graph without the arrows beside which there is a longer way."""

    def below(wing: str) -> set[str]:
        return uses[wing].union(*map(below, uses[wing]))

    return {wing: others - set().union(*map(below, others)) for wing, others in uses.items()}


def depth(wing: str, uses: Mapping[str, set[str]]) -> int:
    """Return on which floor a wing stands, from 0."""
    return max((depth(other, uses) + 1 for other in uses[wing]), default=0)


def arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    """Return an arrow from the lower edge of a box to the upper edge of another."""
    x, y, to_x, to_y = start[0] + WIDE / 2, start[1] + TALL, end[0] + WIDE / 2, end[1]
    middle = to_y - 13
    return f'<path class="line" marker-end="url(#tip)" d="M{x:g} {y:g}V{middle:g}H{to_x:g}V{to_y - 1:g}"/>'


# The benchmarks

SERVERS = ("fakeflowdock", "json-server 1.0", "json-server 0.17", "moto_server (SNS)", "Mockoon", "Prism", "WireMock")
LOADS = {"get": ("GET, 16", "GET: list two sources"), "post": ("POST, 16", "POST: create one")}
BAR, LABELS, LONGEST = 15, 150, 470


def benchmarks() -> str:
    """Return the chart of requests per second."""
    page = (ROOT / "benchmarks/README.md").read_text("utf-8")
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:1] == "|"]
    [head] = [row for row in table if "GET, 16" in row]
    rows = table[table.index(head) :]
    figures = {server: next(row for row in rows if row[0].startswith(server)) for server in SERVERS}
    [when] = re.findall(r"Medians of three runs of three rounds,\s(\d{4}-\d\d-\d\d)", page)
    found = {
        (server, load): int(figures[server][head.index(column)].split()[0].replace(",", ""))
        for server in SERVERS
        for load, (column, _) in LOADS.items()
    }
    scale = LONGEST / max(found.values())
    body = ['<text class="b" x="20" y="30">Requests per second, with 16 connections</text>']
    for place, (load, (_, words)) in enumerate(LOADS.items()):
        x = LABELS + 10 + place * 190
        body.append(f'<rect class="{load}" x="{x}" y="45" width="12" height="12"/>')
        body.append(f'<text x="{x + 18}" y="56">{words}</text>')
    for number, server in enumerate(SERVERS):
        y = 78 + number * (2 * BAR + 14)
        weight = ' class="b"' if number == 0 else ""
        body.append(f'<text x="{LABELS}" y="{y + BAR + 4}" text-anchor="end"{weight}>{server}</text>')
        for place, load in enumerate(LOADS):
            figure, top = found[server, load], y + place * BAR
            long = max(round(figure * scale), 2)
            body.append(f'<rect class="{load}" x="{LABELS + 10}" y="{top}" width="{long}" height="{BAR - 2}"/>')
            body.append(f'<text class="quiet" x="{LABELS + 16 + long}" y="{top + 11}">{figure:,}</text>')
    height = 78 + len(SERVERS) * (2 * BAR + 14) + 34
    note = f"WireMock and Prism store nothing. Medians of nine rounds on two shared cores, {when}: read the ratios."
    body.append(f'<text class="quiet" x="20" y="{height - 18}">{note}</text>')
    title = "Requests per second with 16 connections: " + ", ".join(
        f"{server} {found[server, 'get']:,} GET and {found[server, 'post']:,} POST" for server in SERVERS
    )
    style = f"text {{ font: 13px {SANS} }} text.quiet {{ font-size: 12px }}\n{THEME}"
    return svg(LABELS + LONGEST + 90, height, title, body, style)


STEADY: dict[str, Callable[[], str]] = {"architecture": architecture, "benchmarks": benchmarks}


def main() -> int:
    """Write the pictures, or check those that are the same on each machine."""
    if sys.argv[1:] == ["--check"]:
        old = [name for name, draw in STEADY.items() if (FOLDER / f"{name}.svg").read_text("utf-8") != draw()]
        for name in old:
            print(f"docs/pictures/{name}.svg is out of date: run python docs/drawings.py")
        return len(old)
    for name, draw in {"report": report, **STEADY}.items():
        path = FOLDER / f"{name}.svg"
        path.write_text(draw(), "utf-8")
        print(f"wrote docs/pictures/{name}.svg, {path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
