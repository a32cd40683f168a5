"""What became of every record that a device sent, as numbers that add up.

received = published + parked + refused + ignored + unanswered, for each device. A request that is refused as a whole, unread,
counts as one record. An unanswered record is one that the device was told to send again, because Kafka did not confirm it in
time; it may be in Kafka all the same, and its repetition changes nothing. What is refused
for who sent it, or for how much it was, has one of the reasons not-enrolled, no-secret, wrong-secret, wrong-network, revoked, too-much.
"""

from chassis.metrics import counter, gauge, histogram

STRANGER = "(not enrolled)"
"""The device label of all serials that are not enrolled: anyone may invent serials, and each label costs memory for ever."""

received = counter(
    "tartip_gateway_received_total", "records", "Records that devices sent; a request refused unread counts as one.", ("device",)
)
published = counter("tartip_gateway_published_total", "passages", "Passages that Kafka has.", ("device",))
late = counter(
    "tartip_gateway_late_total", "passages", "Of the published ones those that happened so long ago that they go apart.", ("device",)
)
parked = counter("tartip_gateway_parked_total", "records", "Records in the parking lot, by reason.", ("device", "reason"))
refused = counter("tartip_gateway_refused_total", "records", "Records or requests refused by name, by reason.", ("device", "reason"))
unproven = counter(
    "tartip_gateway_unproven_total",
    "requests",
    "Requests let in by the serial alone: the device is to get a secret or networks.",
    ("device",),
)
ignored = counter(
    "tartip_gateway_ignored_total", "records", "Records that are no passages: heartbeats, doors, unrecognised faces.", ("device",)
)
unanswered = counter(
    "tartip_gateway_unanswered_total", "records", "Records to be sent again: Kafka did not confirm them in time.", ("device",)
)
lines_refused = counter(
    "tartip_gateway_lines_refused_total", "lines", "Lines that were cut: too many of an address, a head too slow or too large.", ("why",)
)
waiting = gauge("tartip_gateway_waiting", "passages", "Passages taken in and not yet in Kafka; zero when the gateway is level.")
batch_passages = histogram(
    "tartip_gateway_batch_passages", "passages", "Passages in a batch.", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 300, 400, 500)
)
acknowledge_seconds = histogram(
    "tartip_gateway_acknowledge_seconds",
    "seconds",
    "From a device's request that was read whole to its answer: taken, once Kafka has all of it, or not-taken, to be sent again.",
    ("outcome",),
)
delivery_seconds = histogram("tartip_gateway_delivery_seconds", "seconds", "From closing a batch until Kafka has it.")
