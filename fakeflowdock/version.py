"""The version of fakeflowdock."""

__version__ = "0.1.0"
