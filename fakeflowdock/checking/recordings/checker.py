"""Check recorded exchanges against the docs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...api.callers import USER
from ...contract.errors import VIOLATIONS
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

REFUSED = (400, 401)  # a missing or invalid secret may be the reason
NO_MESSAGE = frozenset({"body", "content-type"})
IN_A_BODY = frozenset({"request.parameter.missing", "request.credentials.missing"})  # due to a body that is not known


@dataclass(frozen=True)
class CheckedExchange:
    """An exchange of a recording with its findings.

    Attributes:
        file: the name of the file, as passed.
        number: its position in the file, from 1, including exchanges with other hosts.
        line: its first line in the file.
        request: the request.
        reply: the response; None without one.
        operation: the requested operation, such as `create-source`; None if unknown.
        findings: those about the request, then those about the response.
        differences: from the response of a fake. Empty unless the recording was replayed.
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
        """The method of the request, in capitals."""
        return self.request.method

    @property
    def path(self) -> str:
        """The path of the request, without query and secrets."""
        return shown_path(self.request.url)

    @property
    def status(self) -> int:
        """The status of the response; 0 without one."""
        return 0 if self.reply is None else self.reply.status

    @property
    def summary(self) -> str:
        """Method, path and status: `GET /user → 200`."""
        return f"{self.method} {self.path} → {self.status or 'no reply'}"

    def __str__(self) -> str:
        return f"{self.file}:{self.number} {self.summary}"

    __repr__ = __str__


class CheckedRecording(list[CheckedExchange]):
    """The exchanges of a recording with their findings."""

    @property
    def findings(self) -> Findings:
        """The findings of all exchanges."""
        return Findings(finding for each in self for finding in each.findings)

    @property
    def differences(self) -> list[Difference]:
        """The differences of all exchanges. Empty unless the recording was replayed."""
        return [difference for each in self for difference in each.differences]

    def __str__(self) -> str:
        return "\n".join(
            line
            for each in self
            if each.findings or each.differences
            for line in (str(each), *(f"    {line}" for line in (*str(each.findings).splitlines(), *each.differences)))
        )

    def raise_for_violations(self) -> Self:
        """Return the recording, so that `check_recording(…).raise_for_violations()` is a complete assertion.

        Raises:
            ContractViolation: there are violations. The message lists all findings by exchange.
        """
        if self.findings.violations:
            raise RecordingContractViolation(self)
        return self


class RecordingContractViolation(ContractViolation):
    """A recording contains violations."""

    def __init__(self, recording: CheckedRecording) -> None:
        super().__init__(recording.findings)
        self.args = (VIOLATIONS.format(findings=recording),)


def check_recording(
    path: str | os.PathLike[str], *, strict: bool = False, hosts: str | Iterable[str] = (), replay: bool = False
) -> CheckedRecording:
    """Check the recorded traffic of a file against Flowdock's docs.

    Args:
        path: a HAR file, or a cassette of vcrpy in YAML or JSON. Exchanges with other hosts are ignored.
        strict: whether warnings are violations. Default: false.
        hosts: one or more hosts in addition to `api.flowdock.com`, such as `"127.0.0.1:8080"`.
        replay: whether to send each request to a fresh fake, and compare the responses. Default: false.

    Returns:
        Each exchange with its findings. Anything that recorders filter out, such as credentials, is not reported as
        missing. All exchanges stay in memory; `python -m fakeflowdock check` reads one at a time.

    Raises:
        RecordingError: the file cannot be read or is not a recording. The message includes the place.
    """
    recording = Recording(path, Hosts((hosts,) if isinstance(hosts, str) else tuple(hosts)))
    return CheckedRecording(checked(recording, strict=strict, replay=replay))


def checked(recording: Recording, *, strict: bool = False, replay: bool = False) -> Iterator[CheckedExchange]:
    """Yield the exchanges of a recording, one at a time.

    Raises:
        RecordingError: the file cannot be read.
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
    """Return the requested operation of an exchange, and its findings."""
    request, reply = CheckedRequest(entry.request, strict=strict), entry.reply
    contract = request.contract
    found: list[Finding] = [each for each in request.findings() if not _was_filtered(each, entry)]
    if reply is not None:
        by_user = None if request.caller is None else request.caller == USER
        checked_reply = CheckedReply(contract, reply, request.method, strict=strict, by_user=by_user)
        found += [each for each in checked_reply.findings() if not _was_not_kept(each, entry)]
    return None if contract is None else contract.name, Findings(found)


def _was_filtered(found: Finding, entry: Entry) -> bool:
    """Return whether a recorder removed what a request lacks: the response does not report it missing."""
    if not entry.has_request_body and (found.where in NO_MESSAGE or found.rule in IN_A_BODY):
        return True
    status = 0 if entry.reply is None else entry.reply.status
    if found.rule == "request.credentials.missing":
        return status != 401
    if status in REFUSED:
        return False
    return found.rule in ("request.parameter.missing", "request.parameter.invalid") and _is_about_a_secret(found)


def _was_not_kept(found: Finding, entry: Entry) -> bool:
    """Return whether a finding about a response is due to its recorder."""
    if not entry.has_body and found.where in NO_MESSAGE:
        return True
    if found.rule != "reply.field.invalid" or not _is_about_a_secret(found) or entry.reply is None:
        return False
    try:
        return isinstance(at(entry.reply.json, found.pointer), str)
    except ValueError:
        return True  # a form


def _is_about_a_secret(found: Finding) -> bool:
    return is_secret(found.pointer.rpartition("/")[2])
