"""The media types of requests and responses, and forms in `multipart/form-data`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
HTML = "text/html"
EVENT_STREAM = "text/event-stream"
MULTIPART_FORM = "multipart/form-data"
BOUNDARY = "fakeflowdock-boundary"
MULTIPART = f"{MULTIPART_FORM}; boundary={BOUNDARY}"


def media_type(header: str) -> tuple[str, dict[str, str]]:
    """Return the media type in a header, in lowercase, and its options, such as `charset`."""
    kind, semicolon, _ = header.partition(";")
    if not semicolon:
        return kind.strip().lower(), {}
    from werkzeug.http import parse_options_header  # importing it takes long, and most types have no options

    kind, options = parse_options_header(header)
    return kind.lower(), options


def multipart(parts: Iterable[tuple[str, Any, Any, Any]]) -> bytes:
    """Return the body of a form: of each part its name, its file name and media type or None, and its value."""
    text = ""
    for name, file, kind, value in parts:
        names = {"name": name} if file is None else {"name": name, "filename": str(file)}
        shown = "".join('; {}="{}"'.format(key, each.replace('"', "%22")) for key, each in names.items())
        media = f"Content-Type: {kind}\r\n" if kind else ""
        text += f"--{BOUNDARY}\r\nContent-Disposition: form-data{shown}\r\n{media}\r\n{value or ''}\r\n"
    return f"{text}--{BOUNDARY}--\r\n".encode("utf-8", "surrogatepass")
