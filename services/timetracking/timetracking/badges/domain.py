"""Badges: a number of an access system in one holder's hands, for a span of instants."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from kernel.days import DaySpan
from kernel.faults import WrongState


@dataclass(frozen=True, slots=True)
class Badge:
    """A badge held by a servant in [since, until), or on and on without `until`; a span that ends before it begins is refused."""

    badge: str
    system: str
    number: str
    servant: str
    since: datetime
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.until is not None and self.until <= self.since:
            raise WrongState("SPAN_REVERSED", since=self.since, until=self.until)

    @property
    def days(self) -> DaySpan:
        """The dates of which it may be, in any zone: it may be handed out on the eve of the first day of service."""
        one = timedelta(days=1)
        return DaySpan(self.since.date() - one, self.until.date() + one if self.until is not None else None)
