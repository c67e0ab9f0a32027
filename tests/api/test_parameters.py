"""How forms, queries and multipart write fields inside others, and files."""

from __future__ import annotations

import io
from base64 import b64decode
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from fakeflowdock.api.parameters import Given, read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.doors import Door

pytestmark = pytest.mark.newest_only

FORM = "application/x-www-form-urlencoded"
Pairs = list[tuple[str, str]]


def posted(body: bytes, kind: str = FORM, query: str = "") -> Given:
    return read(
        {
            "REQUEST_METHOD": "POST",
            "QUERY_STRING": query,
            "CONTENT_TYPE": kind,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
    )


def form(body: str) -> dict[str, Any]:
    got = posted(body.encode())
    assert got.unreadable is None
    return got.body


def multipart(files: Any, data: Any = ()) -> Given:
    sent = requests.Request("POST", "https://api.flowdock.com/", files=files, data=data).prepare()
    assert isinstance(sent.body, bytes)
    return posted(sent.body, sent.headers["Content-Type"])


def part(headers: str, content: bytes = b"x") -> dict[str, Any]:
    head = f"--b\r\nContent-Disposition: form-data; {headers}\r\n\r\n".encode()
    got = posted(head + content + b"\r\n--b--\r\n", "multipart/form-data; boundary=b")
    assert got.unreadable is None
    return got.body


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ("author[name]=Marty", {"author": {"name": "Marty"}}),
        ("author[name]=Doc&author[name]=Marty", {"author": {"name": "Marty"}}),
        ("author[name]=Marty&author[e-mail]=m@x", {"author": {"name": "Marty", "e-mail": "m@x"}}),
        ("thread[status][color]=green", {"thread": {"status": {"color": "green"}}}),
        ("tags[]=a&tags[]=b&tags[]=a", {"tags": ["a", "b", "a"]}),
        ("tags[]=", {"tags": [""]}),
        ("thread[tags][]=a&thread[tags][]=b", {"thread": {"tags": ["a", "b"]}}),
        (
            "thread[fields][][label]=x&thread[fields][][value]=y&thread[fields][][label]=z&thread[title]=t",
            {"thread": {"fields": [{"label": "x", "value": "y"}, {"label": "z"}], "title": "t"}},
        ),
        ("a[][b][c]=1&a[][b][d]=2&a[][b][c]=3", {"a": [{"b": {"c": "1", "d": "2"}}, {"b": {"c": "3"}}]}),
        ("a[][b]=1&a[][tags][]=2&a[][tags][]=3&a[][b]=4", {"a": [{"b": "1", "tags": ["2", "3"]}, {"b": "4"}]}),
        ("a[][b][c]=1&a[][b]=2", {"a": [{"b": {"c": "1"}}, {"b": "2"}]}),
        ("a[]=1&a[][b]=2&a[]=3", {"a": ["1", {"b": "2"}, "3"]}),
        ("a[][]=1&a[][]=2", {"a": [["1"], ["2"]]}),
        ("a%5Bb%5D=1", {"a": {"b": "1"}}),
    ],
)
def test_brackets_put_a_field_inside_another(body: str, fields: dict[str, Any]) -> None:
    assert form(body) == fields
    assert posted(b"", query=body).query == fields


@pytest.mark.parametrize("name", ["a[", "a]b", "[x]", "[]", "a[b]c", "a[b", "a[[b]]", "a[b]]", "a[b][", "]", ""])
def test_other_brackets_are_a_part_of_the_name(name: str) -> None:
    assert form(f"{name}=1&{name}=2&a=3") == {name: "2", "a": "3"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("a=1&a[b]=2", "field a[b] conflicts with another: a cannot be both an object and a value"),
        ("a[b]=2&a=1", "field a conflicts with another: a cannot be both a value and an object"),
        ("a[]=1&a[b]=2", "field a[b] conflicts with another: a cannot be both an object and a list"),
        ("a[b]=1&a[]=2", "field a[] conflicts with another: a cannot be both a list and an object"),
        ("a=1&a[]=2", "field a[] conflicts with another: a cannot be both a list and a value"),
        ("a[]=2&a=1", "field a conflicts with another: a cannot be both a value and a list"),
        ("a[][b]=1&a[][b][c]=2", "field a[][b][c] conflicts with another: a[][b] cannot be both an object and a value"),
        (
            f"{'x' * 99}=1&{'x' * 99}[b]=2",
            f"field {'x' * 37}… conflicts with another: {'x' * 37}… cannot be both an object",
        ),
    ],
)
def test_names_that_contradict_each_other_are_refused(body: str, reason: str) -> None:
    for got in (posted(body.encode()), posted(b"", query=body)):
        assert got.body == {}
        assert reason in str(got.unreadable)


