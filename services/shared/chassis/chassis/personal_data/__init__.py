"""Data about people: what is kept of them, for how long, how it is erased, and how they are given it."""
