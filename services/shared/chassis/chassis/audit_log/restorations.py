"""Restorations that the chain itself tells of: what was told outside before one, and lies beyond what came back, is lost with it.

A restoration that nobody names excuses nothing: whoever writes the audit anew could begin an era too.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chassis.audit_log.chain import Seal

BEGIN = "restoration.begin"
# Between the era's number and its record lies one transaction.
_AT_ONCE = timedelta(minutes=2)
# Minutes since 1970 for some two thousand years; a number beyond was written by somebody else, and is no restoration.
_ERA = re.compile(r"eras/([0-9]{1,9})(?: after ([0-9]{1,18}) sealed)?")


def begun(era: int, kept: int) -> str:
    """The resource of the record that an era began in a chain of which so many seals came back."""
    return f"eras/{era} after {kept} sealed"


@dataclass(frozen=True, slots=True)
class Restored:
    """A restoration as the chain tells of it: the place of its record, when that was, and how many seals had come back."""

    era: int
    place: int
    at: datetime
    kept: int

    @classmethod
    def of(cls, place: int, record: Mapping[str, Any]) -> "Restored | None":
        """What a sealed record tells; None where it tells of no restoration. One that does not say what came back had lost nothing before it."""
        found = _ERA.fullmatch(record["resource"]) if record["action"] == BEGIN else None
        if found is None:
            return None
        return cls(int(found[1]), place, record["recorded_at"], int(found[2]) if found[2] else place - 1)

    def lost(self, seal: Seal) -> bool:
        """Whether what was told outside is of the chain that did not come back."""
        # The number of an era is the minute in which it began: whoever names it knows when that was, whatever the record says.
        began = min(self.at, datetime.fromtimestamp(60 * self.era, UTC) + _AT_ONCE)
        return seal.told_at is not None and seal.told_at < began and seal.place > self.kept

    def records_lost(self, seals: Iterable[Seal]) -> int:
        """How many records were lost with it at least, by what was told and is not in the chain: what came back unsealed was sealed since."""
        return max(0, max((each.place for each in seals if self.lost(each)), default=0) - (self.place - 1))


def named(restorations: Sequence[Restored], eras: Collection[int]) -> Sequence[Restored]:
    """Those whose era is among these; where the chain tells of one twice, one of them is false, and neither excuses anything."""
    times = Counter(each.era for each in restorations)
    return [each for each in restorations if each.era in eras and times[each.era] == 1]
