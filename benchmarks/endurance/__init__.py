"""Long runs against a server: what a few seconds of tests cannot show."""
