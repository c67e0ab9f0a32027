"""A client that does not read its stream."""

from __future__ import annotations

import logging
import socket
import time
from typing import TYPE_CHECKING

from fakeflowdock.api.authentication import basic_header

if TYPE_CHECKING:
    import pytest

    from fakeflowdock import FakeFlowdock


def test_a_client_for_which_more_than_a_mebibyte_waits_is_disconnected(
    fake_flowdock: FakeFlowdock, caplog: pytest.LogCaptureFixture
) -> None:
    fake, said = fake_flowdock, "x" * 8_000
    host, _, port = fake.url.removeprefix("http://").partition(":")
    with caplog.at_level(logging.ERROR, "asyncio"), socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.settimeout(30)
        client.connect((host, int(port)))
        lines = ["GET /_fakeflowdock/stream/flows/example/main HTTP/1.1", f"Host: {host}:{port}"]
        lines += [f"Authorization: {basic_header(fake.user.api_token + ':')}", "", ""]
        client.sendall("\r\n".join(lines).encode())
        received = client.recv(1)
        until = time.monotonic() + 60
        while (streams := fake._runs.current.app.streams.open) and time.monotonic() < until:
            fake.add_message(said)
        assert not streams
        try:
            while piece := client.recv(1 << 20):
                received += piece
        except ConnectionError:
            pass
    assert received.startswith(b"HTTP/1.1 200 ")  # how much of the rest has arrived is the system's affair
    assert not received.endswith(b"0\r\n\r\n")
    assert caplog.records == []
