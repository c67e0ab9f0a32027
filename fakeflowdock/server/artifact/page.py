"""The inspector's page as one file: its style and its modules stand in it, and it loads nothing."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html import escape

from ...contract.package_files import content
from ..pages import PAGE

LIVE, FROZEN = "api.mjs", "frozen.mjs"  # the module that the page reads through, and the one that replaces it
OURS = (FROZEN, "told.mjs", "pages.mjs", "frozen.css")
STYLES = re.compile(r'<link rel="stylesheet" href="inspector/([\w.-]+)">\n')
SCRIPTS = re.compile(r'<script type="module" src="inspector/([\w.-]+)"></script>\n')
IMPORT = re.compile(r'^import\s*(\*\s*as\s+\w+|\{[^}]*\})\s*from\s*"\./([\w-]+\.mjs)";?$', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let) (\w+))", re.MULTILINE)
EXPORTS = re.compile(r"^export (?=const\n((?:\t.*\n)+))", re.MULTILINE)  # several, each on lines of its own
DECLARED = re.compile(r"^\t(\w+) = ", re.MULTILINE)
RULES = (
    "default-src 'none'",
    "img-src data: blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types inert",
)


def html(title: str, start: str, packed: str) -> str:
    """Return the page.

    Args:
        title: its title.
        start: the address of the view that it opens, after `#`.
        packed: the data, as base64 of gzip of JSON.
    """
    head, foot = _parts()
    return head.replace("{start}", escape(start)).replace("{title}", escape(title)) + packed + foot


@cache
def _parts() -> tuple[str, str]:
    """Return what stands before and after the data."""
    text = content(f"server/inspector/{PAGE}")
    style = "".join(_file(name) for name in [*STYLES.findall(text), "frozen.css"])
    script = _bundled(["told.mjs", "pages.mjs", *SCRIPTS.findall(text)])
    policy = "; ".join((*RULES, f"style-src {_hash(style)}", f"script-src {_hash(script)}"))
    text = SCRIPTS.sub("", STYLES.sub("", text))
    for old, new in (
        ('data-mode="{mode}"', 'data-mode="frozen" data-start="{start}"'),
        (
            '<meta charset="utf-8">\n',
            f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
        ),
        ("<title>fakeflowdock</title>", "<title>{title}</title>"),
        ("</head>", f"<style>{style}</style>\n</head>"),
        ("</body>", f'<script type="text/plain" id="frozen">\0</script>\n<script>{script}</script>\n</body>'),
    ):
        assert text.count(old) == 1, f"{PAGE} has no {old!r}"
        text = text.replace(old, new)
    head, _, foot = text.partition("\0")
    return head, foot


def _file(name: str) -> str:
    """Return a file of the frozen page, or of the live one."""
    folder = "artifact" if name in OURS else "inspector"
    return content(f"server/{folder}/{name}")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _bundled(entries: list[str]) -> str:
    """Return modules, and those that they import, as one script: each is a function that returns what it exports."""
    done: dict[str, str] = {}

    def add(name: str) -> None:
        if name in done:
            return
        done[name] = ""  # modules may import each other, if they use it later
        source = _file(name)

        def imported(found: re.Match[str]) -> str:
            what, other = found.groups()
            other = FROZEN if other == LIVE else other
            add(other)
            names = what.split()[-1] if what.startswith("*") else re.sub(r"(\w+)\s+as\s+(\w+)", r"\1: \2", what)
            return f"const {names} = modules[{other!r}];"

        source = IMPORT.sub(imported, source)
        exported = EXPORT.findall(source)
        exported += [name for each in EXPORTS.findall(source) for name in DECLARED.findall(each)]
        source = EXPORTS.sub("", EXPORT.sub("", source))
        unfit = re.search(r"^\s*(?:import|export)\b|</script|<!--", source, re.MULTILINE | re.IGNORECASE)
        assert unfit is None, f"{name} has {unfit and unfit[0]!r}, which cannot stand in one script"
        del done[name]
        done[name] = f"modules[{name!r}] = (() => {{\n{source}\nreturn {{ {', '.join(exported)} }};\n}})();"
        if name == "pages.mjs":  # before the modules that use it are evaluated
            done[name] += "\nmodules['dom.mjs'].frame = modules['pages.mjs'].frame;"

    for entry in entries:
        add(entry)
    return "\n".join(['"use strict";', "{", "const modules = {};", *done.values(), "}"])
