"""Schema changes of the registry's database, in the order of their dates."""
