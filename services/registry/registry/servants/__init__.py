"""Civil servants, their appointments, and the import of both."""
