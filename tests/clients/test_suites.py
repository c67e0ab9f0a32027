"""The suites of the guide, each in its language: alone, failing, and all at the same time on one server."""

from __future__ import annotations

import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import requests

from tests.support.administering import Operator
from tests.support.languages import LANGUAGES, RUBY, Language, environment
from tests.support.processes import LIMIT, Process, ready, running, until
from tests.support.suites import suite_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.newest_only

ROUNDS = 2  # of each suite, while the others run


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of a server for all suites."""
    with running("--port", "0", "--json", "--world", "empty") as (_, stdout):
        yield ready(stdout)["url"]


def written(language: Language, url: str, folder: Path) -> list[str]:
    """Write the suite of a language, and its client library. Returns the names of the files with tests."""
    folder.mkdir(exist_ok=True)
    language.download(url, folder)
    suite = suite_of(language.name)
    for name, text in suite.items():
        folder.joinpath(name).write_text(text, "utf-8")
    return [name for name in suite if "test" in name.lower()]


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_a_suite_starts_a_server_and_stops_it(language: Language, url: str, tmp_path: Path) -> None:
    language.need()
    for file in written(language, url, tmp_path):
        status, said = language.test(file, tmp_path)
        assert status == 0, said
    assert Operator(url).get("requests") == []


LIVES = {  # a program that starts a server, says where it is, and lives on: its file, its text, and what runs it
    "javascript": (
        "lives.mjs",
        """
        import { FakeFlowdock } from "./fakeflowdock.mjs";
        console.log((await FakeFlowdock.start()).url);
        setInterval(() => {}, 1000);
        """,
        "exec node lives.mjs",
    ),
    "ruby": (
        "lives.rb",
        """
        require_relative "fakeflowdock"
        $stdout.sync = true
        server = FakeFlowdock.start
        puts server.url
        sleep
        """,
        "exec ruby lives.rb",
    ),
    "go": (
        "main.go",
        """
        package main
        import ("fmt"; "suite/fakeflowdock")
        func main() { server := fakeflowdock.MustOpen(); fmt.Println(server.URL); <-make(chan int) }
        """,
        "go build -o lives . && exec ./lives",
    ),
    "java": (
        "Lives.java",
        """
        class Lives {
            public static void main(String[] arguments) throws Exception {
                System.out.println(fakeflowdock.FakeFlowdock.start().url());
                Thread.sleep(1000000);
            }
        }
        """,
        "javac Lives.java fakeflowdock/FakeFlowdock.java && exec java -cp . Lives",
    ),
}


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_a_server_ends_with_the_program_that_started_it_even_if_that_is_killed(
    language: Language, url: str, tmp_path: Path
) -> None:
    language.need()
    language.download(url, tmp_path)
    name, text, command = LIVES[language.name]
    tmp_path.joinpath(name).write_text(text, "utf-8")
    with Process(["sh", "-c", command], cwd=tmp_path, env=environment({})) as program:
        started = program.said.readline().strip()
        assert requests.get(f"{started}/_fakeflowdock/health", timeout=30).status_code == 200
        program.kill()

    def is_gone() -> bool:
        try:
            requests.get(f"{started}/_fakeflowdock/health", timeout=30)
        except requests.ConnectionError:
            return True
        return False

    until(is_gone)


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_a_suite_that_fails_shows_the_explanation_and_the_report(language: Language, url: str, tmp_path: Path) -> None:
    language.need()
    [file, *_] = written(language, url, tmp_path)
    suite = tmp_path / file
    head, assertion, tail = suite.read_text("utf-8").rpartition('"Done"')
    suite.write_text(f'{head}"Donne"{tail}', "utf-8")
    assert assertion
    status, said = language.test(file, tmp_path, FLOWDOCK_API_URL=url)
    assert status != 0
    assert "no message found with content 'Donne', source 'Builds'" in said, said
    assert "expected 'Donne', got 'Done'" in said
    assert re.search(r"fakeflowdock, world world-\d+:\s+POST /messages → 503", said), said
    assert [each["name"] for each in Operator(url).get("worlds")] == ["default"]


@pytest.mark.parametrize("library", ["test/unit", "rspec"])
def test_a_suite_in_ruby_runs_under_other_libraries(library: str, url: str, tmp_path: Path) -> None:
    RUBY.need()
    is_rspec = library == "rspec"
    if is_rspec and shutil.which("rspec") is None:
        pytest.skip("needs Debian's ruby-rspec")
    written(RUBY, url, tmp_path)
    suite = tmp_path / ("announce_spec.rb" if is_rspec else "announce_test.rb")
    text = suite.read_text("utf-8").replace("minitest/autorun", library).replace("Minitest", "Test::Unit")
    text = text.replace("Test::Unit::Test\n", "Test::Unit::TestCase\n")
    own = "expect(1).to eq(2)" if is_rspec else "assert_equal 1, 2"
    for more, told in (("", ""), (f"{own}\n", "POST /messages → 503")):
        suite.write_text(text.replace('source: "Builds")\n', f'source: "Builds")\n{more}'), "utf-8")
        command = ["rspec" if is_rspec else "ruby", suite.name]
        environ = environment({"FLOWDOCK_API_URL": url})
        with Process(command, cwd=tmp_path, stderr=subprocess.STDOUT, env=environ) as process:
            said, _ = process.communicate(timeout=LIMIT)
        assert (process.returncode != 0, told in said) == (bool(more), True), said


def test_suites_in_all_languages_at_the_same_time_do_not_see_each_other(url: str, tmp_path: Path) -> None:
    present = [each for each in LANGUAGES.values() if each.is_here()]
    if len(present) < 2:
        pytest.skip("needs two of the languages")
    suites = []
    for language in present:
        folder = tmp_path / language.name
        suites += [(language, folder, file) for file in written(language, url, folder)]
    with ThreadPoolExecutor(len(suites)) as threads:
        played = [
            threads.submit(language.test, file, folder, FLOWDOCK_API_URL=url)
            for _ in range(ROUNDS)
            for language, folder, file in suites
        ]
        for each in played:
            status, said = each.result(LIMIT)
            assert status == 0, said
    operator = Operator(url)
    assert [world["name"] for world in operator.get("worlds")] == ["default"]
    assert operator.get("requests") == []
    assert operator.get("state")["messages"] == []
