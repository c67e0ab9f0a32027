"""Flowdock's REST and streaming API, in memory: a fake, a standalone server, and the contract to check both against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api.actions.delivery import Delivery, Verification
    from .api.actions.request import ActionRequest
    from .api.callers import Caller
    from .api.errors import ShortenedBody
    from .api.exchange import Exchange
    from .api.failures import Failure
    from .api.faults import Fault
    from .api.messages import Headers, Request, Response, Shortened
    from .checking.conformance import Conformance, conform
    from .checking.conformance.results import ConformanceDifference, ConformanceResult
    from .checking.contract import Contract
    from .checking.errors import RecordingError
    from .checking.recordings.checker import CheckedExchange, CheckedRecording, check_recording
    from .checking.recordings.differences import Difference
    from .contract.errors import BrokenContract
    from .contract.findings import ContractViolation, Finding, Findings
    from .contract.operation_names import OperationName
    from .fake import FakeFlowdock
    from .testing.credentials import Credentials
    from .testing.errors import FlowdockWarning
    from .testing.exchanges import Exchanges
    from .testing.invitations import InvitationMail
    from .testing.lists import (
        Applications,
        DeliveryList,
        Flows,
        InvitationList,
        Messages,
        Organizations,
        PrivateMessages,
        Sources,
        Threads,
        Users,
    )
    from .testing.single_sign_on import ScimAccess
    from .testing.streams import OpenStream
    from .version import __version__
    from .world.action_tokens import verify_token
    from .world.clock import Clock
    from .world.conversations import PrivateConversation
    from .world.errors import InvalidToken, WorldFileError
    from .world.invitations import Invitation
    from .world.models import Application, Flow, Message, Organization, Source, Thread, User
    from .world.snapshots import Snapshot
    from .world.values import Author, Field, File, Mail, Status

__all__ = [
    "ActionRequest",
    "Application",
    "Applications",
    "Author",
    "BrokenContract",
    "Caller",
    "CheckedExchange",
    "CheckedRecording",
    "Clock",
    "Conformance",
    "ConformanceDifference",
    "ConformanceResult",
    "Contract",
    "ContractViolation",
    "Credentials",
    "Delivery",
    "DeliveryList",
    "Difference",
    "Exchange",
    "Exchanges",
    "Failure",
    "FakeFlowdock",
    "Fault",
    "Field",
    "File",
    "Finding",
    "Findings",
    "Flow",
    "FlowdockWarning",
    "Flows",
    "Headers",
    "InvalidToken",
    "Invitation",
    "InvitationList",
    "InvitationMail",
    "Mail",
    "Message",
    "Messages",
    "OpenStream",
    "OperationName",
    "Organization",
    "Organizations",
    "PrivateConversation",
    "PrivateMessages",
    "RecordingError",
    "Request",
    "Response",
    "ScimAccess",
    "Shortened",
    "ShortenedBody",
    "Snapshot",
    "Source",
    "Sources",
    "Status",
    "Thread",
    "Threads",
    "User",
    "Users",
    "Verification",
    "WorldFileError",
    "__version__",
    "check_recording",
    "conform",
    "verify_token",
]

_HOMES = {
    "api.actions.delivery": "Delivery Verification",
    "api.actions.request": "ActionRequest",
    "api.callers": "Caller",
    "api.failures": "Failure",
    "api.faults": "Fault",
    "api.errors": "ShortenedBody",
    "api.exchange": "Exchange",
    "api.messages": "Headers Request Response Shortened",
    "checking.conformance": "Conformance conform",
    "checking.conformance.results": "ConformanceDifference ConformanceResult",
    "checking.contract": "Contract",
    "checking.recordings.checker": "CheckedExchange CheckedRecording check_recording",
    "checking.recordings.differences": "Difference",
    "checking.errors": "RecordingError",
    "contract.errors": "BrokenContract",
    "contract.findings": "ContractViolation Finding Findings",
    "contract.operation_names": "OperationName",
    "fake": "FakeFlowdock",
    "testing.credentials": "Credentials",
    "testing.errors": "FlowdockWarning",
    "testing.exchanges": "Exchanges",
    "testing.invitations": "InvitationMail",
    "testing.lists": "Applications DeliveryList Flows InvitationList Messages Organizations PrivateMessages "
    "Sources Threads Users",
    "testing.single_sign_on": "ScimAccess",
    "testing.streams": "OpenStream",
    "version": "__version__",
    "world.action_tokens": "verify_token",
    "world.clock": "Clock",
    "world.conversations": "PrivateConversation",
    "world.invitations": "Invitation",
    "world.models": "Application Flow Message Organization Source Thread User",
    "world.snapshots": "Snapshot",
    "world.values": "Author Field File Mail Status",
    "world.errors": "InvalidToken WorldFileError",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing the package costs almost nothing."""
    home = next((home for home, names in _HOMES.items() if name in names.split()), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{home}", __name__), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
