"""The law that the machines apply, for people to read."""
