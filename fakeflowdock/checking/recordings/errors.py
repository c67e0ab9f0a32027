"""Why a recording cannot be read."""

from __future__ import annotations


class RecordingError(ValueError):
    """A file is no recording. The message begins with the file and, where it is known, line and column."""


class UnreadableRecording(Exception):
    """A place in a recording is not as it should be: what its reader says to whoever knows the name of the file.

    Args:
        words: what is wrong.
        line: where, from 1.
        column: where in the line, from 1; None where nobody knows.
    """

    def __init__(self, words: str, line: int, column: int | None = None) -> None:
        super().__init__(words)
        self.message, self.line, self.column = words, line, column
