"""No test waits without a limit, and each has the patience of a busy machine."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytestmark = pytest.mark.newest_only

TESTS = Path(__file__).parent.parent
FILES = sorted(TESTS.rglob("*.py"))
WAITING = {"acquire", "get", "join", "result", "wait"}  # without an argument they wait for ever


def unlimited(file: Path) -> list[str]:
    """The calls in a file that may wait for ever."""
    found = []
    for call in ast.walk(ast.parse(file.read_text("utf-8"))):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        name, owner = call.func.attr, ast.unparse(call.func.value)
        waits = name in WAITING and not call.args and not call.keywords
        starts = owner == "subprocess" and all(keyword.arg != "timeout" for keyword in call.keywords)
        talks = name == "communicate" and all(keyword.arg != "timeout" for keyword in call.keywords)
        connects = name == "create_connection" and len(call.args) < 2 and not call.keywords
        if waits or starts or talks or connects:
            found.append(f"line {call.lineno}: {owner}.{name}")
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(TESTS)))
def test_each_wait_has_a_limit(file: Path) -> None:
    assert unlimited(file) == []


def test_a_wait_without_a_limit_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "waiting.py"
    file.write_text(
        "thread.join()\nsubprocess.run(['x'])\nsubprocess.Popen('x')\nprocess.communicate('x')\n'-'.join(x)\n"
    )
    assert unlimited(file) == [
        "line 1: thread.join",
        "line 2: subprocess.run",
        "line 3: subprocess.Popen",
        "line 4: process.communicate",
    ]


def test_an_example_that_takes_long_is_no_failure() -> None:
    assert settings.default is not None
    assert settings.default.deadline is None
    assert HealthCheck.too_slow in settings.default.suppress_health_check
