"""Who is not let in: calls without a token that counts, without a right, or too many of them."""

from telemetry.boards import Board, Panel, Query, Row

BOARD = Board(
    "access",
    "access refusals",
    "Who is not let in, by what, and whether that is a mistake, a misconfiguration or an attempt. Who it was stands in the audit.",
    (
        Row(
            "Not known",
            (
                Panel(
                    "Tokens that do not count",
                    "What is wrong with the tokens of those who are not let in?",
                    (Query("sum by (why) (rate(tartip_rpc_unauthenticated_total[$__rate_interval]))", "{{why}}"),),
                    "reqps",
                    width=12,
                ),
                Panel(
                    "Issuer",
                    "Do all processes have the issuer's keys?",
                    (
                        Query(
                            'min by (component, process) (tartip_process_condition{condition="issuer"}'
                            " * on (instance) group_left (component, process) tartip_process_info)",
                            "{{component}} {{process}}",
                        ),
                    ),
                    "bool",
                    "stat",
                    width=12,
                ),
            ),
        ),
        Row(
            "Known, and refused",
            (
                Panel(
                    "Refusals by reason",
                    "For which reasons of the error catalogue are calls refused?",
                    (Query("topk(12, sum by (code, reason) (rate(tartip_rpc_refused_total[$__rate_interval])))", "{{code}} {{reason}}"),),
                    "reqps",
                ),
                Panel(
                    "Without a right",
                    "Which methods are called by who may not?",
                    (
                        Query(
                            'topk(8, sum by (method) (rate(tartip_rpc_calls_total{code="PERMISSION_DENIED"}[$__rate_interval])))',
                            "{{method}}",
                        ),
                    ),
                    "reqps",
                ),
                Panel(
                    "Not there, or out of reach",
                    "Which methods are asked for what the caller does not reach? Many in a row are a search.",
                    (Query('topk(8, sum by (method) (rate(tartip_rpc_calls_total{code="NOT_FOUND"}[$__rate_interval])))', "{{method}}"),),
                    "reqps",
                ),
            ),
        ),
        Row(
            "Too much",
            (
                Panel(
                    "Held back",
                    "Whose buckets are empty: a client's, or a person's?",
                    (Query("sum by (whose) (rate(tartip_rpc_held_back_total[$__rate_interval]))", "{{whose}}"),),
                    "reqps",
                    width=12,
                ),
                Panel(
                    "Refusals without a record",
                    "How many refused calls found no room in the audit's queue?",
                    (Query("sum(increase(tartip_audit_refusals_dropped_total[1h]))", "dropped"),),
                    width=12,
                    red=1.0,
                ),
            ),
        ),
    ),
)
