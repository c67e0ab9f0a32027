"""Where the options of a command come from: the command line, the environment, a config file, or the default."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from fakeflowdock import pytest_options
from fakeflowdock.cli import main, option_rows, options
from fakeflowdock.cli.command import CONFIG
from fakeflowdock.cli.options import BOOLEAN, FILE, Option
from fakeflowdock.http import access_log
from tests.support.processes import CLEAN, ready, running

ROOT = Path(__file__).parent.parent.parent
GUIDE = ROOT / "docs/guide"
WIDTH, HEIGHT = 80, 48  # of the screen that each --help fits

# Of each type: how two values stand on the command line and in the environment, how in a file, and what they are.
EXAMPLES: dict[Any, list[tuple[str, str, Any]]] = {
    options.PORT: [("9", "9", 9), ("10", "10", 10)],
    options.SECONDS: [("1.5", "1.5", 1.5), ("7", "7", 7.0)],
    options.COUNT: [("1", "1", 1), ("30", "30", 30)],
    options.URL: [
        ("http://a.org", '"http://a.org"', "http://a.org"),
        ("https://b.org/x/", '"https://b.org/x"', "https://b.org/x"),
    ],
    options.BYTES: [("1000000", "1000000", 1_000_000), ("1", "1", 1)],
    options.HOSTS: [("a.org", '"a.org"', ("a.org",)), ("*.b.org, c.org", '"*.b.org, c.org"', ("*.b.org", "c.org"))],
    options.BOOLEAN: [("true", "true", True), ("no", "false", False)],
    options.BOOLEAN_OR_FILE: [("true", "true", True), ("no", "false", False)],
}
OWN = {"world": "docs empty", "shape": "minimal drift", "refresh_tokens": "always offline_access"}
OWN |= {"clock": "system world"}
OWN |= {
    "admin_token": "one-that-is-long another-that-is-long",
    "access_log": "text json",
    "callbacks": "none any",
    "inspector": "read off",
    "format": "junit json",
    "store": "redis://a:6379/0 rediss://b",
    "reads": "local linearizable",
}
NEEDS = {"proxy": ["http://x"], "conform": ["http://x"]}  # what a command cannot do without
ENDS = {"exec": ["--", "true"]}  # and what stands behind its options
COMMANDS = {name: main.command_named(name) for name in main.MODULES}
NAMED = [(name, option) for name, command in COMMANDS.items() for option in command.options if option is not CONFIG]


def name_of(value: Any) -> str:
    return getattr(value, "name", value) or "none"


def examples(option: Option) -> list[tuple[str, str, Any]]:
    if option.type in EXAMPLES:
        return EXAMPLES[option.type]
    return [(word, f'"{word}"', word) for word in OWN.get(option.name, "this that").split()]


@pytest.fixture(autouse=True)
def _no_twins(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("FAKEFLOWDOCK_")]:
        monkeypatch.delenv(name)


def chosen(monkeypatch: pytest.MonkeyPatch, command: str | None, arguments: list[str]) -> dict[str, Any]:
    """What a command is given; None is the one that runs without a name."""
    given: dict[str, Any] = {}
    monkeypatch.setattr(COMMANDS[command or "serve"], "callback", lambda **each: given.update(each))
    before = [command, *NEEDS.get(command, [])] if command else []
    assert main.main([*before, *arguments, *ENDS.get(command or "", [])]) == 0
    return given


@pytest.mark.parametrize(("command", "option"), NAMED, ids=name_of)
def test_an_option_is_on_the_command_line_before_the_environment_before_the_file_before_the_default(
    command: str, option: Option, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first, second = examples(option)
    path = tmp_path / "options.toml"
    path.write_text(f"{f'[{command}]' if command != 'serve' else ''}\n{option.name} = {first[1]}\n", "utf-8")
    there = ["--config", str(path)]
    filed = str(tmp_path / first[2]) if option.type is FILE else first[2]
    assert chosen(monkeypatch, command, [])[option.name] == option.default
    assert chosen(monkeypatch, command, there)[option.name] == filed
    twin = f"FAKEFLOWDOCK_{option.name.upper()}"
    assert option.envvar == twin
    monkeypatch.setenv(twin, second[0])
    assert chosen(monkeypatch, command, there)[option.name] == second[2]
    flag = f"--{option.name.replace('_', '-')}"
    on_the_line = [flag, *([] if option.type is BOOLEAN else [first[0]])]
    assert chosen(monkeypatch, command, [*there, *on_the_line])[option.name] == first[2]
    monkeypatch.setenv(twin, "")  # as if it were not there
    assert chosen(monkeypatch, command, there)[option.name] == filed


def test_every_flag_of_the_commands_that_have_twins_has_one() -> None:
    for command in COMMANDS.values():
        if command.options:
            flags = [param for param in command.params if param.param_type_name == "option"]
            assert flags == command.options


def test_the_server_is_the_default_command(monkeypatch: pytest.MonkeyPatch) -> None:
    given = chosen(monkeypatch, None, ["--port", "9", "--json"])
    assert (given["port"], given["json"], given["host"]) == (9, True, "127.0.0.1")
    assert chosen(monkeypatch, "serve", ["--port", "9", "--json"]) == given
    assert chosen(monkeypatch, None, ["--port", "9", "serve", "--json"]) == given
    assert chosen(monkeypatch, None, []) == chosen(monkeypatch, "serve", [])


def test_the_alias_serves() -> None:
    with running("serve", "-p", "0", "--json") as (_, stdout):
        line = ready(stdout)
        assert requests.get(f"{line['url']}/user", auth=(line["api_token"], ""), timeout=9).status_code == 200


@pytest.mark.parametrize("command", [None, "serve", "proxy"], ids=name_of)
def test_p_is_short_for_port(command: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen(monkeypatch, command, ["-p", "9"])["port"] == 9
    assert chosen(monkeypatch, command, ["-p9"])["port"] == 9


def test_options_may_stand_before_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "options.toml").write_text("[proxy]\nstrict = true\n", "utf-8")
    given: dict[str, Any] = {}
    monkeypatch.setattr(COMMANDS["proxy"], "callback", lambda **each: given.update(each))
    assert main.main(["--port", "9", "--config", str(tmp_path / "options.toml"), "proxy", "http://x"]) == 0
    assert (given["port"], given["strict"]) == (9, True)


@pytest.mark.parametrize(
    ("variable", "reason"),
    [
        ("FAKEFLOWDOCK_PROT", "unknown environment variable FAKEFLOWDOCK_PROT: did you mean FAKEFLOWDOCK_PORT?"),
        ("FAKEFLOWDOCK_TIMOUT", "unknown environment variable FAKEFLOWDOCK_TIMOUT: did you mean FAKEFLOWDOCK_TIMEOUT?"),
        ("FAKEFLOWDOCK_ZZZ", "unknown environment variable FAKEFLOWDOCK_ZZZ (see --help)"),
    ],
)
def test_an_unknown_variable_is_one_line_and_status_2(
    variable: str, reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, "")  # as if it were not there
    chosen(monkeypatch, None, [])
    monkeypatch.setenv(variable, "1")
    for command in ([], ["serve"], ["proxy", "http://x"], ["conform", "http://x"], ["exec", "true"]):
        assert main.main(command) == 2
        assert capsys.readouterr() == ("", f"fakeflowdock: {reason}\n")


def test_variables_of_other_parts_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [*ROOT.glob("docs/**/*.md"), *ROOT.glob("docs/deploy/*"), *ROOT.glob(".ci/*"), *ROOT.glob("*.md")]
    code = [path for folder in ("fakeflowdock", "tests", "benchmarks") for path in ROOT.glob(f"{folder}/**/*.*")]
    code = [path for path in code if path.suffix in (".py", ".cjs") and path != Path(__file__)]
    text = "".join(path.read_text("utf-8") for path in [*pages, *code] if path.is_file())
    found = set(re.findall(r"\bFAKEFLOWDOCK_[A-Z_]*[A-Z]", text))
    found |= {f"FAKEFLOWDOCK_{name.upper()}" for name in pytest_options.CHOICES}
    assert {"FAKEFLOWDOCK_SEEDS", "FAKEFLOWDOCK_PROXY", "FAKEFLOWDOCK_JOURNAL", "FAKEFLOWDOCK_TLS"} <= found
    own = {option.envvar for _, option in NAMED} | {CONFIG.envvar}
    for name in found - own:
        monkeypatch.setenv(name, "1")
    chosen(monkeypatch, None, [])


def test_the_forms_of_the_access_log_are_those_of_the_option() -> None:
    [option] = [option for command, option in NAMED if (command, option.name) == ("serve", "access_log")]
    assert isinstance(option.type, options.Type)
    assert tuple(option.type.choices) == access_log.FORMS


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
        ("\nprot = 1", ":2: unknown option prot: did you mean port?"),
        ("zzz = 1", ":1: unknown option zzz: expected host, port, "),
        ("auto-consent = true", ":1: unknown option auto-consent: did you mean auto_consent?"),
        ('config = "other.toml"', ":1: unknown option config"),
        ('host = "::1"\nport = "8080"', ":2: port must be an integer, not a string"),
        ("port = true", ":1: port must be an integer, not a boolean"),
        ("port = 8080.5", ":1: port must be an integer, not a float"),
        ("journal_bytes = 0", ":1: invalid journal-bytes '0': expected 1\u2013999999999999"),
        ("port = 65536", ":1: invalid port '65536': expected 0\u201365535"),
        ('json = "yes"', ":1: json must be a boolean, not a string"),
        ("state = 1", ":1: state must be a string, not an integer"),
        ("save_on_exit = 1", ":1: save_on_exit must be a boolean or a string, not an integer"),
        ("host = 2015-01-01", ":1: host must be a string, not a date"),
        ("host = ['a']", ":1: host must be a string, not an array"),
        ('world = "other"', ":1: invalid world 'other': expected docs or empty"),
        ("[proxy]\nport = 1\nprot = 1", ":3: unknown option proxy.prot: did you mean port?"),
        ("[proxy]\ntimeout = 0", ":2: invalid timeout '0': expected a number of seconds greater than 0"),
        ("[prxy]\nport = 1", ":1: unknown option prxy: did you mean proxy?"),
        ("[nothing]\nport = 1", ":1: unknown option nothing: expected host, port, "),
        ("proxy = 1", ":1: proxy must be a table with the options of proxy"),
        ("port = ", ":1: Invalid value"),
        ("port = 1\nport = 2\n", ":2: Cannot overwrite a value"),
        ("\n\nhost = '", ":3: "),
        (b"\nhost = '\xff'", ":2: invalid UTF-8"),
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


@pytest.mark.parametrize("command", [None, *COMMANDS], ids=name_of)
def test_help_fits_a_screen_and_shows_each_twin(
    command: str | None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main.main([*([command] if command else []), "--help"]) == 0
    text = capsys.readouterr().out
    lines = text.splitlines()
    assert len(lines) <= HEIGHT
    assert [line for line in lines if len(line) > WIDTH] == []
    assert text.isascii()
    shown = COMMANDS[command or "serve"].options
    if command is None:
        assert "All of its options: fakeflowdock serve --help." in text
        shown = [option for option in shown if option.name in main.COMMON]
        assert len(shown) == len(main.COMMON)
    for option in shown:
        flag = f"--{option.name.replace('_', '-')}"
        assert (flag.replace("--", "--[no-]") if option.type is BOOLEAN else flag) in text.split()
        assert f"[env: {option.envvar}]" in text
        assert not option.shown_default or f"[default: {option.shown_default}]" in text
    assert command in ("routes", "explain") or any(line.startswith("  Status: ") for line in lines)


def test_help_shows_variable_and_default(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], ["-h"], ["--port", "0", "--help"], ["serve", "--help"]):
        assert main.main(arguments) == 0
        text = " ".join(capsys.readouterr().out.split())
        assert (
            "--host ADDRESS Listen on this address; :: for all of them. [env: FAKEFLOWDOCK_HOST] [default: 127.0.0.1]"
            in text
        )


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)], ids=" ".join)
def test_help_and_errors_need_no_more_than_ascii(command: list[str]) -> None:
    environ = {**CLEAN, "PYTHONIOENCODING": "ascii", "LANG": "C", "LC_ALL": "C"}
    python = [sys.executable, "-W", "error", "-m", "fakeflowdock", *command]
    done = subprocess.run([*python, "--help"], capture_output=True, env=environ, timeout=300)
    assert (done.returncode, done.stdout.isascii(), done.stderr) == (0, True, b"")
    if command == ["serve"]:
        done = subprocess.run([*python, "-p", "x"], capture_output=True, env=environ, timeout=300)
        assert (done.returncode, done.stderr) == (2, b"fakeflowdock: invalid port 'x': expected 0-65535\n")


@pytest.mark.parametrize("arguments", [["explain", "create-source"], ["--port", "0"]], ids=" ".join)
def test_what_is_printed_needs_no_more_than_ascii(arguments: list[str]) -> None:
    with running(*arguments, PYTHONIOENCODING="ascii") as (process, stdout):
        assert stdout.readline()
        process.terminate()
        out, err = process.communicate(timeout=30)
    assert (out.isascii(), err) == (True, "")


def on_a_terminal(*arguments: str, **environ: str) -> bytes:
    """What the command prints on a terminal, standard error included."""
    terminal, end = pty.openpty()
    clean = {name: value for name, value in CLEAN.items() if name != "NO_COLOR"}
    command = [sys.executable, "-m", "fakeflowdock", *arguments]
    subprocess.run(command, stdout=end, stderr=end, env={**clean, "TERM": "xterm", **environ}, timeout=300)
    os.close(end)
    text = b""
    with suppress(OSError):  # which is how the end is told
        while part := os.read(terminal, 4096):
            text += part
    os.close(terminal)
    return text


@pytest.mark.parametrize("arguments", [["exec", "--help"], ["--port", "x"]], ids=" ".join)
def test_colours_are_for_terminals_and_honour_no_color(arguments: list[str]) -> None:
    assert b"\x1b[" in on_a_terminal(*arguments)
    assert b"\x1b[" in on_a_terminal(*arguments, NO_COLOR="")
    assert b"\x1b" not in on_a_terminal(*arguments, NO_COLOR="1")
    command = [sys.executable, "-m", "fakeflowdock", *arguments]
    done = subprocess.run(command, capture_output=True, env=CLEAN, timeout=300)
    assert b"\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", [name for name, command in COMMANDS.items() if command.options])
def test_the_guide_has_the_table_of_all_options(command: str) -> None:
    text = "".join((GUIDE / name).read_text("utf-8") for name in ("server.md", "servers.md"))
    assert option_rows.rows(COMMANDS[command]) in text, "python -m fakeflowdock.cli.option_rows prints it"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("fakeflowdock ", {"serve", "proxy", "exec"}),
        ("fakeflowdock pro", {"proxy"}),
        ("fakeflowdock --acc", {"--access-log"}),
        ("fakeflowdock --port 0 --acc", {"--access-log"}),
        ("fakeflowdock --world ", {"docs", "empty"}),
        ("fakeflowdock proxy --tim", {"--timeout"}),
    ],
)
def test_the_shell_completes_commands_options_and_values(words: str, expected: set[str]) -> None:
    environ = {"_FAKEFLOWDOCK_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    script = Path(sys.executable).parent / "fakeflowdock"
    done = subprocess.run([str(script)], capture_output=True, text=True, env={**CLEAN, **environ}, timeout=300)
    assert done.stderr == ""
    assert expected <= {line.partition(",")[2] for line in done.stdout.splitlines()}


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["routes"], ["--port", "x"]], ids=" ".join)
def test_the_command_and_the_module_are_alike(arguments: list[str]) -> None:
    script = Path(sys.executable).parent / "fakeflowdock"
    ways = ([str(script)], [sys.executable, "-m", "fakeflowdock"])
    done = [subprocess.run([*way, *arguments], capture_output=True, text=True, env=CLEAN, timeout=300) for way in ways]
    assert len({(each.returncode, each.stdout, each.stderr) for each in done}) == 1
