"""A service with nothing of its own: only the foundation, for the chassis's own tests."""
