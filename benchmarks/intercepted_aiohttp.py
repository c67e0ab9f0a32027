"""Calls of `aiohttp` that the fake answers, against the same calls answered by stubs of `aioresponses`.

`intercepted` runs this as a program, in an environment whose `aiohttp` and `aioresponses` fit each other.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from time import process_time

import requests

from .comparing import Comparison, compare
from .sources import CALLS, PAIRS, URL, a_fake_with_two_sources

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("FAKEFLOWDOCK_PEERS", "build/peers"))
NAMES = ("aiohttp", "aioresponses")


def compared() -> tuple[str, Comparison | None]:
    """Measure in the first environment in which both fit each other: this one, or that in the folder of peers.

    Returns:
        The versions, or why none fits; and the comparison, or None.
    """
    reasons = []
    for python in (sys.executable, str((FOLDER / "aiohttp/bin/python").absolute())):
        if Path(python).exists():
            command = [python, "-m", "benchmarks.intercepted_aiohttp"]
            ended = subprocess.run(command, cwd=ROOT, env={}, capture_output=True, text=True, check=False)  # noqa: S603  # ours
            if ended.returncode == 0:
                found = json.loads(ended.stdout)
                return found["versions"], Comparison([(ours, peer) for ours, peer in found["pairs"]])
            reasons.append(ended.stderr.strip().rpartition("\n")[2])
    return f"left out: {'; '.join(reasons)}", None


def measured() -> list[tuple[float, float]]:
    """The seconds of a call to the fake and to a stub, in pairs."""
    import aiohttp
    import aioresponses

    fake = a_fake_with_two_sources()
    credentials = (fake.user.api_token, "")
    with fake:
        reply = requests.get(URL, auth=credentials, timeout=9)

    async def calls() -> float:
        async with aiohttp.ClientSession(auth=aiohttp.BasicAuth(*credentials)) as session:
            begun = process_time()
            for _ in range(CALLS):
                async with session.get(URL) as response:
                    await response.read()
            return (process_time() - begun) / CALLS

    def faked() -> float:
        with fake:
            return asyncio.run(calls())

    def stubbed() -> float:
        with aioresponses.aioresponses() as mock:
            mock.get(URL, body=reply.content, headers=dict(reply.headers), repeat=True)
            return asyncio.run(calls())

    return compare(faked, stubbed, PAIRS).pairs


if __name__ == "__main__":
    names = " by ".join(f"{name} {version(name)}" for name in NAMES)
    print(json.dumps({"versions": names, "pairs": measured()}))
