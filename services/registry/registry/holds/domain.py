"""Legal holds: while a body is inspected its data must be neither altered nor destroyed (Law on civil service, article 58-6)."""

from dataclasses import dataclass, replace

from kernel.days import DaySpan
from kernel.faults import Forbidden, Stale, WrongState
from kernel.identifiers import new_id
from kernel.text import line

from registry.names import hold_name
from registry.values import etag

# All that stand travel in one message with the body, which may have a megabyte: a body is inspected a few times a year.
MOST_STANDING = 100


@dataclass(frozen=True, slots=True)
class Hold:
    """A span in which nothing may be deleted, on the ground of an act; both its days are known, and it may be released before.

    One that an inspector of the nation placed is `of_nation`: none of a region releases it.
    """

    body: str
    id: str
    ground: str
    span: DaySpan
    of_nation: bool = False
    released: bool = False
    revision: int = 1

    @classmethod
    def placed(cls, body: str, ground: str, span: DaySpan) -> "Hold":
        """A hold as it is placed; Malformed without a ground of one line."""
        return cls(body, new_id(), line(ground, "hold.ground", 200), span)

    def let_go(self, by_nation: bool, seen: str = "") -> "Hold":
        """The hold released; again changes nothing. Refuses HOLD_OF_NATION (for a region), STALE_ETAG where it is not in `seen` state."""
        if self.of_nation and not by_nation:
            raise Forbidden("HOLD_OF_NATION", resource=hold_name(self.body, self.id))
        if seen and seen != etag(self.revision):
            raise Stale(hold_name(self.body, self.id))
        return self if self.released else replace(self, released=True, revision=self.revision + 1)


def refuse_one_too_many(standing: int) -> None:
    """Refuses TOO_MANY_HOLDS where as many stand over a body as may: neither released nor over."""
    if standing >= MOST_STANDING:
        raise WrongState("TOO_MANY_HOLDS", most=MOST_STANDING)
