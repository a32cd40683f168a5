"""State bodies and their structural units: where civil servants serve."""
