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
    from .snapshots import Snapshot
    from .world_files import WorldFileError

__all__ = [
    "Application",
    "BrokenContract",
    "Conformance",
    "Contract",
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
    "Snapshot",
    "Source",
    "Thread",
    "User",
    "WorldFileError",
    "__version__",
    "conform",
]

_HOMES = {
    "BrokenContract": "errors",
    "Contract": "checking",
    "Failure": "failures",
    "FakeFlowdock": "fake",
    "Fault": "faults",
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
