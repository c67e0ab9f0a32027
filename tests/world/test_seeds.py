"""A world made from a seed, its short form."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from fakeflowdock import FakeFlowdock
from fakeflowdock.cli import main
from tests.support.administering import Operator, flowdock, operator_of, user_of
from tests.support.processes import ready, running

if TYPE_CHECKING:
    from collections.abc import Callable

    Grown = Callable[[Any], FakeFlowdock]

pytestmark = pytest.mark.newest_only


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def grown(capsys: pytest.CaptureFixture[str]) -> Grown:
    """The world that the command line prints for a seed, in a fake."""

    def run(seed: Any) -> FakeFlowdock:
        Path("seed.json").write_text(json.dumps(seed), "utf-8")
        assert main.main(["seed", "seed.json"]) == 0
        Path("world.json").write_text(capsys.readouterr().out, "utf-8")
        fake = FakeFlowdock()
        fake.load("world.json")
        return fake

    return run


def test_an_empty_seed_is_the_world_empty(grown: Grown) -> None:
    seeds: list[Any] = [{}, None, {"users": [], "flows": None}]
    for seed in seeds:
        assert grown(seed).difference(FakeFlowdock()) == []


def test_names_are_enough(grown: Grown) -> None:
    fake = grown(
        {
            "organizations": ["Acme Inc"],
            "users": ["Ada Lovelace", "Bob"],
            "flows": ["Build Room", "labs/lobby"],
            "applications": ["CI"],
            "sources": ["Pipeline"],
            "messages": ["Hello #there"],
        }
    )
    assert [(user.name, user.nick, user.email) for user in fake.users] == [
        ("Ada Lovelace", "Ada", "ada@example.com"),
        ("Bob", "Bob", "bob@example.com"),
    ]
    assert [(each.parameterized_name, each.name) for each in fake.organizations] == [
        ("acme-inc", "Acme Inc"),
        ("labs", "Labs"),
    ]
    assert [(each.parameterized_name, each.name, sorted(each.member_ids)) for each in fake.flows] == [
        ("build-room", "Build Room", [1, 2]),
        ("lobby", "Lobby", [1, 2]),
    ]
    assert [(each.name, each.flow_id, each.application_id, each.creator_id) for each in fake.sources] == [
        ("Pipeline", fake.flows[0].id, 1, 1)
    ]
    message = fake.assert_message(content="Hello #there", user=fake.users[0], tags=["there"])
    assert message.flow_id == fake.flows[0].id


def test_the_first_user_administers_unless_the_seed_says_otherwise(grown: Grown) -> None:
    url = "https://api.flowdock.com/organizations/example"
    for users, expected in ((["Ada", "Bob"], [200, 403]), ([{"name": "Ada", "admin": False}, "Bob"], [403, 403])):
        with grown({"users": users}) as fake:
            found = [
                requests.put(url, json={"name": "Other"}, timeout=9, **fake.as_user(user)).status_code
                for user in fake.users
            ]
        assert found == expected


def test_entities_refer_to_each_other_by_name(grown: Grown) -> None:
    fake = grown(
        {
            "users": ["Ada", {"name": "Bob", "nick": "bobby", "email": "b@example.com"}, "Eve"],
            "flows": ["main", {"name": "example/ops", "members": ["bobby", "b@example.com", "Eve"]}],
            "applications": ["One", {"name": "Two", "owner": "bobby", "redirect_uri": "https://two.example.com/"}],
            "sources": [{"name": "Builds", "flow": "ops", "application": "Two", "creator": "Eve"}],
            "messages": [
                {"content": "Anyone?", "user": "bobby", "flow": "example/ops"},
                {"content": "Here", "user": "Eve", "flow": "Ops", "comments": "Anyone?"},
                {"source": "Builds", "event": "activity", "title": "done", "author": {"name": "CI"},
                 "external_thread_id": "1", "thread": {"title": "Build 1"}},
            ],
        }
    )  # fmt: skip
    assert [sorted(flow.member_ids) for flow in fake.flows] == [[1, 2, 3], [2, 3]]
    fake.assert_source(name="Builds", flow="example/ops", application=fake.applications[1], creator=fake.users[2])
    asked, answer, told = fake.messages
    assert (asked.user_id, answer.user_id, answer.parent_id, answer.event) == (2, 3, asked.id, "comment")
    assert (told.user_id, told.source_id, told.flow_id) == (None, 1, fake.flows[1].id)


def test_users_talk_in_private(grown: Grown) -> None:
    asked = {"content": "Is it up?", "to_user": "Ada", "from_user": "Bob"}
    file = {"event": "file", "content": {"data": "eA==", "file_name": "log.txt"}, "to_user": "bob@example.com"}
    fake = grown({"users": ["Ada", "Bob"], "private_messages": [asked, file]})
    fake.assert_private_message(content="Is it up?", from_user="Bob", to_user="Ada")
    fake.assert_private_message(event="file", content={"file_name": "log.txt"}, from_user="Ada", to_user="Bob")
    assert [sorted(each.user_ids) for each in fake.private_conversations] == [[1, 2]]


COLORS = ("red", "green", "yellow", "cyan", "orange", "grey", "black", "lime", "purple", "blue")
WRONG = [
    (
        "users: [Ada]\nflows:\n- name: x\n  members: [Ada, Adda]\n",
        4,
        "/flows/0/members/1 unknown user 'Adda': did you mean Ada?",
    ),
    ("users:\n- name: Ada\n- nmae: Bob\n", 3, "/users/1/nmae is unknown: did you mean name?"),
    ("flow: [main]", 1, "/flow is unknown: did you mean flows?"),
    ("users: 5", 1, "/users is not a list"),
    ("- Ada", 1, "the seed: expected an object with users, flows and others"),
    ("users:\n- Ada\n- {name: Bob, email: bob}", 3, "/users/1/email is not an e-mail address"),
    ("users: [{name: Ada}, {name: Ada Two}]", 1, "/users/1 user 'ada@example.com' already exists"),
    (
        (
            "sources: [s]\nmessages:\n- source: s\n  event: activity\n  title: t\n  external_thread_id: x\n"
            "  author: {name: a}\n  thread:\n    title: T\n    status: {value: v,\n      color: pink}"
        ),
        11,
        f"/messages/0/thread/status/color is not one of {', '.join(COLORS)} or null",
    ),
    (
        "users:\n- name: Ada\n- name: Bob\n  email: ada@example.com",
        4,
        "/users/1/email user 'ada@example.com' already exists",
    ),
    ("sources: [s]\nmessages: [{source: s, event: activity, title: t}]", 2, "/messages/0 author can't be blank"),
    ("flows: [main, main]", 1, "/flows/1 flow 'example/main' already exists"),
    ("sources:\n- Builds\n- name: Tests\n  flow: none", 4, "/sources/1/flow unknown flow 'none'; known: example/main"),
    (
        "users: [{name: A, nick: x, email: a@b.cc}, {name: A, nick: y}]\nsources: [{name: s, creator: A}]",
        2,
        "/sources/0/creator several of them are the user 'A': use a name that only one has: a@b.cc, y@example.com",
    ),
    (
        "messages:\n- {content: x, comments: y}",
        2,
        "/messages/0/comments no earlier message of the flow has the content 'y'",
    ),
    (
        "sources: [s]\nmessages:\n- {content: x, source: s, user: Ada}",
        3,
        "/messages/0/user a message has a user or a source, not both",
    ),
    (
        "messages: [{event: shout}]",
        1,
        "/messages/0/event is not one of message, status, file, activity, discussion, mail, activity.user",
    ),
    ("private_messages:\n- x", 2, "/private_messages/0/to_user is missing"),
    (
        "private_messages:\n- {content: x, to_user: Ada}",
        2,
        "/private_messages/0/to_user Ada Example cannot write to Ada Example: expected two users of one organization",
    ),
    (
        "private_messages:\n- {content: x, to_user: Bob}",
        2,
        "/private_messages/0/to_user unknown user 'Bob'; known: Ada Example",
    ),
    ("users: [Ada", 1, "the seed: expected ',' or ']', but got '<stream end>'"),
    (
        "a: !!python/object/apply:os.system [ls]",
        1,
        "the seed: could not determine a constructor for the tag 'tag:yaml.org,2002:python/object/apply:os.system'",
    ),
    ("users: &a [*a]", 1, "the seed: nested too deeply"),
    ("[" * 1000, 1, "the seed: nested too deeply"),
]


@pytest.mark.parametrize(("text", "line", "reason"), WRONG, ids=[reason for _, _, reason in WRONG])
def test_an_error_names_file_line_and_place(
    text: str, line: int, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("seed.yaml").write_text(text, "utf-8")
    assert main.main(["seed", "seed.yaml"]) == 2
    assert capsys.readouterr() == ("", f"fakeflowdock: seed.yaml:{line}: {reason}\n")
    assert main.main(["--seed", "seed.yaml", "--port", "0"]) == 2
    assert capsys.readouterr().err == f"fakeflowdock: seed.yaml:{line}: {reason}\n"


def test_what_an_anchor_repeats_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["users: []", "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    Path("seed.yaml").write_text("\n".join(lines), "utf-8")
    assert main.main(["seed", "seed.yaml"]) == 2
    assert capsys.readouterr().err == "fakeflowdock: seed.yaml:1: the seed: more than 1,000,000 values\n"


TOML = """
users = ["Ada"]

