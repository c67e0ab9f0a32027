"""Door 1: a call of a client library becomes an answer of the app, at no address. One file per library.

A door makes an environ of a request, calls `App.answer(environ, timeout=…)`, and makes the library's response of the
`Answer`. Two things can go wrong on purpose (`fakeflowdock/failures.py`), and each is brought to the client as the
library itself would have it from a real socket, as the cause of its own exception:

- `App.answer` raises `Broken`, and no answer goes back. Its `loss` is `refused` (ECONNREFUSED while connecting),
  `reset` (ECONNRESET while reading), `closed` (the end of the connection before a status line), or `timeout` (the
  client's own read timeout; without one, ETIMEDOUT, which a system reports in the end).
- An `Answer` that is `cut` has fewer bytes than its Content-Length: they are read, and then the connection ends.

`timeout` is the number of seconds that the client waits for an answer, or None. Nobody sleeps: time passes on the
clock of the world.
"""
