"""Legal holds: while a body is inspected its data must be neither altered nor destroyed (Law on civil service, article 58-6)."""

from dataclasses import dataclass, replace

from kernel.days import DaySpan
from kernel.faults import Stale
from kernel.identifiers import new_id
from kernel.text import line

from registry.names import hold_name
from registry.values import etag


@dataclass(frozen=True, slots=True)
class Hold:
    """A span in which nothing may be deleted, on the ground of an act; both its days are known, and it may be released before."""

    body: str
    id: str
    ground: str
    span: DaySpan
    released: bool = False
    revision: int = 1

    @classmethod
    def placed(cls, body: str, ground: str, span: DaySpan) -> "Hold":
        """A hold as it is placed; Malformed without a ground of one line."""
        return cls(body, new_id(), line(ground, "hold.ground", 200), span)

    def let_go(self, seen: str = "") -> "Hold":
        """The hold released; releasing it again changes nothing. STALE_ETAG if it is not in the state `seen`."""
        if seen and seen != etag(self.revision):
            raise Stale(hold_name(self.body, self.id))
        return self if self.released else replace(self, released=True, revision=self.revision + 1)
