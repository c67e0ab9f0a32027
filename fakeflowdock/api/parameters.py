"""The parameters of a request, from its body and its query. docs/api/general-information.md#parameters."""

from __future__ import annotations

import codecs
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from ..contract.errors import MAX_BODY, TooLarge, Unreadable
from . import json_values
from .errors import BeyondLimit
from .form_bodies import pairs
from .form_names import DEPTH, gathered, short
from .json_values import MOST, MOST_OF_OPERATOR
from .media_types import FORM, JSON, MULTIPART_FORM, media_type

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

DRAINED = 256 * 1024 * 1024  # bytes of a rejected body that are still read, so that the client can read the response
CHUNK = 64 * 1024
NESTED = (dict, list)
BODY_IS_OPTIONAL = ("GET", "HEAD", "DELETE", "OPTIONS")
CHARSETS = ("utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252", "utf-16", "utf-16-le", "utf-16-be")
QUERY = "query string"  # in errors
KNOWN = f"{JSON}, {FORM} or {MULTIPART_FORM}"


@dataclass(slots=True)
class Given:
    """The parameters of a request.

    Attributes:
        query, body: values by name, without nulls at any depth.
        too_large: the error if the body exceeds `MAX_BODY` bytes, or None.
        unreadable: the error if body or query cannot be parsed, or None. It is raised after authentication.
        raw: the body as received; empty if it was too large.
        guessed: whether the body had no Content-Type.
    """

    query: dict[str, Any] = field(default_factory=dict, repr=False)  # may contain secrets
    body: dict[str, Any] = field(default_factory=dict, repr=False)
    too_large: TooLarge | None = None
    unreadable: Unreadable | None = None
    raw: bytes = field(default=b"", repr=False)
    guessed: bool = False

    @property
    def fields(self) -> dict[str, Any]:
        """The parameters. The body takes precedence over the query."""
        return {**self.query, **self.body}


NOTHING = Given()  # of a request without any; it is never changed


def read(environ: WSGIEnvironment, *, nulls: bool = False) -> Given:
    """Return the parameters of a request. Errors are in the result and are not raised.

    Args:
        nulls: whether nulls inside the objects and lists of a JSON body are kept. A parameter that is null is not.
    """
    if environ.get("CONTENT_LENGTH") == "0" and not (environ.get("QUERY_STRING") or "wsgi.input_terminated" in environ):
        return NOTHING  # most requests that read
    given = Given()
    if query := environ.get("QUERY_STRING", "").encode("latin-1"):
        try:
            given.query = gathered(pairs(_text(query, "utf-8", QUERY), "utf-8", QUERY), QUERY)
        except Unreadable as reason:
            given.unreadable = reason.forgetful()
            found = parse_qsl(query.decode("utf-8", "replace"), keep_blank_values=True)
            given.query = {name: value for name, value in found if "[" not in name}  # for the credentials in it
    content_type, optional = environ.get("CONTENT_TYPE", ""), environ["REQUEST_METHOD"] in BODY_IS_OPTIONAL
    try:
        given.raw = read_body(environ)
        given.guessed = optional and given.raw.strip() != b"" and not media_type(content_type)[0]
        given.body = _guessed(given.raw) if given.guessed else _parsed(given.raw, content_type, nulls=nulls)
    except TooLarge as reason:
        given.too_large = reason.forgetful()
    except Unreadable as reason:
        if not optional:
            given.unreadable = given.unreadable or _explained(reason, given.raw, environ).forgetful()
    return given


def _explained(reason: Unreadable, body: bytes, environ: WSGIEnvironment) -> Unreadable:
    """Return why a body cannot be parsed: the client may have compressed it.

    A recorder decompresses it, and keeps the header.
    """
    encoding = environ.get("HTTP_CONTENT_ENCODING", "").strip()
    if reason.is_limit or not encoding or body.isascii() or body.startswith(b"{"):
        return reason
    return Unreadable.of(Unreadable.COMPRESSED, encoding=short(encoding))


def read_body(environ: WSGIEnvironment) -> bytes:
    """Return the body of a request.

    Raises:
        TooLarge: it has more than `MAX_BODY` bytes.
        Unreadable: it is incomplete.
    """
    stream = environ["wsgi.input"]
    length = environ.get("CONTENT_LENGTH") or "0"
    if environ.get("wsgi.input_terminated"):  # chunked: the stream knows its end
        body = _read(stream, MAX_BODY + 1)
        if len(body) > MAX_BODY:
            _drain(stream, DRAINED)
            raise TooLarge
        return body
    if not (length.isascii() and length.isdigit()) or len(length) > 18:
        raise Unreadable(Unreadable.NO_LENGTH)
    size = int(length)
    if size > MAX_BODY:
        _drain(stream, min(size, DRAINED))
        raise TooLarge
    body = _read(stream, size)
    if len(body) < size:
        raise Unreadable(Unreadable.SHORT)
    return body


