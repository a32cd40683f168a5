"""Faults on the real stack: processes, broker and database are killed, paused and taken away in the middle of their work."""
