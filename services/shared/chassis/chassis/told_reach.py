"""What a transaction tells the database of its caller's reach (`tartip.reach`, JSON), to its end: row-level security holds it to that."""

import json
from functools import lru_cache
from typing import Final

from chassis.access import Caller, Reach

_TELL = "SELECT set_config('tartip.reach', '{reach}', true)"
BEYOND: Final = _TELL.format(reach='{"platform": true}')


def telling(caller: Caller | None) -> str:
    """The statement that says what the caller reaches, to the end of the transaction; nobody reaches nothing."""
    return _telling_of(caller.subject, caller.reach) if caller else _TELL.format(reach="")


@lru_cache(maxsize=1_000)
def _telling_of(subject: str, reach: Reach) -> str:
    """No statement of it depends on parameters, so that it begins a transaction in one round trip.

    The reach stands in a literal: JSON in ASCII, without control characters, its quotes doubled.
    """
    said = {
        "subject": subject,
        "nation": reach.nation,
        "regions": sorted(reach.regions),
        "bodies": sorted(reach.bodies),
        "systems": sorted(reach.systems),
        "servant": reach.servant,
        "units": sorted(reach.control.units),
        "people": sorted(reach.control.people),
    }
    return _TELL.format(reach=json.dumps(said).replace("'", "''"))
