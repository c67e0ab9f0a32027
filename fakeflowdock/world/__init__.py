"""What is kept, and the rules that need no HTTP."""
