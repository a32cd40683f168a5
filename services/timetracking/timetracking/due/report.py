"""What operators hear of computed days: how long after its receipt a read can be seen in them."""

from collections.abc import Callable, Sequence

from chassis.clock import Clock
from chassis.metrics import histogram

from timetracking.due.use_cases import DueRead

# A live day is promised within a second, within five while a backlog is taken up; a backlog itself may take hours.
_BUCKETS = (0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)

VISIBLE = histogram(
    "tartip_passage_visible_seconds",
    "seconds",
    "From the receipt of a passage to the commit of the days that follow from it, the longest wait of each badge and date;"
    " live, or late: what came late, and what could not be computed at first",
    ("lane",),
    _BUCKETS,
)


def report_by(clock: Clock) -> Callable[[Sequence[DueRead]], None]:
    """Returns what measures by this clock, that of the gateway, how long reads waited."""

    def report(reads: Sequence[DueRead]) -> None:
        now = clock()
        for each in reads:
            lane = VISIBLE.labels("late" if each.late else "live")
            for received_at in each.dates.values():
                if received_at is not None:
                    # Machines' clocks differ by milliseconds: no day was seen before its passage came.
                    lane.observe(max(0.0, (now - received_at).total_seconds()))

    return report
