"""What operators hear of a night's comparison: numbers, and a line for each day that differs, which names nobody."""

import structlog
from chassis.metrics import gauge

from timetracking.reconciliation.domain import Compared, Night

DAYS = gauge("tartip_reconcile_days", "days", "Days that were computed a second time in the last night and compared with what is kept")
DIFFERENCES = gauge("tartip_reconcile_differences", "days", "Of these the days that are not as their facts give them; they were made due")

log = structlog.get_logger("timetracking.reconciliation")


def report(night: Night, compared: Compared) -> None:
    """Shows what the night came to, and logs what was found now."""
    DAYS.set(night.days)
    DIFFERENCES.set(night.differences)
    for each in compared.differences:
        where = {"date": str(each.day[1]), "body": each.body, "parts": each.parts}
        log.warning("a kept day is not as its facts give it", **where, older_edition=each.older_edition)