def test_a_form_has_as_many_levels_as_json() -> None:
    for inner in ("[]", "[b]", "[][b]"):
        steps = inner.count("[")
        assert posted(f"a{inner * (98 // steps)}=1".encode()).unreadable is None
        refused = posted(f"a{inner * (100 // steps)}=1".encode())
        assert "is nested more than 100 levels deep" in str(refused.unreadable)
    json = b'{"a": ' + b'{"b": ' * 99 + b"1" + b"}" * 100
    assert posted(f"a{'[b]' * 99}=1".encode()).body.keys() == posted(json, "application/json").body.keys() == {"a"}
    assert multipart({f"a{'[b]' * 98}": ("x", b"")}).unreadable is None
    assert "more than 100 levels" in str(multipart({f"a{'[b]' * 99}": ("x", b"")}).unreadable)


@pytest.mark.parametrize(
    ("before", "unit", "times", "after", "refused"),
    [
        ("a", "[]", 5_000_000, "=1", True),
        ("a", "[]", 5_000_000, "[=1", False),
        ("a", "[", 10_000_000, "=1", False),
        ("a", "]", 10_000_000, "=1", False),
        ("", "x[]=1&", 49_999, "", False),
        ("", "x[][y]=1&", 49_999, "", False),
        ("", "x[#]=1&", 49_999, "", False),
        ("", "x[][#]=1&", 49_999, "", False),
        ("", "x" + "[][y]" * 49 + "=1&", 5_000, "", False),
    ],
)
def test_a_form_that_means_no_good_is_read_or_refused(
    before: str, unit: str, times: int, after: str, refused: bool
) -> None:
    middle = "".join(unit.replace("#", str(number)) for number in range(times)) if "#" in unit else unit * times
    got = posted(f"{before}{middle}{after}".encode())
    assert len(got.body) == (not refused)
    assert ("nested more than 100 levels deep" in str(got.unreadable)) is refused


def test_a_file_is_the_object_that_json_has_for_it() -> None:
    got = multipart({"attachments[file1]": ("a.bin", b"\x00\xff\r\n", "image/png")}, {"thread[title]": "t"})
    assert got.body == {
        "attachments": {"file1": {"data": "AP8NCg==", "content_type": "image/png", "file_name": "a.bin"}},
        "thread": {"title": "t"},
    }


def test_a_file_may_be_empty_and_without_a_type() -> None:
    assert part('name="a"; filename="b.txt"', b"") == {"a": {"data": "", "file_name": "b.txt"}}


def test_files_make_a_list() -> None:
    got = multipart([("attachments[]", (name, name.encode())) for name in ("a", "b")])
    assert [(file["file_name"], b64decode(file["data"])) for file in got.body["attachments"]] == [
        ("a", b"a"),
        ("b", b"b"),
    ]


@pytest.mark.parametrize(
    ("sent", "file_name"),
    [
        ('filename="C:\\fakepath\\a b.txt"', "a b.txt"),
        ('filename="C:\\\\fakepath\\\\a.txt"', "a.txt"),
        ('filename="a \\"b\\".txt"', 'a "b".txt'),
        ('filename="/tmp/../a.txt"', "a.txt"),
        ('filename="a/"', ""),
        ('filename="☃.txt"', "☃.txt"),
        ("filename*=UTF-8''%E2%98%83.txt", "☃.txt"),
        ("filename=\"x.txt\"; filename*=UTF-8''%E2%98%83.txt", "☃.txt"),
        ("filename*=UTF-8''..%2F..%5Ca.txt", "a.txt"),
    ],
)
def test_of_the_name_of_a_file_the_last_component_counts(sent: str, file_name: str) -> None:
    assert part(f'name="a"; {sent}')["a"]["file_name"] == file_name


