"""Child processes of multiprocessing and `os.fork`: their requests are answered here, in the process of the fake.

A process with a started fake opens a gate, a socket on this machine, when it starts a child. A thread answers there.
Before each fork the thread ends, and afterwards another one starts: a forked child has one thread, and Python warns if
the parent has more. Sockets and threads are those of `_socket` and `_thread`, which tests do not patch.
"""

from __future__ import annotations

import _socket
import _thread
import hmac
import os
import pickle
import secrets
import selectors
import sys
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from threading import RLock
from time import sleep
from typing import TYPE_CHECKING, Any

from ..api.environ import HEAD
from ..api.responses import Broken
from . import errors, other_hosts
from .child_streams import SentStream, received_stream
from .frames import exactly, framed, received

if TYPE_CHECKING:
    from types import ModuleType

    from _typeshed.wsgi import WSGIEnvironment

    from ..api.app import App
    from ..api.responses import Answer
    from ..api.streams.stream import Stream

HOST = "127.0.0.1"
PATIENCE = 30.0  # seconds in which a process answers that is not stopped
EFFORTS = 5_000  # times to wait for a thread to end, of a millisecond each


class ParentApp:
    """An app in another process.

    Args:
        process: the id of that process.
        port: where its gate is; None if it could not open one.
        token: what the gate expects.
        key: the number of the app.
        reason: why there is no gate.
    """

    def __init__(self, process: int, port: int | None, token: bytes, key: int, reason: str = "") -> None:
        self._process, self._port, self._token, self._key, self._reason = process, port, token, key, reason

    def answer(self, environ: WSGIEnvironment, *, timeout: float | None = None, wait: Any = None) -> Answer:  # noqa: ARG002  # as App.answer
        """Return the response of the app.

        Raises:
            Broken: a fault broke the connection.
            RuntimeError: the other process does not answer.
        """
        if self._port is None:
            raise self._error(errors.NO_SOCKET.format(reason=self._reason))
        connection = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        is_kept = False
        sent = {name: value for name, value in environ.items() if name != HEAD}  # refers to functions
        try:
            kind, result = self._asked(connection, pickle.dumps((self._key, sent, timeout)))
            is_kept = kind == "stream"
        finally:
            if not is_kept:
                connection.close()
        if kind == "broken":
            raise Broken(result)
        if kind == "failed":
            raise self._error(errors.FAILED.format(reason=result))
        answer: Answer
        if is_kept:
            answer, form, interval = result
            return replace(answer, stream=received_stream(connection, form, interval))
        answer = result
        return answer

    def _asked(self, connection: _socket.socket, request: bytes) -> tuple[str, Any]:
        try:
            connection.settimeout(PATIENCE)
            connection.connect((HOST, self._port))
            connection.sendall(self._token + framed(request))
            reply: tuple[str, Any] = pickle.loads(received(connection))  # noqa: S301  # of our parent
        except (OSError, EOFError) as error:
            raise self._error(errors.STOPPED.format(reason=error)) from error
        return reply

    def _error(self, what: str) -> RuntimeError:
        return RuntimeError(errors.PARENT.format(process=self._process, what=what))

    def __reduce__(self) -> tuple[Any, ...]:
        """Make this the app of the process that unpickles it, before `sys.path` is what it is here."""
        home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        arguments = other_hosts.refused, self._process, self._port, self._token, self._key, self._reason
        return exec, (_ATTACH.format(home=home, arguments=arguments),)


_ATTACH = """
import sys
sys.path.append({home!r})
from fakeflowdock.interception.activation import attach
sys.path.remove({home!r})
attach(*{arguments!r})
"""


