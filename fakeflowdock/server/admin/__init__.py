"""The admin API of a server, below `/_fakeflowdock/`, for tests in any language."""
