"""Resource names (AIP-122) that every service gives and takes: of bodies, units and servants; and how IDs are read from any name."""

import re

from kernel.faults import Malformed

# What stands in the IDs that clients choose.
CODE = "[A-Za-z0-9-]"
BODY_ID = CODE + "{2,40}"
UNIT_ID = CODE + "{1,40}"
SERVANT_ID = CODE + "{1,64}"


def body_name(body: str) -> str:
    """Returns the name of a state body."""
    return f"stateBodies/{body}"


def unit_name(body: str, unit: str) -> str:
    """Returns the name of a structural unit."""
    return f"stateBodies/{body}/units/{unit}"


def servant_name(servant: str) -> str:
    """Returns the name of a civil servant."""
    return f"servants/{servant}"


def body_of(name: str, field: str) -> str:
    """Returns the ID in a state body's name; Malformed for `field` if it is none."""
    (body,) = ids_in(name, field, f"stateBodies/({BODY_ID})", "stateBodies/{state_body}")
    return body


def servant_of(name: str, field: str) -> str:
    """Returns the ID in a servant's name; Malformed for `field` if it is none."""
    (servant,) = ids_in(name, field, f"servants/({SERVANT_ID})", "servants/{servant}")
    return servant


def ids_in(name: str, field: str, pattern: str, shape: str) -> tuple[str, ...]:
    """Returns the groups of `pattern`, which are the IDs in the name; Malformed for `field`, with the shape, if it does not fit."""
    match = re.fullmatch(pattern, name)
    if match is None:
        raise Malformed({field: f"a name like {shape}"})
    return match.groups()
