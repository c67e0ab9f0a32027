"""Child processes: what they call is answered by the fake of their parent, and found in its journal."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from tests.support import clients
from tests.support.hypothesis_profiles import often
from tests.support.processes import LIMIT

pytestmark = pytest.mark.newest_only

COMMON = """
import os, sys
sys.path.insert(0, ".")
from fakeflowdock import FakeFlowdock
from tests.support import clients

API = "https://api.flowdock.com"
MESSAGES = API + "/flows/example/main/messages"

def post(name, headers, content="Hello"):
    client = clients.make(name)
    reply = client.send("POST", MESSAGES, headers, json={"event": "message", "content": content})
    client.close()
    return reply.status

def in_child(call, meanwhile=lambda: None):
    "What a call returns in a forked child, as text, or how it fails. Something else is called here meanwhile."
    end, beginning = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            said = repr(call())
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(beginning, said.encode())
        os._exit(0)
    os.close(beginning)
    meanwhile()
    with os.fdopen(end) as reading:
        said = reading.read()
    assert os.waitpid(pid, 0)[1] == 0
    return said

def contents(fake):
    return [message.content for message in fake.messages]
"""


def python(code: str) -> list[str]:
    """What a program prints, that starts with a fake."""
    program = COMMON + textwrap.dedent(code)
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout.splitlines()


def test_what_a_forked_child_calls_with_each_client_reaches_the_world_of_its_parent() -> None:
    said = python(f"""
        with FakeFlowdock() as fake:
            who = fake.as_user().headers
            for name in {clients.NAMES!r}:
                print(name, in_child(lambda: post(name, who, name)))
            assert contents(fake) == {clients.NAMES!r}
            assert [exchange.status for exchange in fake.requests] == [201] * {len(clients.NAMES)}
        assert len(os.listdir("/proc/self/task")) == 1
    """)
    assert said == [f"{name} 201" for name in clients.NAMES]


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_processes_of_multiprocessing_do_too_however_they_are_started(method: str, tmp_path: object) -> None:
    file = f"{tmp_path}/program.py"
    with open(file, "w") as program:
        program.write(
            COMMON
            + textwrap.dedent(f"""
            import multiprocessing
            from concurrent.futures import ProcessPoolExecutor

            if __name__ == "__main__":
                context = multiprocessing.get_context({method!r})
                with FakeFlowdock() as fake:
                    who = fake.as_user().headers
                    process = context.Process(target=post, args=("urllib3", who, "alone"))
                    process.start()
                    process.join()
                    with ProcessPoolExecutor(2, mp_context=context) as pool:
                        print([*pool.map(post, ["requests", "httpx", "aiohttp"], [who] * 3)])
                    print(sorted(contents(fake)))
            """)
        )
    done = subprocess.run(
        [sys.executable, "-W", "error", file],
        capture_output=True, text=True, check=False, timeout=LIMIT, env={**os.environ, "PYTHONPATH": "."},
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["[201, 201, 201]", "['Hello', 'Hello', 'Hello', 'alone']"]


def test_children_that_serve_and_have_children_of_their_own() -> None:
    """As a server does that forks for each request."""
    said = python("""
        import http.client, http.server, socketserver, threading

        class Server(socketserver.ForkingMixIn, http.server.HTTPServer):
            pass

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(int(in_child(lambda: post("requests", who))))
                self.end_headers()

            def log_message(self, *_):
                pass

        with FakeFlowdock() as fake:
            who = fake.as_user().headers
            pid = os.fork()
            with Server(("127.0.0.1", 0), Handler) as server:
                end, beginning = os.pipe()
                serving = os.fork()
                if serving == 0:
                    server.handle_request()
                    os._exit(0)
                connection = http.client.HTTPConnection(*server.server_address)
                connection.request("GET", "/")
                status = connection.getresponse().status
                connection.close()
                os.waitpid(serving, 0)
            if pid == 0:
                os._exit(0 if status == 201 else 1)
            print(status, os.waitpid(pid, 0)[1], contents(fake))
    """)
    assert said == ["201 0 ['Hello', 'Hello']"]


def test_a_fork_beside_busy_threads_leaves_no_child_waiting() -> None:
    forks = often(40, in_ci=10)
    said = python(
        """
        import threading, time, warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads

        def busy():
            client = clients.make("urllib3")
            while not done:
                client.send("GET", API + "/sources", who)
                FakeFlowdock().add_source()
                time.sleep(0.003)  # a thread that never waits takes most of the time from the children

        def child():
            FakeFlowdock().start().stop()
            return post("urllib3", who)

        done = False
        with FakeFlowdock() as fake:
            who = fake.as_user().headers
            threads = [threading.Thread(target=busy) for _ in range(4)]
            for thread in threads:
                thread.start()
            print({in_child(child) for _ in range(FORKS)})
            done = True
            for thread in threads:
                thread.join()
            print(len(contents(fake)))
    """.replace("FORKS", str(forks))
    )
    assert said == ["{'201'}", str(forks)]


def test_a_fork_within_a_decorated_function_reaches_the_world_of_the_call() -> None:
    said = python("""
        fake = FakeFlowdock()

        @fake
        def call(name):
            fake.add_source(name=name)
            return in_child(lambda: [each["name"] for each in clients.make("requests").send(
                "GET", API + "/sources", fake_headers).json])

        fake_headers = fake.as_user().headers
        print(call("one"), call("two"))
    """)
    assert said == ["['one'] ['two']"]


def test_the_fake_of_the_parent_refuses_to_be_set_up_in_a_child_and_a_new_one_is_the_childs_own() -> None:
    said = python("""
        def leaves():
            with fake:
                pass
            fake.stop()
            return fake

        def makes_its_own():
            with FakeFlowdock() as own:
                own.add_source()
                return len(own.sources), post("requests", own.as_user().headers)

        with FakeFlowdock() as fake:
            url, who = fake.url, fake.as_user().headers
            for call in (lambda: fake.add_source(), lambda: fake.url, leaves, makes_its_own):
                print(in_child(call).replace(str(os.getpid()), "PID"))
            assert not fake.sources and fake.url == url
            client = clients.make("requests")
            print(client.send("GET", url + "/sources", who).status)
            client.close()
    """)
    refused = (
        "RuntimeError: this fake belongs to process PID, which started this one: only requests reach it from here. "
        "Set up and check its world there."
    )
    assert said == [refused, refused, "<FakeFlowdock, stopped, of process PID>", "(1, 201)", "200"]


def test_a_fault_meets_a_child_as_its_parent() -> None:
    said = python("""
        with FakeFlowdock() as fake:
            who = fake.as_user().headers
            fake.fail("send message", connection="reset", times=2)
            print(in_child(lambda: post("requests", who)))
            print(in_child(lambda: post("httpx", who)))
            print(in_child(lambda: post("httpx", who)))
    """)
    assert [line.partition(":")[0] for line in said] == ["ConnectionError", "ReadError", "201"]


def test_a_child_whose_parent_has_stopped_the_fake_or_could_open_no_socket_is_told_so_at_its_first_call() -> None:
    said = python("""
        import resource

        def late():
            os.read(end, 1)
            return post("requests", {})

        end, beginning = os.pipe()
        fake = FakeFlowdock().start()
        pid = os.fork()
        if pid == 0:
            try:
                late()
            except RuntimeError as error:
                print(str(error).replace(str(os.getppid()), "PID"), flush=True)
            os._exit(0)
        fake.stop()
        os.write(beginning, b"!")
        os.waitpid(pid, 0)

        from fakeflowdock.interception import children
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)

        def poor():
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            return post("requests", {})

        with fake:
            ends = os.pipe()
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(ends) + 1, limits[1]))
            pid = os.fork()
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            if pid == 0:
                try:
                    poor()
                except RuntimeError as error:
                    print(str(error).replace(str(os.getppid()), "PID"), flush=True)
                os._exit(0)
            os.waitpid(pid, 0)
    """)
    stopped, poor = said
    assert stopped.startswith("the fake in process PID, which started this process, is stopped or does not answer")
    assert stopped.endswith("Stop it after its child processes have ended, and start them after the fake.")
    assert "could not open a socket for its child processes: [Errno 24] Too many open files" in poor


STREAMED = """
def read(name, headers, count):
    "The contents of the next messages, or of all, as a stream has them."
    import re
    client = clients.make(name)
    stream = client.stream("https://stream.flowdock.com/flows?filter=example/main", headers)
    found = []
    while len(found) != count and (record := stream.until(b"\\r\\n")):
        found.append(re.search(b'"content":"([^"]*)"', record)[1].decode())
    stream.close()
    client.close()
    return found

