"""Flowdock's REST API, in memory: a fake for tests, a standalone server, and the contract to hold both against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .checking import Contract
    from .conformance import Conformance, conform
    from .errors import BrokenContract
    from .failures import Failure
    from .fake import FakeFlowdock
    from .faults import Fault
    from .findings import Finding, Findings, NotAsDocumented
    from .models import Application, File, Flow, Message, Organization, Source, Thread, User
    from .recordings.checks import CheckedExchange, CheckedRecording, check_recording
    from .recordings.differences import Difference
    from .recordings.errors import RecordingError
    from .snapshots import Snapshot
    from .world_files import WorldFileError

__all__ = [
    "Application",
    "BrokenContract",
    "CheckedExchange",
    "CheckedRecording",
    "Conformance",
    "Contract",
    "Difference",
    "Failure",
    "FakeFlowdock",
    "Fault",
    "File",
    "Finding",
    "Findings",
    "Flow",
    "Message",
    "NotAsDocumented",
    "Organization",
    "RecordingError",
    "Snapshot",
    "Source",
    "Thread",
    "User",
    "WorldFileError",
    "__version__",
    "check_recording",
    "conform",
]

_HOMES = {
    "BrokenContract": "errors",
    **dict.fromkeys(("CheckedExchange", "CheckedRecording", "check_recording"), "recordings.checks"),
    "Contract": "checking",
    "Difference": "recordings.differences",
    "Failure": "failures",
    "FakeFlowdock": "fake",
    "Fault": "faults",
    "RecordingError": "recordings.errors",
    "Snapshot": "snapshots",
    **dict.fromkeys(("Finding", "Findings", "NotAsDocumented"), "findings"),
    "WorldFileError": "world_files",
    **dict.fromkeys(("Conformance", "conform"), "conformance"),
    **dict.fromkeys(("Application", "File", "Flow", "Message", "Organization", "Source", "Thread", "User"), "models"),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: importing the package itself costs almost nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
