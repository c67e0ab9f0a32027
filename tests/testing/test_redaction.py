"""A secret is printed nowhere and exported nowhere, wherever in a request it stands."""

from __future__ import annotations

import base64
import binascii
import hashlib
import http.client
import json
import re
import sys
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from fakeflowdock import Contract, FakeFlowdock, check_recording
from fakeflowdock.checking.remote import Remote
from fakeflowdock.checking.reporting_proxy import Proxy
from fakeflowdock.cli import main
from fakeflowdock.http.access_log import AccessLog
from fakeflowdock.http.server import Server
from fakeflowdock.http.streamed import StreamedConnection
from fakeflowdock.redaction import Redaction, is_secret
from fakeflowdock.server.site import site_of
from tests.support.frozen import data_of
from tests.support.hypothesis_profiles import examples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeflowdock.checking.reporting_proxy import Passed

pytestmark = pytest.mark.newest_only

KINDS = ["password", "api_token", "access_token", "refresh_token", "flow_token", "flow_api_token", "client_secret"]
KINDS += ["token", "code", "state", "signature", "session", "join_key", "scim_token"]
PATHS = [
    "/messages/chat/",
    "/v1/messages/team_inbox/",
    "/messages/ch%61t/",
    "/oauth/authorize/",
    "/_fakeflowdock/files/",
]
AWKWARD = ["", "-", ".", " ", "+", "&", "=", "%", "/", '"', "'", "é", "#", "?", ";", ",", "\\", "<", "{", "%41"]


@dataclass
class Secret:
    """A secret of a kind, and the pieces of it that nobody may read."""

    kind: str
    first: str
    last: str
    between: str

    @property
    def text(self) -> str:
        return self.first + self.between + self.last

    def is_in(self, text: str) -> bool:
        return any(piece in reading for piece in (self.first[4:], self.last) for reading in readings(text))


def readings(text: str) -> Iterator[str]:
    """A text, and what whoever reads it can make of it."""
    yield text
    yield unquote(text)
    bare = re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text).replace("\0", "")
    yield unquote(bare)
    for found in re.findall(r"[A-Za-z0-9+/]{16,}={0,2}", text):
        with suppress(binascii.Error):
            yield unquote(base64.b64decode(found + "=" * (-len(found) % 4)).replace(b"\0", b"").decode("latin-1"))


@dataclass
class Sent:
    """A request with a secret in it."""

    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@st.composite
def secrets(draw: st.DrawFn) -> Secret:
    digits = hashlib.sha512(str(draw(st.integers(0, 9999))).encode()).hexdigest()
    letters = digits.translate(str.maketrans("0123456789abcdef", "ghijklmnopqrstuv"))
    return Secret(draw(st.sampled_from(KINDS)), letters[:20], letters[20:40], draw(st.sampled_from(AWKWARD)))


def every(text: str) -> str:
    """A text in percent-encoding, each of its bytes."""
    return "".join(f"%{byte:02X}" for byte in text.encode())


