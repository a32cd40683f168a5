"""When a civil servant may be erased (Law on personal data, article 12): not while appointed, and not while a hold stands."""

from datetime import date

from kernel.faults import RuleBroken
from kernel.names import servant_name

from registry.servants.domain import Servant


def refuse_while_appointed(servant: Servant, today: date) -> None:
    """Refuses STILL_APPOINTED where an appointment is in force or is to come; `today` is the date where it comes last."""
    for each in servant.appointments:
        until = each.terms.span.until
        if until is None or until >= today:
            raise RuleBroken("STILL_APPOINTED", "pdl-12", today, servant=servant_name(servant.id), until=until or "")


def refuse_while_held(until: date | None, today: date) -> None:
    """Refuses HOLD_IN_FORCE with the last day of the legal holds, if there is one."""
    if until is not None:
        raise RuleBroken("HOLD_IN_FORCE", "csl-58-6", today, until=until)
