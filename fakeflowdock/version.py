"""The version of fakeflowdock."""

__version__ = "0.2.0"
