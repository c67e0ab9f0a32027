"""In-process interception: the app answers requests of client libraries, without a server. One module per library.

Each module converts the library's request to a WSGI environ, calls `App.answer(environ, timeout=…)`, and converts the
`Answer` to the library's response. A fault (`fakeflowdock/api/failures.py`) can break the connection in two ways. Both
raise the exception, with the cause, that the library raises for a real socket:

- `App.answer` raises `Broken`, and there is no response. Its `loss` is `refused` (ECONNREFUSED while connecting),
  `reset` (ECONNRESET while reading), `closed` (end of the connection before a status line), or `timeout` (the client's
  read timeout; without one, ETIMEDOUT).
- An `Answer` that is `cut` has fewer bytes than its Content-Length. They are read, and then the connection ends.

`timeout` is the client's read timeout in seconds, or None. Nothing sleeps: only the clock of the world advances.
"""