def wait_for(condition):
    import time
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)
"""


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_a_child_reads_a_stream_of_its_parent_until_the_fake_stops(method: str, tmp_path: object) -> None:
    file = f"{tmp_path}/program.py"
    with open(file, "w") as program:
        program.write(
            COMMON
            + STREAMED
            + textwrap.dedent(f"""
            import multiprocessing

            def tell(end, *args):
                end.send(read(*args))
                end.close()

            def started(*args):
                ours, theirs = context.Pipe()
                process = context.Process(target=tell, args=(theirs, *args))
                process.start()
                theirs.close()
                return process, ours

            if __name__ == "__main__":
                context = multiprocessing.get_context({method!r})
                with FakeFlowdock() as fake:
                    who = fake.as_user().headers
                    two, every = started("httpx", who, 2), started("aiohttp", who, -1)
                    wait_for(lambda: len(fake.streams) == 2)
                    fake.add_message("One")
                    fake.add_message("Two")
                    print(two[1].recv())
                    two[0].join()
                    wait_for(lambda: len(fake.streams) == 1)
                    other = started("requests", who, 1)  # while a stream is open
                    wait_for(lambda: len(fake.streams) == 2)
                    fake.add_message("Three")
                    print(other[1].recv())
                    other[0].join()
                print(every[1].recv())
                every[0].join()
            """)
        )
    done = subprocess.run(
        [sys.executable, "-W", "error", file],
        capture_output=True, text=True, check=False, timeout=LIMIT, env={**os.environ, "PYTHONPATH": "."},
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["['One', 'Two']", "['Three']", "['One', 'Two', 'Three']"]


def test_a_fault_breaks_the_stream_of_a_child_as_one_of_its_parent() -> None:
    said = python(
        STREAMED
        + textwrap.dedent("""
        import threading

        def broken(name):
            client = clients.make(name, 0.3)
            stream = client.stream("https://stream.flowdock.com/flows?filter=example/main", who)
            found = b""
            try:
                while piece := stream.next_piece():
                    found += piece
            except Exception as error:
                # aiohttp drops what it has not read when the connection breaks.
                return type(error).__name__, name == "aiohttp" or (found.count(b"One"), b"Two" in found)
            finally:
                stream.close()
                client.close()

        def post():
            fake.wait_for_stream(timeout=60)
            fake.add_message("One")
            fake.add_message("Two" * 1000)

        def none_is_open():
            "Wait for the end of the stream of a child that has ended: `post` would take it for the next one."
            import time
            while fake.streams:
                time.sleep(0.01)

        def posting(name):
            thread = threading.Timer(0, post)
            thread.start()
            said = broken(name)
            thread.join()
            return said

        with FakeFlowdock(keep_alive=0.1) as fake:
            who = fake.as_user().headers
            for name in clients.NAMES:
                for connection in ("cut", "timeout"):
                    with fake.fail("stream events", connection=connection, events=1):
                        none_is_open()
                        here = repr(posting(name))
                        none_is_open()
                        there = in_child(lambda: broken(name), post)
                        print(f"{name} {connection}", here == there, here, there, sep="|")
        """)
    )
    told = [line.split("|") for line in said]
    assert [name for name, *_ in told] == [f"{name} {how}" for name in clients.NAMES for how in ("cut", "timeout")]
    assert [line for line in told if line[1] != "True"] == []
    assert not any("None" in line for line in said)  # it did not end as if nothing had happened


def test_a_child_that_ends_without_a_word_leaves_its_stream() -> None:
    said = python(
        STREAMED
        + textwrap.dedent("""
        import signal

        with FakeFlowdock() as fake:
            who = fake.as_user().headers
            pid = os.fork()
            if pid == 0:
                read("urllib3", who, 1)
                os._exit(0)
            wait_for(lambda: fake.streams)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            wait_for(lambda: not fake.streams)
        print("left")
        """)
    )
    assert said == ["left"]


def test_a_child_that_does_not_read_holds_a_mebibyte_at_most() -> None:
    said = python(
        STREAMED
        + textwrap.dedent("""
        with FakeFlowdock() as fake:
            who = fake.as_user().headers
            end, beginning = os.pipe()
            pid = os.fork()
            if pid == 0:
                client = clients.make("requests")
                stream = client.stream("https://stream.flowdock.com/flows?filter=example/main", who)
                os.read(end, 1)
                try:
                    stream.until()
                except Exception:
                    os._exit(3)
                os._exit(0)
            wait_for(lambda: fake.streams)
            for number in range(400):
                fake.add_message("x" * 8000)
            wait_for(lambda: not fake.streams)
            os.write(beginning, b"!")
            print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        """)
    )
    assert said == ["3"]
