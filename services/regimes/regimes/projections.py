"""The topics that this service follows."""

BODIES = "registry.bodies.v1"
SERVANTS = "registry.servants.v1"