def _read(stream: Any, length: int) -> bytes:
    parts: list[bytes] = []
    try:
        while length > 0 and (part := stream.read(length)):
            length -= len(part)
            if not (length or parts):
                return bytes(part)  # usually all of it
            parts.append(part)
    except OSError:
        raise Unreadable(Unreadable.INCOMPLETE) from None
    return b"".join(parts)


def _drain(stream: Any, length: int) -> None:
    """Discard the rest of a body. A client that sends everything before it reads would never see the response."""
    with suppress(OSError):  # the client disconnected
        while length > 0 and (part := stream.read(min(CHUNK, length))):
            length -= len(part)


def _parsed(body: bytes, content_type: str, *, nulls: bool = False) -> dict[str, Any]:
    if not body.strip():
        return {}
    kind, options = media_type(content_type)
    if not kind:
        raise Unreadable.of(Unreadable.NO_TYPE, known=KNOWN)
    charset = options.get("charset", "utf-8")
    if "charset" not in options and "charset=" in content_type.lower():
        raise Unreadable.of(Unreadable.CHARSET_OF_TYPE, content_type=short(content_type))
    if kind == JSON:
        return _json_object(_text(body, charset, "body"), nulls=nulls)
    if kind == FORM:
        text = _text(body, charset, "form")
        if text.lstrip().startswith("{") and _is_json(text):  # as curl -d sends it by default
            raise Unreadable(Unreadable.JSON_AS_FORM)
        return gathered(pairs(text, charset, "form"))
    if kind == MULTIPART_FORM:
        from .multipart_bodies import multipart

        return multipart(body, options.get("boundary", ""), charset, _text)
    raise Unreadable.of(Unreadable.TYPE, kind=short(kind), known=KNOWN)


def _guessed(body: bytes) -> dict[str, Any]:
    """Parse the body of a GET or DELETE without a Content-Type: JSON, a form, or nothing."""
    for kind in (JSON, FORM):
        with suppress(Unreadable):
            return _parsed(body, kind)
    return {}


def _text(raw: bytes, charset: str, what: str) -> str:
    try:
        if charset == "utf-8" or codecs.lookup(charset).name in CHARSETS:
            return raw.decode(charset).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise Unreadable.of(Unreadable.NOT_IN_CHARSET, what=what, charset=short(charset), start=error.start) from None
    except (LookupError, ValueError):
        pass
    raise Unreadable.of(Unreadable.CHARSET, charset=short(charset))


def _is_json(text: str) -> bool:
    try:
        json_values.loads(text)
    except json_values.TooManyValues:
        return True
    except (ValueError, RecursionError):
        return False
    return True


def _json_object(text: str, *, nulls: bool) -> dict[str, Any]:
    """Parse a JSON object. Raises Unreadable if it is not one, or one that no text could repeat."""
    most = MOST_OF_OPERATOR if nulls else MOST
    try:
        value = json_values.loads(text, most)
        if "\\u" in text and json_values.has_lone_surrogate(value):
            raise Unreadable.of(Unreadable.JSON, reason=Unreadable.LONE_SURROGATE)
    except json_values.TooManyValues:
        raise BeyondLimit.of(BeyondLimit.TOO_MANY, what="body", limit=most) from None
    except json.JSONDecodeError as error:
        raise Unreadable.of(Unreadable.JSON_AT, reason=error.msg, line=error.lineno, column=error.colno) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        reason = Unreadable.TOO_MANY_DIGITS if "digits" in str(error) else error
        raise Unreadable.of(Unreadable.JSON, reason=reason) from None
    if not isinstance(value, dict):
        raise Unreadable(Unreadable.NO_OBJECT)
    fields: dict[str, Any] = _without_nulls(value)
    return {name: value[name] for name in fields} if nulls else fields


def _too_deep() -> BeyondLimit:
    return BeyondLimit.of(BeyondLimit.TOO_DEEP, depth=DEPTH)


def _without_nulls(value: dict[str, Any] | list[Any], depth: int = 0) -> Any:
    if depth == DEPTH and any(item is not None for item in (value.values() if isinstance(value, dict) else value)):
        raise _too_deep()
    if isinstance(value, dict):
        return {
            name: _without_nulls(item, depth + 1) if type(item) in NESTED else item
            for name, item in value.items()
            if item is not None
        }
    return [
        _without_nulls(item, depth + 1) if type(item) in NESTED else item  # most values are texts
        for item in value
        if item is not None
    ]
