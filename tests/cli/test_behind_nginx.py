"""The nginx configuration of the docs, run by nginx."""

from __future__ import annotations

import json
import re
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.processes import CLEAN, Process, ready, running, until
from tests.support.sockets import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

NGINX = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else None)
pytestmark = [
    pytest.mark.newest_only,
    pytest.mark.skipif(NGINX is None, reason="there is no nginx, which the guide configures"),
]

LOCATION = Path(__file__).parent.parent.parent / "docs/deploy/nginx.conf"
CONFIGURATION = """
daemon off;
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        {location}
    }}
}}
"""


@pytest.fixture
def public(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The ready line of a server behind nginx."""
    port = free_port()
    url = f"http://localhost:{port}/flowdock"
    with running("--port", "0", "--json", "--public-url", url) as (_, said):
        line = ready(said)
        location = LOCATION.read_text("utf-8").replace(":8080/", f":{urlsplit(line['url']).port}/")
        file = tmp_path / "nginx.conf"
        file.write_text(CONFIGURATION.format(folder=tmp_path, port=port, location=location), "utf-8")
        with Process([str(NGINX), "-p", str(tmp_path), "-c", str(file), "-e", "stderr"], env=CLEAN) as nginx:

            def answers() -> bool:
                with socket.socket() as client:
                    return client.connect_ex(("127.0.0.1", port)) == 0 or nginx.poll() is not None

            until(answers)
            yield line
            nginx.terminate()


def test_clients_use_the_public_address_alone(public: dict[str, str]) -> None:
    url, auth = public["public_url"], (public["api_token"], "")
    source = requests.get(f"{url}/sources", auth=auth, timeout=30).json()[0]
    assert requests.get(source["url"], auth=auth, timeout=30).json() == source
    file = {"event": "file", "content": {"data": "aGk=", "content_type": "text/plain", "file_name": "a b.txt"}}
    posted = requests.post(f"{url}/flows/example/main/messages", auth=auth, json=file, timeout=30).json()
    assert requests.get(url + posted["content"]["path"], auth=auth, timeout=30).content == b"hi"
    with requests.get(
        f"{url}/_fakeflowdock/stream/flows?filter=example/main", auth=auth, stream=True, timeout=30
    ) as stream:
        said = {"event": "message", "content": "Hello"}
        requests.post(f"{url}/flows/example/main/messages", auth=auth, json=said, timeout=30)
        assert json.loads(next(stream.iter_lines()))["content"] == "Hello"
    world = requests.post(f"{url}/_fakeflowdock/worlds", json={}, timeout=30).json()
    assert world["url"] == url
    page = requests.get(f"{url}/oauth/authorize?client_id={public['client_id']}&response_type=code", timeout=30)
    assert re.search('action="([^"]+)"', page.text)[1] == "/flowdock/oauth/authorize"  # type: ignore[index]
