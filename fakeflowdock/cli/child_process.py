"""Run a command as a child process: it receives our signals, and its exit status becomes ours."""

from __future__ import annotations

import errno
import os
import signal
from typing import TYPE_CHECKING

from .errors import NotStarted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
NOT_FOUND, NOT_RUN = 127, 126  # as in shells


class Signals:
    """A context manager that blocks the signals to pass on. Threads started within it inherit that.

    Handlers cannot replace it: a terminal sends Ctrl-C to the child process too, and only `sigwaitinfo` tells whether a
    signal came from the terminal.
    """

    def __enter__(self) -> Self:
        passed_on = {each for each in PASSED_ON if signal.getsignal(each) is not signal.SIG_IGN}  # as under nohup
        self._waited = {*passed_on, signal.SIGCHLD}
        self._handler = signal.signal(signal.SIGCHLD, lambda *_: None)  # some systems drop it without a handler
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, self._waited)
        return self

    def __exit__(self, *_: object) -> None:
        while (late := signal.sigpending() & self._waited) and signal.sigwait(late):
            pass  # the command has already ended
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)
        signal.signal(signal.SIGCHLD, self._handler)

    def run(self, command: Sequence[str], environ: Mapping[str, str]) -> int:
        """Run a command, and wait until it ends.

        Args:
            command: its name or path, and its arguments. There is no shell.
            environ: its environment.

        Returns:
            Its exit status; 128 plus the signal if one ended it.

        Raises:
            NotStarted: it cannot be run.
        """
        name = command[0]
        try:
            child = os.posix_spawnp(
                name, [*command], environ, setsigmask=self._before, setsigdef=[*IGNORED_BY_PYTHON, signal.SIGCHLD]
            )
        except (OSError, ValueError) as error:
            number = getattr(error, "errno", None)
            if number in (errno.ENOENT, errno.ENOTDIR) or not name:
                raise NotStarted(NOT_FOUND, NotStarted.UNKNOWN.format(name=name)) from None
            reason = getattr(error, "strerror", error)
            raise NotStarted(NOT_RUN, NotStarted.NOT_RUN.format(name=name, reason=reason)) from None
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code
            if (number := self._next()) is not None:
                os.kill(child, number)

    def _next(self) -> int | None:
        """Wait for a signal. Return it if it must be passed on."""
        if not hasattr(signal, "sigwaitinfo"):  # as on macOS
            number = signal.sigwait(self._waited)
            return None if number == signal.SIGCHLD or _in_front() else number
        info = signal.sigwaitinfo(self._waited)
        by_the_system = info.si_code > 0
        return None if info.si_signo == signal.SIGCHLD or by_the_system else info.si_signo


def _in_front() -> bool:
    """Return whether we and the command receive the signals of a terminal."""
    try:
        with open("/dev/tty") as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False
