"""What a test holds: arrange, read, assert and explain."""
