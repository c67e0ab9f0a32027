"""The texts of the errors that clients get in process: those of the libraries, and of Python, for a real socket."""

from __future__ import annotations

TIMED_OUT = "timed out"
NOT_CONNECTED = "Failed to establish a new connection: {reason}"  # urllib3
READ_TIMED_OUT = "Read timed out. (read timeout={timeout:g})"
ABORTED = "Connection aborted."
TIMEOUT = "Invalid timeout {given}. Pass a (connect, read) timeout tuple, or one number for both."  # requests
CLOSED = "Remote end closed connection without response"  # http.client
DISCONNECTED = "Server disconnected without sending a response."  # httpcore, as the next
CUT = "peer closed connection without sending complete message body (received {received} bytes, expected {length})"
PASSED = "requests to Flowdock are intercepted by fakeflowdock"  # ours, which no client sees
