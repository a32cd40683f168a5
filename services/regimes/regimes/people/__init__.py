"""Bodies and servants as the registry tells of them: the local projection."""
