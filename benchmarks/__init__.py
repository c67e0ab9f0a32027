"""How fast fakeflowdock is, against named peers: `python -m benchmarks`."""
