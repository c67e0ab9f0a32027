"""The access log: a line for each request that was answered, refused or lost, without its secrets.

Successful probes of health and metrics are left out: there are many, and they say nothing.

The fields are described in docs/guide/servers.md.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..api.environ import EXCHANGE, REFUSED, REQUEST_ID, WORLD
from ..api.internal_routes import HEALTH, METRICS
from ..redaction import shown_target
from .console import printable, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIEnvironment

    from ..api.callers import Caller
    from ..api.exchange import Exchange
    from ..api.responses import Answer
    from ..api.streams.stream import Stream
    from ..contract.errors import Refusal

FORMS = NONE, TEXT, JSON = ("none", "text", "json")
OF_A_STREAM = ("time", "id", "client", "method", "target", "version", "operation", "world", "caller")
LONGEST = 2000  # characters of a text that are shown


class AccessLog:
    """Write a line for each request.

    Args:
        form: `text` or `json`.
        write: called with each line.
    """

    def __init__(self, form: str, write: Callable[[str], None] = say) -> None:
        self._as_json = form == JSON
        self._write = write

    def __call__(self, environ: WSGIEnvironment, answer: Answer | None, loss: str | None = None) -> None:
        """Log a request.

        Args:
            environ: the request, with `REQUEST_ID`, `EXCHANGE`, `WORLD` and `REFUSED` as far as they are known.
            answer: the response, if any.
            loss: how the connection broke, if there was no response.
        """
        if answer is not None and answer.status == 200 and environ["PATH_INFO"].startswith((HEALTH, METRICS)):
            return
        fields = _fields(environ, answer, loss)
        self._write(json.dumps({"event": "request", **fields}) if self._as_json else _text(fields))

    def ended(self, environ: WSGIEnvironment, stream: Stream) -> None:
        """Log the end of a stream, whose request was logged when it was opened."""
        fields = _fields(environ, None, None)
        kept = {name: fields[name] for name in OF_A_STREAM}
        kept |= {"events": stream.events, "seconds": round(stream.seconds, 3), "ended": stream.ended}
        if self._as_json:
            self._write(json.dumps({"event": "stream", **kept}))
        else:
            seconds = f"{kept['seconds']:.1f}s"
            about = [f"events={stream.events}", f"ended={stream.ended}"]
            self._write(" ".join([*_beginning(fields), "stream", seconds, *_who(fields), *about]))


def _fields(environ: WSGIEnvironment, answer: Answer | None, loss: str | None) -> dict[str, Any]:
    """Return the fields of a line in order. An unknown one is None."""
    exchange: Exchange | None = environ.get(EXCHANGE)
    now = datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
    return {
        "time": f"{now}Z",
        "id": environ.get(REQUEST_ID),
        "client": environ.get("REMOTE_ADDR") or None,
        "method": environ.get("REQUEST_METHOD") or None,
        "target": _target(environ.get("SCRIPT_NAME", "") + environ["RAW_URI"]) if environ.get("RAW_URI") else None,
        "version": environ.get("SERVER_PROTOCOL") or None,
        "status": answer.status if answer is not None else None,
        "bytes": len(answer.body) if answer is not None else 0,
        "milliseconds": exchange and round(exchange.duration * 1000, 3),
        "operation": exchange and exchange.operation,
        "world": environ.get(WORLD),
        "caller": exchange and _caller(exchange.caller),
        "refused": environ.get(REFUSED) or (exchange and _refusal(exchange.refusal)),
        "fault": str(exchange.fault) if exchange and exchange.fault is not None else None,
        "lost": loss,
    }


def _caller(caller: Caller | None) -> dict[str, int] | None:
    """Return the ids of the caller by kind; None for an anonymous one."""
    if caller is None:
        return None
    known = {"source": caller.source, "application": caller.application, "user": caller.user}
    return {kind: each.id for kind, each in known.items() if each is not None} or None


def _refusal(refusal: Refusal | None) -> str | None:
    if refusal is None:
        return None
    errors: dict[str, list[str]] = getattr(refusal, "errors", {})
    fields = "; ".join(f"{field} {' and '.join(texts)}" for field, texts in errors.items())
    return _cut(f"{refusal.name}: {refusal.message}{f': {fields}' if fields else ''}")


def _text(fields: dict[str, Any]) -> str:
    took = fields["milliseconds"]
    parts = [*_beginning(fields), str(fields["status"] or "-"), str(fields["bytes"])]
    parts += ["-" if took is None else f"{took:.1f}ms", *_who(fields)]
    parts += [f"{name}={_quoted(fields[name])}" for name in ("refused", "fault", "lost") if fields[name] is not None]
    return " ".join(parts)


def _beginning(fields: dict[str, Any]) -> list[str]:
    request = _quoted(" ".join(fields[name] or "-" for name in ("method", "target", "version")))
    return [fields["time"], fields["id"] or "-", fields["client"] or "-", request]


def _who(fields: dict[str, Any]) -> list[str]:
    parts = [fields["operation"] or "-"]
    parts += [f"world={fields['world']}"] if fields["world"] is not None else []
    return parts + [f"{kind}={number}" for kind, number in (fields["caller"] or {}).items()]


def _quoted(text: str) -> str:
    """Return a text in double quotes, without line ends and control characters."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{printable(text)}"'


def _target(target: str) -> str:
    return _cut(shown_target(target))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