def test_a_file_input_that_was_left_empty_is_absent() -> None:
    assert part('name="a"; filename=""', b"") == {}
    assert part('name="a[]"; filename=""', b"") == {}
    assert part('name="a"; filename=""') == {"a": {"data": "eA==", "file_name": ""}}


def test_a_file_is_a_value_and_no_object_to_put_fields_into() -> None:
    file, text = ("a", b"a"), (None, "x")
    refused = multipart([("a", file), ("a[data]", text)])
    assert "a cannot be both an object and a value" in str(refused.unreadable)
    assert multipart([("a", file), ("a", text)]).body == {"a": "x"}
    assert multipart([("a", text), ("a", file)]).body["a"]["file_name"] == "a"
    held = multipart([("a[]", file), ("a[][b]", text), ("a[]", text)]).body["a"]
    assert (held[0]["file_name"], held[1:]) == ("a", [{"b": "x"}, "x"])


def test_an_application_of_a_form_is_held_against_the_page(flowdock: Door) -> None:
    def refused(*data: tuple[str, str]) -> Any:
        reply = flowdock("POST", "/oauth/applications", flowdock.as_member, data=data)
        assert reply.status_code == 400
        return reply.json()

    before = len(flowdock.fake.applications)
    assert refused(("application", "x"), ("application[name]", "Polls"))["message"] == (
        "The field application[name] conflicts with another: application cannot be both an object and a value "
        "(docs/api/errors.md#unreadable)"
    )
    assert refused(("application[name][]", "Polls"))["errors"] == {"name": ["is not a string"]}
    assert refused(("application[][name]", "Polls"))["errors"] == {"application": ["is not an object"]}
    assert len(flowdock.fake.applications) == before


def test_a_query_that_contradicts_itself_still_has_its_credentials(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    for flow_token, status in ((source.flow_token, 400), ("0" * 32, 401)):
        query = f"a=1&a[b]=2&flow_token={flow_token}"
        assert flowdock("GET", f"/sources?{query}").status_code == status
    assert flowdock("GET", f"/sources?flow_token[]={source.flow_token}").status_code == 401


texts = st.text('ab1é☃ &=%+;[]"\n\0')
names = st.text('ab1é☃ &=%+;"\n\0', min_size=1, max_size=3)


def objects(values: st.SearchStrategy[Any], min_size: int = 1) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(names, values, min_size=min_size, max_size=4)


@st.composite
def lists_of_objects(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> list[dict[str, Any]]:
    """Each begins with the same name: by that a form shows where the next one begins."""
    first, items = draw(names), draw(st.lists(objects(values, min_size=0), min_size=1, max_size=4))
    return [{first: draw(texts), **{name: item[name] for name in item if name != first}} for item in items]


values = st.recursive(
    texts | st.lists(texts, min_size=1),
    lambda values: objects(values) | lists_of_objects(values),
    max_leaves=10,
)


def written(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """A value as Rack writes it."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for inner, item in value.items():
            yield from written(item, f"{name}[{inner}]" if name else inner)
    else:
        for item in value:
            yield from written(item, name + "[]")


@given(objects(values, min_size=0))
def test_what_a_form_can_write_reads_back_as_itself(fields: dict[str, Any]) -> None:
    text = urlencode(list(written(fields, "")))
    assert posted(text.encode()).body == fields
    assert posted(b"", query=text).query == fields


def leaves(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [leaf for item in (value.values() if isinstance(value, dict) else value) for leaf in leaves(item)]


@given(st.lists(st.text("ab[]", max_size=9), unique=True))
def test_each_value_of_a_form_is_kept_or_the_form_is_refused(names: list[str]) -> None:
    pairs: Pairs = [(name, str(number)) for number, name in enumerate(names)]
    got = posted(urlencode(pairs).encode())
    if got.unreadable is None:
        assert sorted(leaves(got.body)) == sorted(value for _, value in pairs)
    else:
        assert "conflicts with another" in str(got.unreadable)
