"""Files on their way in: from base64 to what is kept. docs/api/files.md."""

from __future__ import annotations

import base64
import binascii
import io
import mimetypes
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .models import File

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WITH_ATTACHMENTS = ("activity", "discussion")
PICTURES = (b"\x89PNG\r\n", b"GIF8", b"\xff\xd8\xff", b"RIFF", b"BM")  # how a picture that can be measured begins

_types = mimetypes.MimeTypes()  # those of Python, whatever this machine knows besides


@dataclass(frozen=True)
class Upload:
    """A file that was sent."""

    file_name: str
    content_type: str
    data: bytes = field(repr=False)
    content_id: str | None = None

    def stored(self, file_token: str) -> File:
        """The file as it is kept."""
        width, height = _size(self.data)
        return File(file_token, self.file_name, self.content_type, self.data, self.content_id, width, height)


def uploads(event: str, fields: Mapping[str, Any], errors: dict[str, list[str]]) -> list[Upload]:
    """The files that come with a message.

    Args:
        event: the event of the message.
        fields: its parameters, checked against their page.
        errors: is told which of them are none.
    """
    given: Iterable[tuple[str, str | None, Mapping[str, Any]]] = ()
    if event == "file":
        given = [("content", None, fields["content"])]
    elif fields.get("attachments"):
        attached = fields["attachments"]
        if isinstance(attached, dict):
            given = [(f"attachments.{name}", name.strip() or None, upload) for name, upload in attached.items()]
        else:
            given = [(f"attachments.{position}", None, upload) for position, upload in enumerate(attached)]
        if event not in WITH_ATTACHMENTS:
            errors["attachments"] = [f"are only for {' and '.join(WITH_ATTACHMENTS)}"]
    return [upload for name, content_id, one in given if (upload := _read(name, content_id, one, errors)) is not None]


def _read(name: str, content_id: str | None, given: Mapping[str, Any], errors: dict[str, list[str]]) -> Upload | None:
    try:
        data = base64.b64decode("".join(given["data"].split()), validate=True)
    except (binascii.Error, ValueError):
        errors[f"{name}.data"] = ["is not base64"]
        return None
    file_name = given["file_name"]
    if file_name in (".", ".."):
        errors[f"{name}.file_name"] = ["is no name of a file"]
        return None
    # A name is no URL, whatever stands before a colon in it.
    kind = given.get("content_type") or _types.guess_type(f"./{file_name}")[0] or "application/octet-stream"
    return Upload(file_name, kind, data, content_id)


def _size(data: bytes) -> tuple[int | None, int | None]:
    """Width and height of a picture, in pixels; None and None for what is none, or none that can be measured."""
    if not data.startswith(PICTURES):
        return None, None
    import imagesize  # few messages have pictures

    try:
        width, height = imagesize.get(io.BytesIO(data))
    except Exception:  # broken pictures make it stumble in many ways
        return None, None
    return (int(width), int(height)) if width > 0 and height > 0 else (None, None)
