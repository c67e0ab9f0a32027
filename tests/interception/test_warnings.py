"""A small suite with each client runs without a warning, in Python's development mode."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from tests.support import clients
from tests.support.processes import LIMIT

pytestmark = pytest.mark.newest_only

PROGRAM = """
    import sys
    sys.path.insert(0, ".")
    from fakeflowdock import FakeFlowdock
    from tests.support import clients

    for name in clients.EVERY:
        client = clients.make(name)
        with FakeFlowdock(unknown_paths="allow") as fake:
            who = fake.as_user().headers
            message = {"event": "message", "content": "x"}
            for base in (clients.API, fake.url):
                url = f"{base}/flows/example/main/messages"
                assert client.send("POST", url, who, json=message).status == 201
                assert client.send("GET", url, who).status == 200
                assert client.send("GET", f"{base}/nonsense", who).status == 404
                with fake.fail(connection="reset"):
                    try:
                        client.send("DELETE", f"{base}/sources", who)
                    except Exception:
                        print(name)
        client.close()
"""


def test_no_client_warns() -> None:
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(PROGRAM)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)
    told = [line for line in done.stderr.splitlines() if not line.startswith("Executing <")]  # asyncio, of slow steps
    assert told == []
    assert done.stdout.splitlines() == [name for name in clients.EVERY for _ in range(2)]
