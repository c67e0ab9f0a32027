"""A program that gevent has patched before it imports anything else: clients, greenlets, threads, children, sockets."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from tests.support import inner_pytest
from tests.support.processes import LIMIT

pytestmark = pytest.mark.newest_only

PATCHED = "from gevent import monkey; monkey.patch_all()\n"
PROGRAM = """
    import os, sys
    import gevent, gevent.os
    sys.path.insert(0, ".")
    from fakeflowdock import FakeFlowdock
    from tests.support import clients

    def sent(name, url):
        client = clients.make(name)
        try:
            return client.send("GET", f"{url}/sources", headers).status
        finally:
            client.close()

    def in_a_child(name, read=gevent.os.tp_read):
        end, beginning = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.write(beginning, str(sent(name, clients.API)).encode())
            os._exit(0)
        os.close(beginning)
        status = read(end, 99)
        os.close(end)
        os.waitpid(pid, 0)
        return int(status)

    with FakeFlowdock() as fake:
        headers = fake.as_user().headers
        for name in clients.EVERY:
            assert sent(name, clients.API) == 200, name
        jobs = [gevent.spawn(sent, "requests", clients.API) for _ in range(9)]
        gevent.joinall(jobs, timeout=60)
        assert [job.value for job in jobs] == [200] * 9
        assert gevent.get_hub().threadpool.apply(sent, ("httpx", clients.API)) == 200
        for name in ("requests", "httpx", "urllib3", "urllib.request", "http.client"):
            assert in_a_child(name) == 200, name
            assert in_a_child(name, os.read) == 200, name  # which lets no greenlet of this process run
        for name in ("requests", "httpx", "urllib3", "urllib.request", "http.client"):
            assert sent(name, fake.url) == 200, name
        print(len(fake.requests) - len(clients.EVERY))
"""


def test_every_client_reaches_the_fake() -> None:
    pytest.importorskip("gevent")
    program = PATCHED + textwrap.dedent(PROGRAM)
    command = [sys.executable, "-X", "dev", "-W", "error", "-W", "ignore::DeprecationWarning", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)
    told = [line for line in done.stderr.splitlines() if not line.startswith("Executing <")]  # asyncio, of slow steps
    assert (done.stdout, told) == ("25\n", [])


def test_the_fixture_in_a_patched_suite(pytester: pytest.Pytester) -> None:
    pytest.importorskip("gevent")
    pytester.makeconftest(PATCHED)
    pytester.makepyfile(
        """
        import gevent, requests

        def test_calls(fake_flowdock):
            who = fake_flowdock.as_user()
            urls = ["https://api.flowdock.com/sources", f"{fake_flowdock.url}/sources"]
            jobs = [gevent.spawn(lambda: requests.get(url, **who, timeout=9).status_code) for url in urls]
            gevent.joinall(jobs, timeout=60)
            assert [job.value for job in jobs] == [200, 200]
        """
    )
    run = inner_pytest.run(
        pytester, "-W", "ignore::DeprecationWarning", "-W", "ignore:Monkey-patching", new_process=True
    )
    run.assert_outcomes(passed=1)
