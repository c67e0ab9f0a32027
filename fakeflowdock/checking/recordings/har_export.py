"""The exchanges of a fake, written as HAR 1.2: what every viewer shows, and `check` reads."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from ... import atomic_file
from ...api.responses import line_of
from ...version import __version__
from ...world.clock import timestamp
from ...world.store import START
from . import secret_fields

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from ...api.callers import Caller
    from ...api.journal import Exchange

TOKEN = re.compile("[0-9a-fA-F]{32}")
STAND_IN = "secret-{}"
CREATOR = {"name": "fakeflowdock", "version": __version__}


class StandIns:
    """What stands for each secret: the same for the same one, so that callers are told apart, and nothing of it."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, secret: str) -> str:
        """The stand-in of a secret, with the form of a token where it has that."""
        if not secret or secret in self._known.values():
            return secret
        if secret not in self._known:
            number = len(self._known) + 1
            self._known[secret] = f"{number:032x}" if TOKEN.fullmatch(secret) else STAND_IN.format(number)
        return self._known[secret]

    def in_text(self, text: str) -> str:
        """A text with stand-ins: for what has the name of a secret, and for whatever has the form of a token."""
        return TOKEN.sub(lambda found: self.of(found[0]), secret_fields.swapped(text, self.of))

    def in_header(self, name: str, value: str) -> str:
        """The value of a header with stand-ins."""
        if name.lower() == "authorization":
            return secret_fields.authorization(value, self.of)
        if name.lower() == "cookie":
            pairs = (pair.partition("=") for pair in value.split(";"))
            return ";".join(f"{one}{mark}{self.of(two)}" if mark else self.of(one) for one, mark, two in pairs)
        return self.in_text(value)


class Whole(StandIns):
    """Nothing stands for a secret but itself."""

    def in_text(self, text: str) -> str:
        """The text."""
        return text

    def in_header(self, name: str, value: str) -> str:  # noqa: ARG002  # as above
        """The value."""
        return value


def export(exchanges: Iterable[Exchange], file: str | os.PathLike[str], *, with_secrets: bool = False) -> None:
    """Write exchanges to a file. It is whole or not there.

    Raises:
        OSError: it cannot be written; what was there before stays.
    """
    stand_ins = Whole() if with_secrets else StandIns()
    with atomic_file.written(file, private=with_secrets) as draft:
        draft.write(f'{{"log": {{"version": "1.2", "creator": {json.dumps(CREATOR)}, "entries": [')
        for position, exchange in enumerate(exchanges):
            draft.write(f"{',' if position else ''}\n{json.dumps(entry(exchange, stand_ins))}")
        draft.write("\n]}}\n")


def log(exchanges: Iterable[Exchange], *, with_secrets: bool = False) -> dict[str, Any]:
    """Exchanges as `export` writes them."""
    stand_ins = Whole() if with_secrets else StandIns()
    return {"log": {"version": "1.2", "creator": CREATOR, "entries": [entry(each, stand_ins) for each in exchanges]}}


def entry(exchange: Exchange, stand_ins: StandIns) -> dict[str, Any]:
    """One exchange as HAR has it.

    The journal keeps no time of day, so entries are a second apart from where a world begins: the same test writes
    the same file.
    """
    sent, response = exchange.request, exchange.response
    url = stand_ins.in_text(sent.url)
    request = {
        "method": sent.method,
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(sent.headers.pairs, stand_ins),
        "queryString": [
            {"name": name, "value": value} for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True)
        ],
        "headersSize": -1,
        "bodySize": len(sent.body),
    }
    if sent.body:
        kind = sent.headers.get("content-type", "")
        request["postData"] = {"mimeType": kind, **_content(sent.body, stand_ins)}
    kind = response.headers.get("content-type", "")
    location = response.headers.get("location", "")
    as_har = {
        "status": response.status,
        "statusText": line_of(response.status).partition(" ")[2] if response.status else "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(response.headers.pairs, stand_ins),
        "content": {"size": len(response.body), "mimeType": kind, **_content(response.body, stand_ins)},
        "redirectURL": stand_ins.in_text(location),
        "headersSize": -1,
        "bodySize": len(response.body),
    }
    milliseconds = round(exchange.duration * 1000)
    return {
        "startedDateTime": timestamp(START + timedelta(seconds=exchange.number)),
        "time": milliseconds,
        "request": request,
        "response": as_har,
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
        "_fakeflowdock": _own(exchange),
    }


def _headers(pairs: Iterable[tuple[str, str]], stand_ins: StandIns) -> list[dict[str, str]]:
    return [{"name": name, "value": stand_ins.in_header(name, value)} for name, value in pairs]


def _content(body: bytes, stand_ins: StandIns) -> dict[str, str]:
    try:
        return {"text": stand_ins.in_text(body.decode())}
    except UnicodeDecodeError:
        text = body.decode("latin-1")  # a byte each, so that tokens are found in it, and all else stays
        swapped = stand_ins.in_text(text).encode("latin-1", "replace")
        return {"text": b64encode(swapped).decode(), "encoding": "base64"}


def _own(exchange: Exchange) -> dict[str, Any]:
    """What HAR has no place for."""
    return {
        "number": exchange.number,
        "operation": exchange.operation,
        "caller": None if exchange.caller is None else _caller(exchange.caller),
        "took_place": exchange.original_response is not None,
        "warnings": [  # what came is in the request, with stand-ins
            {name: value for name, value in finding.as_json().items() if name != "actual"}
            for finding in exchange.warnings
        ],
    }


def _caller(caller: Caller) -> dict[str, Any]:
    return {
        "kind": caller.kind,
        "user_id": None if caller.user is None else caller.user.id,
        "application_id": None if caller.application is None else caller.application.id,
        "scopes": " ".join(sorted(caller.scopes)) if caller.application is not None else None,
        "source_id": None if caller.source is None else caller.source.id,
    }
