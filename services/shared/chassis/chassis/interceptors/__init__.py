"""What surrounds every RPC, in order: telemetry, faults, authentication, authorisation, idempotency."""
