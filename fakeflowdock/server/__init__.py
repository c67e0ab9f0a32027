"""Many worlds on one server, the admin API, and the environment of child processes."""
