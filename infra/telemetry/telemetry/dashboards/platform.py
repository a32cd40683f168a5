"""Whether the platform is well: what is promised, its processes, its databases, its calls and jobs."""

from telemetry.boards import Board, Panel, Query, Row
from telemetry.objectives import ERRORS, LEFT

# Which process of which service a number is of.
OF = "* on (instance) group_left (component, process) tartip_process_info"
PROCESS = "{{component}} {{process}}"

BOARD = Board(
    "platform",
    "platform",
    "Whether the platform is well, and which part of it is not.",
    (
        Row(
            "What is promised",
            (
                Panel(
                    "Budgets left",
                    "How much of the month's budget of each objective is left? Below nothing the promise is broken.",
                    (Query(LEFT, "{{slo}}"),),
                    "percentunit",
                    "bargauge",
                ),
                Panel(
                    "Bad events",
                    "Which share of events broke its promise in the last hour?",
                    (Query(f"{ERRORS}1h", "{{slo}}"),),
                    "percentunit",
                ),
                Panel(
                    "Alerts",
                    "What is alarmed at now?",
                    (Query('count by (alertname, severity) (ALERTS{alertstate="firing"})', "{{alertname}}"),),
                    kind="table",
                ),
            ),
        ),
        Row(
            "Processes",
            (
                Panel(
                    "Processes",
                    "How many of each process are there?",
                    (Query("sum by (component, process) (tartip_process_info)", PROCESS),),
                    kind="bargauge",
                ),
                Panel(
                    "Not ready",
                    "Which processes wait for what? Nothing is shown while all are ready.",
                    (Query(f"(tartip_process_condition == 0) {OF} + 1", f"{PROCESS}: {{{{condition}}}}"),),
                ),
                Panel(
                    "Starts",
                    "Which processes were started anew within an hour?",
                    (Query(f"sum by (component, process) (changes(process_start_time_seconds[1h]) {OF})", PROCESS),),
                ),
                Panel(
                    "Processor",
                    "How much of a core does each process take?",
                    (Query(f"sum by (component, process) (rate(process_cpu_seconds_total[$__rate_interval]) {OF})", PROCESS),),
                    "cores",
                ),
                Panel(
                    "Memory",
                    "Does the memory of a process grow?",
                    (Query(f"max by (component, process) (process_resident_memory_bytes {OF})", PROCESS),),
                    "bytes",
                ),
                Panel(
                    "Certificates",
                    "How long do the certificates in service count, and the authorities whose certificates are taken?",
                    (
                        Query(f"min by (component, process) (((tartip_tls_certificate_expires_seconds > 0) - time()) {OF})", PROCESS),
                        Query(
                            f"min by (component, file) ((tartip_trusted_authorities_end_seconds - time()) {OF})", "{{component}} {{file}}"
                        ),
                    ),
                    "s",
                ),
            ),
        ),
        Row(
            "Databases and outbox",
            (
                Panel(
                    "Connections at work",
                    "Which part of its connections does each process use? At one, callers wait.",
                    (
                        Query(
                            "max by (component, process) ((tartip_database_connections_in_use / tartip_database_connections_most) "
                            + OF
                            + ")",
                            PROCESS,
                        ),
                    ),
                    "percentunit",
                    red=1.0,
                ),
                Panel(
                    "Waiting for a connection, p99",
                    "How long does the unluckiest of a hundred wait for the database before anything is asked?",
                    (
                        Query(
                            "histogram_quantile(0.99, sum by (le, component, process)"
                            f" (rate(tartip_database_wait_seconds_bucket[$__rate_interval]) {OF}))",
                            PROCESS,
                        ),
                    ),
                    "s",
                    red=1.0,
                ),
                Panel(
                    "Outbox",
                    "How long have the oldest events waited for Kafka?",
                    (
                        Query(
                            f"max by (component) ((tartip_outbox_oldest_seconds {OF}) and on (instance) tartip_relay_active == 1)",
                            "{{component}}",
                        ),
                    ),
                    "s",
                    red=60.0,
                ),
                Panel(
                    "Events published",
                    "How many events a second go to Kafka?",
                    (Query(f"sum by (component) (rate(tartip_relay_published_total[$__rate_interval]) {OF})", "{{component}}"),),
                    "ops",
                ),
                Panel(
                    "Relays",
                    "Is exactly one relay of each service active?",
                    (Query(f"sum by (component) (tartip_relay_active {OF})", "{{component}}"),),
                    kind="stat",
                ),
                Panel(
                    "Audit, unsealed",
                    "How old is the oldest audit record that is not sealed?",
                    (Query(f"max by (component) (tartip_audit_unsealed_oldest_seconds {OF})", "{{component}}"),),
                    "s",
                    red=60.0,
                ),
            ),
        ),
        Row(
            "Calls",
            (
                Panel(
                    "Calls",
                    "How many calls a second are answered, and how?",
                    (Query("sum by (code) (rate(tartip_rpc_calls_total[$__rate_interval]))", "{{code}}"),),
                    "reqps",
                ),
                Panel(
                    "Slowest methods, p99",
                    "Which methods keep one of a hundred callers waiting longest? Streams count with their whole life.",
                    (
                        Query(
                            "topk(8, histogram_quantile(0.99, sum by (le, method) (rate(tartip_rpc_seconds_bucket[$__rate_interval]))))",
                            "{{method}}",
                        ),
                    ),
                    "s",
                ),
                Panel(
                    "Behind",
                    "Are calls refused because a projection is behind, or because something is away?",
                    (
                        Query(
                            'sum by (reason) (rate(tartip_rpc_refused_total{reason=~"PROJECTION_BEHIND|UNAVAILABLE|INTERNAL"}[$__rate_interval]))',
                            "{{reason}}",
                        ),
                    ),
                    "reqps",
                ),
            ),
        ),
        Row(
            "Jobs",
            (
                Panel(
                    "Work left behind",
                    "How long ago was everything done that was due?",
                    (Query(f"time() - max by (component) (tartip_jobs_level_real_seconds {OF})", "{{component}}"),),
                    "s",
                    red=1800.0,
                ),
                Panel(
                    "Done",
                    "What do the jobs do?",
                    (Query("sum by (job_name) (rate(tartip_jobs_done_total[$__rate_interval]))", "{{job_name}}"),),
                    "ops",
                ),
                Panel(
                    "Failed",
                    "Which jobs fail?",
                    (Query("sum by (job_name) (increase(tartip_jobs_failed_total[1h]))", "{{job_name}}"),),
                ),
                Panel(
                    "Deleted for their age",
                    "How many rows went since their term had ended?",
                    (Query("sum by (data_class) (increase(tartip_retention_deleted_total[1d]))", "{{data_class}}"),),
                ),
                Panel(
                    "Deleting rests until",
                    "Until when does deleting rest, by a legal hold? Nothing is shown while there is none.",
                    (Query("max(tartip_retention_rests_until_seconds > 0) * 1000", "held until"),),
                    "dateTimeAsIso",
                    "stat",
                ),
                Panel(
                    "Days that differ",
                    "How many of last night's compared days were not as their facts give them?",
                    (Query("max(tartip_reconcile_differences)", "differ"), Query("max(tartip_reconcile_days)", "compared")),
                    kind="stat",
                    red=1.0,
                ),
            ),
        ),
    ),
)
