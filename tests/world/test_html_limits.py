"""How complex HTML may be that is posted: what is refused, and that a parser nests no deeper than what is accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import html5lib
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from fakeflowdock.world import html_limits
from fakeflowdock.world.html_limits import too_complex
from tests.support.hypothesis_profiles import examples

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock

pytestmark = pytest.mark.newest_only

DEEP = "is nested too deeply: at most 256 levels"
MANY = "has too many elements: at most 20,000"
ATTRIBUTES = "has an element with too many attributes: at most 100"
SCRIPT = "has the element script and more than 65,536 characters"
NUMBER = 3_000
REFUSED = {
    "elements in elements": ("<div>" * NUMBER, DEEP),
    "formatting that is opened again": ("<b></p>" * NUMBER, MANY),
    "formatting in many paragraphs": ("<p>" + "".join(f"<b id={i}>" for i in range(99)) + "</p><p>x" * NUMBER, MANY),
    "an end tag that ends nothing": ("<div><table><tr><td></div></td></tr></table>" * NUMBER, DEEP),
    "an end tag in a comment": ("<div><!--</div>-->" * NUMBER, DEEP),
    "an end tag in an attribute": ('<div a="</div>">' * NUMBER, DEEP),
    "a comment in a text area": ("<textarea><!--</textarea>" + "<div>" * NUMBER, DEEP),
    "an element that nests without closing": ("<rt>" * NUMBER, DEEP),
    "a cell outside a table": ("<optgroup></td><td>" * NUMBER, DEEP),
    "an element in svg": ("<svg>" + "<br>" * NUMBER, DEEP),
    "attributes": (f"<a {' '.join(f'a{i}' for i in range(NUMBER))}>", ATTRIBUTES),
    "a tag that does not end": ("<a b=" * NUMBER, ATTRIBUTES),
    "elements": ("<p>x</p>" * 20_001, MANY),
    "script in much text": (
        "<script></script>" + "x" * 65_536,
        "has the element script and more than 65,536 characters",
    ),
}
ACCEPTED = {
    "comments that do not end": "<svg>" + "<!--" * 16_000,
    "end tags with attributes": "<svg>" + "</a/b=" * 10_000,
    "much text": "x < y & z " * 100_000,
    "200 levels after paragraphs that they end": "<p>x<div>" * 200 + "x" * 2_000 + "</div>" * 200,
    "a short text": "<div>" * 400,
    "a long list": "<ul>" + "<li>x" * 5_000 + "</ul>",
    "a long table": "<table>" + "<tr><td>x</td><td>y</td></tr>" * 5_000 + "</table>",
    "a mail from an office": "<!--[if mso]><style>p {}</style><![endif]-->" + "<p><font><b>x</b></font></p>" * 3_000,
    "200 levels": "<div>" * 200 + "x" * 2_000 + "</div>" * 200,
    "lone signs": "<" * 50_000 + "</" * 50_000,
}
NAMES = (
    "a b p li dd dt td tr table tbody div span option optgroup select rt ruby h1 ul font button form style title svg br"
)
PIECES = st.sampled_from(
    [
        *(f"<{name}>" for name in NAMES.split()),
        *(f"</{name}>" for name in NAMES.split()),
        *("x", "<!--", "-->", "<!-->", '<a b="', '">', "'", "</ x>", "<?x>", "<", "<p/>", "<!x>", "--!>"),
    ]
)


@pytest.mark.parametrize(("html", "reason"), REFUSED.values(), ids=REFUSED)
def test_html_that_would_take_long_is_refused(html: str, reason: str) -> None:
    assert too_complex(html) == reason


@pytest.mark.parametrize("html", ACCEPTED.values(), ids=ACCEPTED)
def test_html_as_people_write_it_is_accepted(html: str) -> None:
    assert too_complex(html) is None


def test_a_post_that_is_too_complex_is_a_400_at_its_field_and_stores_nothing(fake_flowdock: FakeFlowdock) -> None:
    source = fake_flowdock.add_source()
    deep = "<div>" * NUMBER
    post = {
        "flow_token": source.flow_token,
        "event": "activity",
        "author": {"name": "Marty"},
        "title": "opened",
        "body": deep,
        "external_thread_id": "1",
        "thread": {"title": "T", "body": deep, "fields": [{"label": "l", "value": deep}]},
    }
    reply = requests.post("https://api.flowdock.com/messages", json=post, timeout=9)
    assert reply.status_code == 400
    assert reply.json()["errors"] == {"body": [DEEP], "thread.body": [DEEP], "thread.fields.value": [DEEP]}
    assert fake_flowdock.messages == []


@given(before=st.lists(PIECES, max_size=4), repeated=st.lists(PIECES, min_size=1, max_size=6))
@examples(300)
def test_a_parser_nests_no_deeper_than_what_is_accepted(before: list[str], repeated: list[str]) -> None:
    html = "".join(before) + "".join(repeated) * 40
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(html_limits, "SIMPLE", 0)
        patch.setattr(html_limits, "DEPTH", 12)
        if too_complex(html) is not None:
            return
    assert depth(html5lib.parseFragment(html, treebuilder="etree", namespaceHTMLElements=False)) <= 24


def depth(element: object) -> int:
    level, deepest = [element], -1
    while level:
        level = [child for each in level for child in each]  # type: ignore[attr-defined]  # an element, without types
        deepest += 1
    return deepest
