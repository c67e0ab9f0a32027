"""Door 1: a call of a client library becomes an answer of the app, without a socket. One file per library."""
