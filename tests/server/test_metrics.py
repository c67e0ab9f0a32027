"""The metrics of a server, read by the parser of Prometheus' own library."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.support.administering import create_source, flowdock, user_of
from tests.support.streams import listening

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock
    from tests.support.administering import Operator, World

GUIDE = Path(__file__).parent.parent.parent / "docs/guide/server.md"

pytestmark = pytest.mark.newest_only


class Metrics:
    """The metrics of a server, at one moment."""

    def __init__(self, operator: Operator) -> None:
        reply = operator("GET", "metrics")
        assert (reply.status_code, reply.headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        self.families = {family.name: family for family in text_string_to_metric_families(reply.text)}
        self._samples = [sample for family in self.families.values() for sample in family.samples]

    def __call__(self, name: str, **labels: str) -> float | None:
        """The value of a sample; None if there is none."""
        found = [each.value for each in self._samples if each.name == name and each.labels == labels]
        assert len(found) <= 1
        return found[0] if found else None

    def requests(self, operation: str, status: str, api: str = "flowdock") -> float | None:
        return self("fakeflowdock_requests_total", api=api, operation=operation, status=status)


def test_requests_are_counted_by_operation_and_status(operator: Operator, world: World) -> None:
    for _ in range(3):
        create_source(world)
    flowdock(world, "GET", "/user")
    flowdock(world, "GET", "/user", **user_of(world))
    metrics = Metrics(operator)
    assert metrics.requests("create-source", "201") == 3
    assert (metrics.requests("get-own-user", "401"), metrics.requests("get-own-user", "200")) == (1, 1)
    assert metrics.requests("make-world", "201", "admin") == 1
    assert metrics.requests("get-metrics", "200", "admin") is None
    assert Metrics(operator).requests("get-metrics", "200", "admin") == 1


@pytest.mark.flowdock(unknown_paths="allow")
def test_requests_for_no_operation_are_counted_too(fake_flowdock: FakeFlowdock, operator: Operator) -> None:
    requests.get(f"{fake_flowdock.url}/unknown", timeout=30)
    operator("GET", "unknown")
    parts = urlsplit(fake_flowdock.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as connection:
        connection.sendall(b"Hello\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
    metrics = Metrics(operator)
    assert metrics.requests("none", "404") == 1
    assert metrics.requests("none", "404", "admin") == 1
    assert metrics.requests("none", "400") == 1


def test_a_fault_is_counted_and_a_lost_response_has_no_status(fake_flowdock: FakeFlowdock, operator: Operator) -> None:
    auth = (fake_flowdock.user.api_token, "")
    fake_flowdock.fail("get own user", times=1, connection="reset")
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{fake_flowdock.url}/user", auth=auth, timeout=30)
    fake_flowdock.fail("get own user", times=2, status=503)
    for _ in range(3):
        requests.get(f"{fake_flowdock.url}/user", auth=auth, timeout=30)
    metrics = Metrics(operator)
    assert metrics("fakeflowdock_faults_applied_total", operation="get-own-user") == 3
    assert [metrics.requests("get-own-user", status) for status in ("none", "503", "200")] == [1, 2, 1]


def test_the_histogram_counts_each_request_once(operator: Operator, world: World) -> None:
    for _ in range(5):
        flowdock(world, "GET", "/user", **user_of(world))
    metrics, name = Metrics(operator), "fakeflowdock_request_duration_seconds"
    family = metrics.families[name]
    assert family.type == "histogram"
    which = {"api": "flowdock", "operation": "get-own-user"}
    buckets = [
        (float(sample.labels["le"]), sample.value)
        for sample in family.samples
        if sample.name == f"{name}_bucket" and which.items() <= sample.labels.items()
    ]
    assert buckets == sorted(buckets)
    assert [count for _, count in buckets] == sorted(count for _, count in buckets)
    assert buckets[-1] == (float("inf"), 5)
    assert metrics(f"{name}_count", **which) == 5
    assert (metrics(f"{name}_sum", **which) or 0) > 0


def test_worlds_streams_and_journals_are_measured(fake_flowdock: FakeFlowdock, operator: Operator) -> None:
    before = Metrics(operator)
    world = operator.make("one")
    flowdock(world, "GET", "/user", **user_of(world))
    with listening(fake_flowdock, filter="example/main"):
        after = Metrics(operator)
    assert (before("fakeflowdock_worlds"), after("fakeflowdock_worlds")) == (1, 2)
    assert after("fakeflowdock_worlds_limit") == 257
    assert (before("fakeflowdock_streams"), after("fakeflowdock_streams")) == (0, 1)
    assert (before("fakeflowdock_journal_bytes") or 0) < (after("fakeflowdock_journal_bytes") or 0)
    assert after("fakeflowdock_journal_limit_bytes") == 64 * 1024 * 1024
    assert after("fakeflowdock_info", version=operator.get("health")["version"]) == 1


def test_the_guide_lists_every_metric(operator: Operator) -> None:
    named = set(re.findall(r"`([a-z_]+)`", GUIDE.read_text("utf-8").partition("## Metrics")[2].partition("\n## ")[0]))
    families = Metrics(operator).families.values()
    assert {f"{each.name}_total" if each.type == "counter" else each.name for each in families} <= named
