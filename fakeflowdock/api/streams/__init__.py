"""Event streams: who is sent what, and in which form. docs/api/streaming.md."""
