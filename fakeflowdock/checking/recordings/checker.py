"""Check recorded exchanges against the docs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...api.callers import USER
from ...contract.contracts import contracts
from ...contract.errors import VIOLATIONS
from ...contract.findings import ContractViolation, Findings
from ...contract.json_pointer import at
from ...redaction import is_secret, shown_path
from ..errors import NotChecked, RecordingError
from ..replies import CheckedReply
from ..requests import CheckedRequest
from .entries import Entry, Hosts, Skipped, counted
from .reader import Recording

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator
    from typing import Self

    from ...api.messages import Request, Response
    from ...contract.findings import Finding
    from .differences import Difference

REFUSED = (400, 401)  # a missing or invalid secret may be the reason
NOT_MODIFIED = 304
NO_BODY = ("HEAD", "OPTIONS")  # methods whose responses have none, or none that a browser reads
NO_MESSAGE = frozenset({"body", "content-type"})
CUT = ("request.unreadable", "request.parameter.missing")  # findings about a body without its end
BEYOND_LIMIT = (
    "request.unreadable",
    "request.too-large",
    "request.credentials.missing",
)  # the parameters may have them


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
        not_checked: what the recording does not have, with the reason.
    """

    file: str
    number: int
    line: int
    request: Request
    reply: Response | None
    operation: str | None
    findings: Findings
    differences: tuple[Difference, ...] = ()
    not_checked: tuple[str, ...] = ()

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

    @property
    def lines(self) -> list[str]:
        """The findings, and what was not checked."""
        return [*str(self.findings).splitlines(), *(f"not checked: {what}" for what in self.not_checked)]

    def __str__(self) -> str:
        return f"{self.file}:{self.number} {self.summary}"

    __repr__ = __str__


class CheckedRecording(list[CheckedExchange]):
    """The exchanges of a recording with their findings.

    Attributes:
        skipped: the entries that are no exchanges with Flowdock, or say too little.
        nothing: why nothing was checked; empty if something was.
    """

    def __init__(
        self, exchanges: Iterable[CheckedExchange] = (), skipped: Iterable[Skipped] = (), nothing: str = ""
    ) -> None:
        super().__init__(exchanges)
        self.skipped = list(skipped)
        self.nothing = nothing

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
            if each.findings or each.differences or each.not_checked
            for line in (str(each), *(f"    {line}" for line in (*each.lines, *each.differences)))
        )

    def raise_for_violations(self) -> Self:
        """Return the recording, so that `check_recording(…).raise_for_violations()` is a complete assertion.

        Raises:
            ContractViolation: there are violations. The message lists all findings by exchange.
            RecordingError: nothing was checked.
        """
        if self.nothing:
            raise RecordingError(self.nothing)
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
        path: a HAR file, or a cassette of vcrpy in YAML or JSON; also packed by gzip, or several in a zip archive.
            Exchanges with other hosts are ignored. `-` is standard input.
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
    found = list(checked(recording, strict=strict, replay=replay))
    exchanges = [each for each in found if isinstance(each, CheckedExchange)]
    skipped = [each for each in found if isinstance(each, Skipped)]
    return CheckedRecording(exchanges, skipped, "" if exchanges else nothing_in([recording], len(skipped)))


def nothing_in(recordings: Iterable[Recording], skipped: int, *, done: str = "checked") -> str:
    """Return why nothing of some recordings was checked.

    Args:
        skipped: the number of entries that could not be checked.
    """
    recordings = list(recordings)
    others, own = (sum(getattr(each, name) for each in recordings) for name in ("others", "own"))
    named = ", ".join(dict.fromkeys(host for each in recordings for host in each.hosts.others))
    hint = f" (name Flowdock's with --host: {named})" if named else ""
    reasons = [
        *([f"{counted(others, 'exchange')} with other hosts{hint}"] if others else ()),
        *([f"{counted(own, 'request')} to fakeflowdock's own paths"] if own else ()),
        *([f"{counted(skipped, 'entry')} that could not be {done}"] if skipped else ()),
    ]
    names = ", ".join(each.name for each in recordings[:3]) + (", …" if len(recordings) > 3 else "")
    return NotChecked.NOTHING.format(names=names, done=done, reasons=", ".join(reasons) or "there are no exchanges")


def checked(recording: Recording, *, strict: bool = False, replay: bool = False) -> Iterator[CheckedExchange | Skipped]:
    """Yield the exchanges of a recording, one at a time, and the entries that were not checked.

    Raises:
        RecordingError: the file cannot be read.
    """
    try:
        yield from _checked(recording, strict=strict, replay=replay)
    finally:
        recording.close()


