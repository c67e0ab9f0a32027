"""The texts of the errors that clients get in process: those of the libraries, and of Python, for a real socket."""

from __future__ import annotations

TIMED_OUT = "timed out"
NOT_CONNECTED = "Failed to establish a new connection: {reason}"  # urllib3
READ_TIMED_OUT = "Read timed out. (read timeout={timeout:g})"
ABORTED = "Connection aborted."
TIMEOUT = "Invalid timeout {given}. Pass a (connect, read) timeout tuple, or one number for both."  # requests
CLOSED = "Remote end closed connection without response"  # http.client
DISCONNECTED = "Server disconnected without sending a response."  # httpcore, as the next
METHOD = "method strings may not include unicode characters."
CUT = "peer closed connection without sending complete message body (received {received} bytes, expected {length})"
CUT_STREAM = "peer closed connection without sending complete message body (incomplete chunked read)"
STOPPED_MEANWHILE = "the fake was stopped during the request"  # ours, as what follows
PARENT = "the fake in process {process}, which started this process, {what}"
NO_SOCKET = "could not open a socket for its child processes: {reason}"
FAILED = "failed: {reason}"
ENDED = "the connection was closed"
STOPPED = (
    "is stopped or does not answer ({reason}). "
    "Stop it after its child processes have ended, and start them after the fake."
)
UNSUPPORTED = (
    "{request} would reach the real {host}: fakeflowdock does not intercept this client. "
    "Use the address of the fake's server (`fake.url`), or `fake.environ` in a child process."
)
NOT_FAKED = "{request} is not answered: fakeflowdock fakes api.flowdock.com and stream.flowdock.com, but not {host}"
REFUSED = '{request} is refused: other hosts are not allowed. Mock it, or allow it with other_hosts="allow".'
OTHER_HOSTS = "invalid other_hosts {given!r}: expected 'allow' or 'refuse'"
PASSED = "requests to Flowdock are intercepted by fakeflowdock"  # which no client sees
