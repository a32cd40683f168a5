"""What a consumer tells about itself in numbers; labels are topics, partitions and reasons, never people."""

from chassis.metrics import counter, gauge, histogram

_WEIGHTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

POSITION = gauge(
    "tartip_stream_position", "offset", "The next offset to apply: everything below is in the database.", ("topic", "partition")
)
LAG = gauge("tartip_stream_lag", "messages", "Messages between the position and the end of the partition.", ("topic", "partition"))
BUFFERED = gauge("tartip_stream_buffered_bytes", "bytes", "What was fetched from Kafka and waits in memory.")
HOLDING = gauge("tartip_stream_holding", "0 or 1", "Whether the worker of a topic waits for something that is away.", ("topic",))
PARKED = counter("tartip_stream_parked_total", "pieces", "Pieces put into the parking lot.", ("topic", "reason"))
APPLIED = counter("tartip_stream_applied_total", "weight", "What was applied: passages of batches, else messages.", ("topic",))
APPLY_SECONDS = histogram("tartip_stream_apply_seconds", "seconds", "How long a group took to be written, or to fail.", ("topic",))
GROUP_WEIGHT = histogram("tartip_stream_group_weight", "weight", "How heavy the gathered groups were.", ("topic",), _WEIGHTS)
