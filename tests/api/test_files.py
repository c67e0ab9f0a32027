"""docs/api/files.md: how files are sent, shown and downloaded; through each door."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from fakeflowdock import FakeFlowdock
from tests.support.doors import (
    FLOW,
    MESSAGES,
    THREADS,
    WAIT,
    Credentials,
    Door,
    activity,
    as_application,
    as_source,
    as_user,
)
from tests.support.hypothesis_profiles import examples

# The example of Flowdock's page "Messages", line breaks and all.
ICON = (
    "iVBORw0KGgoAAAANSUhEUgAAABQAAAAaCAYAAAC3g3x9AAAAGXRFWHRTb2Z0d2FyZQBBZG9iZSBJ\nbWFnZVJlYWR5ccllPAAAAElJREFUeNpi"
    "YECA/UD8n0y8nwENUGIYTkOpAhihplMNMFHbhVQ3kIVA\ncOAD/0k1kAFP+DIO3UgZTYej6XA0HY6mw9F0CAEAAQYAk/gtCSEUikYAAAAASUVO"
    "RK5CYII=\n"
)


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def upload(flowdock: Door, data: bytes = b"x", file_name: str = "x.txt", **more: Any) -> Any:
    """The file that the user sent, as its message shows it."""
    body = {"event": "file", "content": {"data": base64(data), "file_name": file_name, **more}}
    reply = flowdock("POST", MESSAGES, flowdock.as_member, json=body)
    assert reply.status_code == 201, reply.text
    return reply.json()["content"]


def test_the_example_of_the_page_messages_is_posted(flowdock: Door) -> None:
    content = {"data": ICON, "content_type": "image/png", "file_name": "cabinet_icon.png"}
    reply = flowdock("POST", MESSAGES, flowdock.as_member, json={"event": "file", "content": content})
    assert reply.status_code == 201
    message = reply.json()
    folder, name = message["content"].pop("path").rsplit("/", 1)
    assert folder.startswith(f"/files/{flowdock.fake.organization.id}/")
    assert (name, len(folder.rsplit("/", 1)[1])) == ("cabinet_icon.png", 22)
    assert message["attachments"] == [{**message["content"], "path": f"{folder}/{name}"}]
    assert message["content"] == {
        "file_name": "cabinet_icon.png",
        "file_size": 167,
        "content_type": "image/png",
        "content_disposition": "attachment",
        "image": {"width": 20, "height": 26},
        "thumbnail": {"path": f"{folder}/thumb/{name}", "width": 20, "height": 26},
    }
    assert (message["tags"], message["app"], message["thread"]["title"]) == ([":file"], "chat", "cabinet_icon.png")
    assert flowdock.listed(tags=":file") == flowdock.listed(event="file") != []


def test_the_first_example_of_curl_is_posted(flowdock: Door) -> None:
    files = {"event": (None, "file"), "content": ("file.png", b"\x89PNG", "image/png")}
    reply = flowdock("POST", MESSAGES, flowdock.as_member, files=files)
    assert reply.status_code == 201
    content = reply.json()["content"]
    assert (content["file_name"], content["content_type"], content["file_size"]) == ("file.png", "image/png", 4)
    assert flowdock("GET", content["path"], flowdock.as_member).content == b"\x89PNG"


def test_the_second_example_of_curl_is_posted(flowdock: Door) -> None:
    form = {
        "author[name]": "Uploaded",
        "event": "activity",
        "title": '"Upload a file"',
        "body": 'test <img src="cid:file1">',
        "thread[title]": "'Thread title',",
        "external_thread_id": "asdfasdf",
        "flow_token": flowdock.fake.add_source().flow_token,
    }
    files = {"attachments[file1]": ("localfile.jpg", b"\xff\xd8\xff", "image/jpeg")}
    reply = flowdock("POST", "/messages", data=form, files=files, headers=WAIT)
    assert reply.status_code == 201
    told = reply.json()
    assert (told["title"], told["body"]) == ('"Upload a file"', 'test <img src="cid:file1">')
    assert (told["author"], told["thread"]["title"]) == ({"name": "Uploaded"}, "'Thread title',")
    [attachment] = told["attachments"]
    assert (attachment["content_id"], attachment["file_name"]) == ("file1", "localfile.jpg")
    assert flowdock("GET", attachment["path"], flowdock.as_member).content == b"\xff\xd8\xff"


def test_a_source_sends_a_file_with_its_flow_token_in_the_query(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    thread_id = flowdock.tell(source)["thread_id"]
    sent: dict[str, Any] = {"data": {"event": "file", "thread_id": thread_id}, "files": {"content": ("a.log", b"log")}}
    assert flowdock("POST", "/messages", as_source(source), **sent).status_code == 202
    message = flowdock("POST", "/messages", as_source(source), headers=WAIT, **sent).json()
    assert (message["thread_id"], message["user"]) == (thread_id, "0")
    assert flowdock("GET", message["content"]["path"], flowdock.as_member).content == b"log"


@pytest.mark.parametrize("path", [MESSAGES + "/1/comments", "/comments"])
def test_a_file_is_put_beside_a_message(flowdock: Door, path: str) -> None:
    said = flowdock.say("x")
    data = {"event": "file", "message": "1", "flow": flowdock.fake.flow.id}
    message = flowdock("POST", path, flowdock.as_member, data=data, files={"content": ("a.txt", b"")}).json()
    assert (message["event"], message["tags"]) == ("file", [":file", "influx:1"])
    assert (message["thread_id"], message["content"]["file_size"]) == (said["thread_id"], 0)
    assert message["thread"]["internal_comments"] == 1
    about = {"event": "comment", "message": 2, "flow": flowdock.fake.flow.id, "content": "an empty one"}
    assert (
        flowdock("POST", path.replace("1", "2"), flowdock.as_member, json=about).json()["content"]["title"] == "a.txt"
    )


def test_bytes_without_a_name_are_a_file_called_so(fake_flowdock: FakeFlowdock) -> None:
    [file] = fake_flowdock.add_message(b"x", event="file").attachments
    assert (file.file_name, file.data) == ("file", b"x")


@pytest.mark.parametrize("event", ["activity", "discussion"])
def test_attachments_have_names_all_or_none(flowdock: Door, event: str) -> None:
    source, file = flowdock.fake.add_source(), {"data": "eA==", "file_name": "x"}
    for attachments, names in (([file, None, file], [None, None]), ({"a": file, "b": file, "c": None}, ["a", "b"])):
        told = flowdock.tell(source, event=event, attachments=attachments)
        assert [attachment.get("content_id") for attachment in told["attachments"]] == names
        assert told["tags"] == [":file"]
    two = [("attachments[]", ("a", b"a"))] * 2
    assert flowdock("POST", "/messages", as_source(source), data=flat(source), files=two).status_code == 202
    assert len(flowdock.listed()[-1]["attachments"]) == 2
    mixed = [("attachments[]", ("a", b"a")), ("attachments[b]", ("b", b"b"))]
    assert flowdock("POST", "/messages", as_source(source), data=flat(source), files=mixed).status_code == 400


def flat(source: Any) -> dict[str, str]:
    """An activity as a form has it."""
    body = activity(source)
    return {
        **{name: value for name, value in body.items() if isinstance(value, str)},
        "author[name]": body["author"]["name"],
        "thread[title]": body["thread"]["title"],
    }


@pytest.mark.parametrize("none", [None, [], {}, [None], {"a": None}])
def test_a_message_without_files_is_not_tagged_as_one_with_some(flowdock: Door, none: object) -> None:
    told = flowdock.tell(flowdock.fake.add_source(), attachments=none)
    assert (told["attachments"], told["tags"]) == ([], [])


def test_an_attachment_whose_name_is_blank_has_none(flowdock: Door) -> None:
    attachments = {" ": {"data": "eA==", "file_name": "x"}}
    [attachment] = flowdock.tell(flowdock.fake.add_source(), attachments=attachments)["attachments"]
    assert "content_id" not in attachment


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (None, {"content": "can't be blank"}),
        ("x", {"content": "is not an object"}),
        ({}, {"content.data": "can't be blank", "content.file_name": "can't be blank"}),
        ({"data": "eA", "file_name": "x"}, {"content.data": "is not base64"}),
        ({"data": "é", "file_name": "x"}, {"content.data": "is not base64"}),
        ({"data": 5, "file_name": "x"}, {"content.data": "is not a string"}),
        ({"data": "", "file_name": " "}, {"content.file_name": "can't be blank"}),
        ({"data": "", "file_name": ".."}, {"content.file_name": "is not a valid file name"}),
        ({"data": "", "file_name": "x" * 256}, {"content.file_name": "is too long (maximum is 255 characters)"}),
        ({"data": "", "file_name": "x", "content_type": "png"}, {"content.content_type": "is not a media type"}),
        ({"data": "", "file_name": "x", "content_type": "a/b\n"}, {"content.content_type": "is not a media type"}),
    ],
)
def test_what_is_no_file_is_refused_and_nothing_is_stored(
    flowdock: Door, content: object, wrong: dict[str, str]
) -> None:
    reply = flowdock("POST", MESSAGES, flowdock.as_member, json={"event": "file", "content": content})
    assert (reply.status_code, reply.json()["errors"]) == (400, {name: [words] for name, words in wrong.items()})
    assert (flowdock.listed(), flowdock.listed(THREADS)) == ([], [])


def test_one_wrong_attachment_is_named_and_none_is_stored(flowdock: Door) -> None:
    source, file = flowdock.fake.add_source(), {"data": "eA==", "file_name": "x"}
    body = activity(source, attachments={"a": file, "b": {**file, "data": "?"}})
    reply = flowdock("POST", "/messages", json=body)
    assert reply.json()["errors"] == {"attachments.b.data": ["is not base64"]}
    assert flowdock.listed() == []


@pytest.mark.parametrize(
    ("event", "content"), [("message", "x"), ("activity.user", {}), ("file", {"data": "eA==", "file_name": "y"})]
)
def test_chat_has_no_attachments_besides_its_file(event: str, content: object, flowdock: Door) -> None:
    attachments = [{"data": "eA==", "file_name": "x"}, {"data": "?", "file_name": "x"}]
    body = {"event": event, "content": content, "attachments": attachments}
    reply = flowdock("POST", MESSAGES, flowdock.as_member, json=body)
    wrong = {"attachments": ["are only allowed for activity and discussion"], "attachments.1.data": ["is not base64"]}
    assert (reply.status_code, reply.json()["errors"]) == (400, wrong)
    assert flowdock.listed() == []


@pytest.mark.parametrize(
    ("file_name", "kind"),
    [
        ("a.png", "image/png"),
        ("A.TXT", "text/plain"),
        ("a", "application/octet-stream"),
        (".json", "application/octet-stream"),
        ("data:a b/c,x", "application/octet-stream"),
        ("http://x.example/a.gif", "image/gif"),
    ],
)
def test_what_a_file_is_is_guessed_from_its_name(flowdock: Door, file_name: str, kind: str) -> None:
    assert upload(flowdock, file_name=file_name)["content_type"] == kind


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "text/plain; charset=utf-8", "x-a/y"])
def test_a_file_is_downloaded_to_be_saved_whatever_it_is(flowdock: Door, kind: str) -> None:
    file = upload(flowdock, b"<script>alert(1)</script>", "é ☃.html", content_type=kind)
    reply = flowdock("GET", file["path"], flowdock.as_member)
    assert (reply.content, reply.headers["Content-Type"]) == (b"<script>alert(1)</script>", kind)
    assert reply.headers["Content-Disposition"] == "attachment; filename*=UTF-8''%C3%A9%20%E2%98%83.html"
    assert reply.headers["x-amz-meta-name"] == "%C3%A9%20%E2%98%83.html"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Content-Security-Policy"] == "sandbox"


@pytest.mark.parametrize(("name", "told"), [("a b.txt", "a b.txt"), ("a\r\nb: c", "a%0D%0Ab%3A%20c")])
def test_a_download_has_the_name_of_the_file_in_a_header(flowdock: Door, name: str, told: str) -> None:
    file = upload(flowdock, b"x", name)
    assert flowdock("GET", file["path"], flowdock.as_member).headers["x-amz-meta-name"] == told


def test_a_download_is_one_redirect_on_the_host_that_was_called(flowdock: Door) -> None:
    file = upload(flowdock, b"bytes")
    redirect = flowdock("GET", "/" + file["path"], flowdock.as_member, allow_redirects=False)
    assert (redirect.status_code, redirect.content) == (302, b"")
    assert redirect.headers["Flowdock-User"] == str(flowdock.fake.user.id)
    location = redirect.headers["Location"]
    assert location.startswith(flowdock.base + "/")
    reply = requests.get(location, timeout=9, allow_redirects=False)
    assert (reply.status_code, reply.content) == (200, b"bytes")
    head = requests.head(location, timeout=9)
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, "5", b"")
    assert requests.post(location, timeout=9).status_code == 405


def test_the_address_of_the_bytes_dies_after_five_minutes_and_cannot_be_made_up(flowdock: Door) -> None:
    paths = [upload(flowdock, name.encode(), name)["path"] for name in ("one", "two")]
    redirects = [flowdock("GET", path, flowdock.as_member, allow_redirects=False) for path in paths]
    one, two = (urlsplit(redirect.headers["Location"]) for redirect in redirects)
    forged = (one.path, f"{one.path}?{two.query}", f"{one.path}?{one.query}0", f"{one.path}?{one.query[:-1]}é")
    later = one.query.replace("expires=1", "expires=2")
    for path in (*forged, f"{one.path}?{later}", "/_fakeflowdock/files/x?expires=x&signature=%ff"):
        assert requests.get(flowdock.base + path, timeout=9).status_code == 404
    address = f"{flowdock.base}{one.path}?{one.query}"
    flowdock.fake.advance(299)
    assert requests.get(address, timeout=9).content == b"one"
    flowdock.fake.advance(2)
    assert requests.get(address, timeout=9).status_code == 403
    assert flowdock("GET", paths[0], flowdock.as_member).content == b"one"


def test_only_who_sees_the_flow_downloads_its_files(flowdock: Door) -> None:
    bob = flowdock.fake.add_user()
    flowdock.fake.add_member(bob)
    path = upload(flowdock)["path"]
    source, stranger = as_source(flowdock.fake.add_source()), as_user(flowdock.fake.add_user())
    narrow = as_application(flowdock.fake, scope="integration")
    everybody: tuple[Credentials, ...] = (
        flowdock.as_member,
        flowdock.as_application,
        as_user(bob),
        stranger,
        source,
        narrow,
        {},
    )
    assert [flowdock("GET", path, who).status_code for who in everybody] == [200, 200, 200, 404, 404, 403, 401]
    flowdock("PUT", f"{FLOW}/users/{bob.id}", flowdock.as_member, json={"disabled": True})
    assert flowdock("GET", path, as_user(bob)).status_code == 404
    for wrong in (path.replace("/files/1/", "/files/2/"), path.replace("/files/1/", "/files/1/x"), "/files/1/x"):
        assert flowdock("GET", wrong, flowdock.as_member).status_code == 404


def test_a_file_is_gone_with_its_message(flowdock: Door) -> None:
    path = upload(flowdock)["path"]
    location = flowdock("GET", path, flowdock.as_member, allow_redirects=False).headers["Location"]
    assert flowdock("DELETE", f"{MESSAGES}/1", flowdock.as_member).status_code == 204
    assert flowdock("GET", path, flowdock.as_member).status_code == 404
    assert requests.get(location, timeout=9).status_code == 404


@pytest.mark.parametrize(
    ("data", "size", "small"),
    [
        (b"GIF89a\x80\x07\x3f\x04", (1920, 1087), (100, 57)),
        (b"GIF89a\x01\x00\xe8\x03", (1, 1000), (1, 100)),
        (b"GIF89a\x32\x00\x14\x00", (50, 20), (50, 20)),
        (b"GIF89a\x00\x00\x01\x00", None, None),
        (b"GIF89a\x01\x00\x00\x00", None, None),
        (b"GIF8", None, None),
        (b"\x89PNG\r\n", None, None),
        (b"\xff\xd8\xff\xe0", None, None),
        (b"RIFF\0\0\0\0WEBPVP8 ", None, None),
        (b"BM(", None, None),
        (b"no picture", None, None),
    ],
)
def test_a_picture_is_measured_where_it_can_be(flowdock: Door, data: bytes, size: Any, small: Any) -> None:
    file = upload(flowdock, data, "a.png")
    if size is None:
        assert not {"image", "thumbnail"} & set(file)
        return
    assert file["image"] == dict(zip(("width", "height"), size, strict=True))
    assert (file["thumbnail"]["width"], file["thumbnail"]["height"]) == small
    assert flowdock("GET", file["thumbnail"]["path"], flowdock.as_member).content == data


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12) | st.sampled_from(
    ["..x", "...", "a/../b", "%2e%2e", ".json", "a.json.json", "?", "#", "thumb", "thumb/x", "a\r\nb", "\\", "%", ";"]
)


@given(NAMES.filter(lambda name: name.strip() and name not in (".", "..")), st.binary(max_size=40))
@examples(80)
def test_whatever_a_file_is_called_its_bytes_come_back(name: str, data: bytes) -> None:
    with FakeFlowdock() as fake:
        door = Door(fake, "https://api.flowdock.com")
        file = upload(door, data, name)
        assert (file["file_name"], file["file_size"]) == (name, len(data))
        assert door("GET", file["path"], door.as_member).content == data
