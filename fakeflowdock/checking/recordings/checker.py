"""Recorded exchanges, held against the docs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...api.callers import USER
from ...contract.contracts import contracts
from ...contract.findings import ContractViolation, Findings
from ...contract.json_pointer import at
from ...redaction import is_secret, shown_path
from ..replies import CheckedReply
from ..requests import CheckedRequest
from .entries import Hosts
from .reader import Recording

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator
    from typing import Self

    from ...api.messages import Request, Response
    from ...contract.findings import Finding
    from .differences import Difference
    from .entries import Entry

REFUSED = (400, 401)  # where a secret that is missing, or no token, may be the reason
NO_MESSAGE = frozenset({"body", "content-type"})


@dataclass(frozen=True)
class CheckedExchange:
    """One exchange of a recording, and what the docs say of it.

    Attributes:
        file: the name of the file, as it was given.
        number: which exchange of the file it is, from 1, those with other hosts counted.
        line: where it begins in the file.
        request: what was sent.
        reply: what came; None where nothing did.
        operation: what was asked for, `create-source`; None where the path is none.
        findings: what is not as the docs have it, of the request and then of the reply.
        differences: where a fake answered otherwise. Empty unless the recording was played again.
    """

    file: str
    number: int
    line: int
    request: Request
    reply: Response | None
    operation: str | None
    findings: Findings
    differences: tuple[Difference, ...] = ()

    @property
    def method(self) -> str:
        """That of the request, in capitals."""
        return self.request.method

    @property
    def path(self) -> str:
        """That of the request, without its query and without secrets."""
        return shown_path(self.request.url)

    @property
    def status(self) -> int:
        """That of the reply; 0 where none came."""
        return 0 if self.reply is None else self.reply.status

    @property
    def summary(self) -> str:
        """Method, path and status: `GET /user → 200`."""
        return f"{self.method} {self.path} → {self.status or 'no reply'}"

    def __str__(self) -> str:
        return f"{self.file}:{self.number} {self.summary}"

    __repr__ = __str__


class CheckedRecording(list[CheckedExchange]):
    """The exchanges of a recording, each with what the docs say of it."""

    @property
    def findings(self) -> Findings:
        """Those of all exchanges."""
        return Findings(finding for each in self for finding in each.findings)

    @property
    def differences(self) -> list[Difference]:
        """Those of all exchanges. Empty unless the recording was played again."""
        return [difference for each in self for difference in each.differences]

    def __str__(self) -> str:
        return "\n".join(
            line
            for each in self
            if each.findings or each.differences
            for line in (str(each), *(f"    {line}" for line in (*str(each.findings).splitlines(), *each.differences)))
        )

    def raise_for_violations(self) -> Self:
        """The exchanges themselves, so that `check_recording(…).raise_for_violations()` is a whole assertion.

        Raises:
            ContractViolation: there are violations; the message has all findings, each below its exchange.
        """
        if self.findings.violations:
            raise RecordingContractViolation(self)
        return self


class RecordingContractViolation(ContractViolation):
    """There are violations in a recording."""

    def __init__(self, recording: CheckedRecording) -> None:
        super().__init__(recording.findings)
        self.args = (f"violations of Flowdock's contract:\n{recording}",)


def check_recording(
    path: str | os.PathLike[str], *, strict: bool = False, hosts: str | Iterable[str] = (), replay: bool = False
) -> CheckedRecording:
    """Hold the recorded traffic of a file against Flowdock's docs.

    Args:
        path: a HAR file, or a cassette of vcrpy in YAML or JSON. Exchanges with other hosts are left out.
        strict: whether what the docs advise against is a violation, and not a warning.
        hosts: one or some whose exchanges are meant besides those of `api.flowdock.com`: `"127.0.0.1:8080"`.
        replay: whether each request is sent to a fresh fake too, to see where that answers otherwise.

    Returns:
        Each exchange with its findings. What a recorder has filtered out, such as credentials, is no finding. All are
        held at once, with their bodies; `python -m fakeflowdock check` holds one at a time.

    Raises:
        RecordingError: the file cannot be read, or is no recording; the message says where.
    """
    recording = Recording(path, Hosts((hosts,) if isinstance(hosts, str) else tuple(hosts)))
    return CheckedRecording(checked(recording, strict=strict, replay=replay))


def checked(recording: Recording, *, strict: bool = False, replay: bool = False) -> Iterator[CheckedExchange]:
    """The exchanges of a recording, one at a time.

    Raises:
        RecordingError: it cannot be read.
    """
    fake = None
    if replay:
        from .replay import Replay

        fake = Replay(recording)
    for entry in recording:
        operation, findings = findings_of(entry, strict=strict)
        differences = () if fake is None else tuple(fake.differences(entry))
        yield CheckedExchange(
            recording.name, entry.number, entry.line, entry.request, entry.reply, operation, findings, differences
        )


def findings_of(entry: Entry, *, strict: bool = False) -> tuple[str | None, Findings]:
    """The operation that an exchange asks for, and what is not as the docs have it."""
    asked, reply = CheckedRequest(entry.request, strict=strict), entry.reply
    contract = asked.contract
    found: list[Finding] = [each for each in asked.findings() if not _was_filtered(each, reply)]
    if reply is not None:
        by_user = None if asked.caller is None else asked.caller == USER
        replied = CheckedReply(contract, reply, asked.method, strict=strict, by_user=by_user).findings()
        found += [each for each in replied if not _was_not_kept(each, entry)]
    return None if contract is None else contract.name, Findings(found)


def _was_filtered(found: Finding, reply: Response | None) -> bool:
    """Whether what a request lacks is what recorders take out, and the reply does not say that it was missing."""
    status = 0 if reply is None else reply.status
    if found.rule == "request.credentials.missing":
        return status != 401
    if status in REFUSED:
        return False
    secret = is_secret(found.pointer.rpartition("/")[2])
    return secret and found.rule in ("request.parameter.missing", "request.parameter.invalid")


def _was_not_kept(found: Finding, entry: Entry) -> bool:
    """Whether a reply is blamed for what its recorder did with it."""
    if not entry.has_body and found.where in NO_MESSAGE:
        return True
    secret = is_secret(found.pointer.rpartition("/")[2])
    if not secret or found.rule != "reply.field.invalid" or entry.reply is None:
        return False
    try:
        return isinstance(at(entry.reply.json, found.pointer), str)
    except ValueError:
        return True  # a form


def title_of(operation: str | None) -> str | None:
    """What its page calls an operation."""
    return None if operation is None else contracts().operations[operation].title
