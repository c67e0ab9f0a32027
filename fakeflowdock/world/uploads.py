"""Uploaded files: from base64 to stored files. docs/api/files.md."""

from __future__ import annotations

import base64
import binascii
import io
from functools import cache
from typing import TYPE_CHECKING, Any

from ..contract.errors import ValidationError
from .values import File

if TYPE_CHECKING:
    import mimetypes
    from collections.abc import Mapping

WITH_ATTACHMENTS = ("activity", "discussion")
PICTURES = (b"\x89PNG\r\n", b"GIF8", b"\xff\xd8\xff", b"RIFF", b"BM")  # first bytes of pictures whose size can be read


@cache
def _types() -> mimetypes.MimeTypes:
    """Return Python's own types, independent of this machine."""
    import mimetypes

    return mimetypes.MimeTypes()


def with_content(content: str | bytes | Mapping[str, Any] | None, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a message with its content. Bytes become a file, with the parameter `file_name`."""
    given = dict(fields)
    if isinstance(content, bytes):
        name = given.pop("file_name", "file")
        given["content"] = {"data": base64.b64encode(content).decode(), "file_name": name}
    elif content is not None:
        given["content"] = content
    return given


def uploads(event: str, fields: Mapping[str, Any], errors: dict[str, list[str]]) -> list[File]:
    """Return the files of a message. Their `file_token` is empty until they are stored.

    Args:
        event: the event of the message.
        fields: its parameters, already validated against the page.
        errors: receives the errors by field.
    """
    given: list[tuple[str, str | None, Mapping[str, Any]]] = []
    if event == "file":
        given.append(("content", None, fields["content"]))
    if attached := fields.get("attachments"):
        if isinstance(attached, dict):
            given += [(f"attachments.{name}", name.strip() or None, upload) for name, upload in attached.items()]
        else:
            given += [(f"attachments.{position}", None, upload) for position, upload in enumerate(attached)]
        if event not in WITH_ATTACHMENTS:
            errors["attachments"] = [ValidationError.ATTACHMENTS.format(events=" and ".join(WITH_ATTACHMENTS))]
    return [file for name, content_id, one in given if (file := _read(name, content_id, one, errors)) is not None]


def _read(name: str, content_id: str | None, given: Mapping[str, Any], errors: dict[str, list[str]]) -> File | None:
    try:
        data = base64.b64decode("".join(given["data"].split()), validate=True)
    except (binascii.Error, ValueError):
        errors[f"{name}.data"] = [ValidationError.NOT_BASE64]
        return None
    file_name = given["file_name"]
    if file_name in (".", ".."):
        errors[f"{name}.file_name"] = [ValidationError.FILE_NAME]
        return None
    # A colon in a name does not make it a URL.
    kind = given.get("content_type") or _types().guess_type(f"./{file_name}")[0] or "application/octet-stream"
    return File("", file_name, kind, data, content_id, *_size(data))


def _size(data: bytes) -> tuple[int | None, int | None]:
    """Return width and height of a picture in pixels; None and None if unknown."""
    if not data.startswith(PICTURES):
        return None, None
    import imagesize  # few messages have pictures

    try:
        width, height = imagesize.get(io.BytesIO(data))
    except Exception:  # broken pictures raise many kinds of exceptions
        return None, None
    return (int(width), int(height)) if width > 0 and height > 0 else (None, None)