def _checked(recording: Recording, *, strict: bool, replay: bool) -> Iterator[CheckedExchange | Skipped]:
    fake = None
    if replay:
        from .replay import Replay

        fake = Replay(entry for entry in recording if isinstance(entry, Entry))
    for entry in recording:
        if isinstance(entry, Skipped):
            yield entry
            continue
        request = CheckedRequest(entry.request, strict=strict)
        operation, findings, not_checked = findings_of(entry, request, strict=strict)
        differences = () if fake is None or request.beyond_limit else tuple(fake.differences(entry))
        yield CheckedExchange(
            file=entry.file,
            number=entry.number,
            line=entry.line,
            request=entry.request,
            reply=entry.reply,
            operation=operation,
            findings=findings,
            differences=differences,
            not_checked=not_checked,
        )


def findings_of(
    entry: Entry, request: CheckedRequest, *, strict: bool = False
) -> tuple[str | None, Findings, tuple[str, ...]]:
    """Return the requested operation of an exchange, its findings, and what was not checked."""
    contract, reply = request.contract, entry.reply
    if contract is not None and not entry.own:  # the responses of a fake are held against its own contract
        contract = contracts(recorded=True).operations[contract.name]
    found = list(request.findings())
    if reply is not None and reply.status != NOT_MODIFIED:
        by_user = None if request.caller is None else request.caller == USER
        checked_reply = CheckedReply(contract, reply, request.method, strict=strict, by_user=by_user)
        found += checked_reply.findings()
    unknown = _Unknown(entry, "" if entry.own else request.beyond_limit)
    kept = [each for each in found if not (_was_filtered(each, reply) or unknown.has(each))]
    return None if contract is None else contract.name, Findings(kept), tuple(unknown.reasons())


class _Unknown:
    """What the recording of an exchange does not have."""

    def __init__(self, entry: Entry, beyond_limit: str) -> None:
        self._entry, self._beyond_limit = entry, beyond_limit
        self._cut: set[str] = set()  # bodies that lack their end

    def has(self, found: Finding) -> bool:
        """Return whether a finding is about something that the recording does not have."""
        side = found.rule.partition(".")[0]
        if side == "reply":
            return self._has_in_reply(found)
        body = self._entry.sent
        if self._beyond_limit and found.rule in BEYOND_LIMIT:
            return True
        if body.missing:
            return found.where in NO_MESSAGE or found.rule == "request.credentials.missing"  # a body may have them
        if not body.is_whole and found.where == "body" and found.rule in CUT:
            self._cut.add("request")
            return True
        return False

    def _has_in_reply(self, found: Finding) -> bool:
        """Return whether a finding about a response is due to its recorder."""
        reply, body = self._entry.reply, self._entry.received
        assert reply is not None
        if (body.missing and found.where in NO_MESSAGE) or (not reply.headers.pairs and found.where != "body"):
            return found.rule != "reply.status"
        if not body.is_whole and found.rule == "reply.unreadable":
            self._cut.add("response")
            return True
        if found.rule != "reply.field.invalid" or not _is_about_a_secret(found):
            return False
        try:
            return isinstance(at(reply.json, found.pointer), str)
        except ValueError:
            return True  # a form

    def reasons(self) -> Iterator[str]:
        """Yield what was not checked."""
        entry, reply = self._entry, self._entry.reply
        if self._beyond_limit:
            yield f"the parameters: {self._beyond_limit[0].lower()}{self._beyond_limit[1:]}, a limit of fakeflowdock"
        if entry.sent.missing:
            yield f"the body of the request: {entry.sent.missing}"
        elif "request" in self._cut:
            yield "the body of the request: the recorder did not keep all of it"
        if reply is None:
            return
        if reply.status == NOT_MODIFIED:
            yield "the response: it was in the client's cache, and the server answered 304"
        elif not reply.headers.pairs:
            yield "the headers of the response: the recorder did not keep them"
        if "response" in self._cut:
            yield "the body of the response: the recorder did not keep all of it"
        elif entry.received.missing and entry.request.method not in NO_BODY and not 300 <= reply.status < 400:
            yield f"the body of the response: {entry.received.missing}"


def _was_filtered(found: Finding, reply: Response | None) -> bool:
    """Return whether a recorder removed what a request lacks: the response does not report it missing."""
    status = 0 if reply is None else reply.status
    if found.rule == "request.credentials.missing":
        return status != 401
    if status in REFUSED:
        return False
    return found.rule in ("request.parameter.missing", "request.parameter.invalid") and _is_about_a_secret(found)


def _is_about_a_secret(found: Finding) -> bool:
    return is_secret(found.pointer.rpartition("/")[2])
