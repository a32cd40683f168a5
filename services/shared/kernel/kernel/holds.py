"""Legal holds: spans in which nothing may be deleted, as services tell one another of them."""

from dataclasses import dataclass

from kernel.days import DaySpan


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold over a body's data that stands: neither released nor over when it was told."""

    id: str
    span: DaySpan
