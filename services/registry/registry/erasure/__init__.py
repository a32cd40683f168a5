"""Erasing people: when their file's term has ended, or a decision says so."""
