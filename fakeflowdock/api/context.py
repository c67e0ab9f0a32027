"""What is known of one request on its way through an app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .environ import path_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ..contract.contracts import OperationContract
    from ..contract.errors import Refusal
    from ..contract.findings import Finding
    from .callers import Caller
    from .failures import Failure
    from .faults import Fault
    from .operations import Operation
    from .parameters import Given
    from .responses import Answer


class Context:
    """One request, and what is known of it so far.

    Attributes:
        path: as it was called.
        operation, caller, given, warnings, refusal: what is known of it so far; still there when it is refused.
        fault, failure: what goes wrong with it on purpose, or None.
        true_answer: the answer that is due to it; None as long as it did not take place.
    """

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ
        self.path = path_of(environ)
        self.operation: Operation[Any, Any] | None = None
        self.caller: Caller | None = None
        self.given: Given | None = None
        self.warnings: tuple[Finding, ...] = ()
        self.refusal: Refusal | None = None
        self.fault: Fault | None = None
        self.failure: Failure | None = None
        self.true_answer: Answer | None = None

    @property
    def contract(self) -> OperationContract | None:
        """What the page of the operation says."""
        return self.operation.contract if self.operation is not None else None

    @property
    def title(self) -> str:
        """The operation in words."""
        return self.contract.title if self.contract is not None else "a request for no operation"
