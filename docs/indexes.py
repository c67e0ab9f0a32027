"""Pages to the index of their operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sections import callers_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sections import Page

CONTRACT = """\
# The contract

Every operation that is answered, with its routes, who may ask, how sure it is, and the page that says so. This index \
is compiled from the pages beside it: change a page, and compile again.
"""
ADMIN_API = """\
# The admin API

What a Python test holds, for every other language, in JSON: worlds, data, state, snapshots, journal, assertions, \
faults, clock and settings. It is this project's own, below `/_fakeflowdock/` of each server; Flowdock had nothing of \
the kind.

Each path has two forms: `/_fakeflowdock/worlds/suite/faults` is about the world `suite`, \
`/_fakeflowdock/faults` about `default`, the server's own. Bodies are JSON, with `Content-Type: application/json`. On \
loopback, any local process may use the admin API. Elsewhere `Authorization: Bearer` with the `admin_token` of the \
ready line is required. [The guide](../guide/server.md#use-it-from-another-language) shows an example.

    curl -H 'Content-Type: application/json' -d '{"name": "suite"}' http://127.0.0.1:8080/_fakeflowdock/worlds
"""


def index_of(pages: Sequence[Page], head: str) -> str:
    """An index: each operation with its routes, and its callers and grade where these differ; and each page.

    Args:
        pages: what is listed.
        head: what stands before it.
    """
    operations = [(page, each) for page in pages for each in page.sections if each.kind == "operation"]
    graded = any("Grade" in section.facts for _, section in operations)
    more = ("| callers | grade |", " --- | --- |") if graded else ("|", "")
    lines = [head, f"| operation | routes {more[0]}", f"| --- | --- |{more[1]}"]
    for page, section in operations:
        routes = "<br>".join(
            f"`{method} {path}`{' (obsolete)' if obsolete else ''}" for method, path, obsolete in section.routes
        )
        line = f"| [{section.title}]({page.name}.md#{section.anchor}) | {routes} |"
        if graded:
            scope = f" with scope `{section.facts['Scope']}`" if "Scope" in section.facts else ""
            line += f" {', '.join(callers_of(section))}{scope} | {section.facts['Grade']} |"
        lines.append(line)
    lines += ["", "| page | |", "| --- | --- |"]
    lines += [f"| [{page.title}]({page.name}.md) | {page.introduction.split('. ')[0].rstrip('.')}. |" for page in pages]
    return "\n".join(lines) + "\n"
