"""The devices: which are heard of, which are refused, which are to be looked after."""

from telemetry.boards import Board, Panel, Query, Row

STRANGER = "(not enrolled)"

BOARD = Board(
    "devices",
    "devices",
    "Which devices send, which are refused and why, and which are to be looked after. A device is named by its serial.",
    (
        Row(
            "At work",
            (
                Panel(
                    "Heard of within an hour",
                    "How many enrolled devices sent anything within an hour?",
                    (
                        Query(
                            f'count(sum by (device) (increase(tartip_gateway_received_total{{device!="{STRANGER}"}}[1h])) > 0) or vector(0)',
                            "devices",
                        ),
                    ),
                    kind="stat",
                ),
                Panel(
                    "Found silent",
                    "Of how many devices was a silence found that no passage has ended?",
                    (Query("max(tartip_devices_silent)", "silent"),),
                    kind="stat",
                    red=1.0,
                ),
                Panel(
                    "Strangers",
                    "How often does somebody knock that is not enrolled?",
                    (Query(f'sum(rate(tartip_gateway_refused_total{{device="{STRANGER}"}}[$__rate_interval]))', "refused"),),
                    "reqps",
                ),
            ),
        ),
        Row(
            "What they send",
            (
                Panel(
                    "Busiest",
                    "Which devices send most?",
                    (Query("topk(10, sum by (device) (rate(tartip_gateway_received_total[$__rate_interval])))", "{{device}}"),),
                    "ops",
                ),
                Panel(
                    "Late",
                    "Which devices send what happened long ago, since their line was away?",
                    (Query("topk(10, sum by (device) (increase(tartip_gateway_late_total[1h])) > 0)", "{{device}}"),),
                ),
                Panel(
                    "Repeated",
                    "Which devices send again what is there already? A few after an outage; all the time where an answer does not reach them.",
                    (Query("topk(10, sum by (device) (increase(tartip_passages_repeated_total[1h])) > 0)", "{{device}}"),),
                ),
            ),
        ),
        Row(
            "To be looked after",
            (
                Panel(
                    "Refused",
                    "Which devices are refused, and why?",
                    (
                        Query(
                            f'sum by (device, reason) (increase(tartip_gateway_refused_total{{device!="{STRANGER}"}}[1h])) > 0',
                            "{{device}} {{reason}}",
                        ),
                    ),
                ),
                Panel(
                    "Parked",
                    "Which devices send what cannot be read or believed?",
                    (Query("sum by (device, reason) (increase(tartip_gateway_parked_total[1h])) > 0", "{{device}} {{reason}}"),),
                ),
                Panel(
                    "To send again",
                    "Which devices were told to send again, since Kafka did not confirm?",
                    (Query("topk(10, sum by (device) (increase(tartip_gateway_unanswered_total[1h])) > 0)", "{{device}}"),),
                ),
                Panel(
                    "Known by their serial alone",
                    "Which devices prove nothing, and are to get a secret or networks?",
                    (Query("sum by (device) (increase(tartip_gateway_unproven_total[1d])) > 0", "{{device}}"),),
                    kind="table",
                    width=12,
                ),
                Panel(
                    "Lines cut",
                    "Which lines were cut before anything was read?",
                    (Query("sum by (why) (rate(tartip_gateway_lines_refused_total[$__rate_interval]))", "{{why}}"),),
                    "ops",
                    width=12,
                ),
            ),
        ),
    ),
)
