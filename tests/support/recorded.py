"""Recordings that tests write: HAR files and cassettes, and their parts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

API = "https://api.flowdock.com"
TOKEN = "0123456789abcdef0123456789abcdef"
SOURCE = {
    "id": 3,
    "name": "Builds",
    "url": f"{API}/flows/example/main/sources/3",
    "created_at": "2015-01-01T00:00:00.000Z",
    "updated_at": "2015-01-01T00:00:00.000Z",
    "_links": {},
    "application": {"id": 1, "name": "CI", "icon_url": f"{API}/i.png", "url": f"{API}/oauth/applications/1"},
    "creator": {
        "id": 1,
        "nick": "ada",
        "name": "Ada",
        "email": "ada@example.com",
        "avatar": f"{API}/a",
        "website": None,
    },
}
SHOWN = {"Content-Type": "application/json; charset=utf-8", "Status": "200 OK", "Flowdock-User": "1"}
BASIC = {"Authorization": "Basic eDo="}


def entry(
    method: str = "GET",
    path: str = "/flows/example/main/sources/3",
    status: int = 200,
    reply: Any = SOURCE,
    *,
    headers: dict[str, str] = BASIC,
    posted: dict[str, Any] | None = None,
    answered: dict[str, str] = SHOWN,
    base: str = API,
    **content: Any,
) -> dict[str, Any]:
    """An entry of a HAR file."""
    request: dict[str, Any] = {"method": method, "url": base + path, "headers": pairs(headers)}
    if posted is not None:
        request["postData"] = posted
    text = {} if reply is None else {"text": reply if isinstance(reply, str) else json.dumps(reply)}
    answer = {"status": status, "headers": pairs(answered), "content": {**text, **content}}
    return {"request": request, "response": answer}


def pairs(headers: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.items()]


def interaction(uri: str = f"{API}/flows/example/main/sources/3", **answered: Any) -> dict[str, Any]:
    """An interaction of a cassette, as vcrpy writes it."""
    headers = {name: [value] for name, value in SHOWN.items()}
    reply = {"status": {"code": 200, "message": "OK"}, "headers": headers, "body": {"string": json.dumps(SOURCE)}}
    request = {"method": "GET", "uri": uri, "body": None, "headers": {"Authorization": ["Basic eDo="]}}
    return {"request": request, "response": {**reply, **answered}}


def har(folder: Path, *entries: Any, name: str = "traffic.har", **dumped: Any) -> str:
    (folder / name).write_text(json.dumps({"log": {"version": "1.2", "pages": [], "entries": entries}}, **dumped))
    return name


def cassette(folder: Path, *interactions: Any, name: str = "tape.yaml") -> str:
    text = {"interactions": list(interactions), "version": 1}
    (folder / name).write_text(json.dumps(text) if name.endswith("json") else yaml.safe_dump(text))
    return name