[[flows]]
name = "main"

[[flows]]
name = "ops"
members = ["Ada"]

[[sources]]
name = "Builds"
flow = "ops"
"""


def test_toml_is_another_form(capsys: pytest.CaptureFixture[str]) -> None:
    Path("seed.toml").write_text(TOML, "utf-8")
    assert main.main(["seed", "seed.toml"]) == 0
    world = json.loads(capsys.readouterr().out)
    assert [flow["parameterized_name"] for flow in world["flows"]] == ["main", "ops"]
    for text, line, reason in (
        (TOML.replace('flow = "ops"', 'flow = "opps"'), 13, "/sources/0/flow unknown flow 'opps': did you mean ops?"),
        (
            TOML.replace('members = ["Ada"]', 'members = ["Bob"]'),
            9,
            "/flows/1/members/0 unknown user 'Bob'; known: Ada",
        ),
        (TOML.replace('["Ada"]\n\n', "7\n\n"), 2, "/users is not a list"),
        (TOML.replace('name = "ops"\n', "").replace("[[", "  [["), 7, "/flows/1/name is missing"),
        (TOML + "x = ", 14, "the seed: Invalid value"),
        (TOML + 'x = {"y (at z" = 1, "y (at z" = 2}\n', 14, "the seed: Duplicate inline table key 'y (at z'"),
    ):
        Path("seed.toml").write_text(text, "utf-8")
        assert main.main(["seed", "seed.toml"]) == 2
        assert capsys.readouterr().err == f"fakeflowdock: seed.toml:{line}: {reason}\n"


def test_the_server_begins_with_a_seed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["seed", "--example"]) == 0
    Path("seed.yaml").write_text(capsys.readouterr().out, "utf-8")
    with running("--seed", "seed.yaml", "--port", "0", "--json") as (_, said):
        line = ready(said)
        assert (line["world"], line["flow"], line["email"]) == ("seed.yaml", "acme/builds", "ada@example.com")
        found = requests.get(f"{line['url']}/flows/acme/builds/messages", auth=(line["api_token"], ""), timeout=9)
    assert [each["event"] for each in found.json()] == ["message", "comment", "activity"]


def test_a_world_of_a_server_is_made_from_a_seed(fake_flowdock: FakeFlowdock) -> None:
    operator: Operator = operator_of(fake_flowdock)
    made = operator.make("suite", seed={"users": ["Ada", "Bob"], "flows": ["ops"], "sources": ["Builds"]})
    assert made["email"] == "ada+suite@example.com"
    [source] = flowdock(made, "GET", "/sources", **user_of(made)).json()
    assert source["name"] == "Builds"
    assert operator.refused("POST", "worlds", {"seed": {"users": [{"nmae": "Ada"}]}}) == [
        ("/seed/users/0/nmae", "is unknown: did you mean name?")
    ]
    assert operator.refused("POST", "worlds", {"seed": {}, "world": "docs"}) == [
        ("/seed", "cannot be combined with world")
    ]


def test_a_seed_in_place_of_a_world_names_the_argument_that_takes_it_and_the_reverse(
    capsys: pytest.CaptureFixture[str], fake_flowdock: FakeFlowdock
) -> None:
    FakeFlowdock().dump("world.json")
    Path("seed.yaml").write_text("users: [Ada]\n", "utf-8")
    Path("seed.json").write_text('{\n"users": ["Ada"]}', "utf-8")
    a_world, a_seed = "expected a seed, got a whole world, which `state` takes", "is a seed, which `seed` takes, not "
    for option, file, text in (
        ("state", "seed.json", f"seed.json:1: the file {a_seed}`state`"),
        ("state", "seed.yaml", "seed.yaml:1: Expecting value; a seed is for `seed`, not for `state`"),
        ("seed", "world.json", f"world.json:1: the seed: {a_world}"),
    ):
        given: Any = {option: file}
        with pytest.raises(ValueError, match=re.escape(text)):
            FakeFlowdock(**given)
        assert main.main([f"--{option}", file, "--port", "0"]) == 2
        assert capsys.readouterr().err == f"fakeflowdock: {text}\n"
    world = json.loads(Path("world.json").read_text("utf-8"))
    with pytest.raises(ValueError, match=a_world):
        FakeFlowdock(seed=world)
    operator: Operator = operator_of(fake_flowdock)
    assert operator.refused("POST", "worlds", {"seed": world}) == [("/seed", a_world)]
    assert operator.refused("POST", "worlds", {"state": {"users": ["Ada"]}}) == [("/state", f"{a_seed}`state`")]


def test_the_command_line_takes_one_initial_world(capsys: pytest.CaptureFixture[str]) -> None:
    FakeFlowdock().dump("world.json")
    Path("seed.yaml").write_text("users: [Ada]\n", "utf-8")
    for options in (["--state", "world.json", "--seed", "seed.yaml"], ["--seed", "seed.yaml", "--world", "docs"]):
        assert main.main([*options, "--port", "0"]) == 2
        one, other = sorted(options[::2], key=["--state", "--seed", "--world"].index)
        assert capsys.readouterr().err == (
            f"fakeflowdock: {one} and {other} both choose the initial world: give only one of them\n"
        )


def test_an_initial_world_of_the_command_line_overrides_one_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    FakeFlowdock().dump("world.json")
    monkeypatch.setenv("FAKEFLOWDOCK_SEED", "seed.yaml")  # which is missing
    with running("--state", "world.json", "--port", "0", "--json") as (_, said):
        assert ready(said)["world"] == "world.json"


def test_a_seed_that_cannot_be_read_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, reason in (
        (["seed", "none.yaml"], "none.yaml: No such file or directory"),
        (["--seed", "none.yaml"], "none.yaml: No such file or directory"),
        (["seed"], "seed requires a file, or --example"),
    ):
        assert main.main(arguments) == 2
        assert capsys.readouterr().err == f"fakeflowdock: {reason}\n"
    Path("seed.yaml").write_bytes(b"\xff")
    assert main.main(["seed", "seed.yaml"]) == 2
    assert capsys.readouterr().err == "fakeflowdock: seed.yaml:1: not valid UTF-8 at byte 0\n"


NAMES = some.sampled_from(
    ["Ada", "Bob", "main", "acme/ops", "CI", "Ada Example", "x" * 300, "", " ", "ä", "\ud800", "a/b/c"]
)
VALUES = some.one_of(NAMES, some.none(), some.integers(), some.lists(NAMES, max_size=3), some.booleans())
KEYS = [
    "name",
    "nick",
    "email",
    "flow",
    "members",
    "user",
    "source",
    "content",
    "event",
    "comments",
    "owner",
    "creator",
    "from_user",
    "to_user",
]
SEEDS = some.dictionaries(
    some.sampled_from(["organizations", "users", "flows", "applications", "sources", "messages", "private_messages"]),
    some.lists(NAMES | some.dictionaries(some.sampled_from(KEYS), VALUES, max_size=4), max_size=3) | VALUES,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=SEEDS)
def test_any_seed_is_a_world_or_an_error_that_names_its_place(seed: Any, capsys: pytest.CaptureFixture[str]) -> None:
    Path("seed.json").write_text(json.dumps(seed), "utf-8")
    status = main.main(["seed", "seed.json"])
    out, err = capsys.readouterr()
    if status == 0:
        Path("world.json").write_text(out, "utf-8")
        FakeFlowdock().load("world.json")
    else:
        assert (status, out) == (2, "")
        assert err.startswith("fakeflowdock: seed.json:1: /")
