"""Resource names of the registry (AIP-122) and the IDs within them."""

from kernel.identifiers import UUID_PATTERN
from kernel.names import BODY_ID, SERVANT_ID, UNIT_ID, ids_in

from registry.values import POSITION_ID

APPOINTMENT_ID = "[0-9a-f-]{36}"
HOLD_ID = "[0-9a-f-]{36}"


def position_name(body: str, position: str) -> str:
    """Returns the name of a position."""
    return f"stateBodies/{body}/positions/{position}"


def appointment_name(servant: str, appointment: str) -> str:
    """Returns the name of an appointment."""
    return f"servants/{servant}/appointments/{appointment}"


def hold_name(body: str, hold: str) -> str:
    """Returns the name of a legal hold."""
    return f"stateBodies/{body}/holds/{hold}"


def hold_of(name: str, field: str) -> tuple[str, str]:
    """Returns the IDs of the body and the hold in a hold's name; Malformed for `field` if it is none."""
    body, hold = ids_in(name, field, f"stateBodies/({BODY_ID})/holds/({HOLD_ID})", "stateBodies/{state_body}/holds/{hold}")
    return body, hold


def protected_fact_name(servant: str, fact: str) -> str:
    """Returns the name of a protected fact."""
    return f"servants/{servant}/protectedFacts/{fact}"


def protected_fact_of(name: str, field: str) -> tuple[str, str]:
    """Returns the IDs of the servant and the protected fact in a fact's name; Malformed for `field` if it is none."""
    pattern = f"servants/({SERVANT_ID})/protectedFacts/({UUID_PATTERN})"
    servant, fact = ids_in(name, field, pattern, "servants/{servant}/protectedFacts/{protected_fact}")
    return servant, fact


def unit_of(name: str, field: str) -> tuple[str, str]:
    """Returns the IDs of the body and the unit in a unit's name; Malformed for `field` if it is none."""
    body, unit = ids_in(name, field, f"stateBodies/({BODY_ID})/units/({UNIT_ID})", "stateBodies/{state_body}/units/{unit}")
    return body, unit


def position_of(name: str, field: str) -> tuple[str, str]:
    """Returns the IDs of the body and the position in a position's name; Malformed for `field` if it is none."""
    pattern = f"stateBodies/({BODY_ID})/positions/({POSITION_ID})"
    body, position = ids_in(name, field, pattern, "stateBodies/{state_body}/positions/{position}")
    return body, position


def appointment_of(name: str, field: str) -> tuple[str, str]:
    """Returns the IDs of the servant and the appointment in an appointment's name; Malformed for `field` if it is none."""
    pattern = f"servants/({SERVANT_ID})/appointments/({APPOINTMENT_ID})"
    servant, appointment = ids_in(name, field, pattern, "servants/{servant}/appointments/{appointment}")
    return servant, appointment
