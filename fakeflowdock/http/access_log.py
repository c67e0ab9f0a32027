"""The access log: a line for each request that was answered, refused or lost, without its secrets.

docs/guide/server.md has its fields.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..api.environ import EXCHANGE, REFUSED, REQUEST_ID, WORLD
from ..redaction import shown_target
from .console import printable, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIEnvironment

    from ..api.callers import Caller
    from ..api.journal import Exchange
    from ..api.responses import Answer
    from ..contract.errors import Refusal

FORMS = NONE, TEXT, JSON = ("none", "text", "json")
LONGEST = 2000  # characters of a target that are shown


class AccessLog:
    """Tells of requests.

    Args:
        form: `text` or `json`.
        write: takes each line.
    """

    def __init__(self, form: str, write: Callable[[str], None] = say) -> None:
        self._line = _json if form == JSON else _text
        self._write = write

    def __call__(self, environ: WSGIEnvironment, answer: Answer | None, loss: str | None = None) -> None:
        """Tell of a request.

        Args:
            environ: the request, with what is known of it below `REQUEST_ID`, `EXCHANGE`, `WORLD` and `REFUSED`.
            answer: what went back; None where nothing did.
            loss: how the connection broke where nothing did.
        """
        self._write(self._line(_fields(environ, answer, loss)))


def _fields(environ: WSGIEnvironment, answer: Answer | None, loss: str | None) -> dict[str, Any]:
    """What is told, in order. A field of which nothing is known is None."""
    exchange: Exchange | None = environ.get(EXCHANGE)
    now = datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
    return {
        "time": f"{now}Z",
        "id": environ.get(REQUEST_ID),
        "client": environ.get("REMOTE_ADDR") or None,
        "method": environ.get("REQUEST_METHOD") or None,
        "target": _target(environ["RAW_URI"]) if environ.get("RAW_URI") else None,
        "version": environ.get("SERVER_PROTOCOL") or None,
        "status": answer.status if answer is not None else None,
        "bytes": len(answer.body) if answer is not None else 0,
        "milliseconds": round(exchange.duration * 1000, 3) if exchange is not None else None,
        "operation": exchange.operation if exchange is not None else None,
        "world": environ.get(WORLD),
        "caller": _caller(exchange.caller) if exchange is not None else None,
        "refused": environ.get(REFUSED) or (_refusal(exchange.refusal) if exchange is not None else None),
        "fault": str(exchange.fault) if exchange is not None and exchange.fault is not None else None,
        "lost": loss,
    }


def _caller(caller: Caller | None) -> dict[str, int] | None:
    """The ids of who asked, by what they are; None where it was anyone."""
    if caller is None:
        return None
    known = {"source": caller.source, "application": caller.application, "user": caller.user}
    return {kind: each.id for kind, each in known.items() if each is not None} or None


def _refusal(refusal: Refusal | None) -> str | None:
    if refusal is None:
        return None
    errors: dict[str, list[str]] = getattr(refusal, "errors", {})
    fields = "; ".join(f"{field} {' and '.join(words)}" for field, words in errors.items())
    return f"{refusal.name}: {refusal.message}{f': {fields}' if fields else ''}"


def _json(fields: dict[str, Any]) -> str:
    return json.dumps({"event": "request", **fields})


def _text(fields: dict[str, Any]) -> str:
    took, told = fields["milliseconds"], fields["target"] or "-"
    request = quoted(f"{fields['method'] or '-'} {told} {fields['version'] or '-'}")
    parts = [fields["time"], fields["id"] or "-", fields["client"] or "-", request, str(fields["status"] or "-")]
    parts += [str(fields["bytes"]), "-" if took is None else f"{took:.1f}ms", fields["operation"] or "-"]
    parts += [f"world={fields['world']}"] if fields["world"] is not None else []
    parts += [f"{kind}={number}" for kind, number in (fields["caller"] or {}).items()]
    parts += [f"{name}={quoted(fields[name])}" for name in ("refused", "fault", "lost") if fields[name] is not None]
    return " ".join(parts)


def quoted(text: str) -> str:
    """A text between quotation marks, and nothing in it that ends the line, or that a terminal obeys."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{printable(text)}"'


def _target(target: str) -> str:
    told = shown_target(target)
    return told if len(told) <= LONGEST else f"{told[:LONGEST]}…"
