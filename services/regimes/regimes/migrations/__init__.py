"""Schema changes of the regimes' database, in the order of their dates."""
