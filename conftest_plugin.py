"""The pytest plugin, for a checkout that is not installed: `-p conftest_plugin`."""

pytest_plugins = ["fakeflowdock.pytest_plugin"]
