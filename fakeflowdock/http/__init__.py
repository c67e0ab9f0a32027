"""Sockets: HTTP/1.1, TLS, the forward proxy and the access log."""
