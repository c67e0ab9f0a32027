"""The environment of a child process: clients in every language call https://api.flowdock.com, and reach the fake."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakeflowdock.api.environ import FLOWDOCK
from fakeflowdock.server.child_environment import PRELOAD
from tests.support.runtimes import CLIENTS, Client, table

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock

pytestmark = pytest.mark.newest_only
GUIDE = Path(__file__).parents[2] / "docs/guide/server.md"


def environment(fake: FakeFlowdock) -> dict[str, str]:
    """That of a child process whose code knows nothing but Flowdock's own address."""
    environ = {**os.environ, **fake.environ}
    for name in ("FLOWDOCK_API_URL", "FLOWDOCK_STREAM_URL"):
        del environ[name]
    credentials = {"API_TOKEN": fake.user.api_token, "ACCESS_TOKEN": fake.access_token(scope="flow integration")}
    return environ | credentials


@pytest.mark.parametrize("client", CLIENTS, ids=str)
def test_clients_call_flowdocks_address_and_reach_the_fake(
    client: Client, fake_flowdock: FakeFlowdock, tmp_path: Path
) -> None:
    client.run(tmp_path, environment(fake_flowdock))
    assert [source.name for source in fake_flowdock.sources] == client.clients
    assert [message.content for message in fake_flowdock.messages.where(event="message")] == client.clients
    if client.clients:
        assert {each.status for each in fake_flowdock.requests} <= {200, 201, 202}
    assert set(client.asks) <= {each.path for each in fake_flowdock.requests}


def test_the_table_of_the_guide_lists_the_clients_that_were_tried() -> None:
    assert table() in GUIDE.read_text("utf-8"), "python -m tests.support.runtimes prints it"


HOSTS = (
    "api.flowdock.com",
    "stream.flowdock.com",
    "www.flowdock.com",
    "API.flowdock.com.",
    "xapi.flowdock.com",
    "api.x",
)
PRELOADED = {
    "ruby": "puts ARGV.map { |host| FakeflowdockPreload.led(host, 443)[0] != host }",
    "php": "foreach (array_slice($argv, 1) as $host)"
    " echo preg_match(FakeflowdockStream::HOSTS, \"https://$host/x\") ? 'true' : 'false', \"\\n\";",
}


@pytest.mark.parametrize("program", PRELOADED)
def test_what_runs_first_leads_the_hosts_that_are_answered_in_process(
    program: str, fake_flowdock: FakeFlowdock
) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not there")
    command = [program, "-e" if program == "ruby" else "-r", PRELOADED[program], *HOSTS]
    environ = environment(fake_flowdock)
    if program == "php":  # runs no file before code of its command line
        command[2] = f"require '{PRELOAD.with_name('preload.php')}'; {command[2]}"
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=60)
    led = [str(FLOWDOCK.fullmatch(f"https://{host}") is not None).lower() for host in HOSTS]
    assert (done.stdout.split(), done.stderr) == (led, "")
