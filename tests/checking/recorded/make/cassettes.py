"""Record with a library: `python cassettes.py KIND FOLDER API FLOW_TOKEN API_TOKEN`. It needs that library alone."""

from __future__ import annotations

import gzip
import io
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

KIND, FOLDER, API, TOKEN, API_TOKEN = sys.argv[1:]
LIBRARY, _, FORM = KIND.partition(".")
MESSAGE = {"flow_token": TOKEN, "event": "message", "content": "Build 42 is grün", "external_user_name": "CI"}
JSON = {"Content-Type": "application/json"}


def calls(session: Any, files: dict[str, Any]) -> None:
    """What a script does with the API, by `requests` or `httpx`."""
    user = (API_TOKEN, "")
    session.get(f"{API}/flows", auth=user)
    session.get(f"{API}/flows/example/main/messages?lmit=1&limit=1", auth=user)
    session.post(f"{API}/messages", json=MESSAGE)
    session.post(f"{API}/messages", data=MESSAGE)
    session.post(f"{API}/messages", json={**MESSAGE, "content": ""})
    if FORM == "json":  # which holds no bytes
        return
    sent = session.post(f"{API}/flows/example/main/messages", data={"event": "file"}, files=files, auth=user)
    session.delete(f"{API}/flows/example/main/messages/{sent.json()['id']}", auth=user)


def dust() -> dict[str, Any]:
    return {"content": ("dust.bin", io.BytesIO(bytes([0, 200, 10, 13, 255])), "application/octet-stream")}


def with_requests(proxy: str = "") -> None:
    import requests

    with requests.Session() as session:
        session.proxies = {"http": proxy} if proxy else {}
        calls(session, dust())
        if FORM == "json":
            return
        session.post(f"{API}/messages", data=io.BytesIO(json.dumps(MESSAGE).encode()), headers=JSON, timeout=30)
        packed = gzip.compress(json.dumps(MESSAGE).encode(), mtime=0)
        session.post(f"{API}/messages", data=packed, headers={**JSON, "Content-Encoding": "gzip"}, timeout=30)


def with_httpx() -> None:
    import httpx

    with httpx.Client() as client:
        calls(client, dust())


def with_aiohttp() -> None:
    import asyncio

    import aiohttp

    async def act() -> None:
        user = aiohttp.BasicAuth(API_TOKEN)
        messages = f"{API}/flows/example/main/messages"
        async with aiohttp.ClientSession() as session:
            await (await session.get(f"{API}/flows", auth=user)).read()
            await (await session.get(messages, params={"lmit": "1", "limit": "1"}, auth=user)).read()
            await (await session.post(f"{API}/messages", json=MESSAGE)).read()
            await (await session.post(f"{API}/messages", data=MESSAGE)).read()
            await (await session.post(f"{API}/messages", json={**MESSAGE, "content": ""})).read()
            form = aiohttp.FormData({"event": "file"})
            form.add_field("content", b"\0\xc8\n\r\xff", filename="dust.bin")
            if FORM != "json":
                await (await session.post(messages, data=form, auth=user)).read()

    asyncio.run(act())


def main() -> None:
    folder = Path(FOLDER)
    if KIND.startswith("betamax"):
        import requests

        betamax = import_module("betamax")

        session = requests.Session()
        recorder = betamax.Betamax(session, cassette_library_dir=FOLDER)
        options = {"preserve_exact_body_bytes": True} if KIND == "betamax-bytes" else {}
        with recorder.use_cassette(KIND, record="all", **options):
            calls(session, dust())
        return
    if KIND == "mitmproxy":
        with_requests("http://127.0.0.1:8125")
        return
    import vcr

    act = {"requests": with_requests, "httpx": with_httpx, "aiohttp": with_aiohttp}[LIBRARY.split("-")[0]]
    recorder = vcr.VCR(serializer=FORM, filter_headers=["authorization"] if FORM == "json" else [])
    with recorder.use_cassette(str(folder / f"vcrpy-{KIND}"), record_mode="all"):
        act()


if __name__ == "__main__":
    main()
