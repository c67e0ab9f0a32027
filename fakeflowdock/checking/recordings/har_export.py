"""Export exchanges as HAR 1.2, for viewers and `check`."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from ... import atomic_file
from ...api.responses import line_of
from ...redaction import TOKEN, Redaction
from ...version import __version__
from ...world.clock import timestamp
from ...world.store import START

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from ...api.callers import Caller
    from ...api.exchange import Exchange
    from ...api.messages import Request, Response

MESSAGE: dict[str, Any] = {"httpVersion": "HTTP/1.1", "cookies": [], "headersSize": -1}
CREATOR = {"name": "fakeflowdock", "version": __version__}
TOKENS = re.compile(rf"(?:{TOKEN.pattern},?)+(?:\.json)?")


class StandIns:
    """A stand-in for each secret, always the same one, so that callers can be told apart."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}

    def of(self, secret: str) -> str:
        """Return the stand-in of a secret. One or more tokens get stand-ins with the form of a token."""
        if not TOKENS.fullmatch(secret):
            return self._known(secret, "secret-{}") if secret else ""
        return TOKEN.sub(lambda found: self._known(found[0], "{:032x}"), secret)

    def _known(self, secret: str, form: str) -> str:
        if secret not in self._of:
            stand_in = form.format(len(self._of) // 2 + 1)
            self._of |= {secret: stand_in, stand_in: stand_in}  # replacing it again changes nothing
        return self._of[secret]


def _redaction(known: Iterable[str], *, with_secrets: bool) -> Redaction:
    return Redaction(str) if with_secrets else Redaction(StandIns().of, known)


def export(
    exchanges: Iterable[Exchange],
    file: str | os.PathLike[str],
    *,
    with_secrets: bool = False,
    known: Iterable[str] = (),
) -> None:
    """Write exchanges to a file, atomically.

    Args:
        exchanges: the exchanges.
        file: its path.
        with_secrets: whether to keep secrets. Default: false.
        known: secrets of the world, which are replaced everywhere.

    Raises:
        OSError: the file cannot be written. An existing file is unchanged.
    """
    redaction = _redaction(known, with_secrets=with_secrets)
    with atomic_file.written(file, private=with_secrets) as draft:
        draft.write(f'{{"log": {{"version": "1.2", "creator": {json.dumps(CREATOR)}, "entries": [')
        for position, exchange in enumerate(exchanges):
            draft.write(f"{',' if position else ''}\n{json.dumps(entry(exchange, redaction))}")
        draft.write("\n]}}\n")


def log(exchanges: Iterable[Exchange], *, with_secrets: bool = False, known: Iterable[str] = ()) -> dict[str, Any]:
    """Return exchanges as HAR, as written by `export`."""
    redaction = _redaction(known, with_secrets=with_secrets)
    return {"log": {"version": "1.2", "creator": CREATOR, "entries": [entry(each, redaction) for each in exchanges]}}


def entry(exchange: Exchange, redaction: Redaction) -> dict[str, Any]:
    """Return an exchange as a HAR entry.

    Entries are a second apart, from the start of the world: the same test writes the same file.
    """
    sent, response = exchange.request, exchange.response
    url = redaction.target(sent.url)
    request = {
        **MESSAGE,
        "method": sent.method,
        "url": url,
        "headers": _headers(sent.headers.pairs, redaction),
        "queryString": [
            {"name": name, "value": value} for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True)
        ],
        "bodySize": _size(sent),
    }
    if request["bodySize"]:
        kind = sent.headers.get("content-type", "")
        request["postData"] = {"mimeType": kind, **_content(sent, kind, redaction)}
    kind = response.headers.get("content-type", "")
    as_har = {
        **MESSAGE,
        "status": response.status,
        "statusText": line_of(response.status).partition(" ")[2] if response.status else "",
        "headers": _headers(response.headers.pairs, redaction),
        "content": {
            "size": _size(response),
            "mimeType": kind,
            **(_of_stream(exchange) or _content(response, kind, redaction)),
        },
        "redirectURL": redaction.header("location", response.headers.get("location", "")),
        "bodySize": _size(response),
    }
    wait, receive = round(exchange.waited * 1000), round((exchange.duration - exchange.waited) * 1000)
    return {
        "startedDateTime": timestamp(START + timedelta(seconds=exchange.number)),
        "time": wait + receive,
        "request": request,
        "response": as_har,
        "cache": {},
        "timings": {"send": 0, "wait": wait, "receive": receive},
        "_fakeflowdock": _own(exchange),
    }


def _headers(pairs: Iterable[tuple[str, str]], redaction: Redaction) -> list[dict[str, str]]:
    return [{"name": name, "value": redaction.header(name, value)} for name, value in pairs]


def _size(message: Request | Response) -> int:
    return len(message.body) if message.shortened is None else message.shortened.length


def _content(message: Request | Response, media_type: str, redaction: Redaction) -> dict[str, str]:
    """Return the body. A shortened one is left out: it could end within a secret, and be taken for a whole one."""
    if message.shortened is not None:
        return {"comment": f"not exported: {message.shortened}"}
    body = redaction.body(message.body, media_type)
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"text": b64encode(body).decode(), "encoding": "base64"}


def _of_stream(exchange: Exchange) -> dict[str, str]:
    """Return a comment about the events of a stream, which are not kept."""
    if exchange.events is None:
        return {}
    return {"comment": f"a stream of {exchange.events} event{'' if exchange.events == 1 else 's'}, which are not kept"}


def _own(exchange: Exchange) -> dict[str, Any]:
    """Return what has no place in HAR."""
    return {
        **({} if exchange.request.shortened is None else {"shortened": True}),
        "number": exchange.number,
        **({} if exchange.events is None else {"events": exchange.events}),
        "operation": exchange.operation,
        "caller": None if exchange.caller is None else _caller(exchange.caller),
        "took_place": exchange.original_response is not None,
        "warnings": [  # the actual value is in the request, with stand-ins
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
