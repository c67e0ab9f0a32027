"""Thread actions: a user performs one, and the integration is requested. docs/api/thread-actions.md."""
