"""Errors about unreadable recordings."""

from __future__ import annotations


class RecordingError(ValueError):
    """A file is not a valid recording. The message begins with the file and, if known, line and column."""


class UnreadableRecording(Exception):
    """A recording is invalid at some place. `Recording` adds the name of the file.

    Args:
        message: what is wrong.
        line: from 1.
        column: from 1; None if unknown.
    """

    def __init__(self, message: str, line: int, column: int | None = None) -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, line, column
