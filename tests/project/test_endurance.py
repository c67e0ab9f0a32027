"""The long runs of benchmarks/endurance, shortened: a 500, a hang or memory that grows would be seen in them."""

from __future__ import annotations

import resource
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event

import pytest

from benchmarks.endurance import crowds, fuzzing, resources, streams
from benchmarks.endurance.serving import PATIENCE, Wrong, served
from benchmarks.memory import Grown, in_batches
from tests.support.hypothesis_profiles import often

pytestmark = pytest.mark.newest_only


def test_whatever_is_sent_to_the_socket_is_answered_to_its_end_and_never_with_500() -> None:
    count = often(400, in_ci=100)
    assert fuzzing.on_the_socket(count).startswith(f"{count} connections with ")


def test_whatever_a_wsgi_server_hands_on_is_answered_and_never_with_500() -> None:
    count = often(800, in_ci=150)
    assert fuzzing.on_the_application(count).startswith(f"{count} environs: ")


def test_both_doors_answer_alike() -> None:
    assert fuzzing.at_both_doors(20).endswith(" requests were answered alike")


def test_clients_that_say_nothing_are_kept_while_others_are_answered() -> None:
    assert crowds.silent_ones(200, asked=400).startswith("of the others, 99 of 100 were answered within ")


def test_a_server_takes_more_clients_than_a_process_may_have_files_at_first() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard > 300, "what this machine allows is too little to see it"
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    try:
        with served() as server, ExitStack() as stack:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for _ in range(100):
                stack.enter_context(socket.create_connection(server.address, PATIENCE))
            assert server.ask("GET", "/flows")[0] == 401
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_sixteen_clients_at_once_get_what_is_due_to_each() -> None:
    assert crowds.requests(often(1_600, in_ci=400)).startswith("memory ")


def test_posts_of_strangers_fill_no_memory() -> None:
    assert resources.strangers(8).startswith("at most ")


def test_each_round_of_uploads_leaves_as_much_as_the_first() -> None:
    assert " before each reset, " in resources.rounds(10, 1_000_000)


def test_half_open_connections_leave_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "FILES", 128)
    assert resources.half_open(200).startswith("all others were answered, ")


def test_streams_are_sent_what_they_are_entitled_to() -> None:
    assert "streams were opened" in streams.streams(300)


def test_the_run_of_streams_sees_an_event_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "PATIENCE", 0.5)
    monkeypatch.setattr(streams.Day, "_told", lambda _day, _user, _event: None)
    with pytest.raises(Wrong, match=r"^a stream of user [0-9] was sent "):
        streams.streams(1_500)


def test_the_runs_see_memory_that_strangers_fill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "MOST", 1.0)
    with pytest.raises(Wrong, match=r"^at most .* MiB at the beginning: more than 1 MiB$"):
        resources.strangers(1, 1_000)


def test_the_runs_see_a_round_that_leaves_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "ROUND_GROWTH", -1000.0)
    with pytest.raises(Wrong, match=r"the last round is more than -1000 MiB above the first$"):
        resources.rounds(5, 1_000)


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (b"HTTP/1.1 500 Internal Server Error\r\n\r\n", "500"),
        (b"HTTP/1.1 200 OK\r\n", "no answer to its end within 0.1 s"),
    ],
)
def test_the_run_on_the_socket_sees_what_is_wrong(answer: bytes, seen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzing, "PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor() as aside:
        listener.settimeout(60)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(answer)
                if seen != "500":
                    connection.recv(1000)
                    done.wait(60)

        done = Event()
        serving = aside.submit(serve)
        try:
            with pytest.raises(Wrong, match=seen):
                fuzzing.send(listener.getsockname(), [b"GET / HTTP/1.1\r\n\r\n"])
        finally:
            done.set()
        serving.result(60)


def test_the_runs_see_memory_that_grows() -> None:
    held = iter([50.0, 60.0, 60.5, 75.0])
    with pytest.raises(Grown, match=r"the memory grew: 50\.0, 60\.0, 60\.5, 75\.0 MiB"):
        in_batches(4, 1, lambda count, begin: None, lambda: next(held))  # not run


def test_the_runs_see_a_bug_that_the_server_told_of() -> None:
    with pytest.raises(Wrong, match="the server met a bug: Traceback"), served() as server:
        server.told.write_text("Traceback (most recent call last):\n")
        server.look()
