"""Flowdock's REST API, in memory: a fake for tests, a standalone server, and the contract to hold both against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from .api.failures import Failure
    from .api.faults import Fault
    from .checking.conformance import Conformance, conform
    from .checking.contract import Contract
    from .checking.recordings.checker import CheckedExchange, CheckedRecording, check_recording
    from .checking.recordings.differences import Difference
    from .checking.recordings.errors import RecordingError
    from .contract.errors import BrokenContract
    from .contract.findings import Finding, Findings, NotAsDocumented
    from .fake import FakeFlowdock
    from .world.models import Application, File, Flow, Message, Organization, Source, Thread, User
    from .world.snapshots import Snapshot
    from .world.validation import WorldFileError

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
    **dict.fromkeys(
        ("Application", "File", "Flow", "Message", "Organization", "Source", "Thread", "User"), "world.models"
    ),
    "BrokenContract": "contract.errors",
    **dict.fromkeys(("CheckedExchange", "CheckedRecording", "check_recording"), "checking.recordings.checker"),
    **dict.fromkeys(("Conformance", "conform"), "checking.conformance"),
    "Contract": "checking.contract",
    "Difference": "checking.recordings.differences",
    "Failure": "api.failures",
    "FakeFlowdock": "fake",
    "Fault": "api.faults",
    **dict.fromkeys(("Finding", "Findings", "NotAsDocumented"), "contract.findings"),
    "RecordingError": "checking.recordings.errors",
    "Snapshot": "world.snapshots",
    "WorldFileError": "world.validation",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: importing the package itself costs almost nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
