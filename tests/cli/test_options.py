"""Where the options of a command come from: the command line, the environment, a file, or what is usual."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fakeflowdock.cli import main, option_table, options
from tests.support.processes import CLEAN, ready, running

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from fakeflowdock.cli.options import Option

pytestmark = pytest.mark.newest_only

GUIDE = Path(__file__).parent.parent.parent / "docs/guide"
WIDTH, HEIGHT = 80, 48  # of the screen that each --help fits

# Of each reader: how two values stand on the command line and in the environment, how in a file, and what they are.
EXAMPLES: dict[Any, list[tuple[str, str, Any]]] = {
    options.port: [("9", "9", 9), ("10", "10", 10)],
    options.seconds: [("1.5", "1.5", 1.5), ("7", "7", 7.0)],
    options.count: [("1", "1", 1), ("30", "30", 30)],
    options.hosts: [("a.org", '"a.org"', ("a.org",)), ("*.b.org, c.org", '"*.b.org, c.org"', ("*.b.org", "c.org"))],
    options.truth: [("true", "true", True), ("no", "false", False)],
    options.truth_or_file: [("true", "true", True), ("no", "false", False)],
}
OWN = {"world": "docs empty", "shape": "minimal drift", "refresh_tokens": "always offline_access"}
OWN |= {"admin_token": "one-that-is-long another-that-is-long", "access_log": "text json", "format": "junit json"}
NEEDS = {"proxy": ["http://x"], "conform": ["http://x"]}  # what a command cannot do without
ENDS = {"exec": ["--", "true"]}  # and what stands behind its options
EVERY = [(command, option) for command, each in option_table.OPTIONS.items() for option in each]
NAMED = [(command, option) for command, option in EVERY if option is not option_table.CONFIG]


def name_of(value: Any) -> str:
    return getattr(value, "name", value) or "serve"


def examples(option: Option) -> list[tuple[str, str, Any]]:
    if option.read in EXAMPLES:
        return EXAMPLES[option.read]
    return [(word, f'"{word}"', word) for word in OWN.get(option.key, "this that").split()]


@pytest.fixture(autouse=True)
def _no_twins(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("FAKEFLOWDOCK_")]:
        monkeypatch.delenv(name)


def chosen(monkeypatch: pytest.MonkeyPatch, command: str | None, arguments: list[str]) -> dict[str, Any]:
    """What a command is given."""
    given: dict[str, Any] = {}
    monkeypatch.setitem(main.RUNS, command, lambda each: given.update(vars(each)))
    before = [command, *NEEDS.get(command, [])] if command else []
    assert main.main([*before, *arguments, *ENDS.get(command or "", [])]) == 0
    return given


@pytest.mark.parametrize(("command", "option"), NAMED, ids=name_of)
def test_an_option_is_on_the_command_line_before_the_environment_before_the_file_before_what_is_usual(
    command: str | None, option: Option, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first, second = examples(option)
    path = tmp_path / "options.toml"
    path.write_text(f"{f'[{command}]' if command else ''}\n{option.key} = {first[1]}\n", "utf-8")
    there = ["--config", str(path)]
    filed = str(tmp_path / first[2]) if option.read is options.file else first[2]
    assert chosen(monkeypatch, command, [])[option.key] == option.default
    assert chosen(monkeypatch, command, there)[option.key] == filed
    monkeypatch.setenv(option.variable, second[0])
    assert chosen(monkeypatch, command, there)[option.key] == second[2]
    on_the_line = [f"--{option.name}", *([] if option.read is options.truth else [first[0]])]
    assert chosen(monkeypatch, command, [*there, *on_the_line])[option.key] == first[2]
    monkeypatch.setenv(option.variable, "")  # as if it were not there
    assert chosen(monkeypatch, command, there)[option.key] == filed


def test_every_flag_of_the_commands_that_serve_has_its_twin() -> None:
    parser: ArgumentParser = main._parser()
    [commands] = [action.choices for action in parser._actions if isinstance(action.choices, dict)]
    for command, each in option_table.OPTIONS.items():
        actions = (commands[command] if command else parser)._actions
        flags = {flag for action in actions for flag in action.option_strings if not flag.startswith("--no-")}
        twins = {f"--{option.variable.removeprefix('FAKEFLOWDOCK_').lower().replace('_', '-')}" for option in each}
        assert flags - {"-h", "--help", "--version"} == twins


def test_a_truth_is_taken_back_on_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKEFLOWDOCK_AUTO_CONSENT", "true")
    assert chosen(monkeypatch, None, [])["auto_consent"] is True
    assert chosen(monkeypatch, None, ["--no-auto-consent"])["auto_consent"] is False


def test_a_file_is_named_in_the_environment_and_holds_for_the_server(tmp_path: Path) -> None:
    (tmp_path / "fake.toml").write_text('# ours\nport = 0\nworld = "empty"\njson = true\n', "utf-8")
    with running(FAKEFLOWDOCK_CONFIG=str(tmp_path / "fake.toml")) as (_, stdout):
        line = ready(stdout)
        assert line["world"] == "empty"
        assert requests.get(f"{line['url']}/user", auth=(line["api_token"], ""), timeout=9).status_code == 200


def test_a_file_that_nobody_named_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fakeflowdock.toml").write_text("port = 1\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    assert chosen(monkeypatch, None, [])["port"] == 8080


def test_what_a_file_says_of_the_server_is_not_said_of_the_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "both.toml"
    path.write_text("port = 1\n[proxy]\nstrict = true\n", "utf-8")
    given = chosen(monkeypatch, "proxy", ["--config", str(path)])
    assert (given["port"], given["strict"]) == (8081, True)
    assert chosen(monkeypatch, None, ["--config", str(path)])["port"] == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("\nprot = 1", ":2: there is no option prot: did you mean port?"),
        ("zzz = 1", ":1: there is no option zzz, only host, port, "),
        ("auto-consent = true", ":1: there is no option auto-consent: did you mean auto_consent?"),
        ('config = "other.toml"', ":1: there is no option config"),
        ('host = "::1"\nport = "8080"', ":2: port is a whole number, not a string"),
        ("port = true", ":1: port is a whole number, not a truth"),
        ("port = 8080.5", ":1: port is a whole number, not a number"),
        ("port = 65536", ":1: port: '65536' is no port: a number from 0 to 65535"),
        ('json = "yes"', ":1: json is true or false, not a string"),
        ("state = 1", ":1: state is a string, not a number"),
        ("save_on_exit = 1", ":1: save_on_exit is true, false or a string, not a number"),
        ("host = 2015-01-01", ":1: host is a string, not a date"),
        ("host = ['a']", ":1: host is a string, not a list"),
        ('world = "other"', ":1: world: 'other' is no world: docs or empty"),
        ("[proxy]\nport = 1\nprot = 1", ":3: there is no option proxy.prot: did you mean port?"),
        ("[proxy]\ntimeout = 0", ":2: proxy.timeout: '0' is no number of seconds"),
        ("[prxy]\nport = 1", ":1: there is no option prxy: did you mean proxy?"),
        ("proxy = 1", ":1: proxy is a table of the options of proxy"),
        ("port = ", ":1: Invalid value"),
        ("port = 1\nport = 2\n", ":2: Cannot overwrite a value"),
        ("\n\nhost = '", ":3: "),
        (b"\nhost = '\xff'", ":2: it is not UTF-8"),
    ],
    ids=str,
)
def test_a_file_that_is_wrong_is_one_line_with_file_and_line_and_status_2(
    text: str | bytes, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert main.main(["--config", str(path)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"fakeflowdock: {path}{reason}")


@pytest.mark.parametrize(("name", "reason"), [("none", "No such file or directory"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_is_one_line(
    name: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["--config", str(tmp_path / name)]) == 2
    assert capsys.readouterr().err == f"fakeflowdock: {tmp_path / name}: {reason}\n"


def test_a_wrong_value_of_a_secret_is_not_repeated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("[conform]\npassword = 7654321\n", "utf-8")
    assert main.main(["conform", "http://x", "--config", str(path)]) == 2
    assert "7654321" not in capsys.readouterr().err


@pytest.mark.parametrize("command", [None, "routes", "explain", "conform", "proxy", "check"], ids=name_of)
def test_help_fits_a_screen_and_shows_each_twin(
    command: str | None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as ended:
        main.main([*([command] if command else []), "--help"])
    assert ended.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= HEIGHT
    assert [line for line in lines if len(line) > WIDTH] == []
    words = " ".join(lines).split()
    for option in option_table.OPTIONS.get(command, ()):
        assert f"--{option.name}" in words
        assert option.variable.removeprefix("FAKEFLOWDOCK") in words
        assert not option.shown_default or f"({option.shown_default})" in " ".join(words)
    assert command in ("routes", "explain") or any(line.startswith("Status: 0 ") for line in lines)


@pytest.mark.parametrize("command", option_table.OPTIONS, ids=name_of)
def test_the_guide_has_the_table_of_all_options(command: str | None) -> None:
    text = "".join((GUIDE / name).read_text("utf-8") for name in ("server.md", "servers.md"))
    assert option_table.rows(command) in text, "python -m fakeflowdock.cli.option_table prints it"


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["routes"], ["--port", "x"]], ids=" ".join)
def test_the_command_and_the_module_are_alike(arguments: list[str]) -> None:
    script = Path(sys.executable).parent / "fakeflowdock"
    ways = ([str(script)], [sys.executable, "-m", "fakeflowdock"])
    done = [subprocess.run([*way, *arguments], capture_output=True, text=True, env=CLEAN, timeout=300) for way in ways]
    assert len({(each.returncode, each.stdout, each.stderr) for each in done}) == 1