class ChildGate:
    """Answers the requests of child processes.

    Args:
        apps: the apps that answer, by their numbers.

    Raises:
        OSError: there is no socket to be had.
    """

    def __init__(self, apps: list[App]) -> None:
        self.apps = apps
        self.process = os.getpid()
        self.token = secrets.token_bytes(32)
        self._listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        try:
            self._listener.bind((HOST, 0))
            self._listener.listen(128)
            self._listener.settimeout(None)
            self.port: int = self._listener.getsockname()[1]
            self._waker = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
            self._waker.connect((HOST, self.port))
            self._woken = self._accepted()
        except BaseException:
            self._listener.close()
            raise
        for each in (self._waker, self._woken):
            each.setblocking(False)
        self._pausing = False
        self._streams: dict[int, SentStream] = {}  # by their file descriptors
        self._thread: Any = None
        self._ended = _of_threads("allocate_lock")()

    def resume(self) -> None:
        """Start the thread. Does nothing if it is running."""
        if self._thread is None:
            self._pausing = False
            self._ended.acquire()
            if sys.version_info >= (3, 13):
                self._thread = _of_threads("start_joinable_thread")(self._serve, daemon=True)
            else:
                self._thread = _of_threads("start_new_thread")(self._serve, ())

    def pause(self) -> None:
        """End the thread, after the requests that have arrived. Others wait."""
        if self._thread is None:
            return
        self._pausing = True
        self._wake()
        for _ in range(EFFORTS):
            if self._ended.acquire(blocking=False):
                self._ended.release()
                break
            sleep(0.001)
        if sys.version_info >= (3, 13):
            self._thread.join()
        self._thread = None

    def close(self) -> None:
        """End the thread, the streams and the sockets."""
        self.pause()
        for each in self._streams.values():
            each.send()
            each.leave()
        self._close_sockets()

    def leave(self) -> None:
        """Close the copies of the sockets that a child process has."""
        for each in self._streams.values():
            each.connection.close()
        self._close_sockets()

    def _close_sockets(self) -> None:
        for each in (self._listener, self._waker, self._woken):
            each.close()

    def _accepted(self) -> _socket.socket:
        descriptor, _ = self._listener._accept()  # type: ignore[attr-defined]  # what socket.accept calls
        return _socket.socket(fileno=descriptor)

    def _wake(self) -> None:
        """Let the thread look at everything, soon. Never waits."""
        with suppress(OSError):
            self._waker.send(b"!")

    def _serve(self) -> None:
        try:
            with selectors.DefaultSelector() as selector:
                for each in (self._listener, self._woken, *(each.connection for each in self._streams.values())):
                    selector.register(each, selectors.EVENT_READ)
                while not self._pausing:
                    ready = [key.fd for key, _ in selector.select()]
                    if self._woken.fileno() in ready:
                        self._woken.recv(4096)
                    if self._listener.fileno() in ready:
                        self._serve_one(selector)
                    self._send_streams(selector, ready)
        finally:
            self._ended.release()

    def _serve_one(self, selector: selectors.BaseSelector) -> None:
        connection, stream = self._accepted(), None
        try:
            connection.settimeout(PATIENCE)
            stream = self._answer(connection)
        except (OSError, EOFError):
            pass  # the child has ended
        finally:
            if stream is None:
                connection.close()
        if stream is not None:
            self._streams[connection.fileno()] = SentStream(connection, stream, self._wake)
            selector.register(connection, selectors.EVENT_READ)

    def _send_streams(self, selector: selectors.BaseSelector, ready: list[int]) -> None:
        for descriptor, each in [*self._streams.items()]:
            if each.send() and not (descriptor in ready and each.is_left):
                wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if each.is_full else 0)
                selector.modify(each.connection, wanted)
            else:
                selector.unregister(each.connection)
                del self._streams[descriptor]
                each.leave()

    def _answer(self, connection: _socket.socket) -> Stream | None:
        """Answer a request, and return the stream that follows, if there is one."""
        if not hmac.compare_digest(exactly(connection, len(self.token)), self.token):
            return None
        key, environ, timeout = pickle.loads(received(connection))  # noqa: S301  # of a child, which has the token
        stream = None
        try:
            answer = self.apps[key].answer(environ, timeout=timeout)
            reply: tuple[str, Any] = "answer", answer
            if (stream := answer.stream) is not None:
                reply = "stream", (replace(answer, stream=None), stream.form, stream.interval)
        except Broken as broken:
            reply = "broken", broken.loss
        except Exception as error:
            reply = "failed", f"{type(error).__name__}: {error}"
        try:
            connection.sendall(framed(pickle.dumps(reply)))
        except OSError:
            if stream is not None:
                stream.leave()
            raise
        return stream


def _of_threads(name: str) -> Any:
    """Return a function of `_thread`. Those of gevent start no thread: to wait would stop the whole program."""
    monkey: Any = sys.modules.get("gevent.monkey")
    return monkey.get_original("_thread", name) if monkey else getattr(_thread, name)


_gate: ChildGate | None = None


def remote_of(app: App | ParentApp, *, serving: bool) -> ParentApp:
    """Return how child processes reach an app.

    Args:
        app: the app, or one in our own parent.
        serving: whether to answer from now on. Otherwise `go_on` does it.
    """
    global _gate
    if isinstance(app, ParentApp):
        return app
    try:
        if _gate is None:
            _gate = ChildGate([])
        if serving:
            _gate.resume()
    except (OSError, RuntimeError) as error:  # no socket, no thread
        return ParentApp(os.getpid(), None, b"", 0, str(error))
    if app not in _gate.apps:
        _gate.apps.append(app)
    return ParentApp(_gate.process, _gate.port, _gate.token, _gate.apps.index(app))


def wait() -> None:
    """Answer nothing while this process forks."""
    if _gate is not None:
        _gate.pause()


def go_on() -> None:
    """Answer again, in the parent."""
    if _gate is not None:
        _gate.resume()


def leave() -> None:
    """Leave the gate of the parent to it, in a forked child, and the locks that its threads held."""
    global _gate
    if sys.version_info < (3, 12):  # where all objects of a class share a lock for each of its cached properties
        for name, module in [*sys.modules.items()]:
            if name.startswith(__name__.partition(".")[0]):
                _unlock(module)
    if _gate is not None:
        _gate.leave()
        _gate = None


def _unlock(module: ModuleType) -> None:
    classes = [each for each in vars(module).values() if isinstance(each, type)]
    for each in [value for one in classes for value in vars(one).values()]:
        if isinstance(each, cached_property) and hasattr(each, "lock"):
            vars(each)["lock"] = RLock()


def close() -> None:
    """Answer no more."""
    global _gate
    if _gate is not None:
        _gate.close()
        _gate = None
