"""multipart/form-data, parsed in pieces so that other threads run meanwhile, and with limits.

docs/api/general-information.md#parameters
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData, Preamble

from ..contract.errors import Unreadable
from .errors import BeyondLimit
from .form_names import gathered, short

if TYPE_CHECKING:
    from collections.abc import Callable

    Decode = Callable[[bytes, str, str], str]

PIECE = 64 * 1024  # bytes that are parsed at once
HEADS = 1024 * 1024  # bytes of the headers of all parts together

_BLANK_LINE = re.compile(rb"\r\n\r\n|\r\r|\n\n")


def multipart(body: bytes, boundary: str, charset: str, decode: Decode) -> dict[str, Any]:
    """Return the parameters of a body of multipart/form-data.

    Args:
        decode: decodes bytes, from a charset, with their name in errors.

    Raises:
        Unreadable: the body is malformed, or its parts have too many headers.
    """
    if not boundary:
        raise Unreadable(Unreadable.NO_BOUNDARY)
    mark = boundary.encode("latin-1", "replace")
    start = _checked_heads(body, b"--" + mark)
    decoder = MultipartDecoder(mark, max_form_memory_size=None)
    values: list[tuple[str, str | dict[str, str]]] = []
    part: Field | File | None = None
    content: list[bytes] = []
    try:
        while not isinstance(event := decoder.next_event(), Epilogue):
            if isinstance(event, NeedData):
                end = start + PIECE
                while body[end - 1 : end] == b"\r":  # older versions do not expect the end between \r and \n
                    end += 1
                decoder.receive_data(body[start:end] or None)
                start = end
            elif isinstance(event, (Field, File)):
                if event.name is None:
                    raise Unreadable(Unreadable.MULTIPART)
                part, content = event, []
            elif isinstance(event, Data) and part is not None:
                content.append(event.data)
                if not event.more_data:
                    whole = b"".join(content)
                    if not (isinstance(part, File) and not part.filename and not whole):  # an empty file input
                        values.append((part.name, _part(part, whole, charset, decode)))
            elif not isinstance(event, Preamble):
                raise Unreadable(Unreadable.MULTIPART)  # it ends early
    except ValueError:
        raise Unreadable(Unreadable.MULTIPART) from None
    return gathered(values)


def _checked_heads(body: bytes, delimiter: bytes) -> int:
    """Return the place of the first delimiter. Raises Unreadable if the headers of all parts have too many bytes."""
    at = first = body.find(delimiter) % (len(body) + 1)
    left = HEADS
    while at < len(body):
        at += len(delimiter)
        blank = _BLANK_LINE.search(body, at, at + left)
        if blank is None and len(body) - at < left:
            break  # the end, or a part without content
        left -= HEADS if blank is None else blank.end() - at
        if blank is None or left <= 0:
            raise BeyondLimit.of(BeyondLimit.HEADS, limit=HEADS)
        at = _next(body, delimiter, blank.end() - 2)
    return first


def _next(body: bytes, delimiter: bytes, at: int) -> int:
    """Return the place of the next delimiter at the start of a line; the length of the body if there is none."""
    while (at := body.find(delimiter, at)) >= 0 and body[at - 1 : at] not in (b"\n", b"\r"):
        at += 1
    return at if at >= 0 else len(body)


def _part(part: Field | File, content: bytes, charset: str, decode: Decode) -> str | dict[str, str]:
    """Return a text, or a file in the form that JSON uses."""
    if isinstance(part, Field):
        _, options = parse_options_header(part.headers.get("Content-Type"))
        return decode(content, options.get("charset", charset), f"part {short(part.name)}")
    kind = part.headers.get("Content-Type")
    return {
        "data": b64encode(content).decode("ascii"),
        **({"content_type": kind} if kind else {}),
        "file_name": _file_name(part),
    }


def _file_name(part: File) -> str:
    """Return the last path component of the file name. Some clients send a whole path, with unescaped backslashes."""
    sent = re.sub(r'\\\\|\\(?!")', "/", part.headers["Content-Disposition"])
    _, options = parse_options_header(sent)
    return re.split(r"[/\\]", options.get("filename", part.filename))[-1]
