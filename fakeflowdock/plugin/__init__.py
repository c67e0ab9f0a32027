"""What the pytest plugin does for tests with a fake. Nothing here is imported before one needs it."""
