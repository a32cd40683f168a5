"""The door that devices knock on: their own protocols in, passages in Kafka out, and an answer only once Kafka has them.

`__main__` wires `door.serve_gateway` with `settings.GatewaySettings`, a publisher and an `allow_list.AllowList`.
"""
