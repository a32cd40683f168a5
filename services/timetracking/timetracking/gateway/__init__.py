"""The door that devices knock on: their own protocols in, passages in Kafka out, and an answer only once Kafka has them.

`processes` wires `door.Gateway` with `settings.GatewaySettings`, a publisher and an `allow_list.AllowList`.
"""
