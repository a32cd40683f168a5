"""The way of a passage: from the device through the gateway and Kafka to the stored day and its event."""

from telemetry.boards import Board, Panel, Query, Row
from telemetry.dashboards.platform import OF

VISIBLE = "tartip_passage_visible_seconds_bucket"

BOARD = Board(
    "passages",
    "passage pipeline",
    "Where passages are on their way from the device to the day, and what was left on it.",
    (
        Row(
            "From receipt to day",
            (
                Panel(
                    "Until the day can be seen, live",
                    "How long does a live passage take from its receipt to its day?",
                    tuple(
                        Query(
                            f'histogram_quantile({share}, sum by (le) (rate({VISIBLE}{{lane="live"}}[$__rate_interval])))',
                            f"p{share * 100:g}",
                        )
                        for share in (0.5, 0.95, 0.99)
                    ),
                    "s",
                    red=1.0,
                ),
                Panel(
                    "Until the day can be seen, late",
                    "How long do passages take that came late, after an outage of a line?",
                    (Query(f'histogram_quantile(0.95, sum by (le) (rate({VISIBLE}{{lane="late"}}[$__rate_interval])))', "p95"),),
                    "s",
                ),
                Panel(
                    "Until the device is answered",
                    "How long does a device wait until Kafka has what it sent?",
                    tuple(
                        Query(
                            f"histogram_quantile({share}, sum by (le) (rate(tartip_gateway_acknowledge_seconds_bucket[$__rate_interval])))",
                            f"p{share * 100:g}",
                        )
                        for share in (0.5, 0.99)
                    ),
                    "s",
                    red=0.5,
                ),
            ),
        ),
        Row(
            "Gateway",
            (
                Panel(
                    "Records",
                    "What becomes of the records that devices send?",
                    (
                        Query("sum(rate(tartip_gateway_published_total[$__rate_interval]))", "published"),
                        Query("sum(rate(tartip_gateway_late_total[$__rate_interval]))", "of these late"),
                        Query("sum(rate(tartip_gateway_parked_total[$__rate_interval]))", "parked"),
                        Query("sum(rate(tartip_gateway_refused_total[$__rate_interval]))", "refused"),
                        Query("sum(rate(tartip_gateway_ignored_total[$__rate_interval]))", "no passages"),
                        Query("sum(rate(tartip_gateway_unanswered_total[$__rate_interval]))", "to be sent again"),
                    ),
                    "ops",
                ),
                Panel(
                    "Waiting for Kafka",
                    "How many passages were taken in and are not in Kafka yet? At 100,000 devices are told to keep theirs.",
                    (Query("max(tartip_gateway_waiting)", "waiting"),),
                    red=50_000.0,
                ),
                Panel(
                    "Delivery to Kafka, p99",
                    "How long does Kafka take to confirm a batch, and how many passages does one hold?",
                    (
                        Query(
                            "histogram_quantile(0.99, sum by (le) (rate(tartip_gateway_delivery_seconds_bucket[$__rate_interval])))",
                            "p99 seconds",
                        ),
                        Query(
                            "sum(rate(tartip_gateway_batch_passages_sum[$__rate_interval]))"
                            " / sum(rate(tartip_gateway_batch_passages_count[$__rate_interval]))",
                            "passages a batch",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            "Consumers",
            (
                Panel(
                    "Behind",
                    "How many messages wait, of which topic, for which process?",
                    (Query(f"sum by (component, process, topic) (tartip_stream_lag {OF})", "{{component}} {{process}} {{topic}}"),),
                ),
                Panel(
                    "Applied",
                    "How much is applied a second, of which topic?",
                    (Query("sum by (topic) (rate(tartip_stream_applied_total[$__rate_interval]))", "{{topic}}"),),
                    "ops",
                ),
                Panel(
                    "Held",
                    "Does a consumer wait for something that is away?",
                    (Query(f"max by (component, topic) (tartip_stream_holding {OF})", "{{component}} {{topic}}"),),
                    red=1.0,
                ),
                Panel(
                    "Writing a group, p99",
                    "How long does a group of messages take to be written?",
                    (
                        Query(
                            "histogram_quantile(0.99, sum by (le, topic) (rate(tartip_stream_apply_seconds_bucket[$__rate_interval])))",
                            "{{topic}}",
                        ),
                    ),
                    "s",
                ),
                Panel(
                    "Weight of a group",
                    "How many passages or messages share a transaction?",
                    (
                        Query(
                            "sum by (topic) (rate(tartip_stream_group_weight_sum[$__rate_interval]))"
                            " / sum by (topic) (rate(tartip_stream_group_weight_count[$__rate_interval]))",
                            "{{topic}}",
                        ),
                    ),
                ),
                Panel(
                    "Fetched and waiting",
                    "How much of Kafka lies in the memory of consumers?",
                    (Query(f"max by (component) (tartip_stream_buffered_bytes {OF})", "{{component}}"),),
                    "bytes",
                ),
            ),
        ),
        Row(
            "No loss",
            (
                Panel(
                    "In flight",
                    "How many records became of nothing yet? It comes back to nothing when traffic pauses; what stays was lost.",
                    (Query("max(tartip_accounts_in_flight)", "in flight"),),
                ),
                Panel(
                    "In the parking lot",
                    "What waits for a person, and why?",
                    (Query("max by (topic, reason) (tartip_parked_records)", "{{reason}} {{topic}}"),),
                ),
                Panel(
                    "Stored and repeated",
                    "How many passages are stored, and how many were there already?",
                    (
                        Query("sum(rate(tartip_passages_stored_total[$__rate_interval]))", "stored"),
                        Query("sum(rate(tartip_passages_repeated_total[$__rate_interval]))", "repeated"),
                    ),
                    "ops",
                ),
            ),
        ),
    ),
)