def basic(name: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


CODINGS: list[Callable[[str], str]] = [quote_plus, every]


@st.composite
def values(draw: st.DrawFn, secret: Secret) -> Any:
    """JSON with the secret at some depth."""
    name = draw(st.sampled_from([secret.kind, secret.kind.upper(), f"{secret.kind}[]", f"user[{secret.kind}]"]))
    inner = draw(st.sampled_from([secret.text, [secret.text], {"deep": [0, {"er": secret.text}]}]))
    value: Any = {"event": "message", name: inner, "tags": ["a"]}
    for step in draw(st.lists(st.sampled_from(["thread", "author", ""]), max_size=4)):
        value = {"event": "activity", step: value} if step else [value]
    return value if isinstance(value, dict) else {"content": value}


@st.composite
def sent(draw: st.DrawFn, secret: Secret) -> Sent:
    kind, text = secret.kind, secret.text
    method = draw(st.sampled_from(["GET", "POST", "PUT", "DELETE"]))
    path = draw(
        st.sampled_from(["/messages", "/sources", "/oauth/token", "/user", "/flows/example/main/messages", "/x"])
    )
    coded = draw(st.sampled_from(CODINGS))
    name = draw(st.sampled_from([kind, f"{kind}[]", f"user[{kind}]", every(kind), f"a[][{quote(kind)}]"]))
    pairs = f"event=message&{name}={coded(text)}&content=Hello"
    plain = secret.first + secret.last
    charset = draw(st.sampled_from(["utf-8", "utf-16", "utf-16-le", "utf-16-be"]))
    form = {"Content-Type": f"application/x-www-form-urlencoded; charset={charset}"}
    mark = draw(st.sampled_from(["b0und", "0123456789abcdef" * 2]))
    part = f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n--{mark}--\r\n'.encode()
    as_json = draw(st.booleans())
    written = json.dumps(draw(values(secret)), ensure_ascii=as_json)
    url = quote_plus(f"https://x.example/back?a=b&{kind}={quote_plus(text)}")
    multipart, json_type = f"multipart/form-data; boundary={mark}", f"application/json; charset={charset}"
    end, cut_off = draw(st.sampled_from(["", "?a=b", "/x"])), -draw(st.integers(1, 9))
    anywhere = [
        Sent(method, path, {"Authorization": f"Bearer {plain}"}),
        Sent(method, path, {"Authorization": basic(text, "")}),
        Sent(method, path, {"Authorization": basic("ada@example.com", text)}),
        Sent(method, path, {"Authorization": plain}),
        Sent(method, path, {"Proxy-Authorization": basic("ada", text)}),
        Sent(method, path, {"Proxy-Authorization": f"Bearer {plain}"}),
        Sent(method, path, {"Cookie": f"{kind}={plain}; b={plain}"}),
        Sent(method, path, {"Referer": f"https://x.example/?{kind}={quote_plus(text)}"}),
        Sent(method, f"{path}?{pairs}"),
        Sent(method, f"{path}?redirect_uri={url}"),
        Sent(method, f"{path}?event=message&content={url}"),
        Sent("POST", path, form, pairs.encode(charset)),
        Sent("POST", path, {}, pairs.encode()),
        Sent("POST", path, {"Content-Type": multipart}, part),
        Sent("POST", path, {"Content-Type": json_type}, written.encode(charset)),
        Sent("POST", path, {"Content-Type": "application/json"}, written.encode("utf-16")),
        Sent("POST", path, {}, written.encode()),
        Sent("POST", path, {"Content-Type": "application/json"}, written[:cut_off].encode()),
        *(Sent(method, f"{each}{coded(text)}{end}") for each in PATHS),
    ]
    return draw(st.sampled_from(anywhere))


class Served:
    """A fake behind a server with an access log in both forms, and behind a proxy that reports."""

    def __init__(self, fake: FakeFlowdock) -> None:
        self.fake, self.lines = fake, list[str]()
        self.passed: list[Passed] = []
        logs = [AccessLog(form, self.lines.append) for form in ("text", "json")]

        def log(*told: Any) -> None:
            for each in logs:
                each(*told)

        self.server = Server(site_of(fake._runs.current), log=log)  # type: ignore[arg-type]  # what both do
        self.server.start()
        self.proxy = Server(Proxy(Remote(self.server.url), self.passed.append), speaks=StreamedConnection)
        self.proxy.start()

    def send(self, asked: Sent) -> None:
        for url in (self.server.url, self.proxy.url):
            connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
            connection.request(asked.method, asked.target, asked.body, asked.headers)
            connection.getresponse().read()
            connection.close()

    def admin(self, path: str) -> str:
        reply = requests.get(f"{self.server.url}/_fakeflowdock/worlds/default/{path}", timeout=30)
        assert reply.status_code == 200, reply.text
        return reply.text


@contextmanager
def served() -> Iterator[Served]:
    with FakeFlowdock() as fake:
        one = Served(fake)
        yield one
        one.proxy.stop()
        one.server.stop()


def texts(one: Served, before: Any, asked: Sent) -> Iterator[tuple[str, str]]:
    """All that is printed and exported of what was asked, each with its name."""
    fake = one.fake
    yield "report", fake.report()
    yield "exchanges", f"{fake.requests} {[str(each) for each in fake.requests]}"
    warnings = [*fake.contract_warnings, *(each for exchange in fake.requests for each in exchange.warnings)]
    yield "warnings", f"{warnings} {[str(each) for each in warnings]} {[each.as_json() for each in warnings]}"
    yield "difference", "\n".join(fake.difference(before))
    yield "report of the admin API", one.admin("report")
    yield "warnings of the admin API", one.admin("contract-warnings")
    yield "export of the admin API", one.admin("requests/export")
    for passed in one.passed:
        yield "proxy", str(passed) + json.dumps(passed.as_json(), ensure_ascii=False)
    found = Contract(strict=True).check_request(asked.method, asked.target, asked.headers, asked.body)
    yield "findings", f"{found} {found!r} {json.dumps(found.as_json(), ensure_ascii=False)}"
    with tempfile.TemporaryDirectory() as folder:
        safe, whole, report = (str(Path(folder) / name) for name in ("safe.har", "whole.har", "report"))
        yield "inspector", json.dumps(data_of(fake.inspect(Path(folder) / "world.html")), ensure_ascii=False)
        fake.requests.export(safe)
        yield "HAR", Path(safe).read_text("utf-8")
        fake.requests.export(whole, with_secrets=True)
        host = urlsplit(one.server.url).netloc
        yield "recording", str(check_recording(whole, replay=True, hosts=host))
        for form in ("text", "json", "junit", "sarif"):
            main.main(["check", "--all", "--replay", "--host", host, "--format", form, "--output", report, whole])
            yield f"check as {form}", Path(report).read_text("utf-8")
    for line in one.lines:
        yield "access log", line


@examples(60, in_ci=12)
@given(st.data())
def test_no_text_shows_a_secret_of_a_request(data: st.DataObject) -> None:
    secret = data.draw(secrets())
    asked = data.draw(sent(secret))
    with served() as one:
        before = one.fake.snapshot()
        one.send(asked)
        shown = [(name, text) for name, text in texts(one, before, asked) if secret.is_in(text)]
    assert shown == []


@examples(15, in_ci=8)
@given(secrets())
def test_no_text_shows_the_password_of_a_user_wherever_somebody_puts_it(secret: Secret) -> None:
    with served() as one:
        before = one.fake.snapshot()
        one.fake.add_user(name="Bob", nick="bob", password=secret.text)
        asked = Sent(
            "POST",
            f"/flows/example/main/messages?{quote_plus(secret.text)}=1",
            {"Authorization": basic(one.fake.user.api_token, ""), "Content-Type": "application/json"},
            json.dumps({"event": "message", "content": f"it is {secret.text}, Bob", "cntent": secret.text}).encode(),
        )
        one.send(asked)
        told = [each for each in texts(one, before, asked) if each[0] in KNOWING]
        with pytest.raises(AssertionError) as failed:
            one.fake.assert_message(content="x", title="y")
        told.append(("assertion", str(failed.value)))
    assert [(name, text) for name, text in told if secret.is_in(text)] == []


@pytest.mark.parametrize("between", ["#", "?", ";", "%41"])
def test_no_text_shows_a_token_in_a_path_that_is_awkward(between: str) -> None:
    secret = Secret("flow_api_token", "jhrsqgigpkurnohimqlh", "nrigmqoosnjsvqpusmvn", between)
    with served() as one:
        before, asked = one.fake.snapshot(), Sent("GET", f"/messages/chat/{quote(secret.text)}")
        one.send(asked)
        assert [name for name, text in texts(one, before, asked) if secret.is_in(text)] == []


def test_no_text_shows_the_scim_token_wherever_somebody_puts_it() -> None:
    with served() as one:
        before, token = one.fake.snapshot(), one.fake.scim().token
        secret = Secret("scim_token", token[:11], token[11:], "")
        asked = Sent(
            "PUT",
            f"/scim/123456/Users/1?{token}=1",
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            json.dumps({"nickName": f"it is {token}", "nckName": token, "scim_token": token}).encode(),
        )
        one.send(asked)
        told = [each for each in texts(one, before, asked) if each[0] in KNOWING]
        with pytest.raises(AssertionError) as failed:
            one.fake.assert_invitation(message=token)
        told.append(("assertion", str(failed.value)))
        told.append(("objects", f"{one.fake.organization} {one.fake.scim()} {one.fake.as_scim()}"))
        one.fake.add_sso()
        told.append(("difference", "\n".join(one.fake.difference(before))))
        new = one.fake.scim().token
    assert [name for name, text in told if secret.is_in(text) or new in text] == []


KNOWING = {"report", "warnings", "difference", "HAR", "report of the admin API", "export of the admin API"}
KNOWING |= {"warnings of the admin API", "inspector"}


def test_the_report_of_a_failed_test_shows_no_password(fake_flowdock: FakeFlowdock) -> None:
    body = {"grant_type": "password", "username": "bob@example.com", "password": "correct horse battery"}
    requests.post("https://api.flowdock.com/oauth/token", json=body, timeout=9)
    assert '"password": "corr…"' in fake_flowdock.report()
    assert "horse" not in fake_flowdock.report()


def test_of_a_secret_too_little_is_shown_to_guess_the_rest() -> None:
    told = [
        str(Contract().check_request("GET", f"/nowhere?token={secret}&a=/?token={secret}", {"Cookie": secret}))
        for secret in ("x" * 4, "x" * 16)
    ]
    assert "xx" not in "".join(told)


def test_an_export_has_the_same_stand_in_for_the_same_secret(tmp_path: Path) -> None:
    with served() as one:
        for header in ({"Authorization": "Bearer zebra-one"}, {"Proxy-Authorization": "Bearer zebra-one"}, {}):
            one.send(Sent("GET", "/sources?access_token=zebra-one&flow_token=zebra-two", header))
        one.fake.requests.export(tmp_path / "safe.har")
    entries = json.loads((tmp_path / "safe.har").read_text())["log"]["entries"]
    named = {(pair["name"], pair["value"]) for each in entries for pair in each["request"]["queryString"]}
    assert len(named) == len({name for name, _ in named}) == len({value for _, value in named}) == 2
    headers = {pair["value"] for each in entries for pair in each["request"]["headers"] if "uthoriz" in pair["name"]}
    assert headers == {f"Bearer {dict(named)['access_token']}"}


NASTY = ['\\"', '"', "'", "a", "=", "/", "?a", "#a", "&a=", "%25", "%3D", "{", "[", '{"a":', '"token":', "token="]
NASTY += ['<a name="x" ', "<a ", "[a]", "a[token]", "Basic ", "cookie: ", "://", "/messages/chat/", "--b\r\n\r\n", "\0"]
NASTY += ["0", " ", 'name="code"\r\n\r\n', ";", "x=y;", "\\u00", "https://x/?u=", "…", "'token': ["]
NASTY += ["eyJ", "eyJ.", "eyJaaaaaaaa.", "-eyJ"]
DOORS: dict[str, Callable[[Redaction, str], object]] = {
    "text": lambda redaction, text: redaction.text(text),
    "value": lambda redaction, text: redaction.value({text: [text, {text: 1}]}),
    "target": lambda redaction, text: redaction.target(text),
    "cookie": lambda redaction, text: redaction.header("Cookie", text),
    "authorization": lambda redaction, text: redaction.header("Authorization", text),
    "json": lambda redaction, text: redaction.body(text.encode(), "application/json"),
    "form": lambda redaction, text: redaction.body(text.encode(), "application/x-www-form-urlencoded"),
    "parts": lambda redaction, text: redaction.body(text.encode(), "multipart/form-data; boundary=b"),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("piece", NASTY)
def test_twice_as_much_text_is_twice_as_much_work(piece: str, door: str) -> None:
    """Python counts its calls; a regular expression that goes back and forth would not end in anybody's lifetime."""

    def work(size: int) -> int:
        calls = 0

        def count(*_: object) -> None:
            nonlocal calls
            calls += 1

        redaction, text = Redaction(known=["correct horse battery"]), piece * (size // len(piece))
        sys.setprofile(count)
        try:
            told = DOORS[door](redaction, text)
        finally:
            sys.setprofile(None)
        assert len(str(told)) < 25 * size
        return calls

    work(500)  # the first time regular expressions are compiled
    assert work(4_000) < 2.5 * work(2_000) + 500
    DOORS[door](Redaction(), piece * (100_000 // len(piece)))


def test_a_secret_is_hidden_at_any_depth_and_in_what_is_no_json() -> None:
    deep = b'{"x": ' + b'{"token": [' * 5000 + b'"s3cretS3cretS3cret"'
    for body in (deep, deep + b"]}" * 5000 + b"}", deep[6:] + b"]}" * 5000):
        found = Contract().check_reply("get source", 200, {}, body)
        assert found
        assert "S3cret" not in str(found) + Redaction().body(body, "application/json").decode()


def test_json_in_any_encoding_shows_no_password_in_the_inspector(fake_flowdock: FakeFlowdock, tmp_path: Path) -> None:
    for charset in ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        body = '{"event": "message", "password": "s3cret-password-of-ada", "tags": ["a"]}'.encode(charset)
        requests.post(f"{fake_flowdock.url}/messages", body, headers={"Content-Type": "application/json"}, timeout=30)
    shown = json.dumps(data_of(fake_flowdock.inspect(tmp_path / "world.html")))
    assert not any("password-of-ada" in reading for reading in readings(shown))


JWT = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIiwiZXhwIjoxfQ.c2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJl"


@pytest.mark.parametrize(
    "text",
    [
        JWT,
        f"FLOWDOCK-TOKEN: {JWT}",
        f"sign in at: https://x.example.com/authorization?claim={JWT}&next=/",
        f"https://x.example.com/{JWT}/",
        f'{{"claim": "{JWT}", "n": 1}}',
        f"a {JWT}, and {JWT}.",
    ],
)
def test_a_json_web_token_is_hidden_wherever_it_stands(text: str) -> None:
    redaction = Redaction()
    for shown in (redaction.text(text), str(redaction.value({"x": text})), redaction.body(text.encode(), "").decode()):
        assert JWT[:20] not in shown
        assert JWT[-10:] not in shown
        assert "eyJ0…" in shown
    assert redaction.text("eyJhbc.eyJkZWY.short and eyJ") == "eyJhbc.eyJkZWY.short and eyJ"


@pytest.mark.parametrize("name", ["password", "user[password]", "Set-Cookie", "%70assword", "%2570assword", "my_token"])
def test_a_name_is_known_as_that_of_a_secret_however_it_is_written(name: str) -> None:
    assert is_secret(name)


def test_the_state_of_an_invitation_is_no_secret_and_that_of_oauth_is(fake_flowdock: FakeFlowdock) -> None:
    auth = fake_flowdock.user.api_token, ""
    address = "https://api.flowdock.com/flows/example/main/invitations?state=opensesame-opensesame"
    requests.post(address, json={"email": "bob@example.com", "state": "sesame-opensesame"}, timeout=9, auth=auth)
    with pytest.raises(AssertionError, match="state: expected 'accepted', got 'pending'"):
        fake_flowdock.assert_invitation(state="accepted")
    report = fake_flowdock.report()
    assert '"state": "pending"' in report
    assert "opensesame" not in report
