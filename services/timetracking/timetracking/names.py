"""Resource names of timetracking (AIP-122) and the IDs within them."""

from datetime import date
from uuid import UUID

from kernel.faults import Malformed
from kernel.identifiers import UUID_PATTERN
from kernel.names import BODY_ID, CODE, SERVANT_ID, ids_in

DEVICE_ID = "[A-Za-z0-9._-]{1,64}"
SESSION_ID = CODE + "{1,64}"
DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"


def device_name(body: str, device: str) -> str:
    """Returns the name of a device."""
    return f"stateBodies/{body}/devices/{device}"


def badge_name(servant: str, badge: str) -> str:
    """Returns the name of a badge in a servant's hands."""
    return f"servants/{servant}/badges/{badge}"


def session_name(servant: str, session: str) -> str:
    """Returns the name of a remote session."""
    return f"servants/{servant}/remoteSessions/{session}"


def workday_name(servant: str, on: date) -> str:
    """Returns the name of a working day."""
    return f"servants/{servant}/workdays/{on}"


def parked_name(record: UUID) -> str:
    """Returns the name of a parked record."""
    return f"parkedRecords/{record}"


def device_of(name: str, field: str) -> tuple[str, str]:
    """Returns the body's ID and the serial in a device's name; Malformed for `field` if it is none."""
    body, device = ids_in(name, field, f"stateBodies/({BODY_ID})/devices/({DEVICE_ID})", "stateBodies/{state_body}/devices/{device}")
    return body, device


def session_of(name: str, field: str) -> tuple[str, str]:
    """Returns the IDs of the servant and the session in a session's name; Malformed for `field` if it is none."""
    pattern = f"servants/({SERVANT_ID})/remoteSessions/({SESSION_ID})"
    servant, session = ids_in(name, field, pattern, "servants/{servant}/remoteSessions/{remote_session}")
    return servant, session


def workday_of(name: str, field: str) -> tuple[str, date]:
    """Returns the servant's ID and the date in a working day's name; Malformed for `field` if it is none."""
    servant, day = ids_in(name, field, f"servants/({SERVANT_ID})/workdays/({DAY})", "servants/{servant}/workdays/2026-11-24")
    try:
        return servant, date.fromisoformat(day)
    except ValueError:
        raise Malformed({field: "a date that the calendar has"}) from None


def parked_of(name: str, field: str) -> UUID:
    """Returns the ID in a parked record's name; Malformed for `field` if it is none."""
    (record,) = ids_in(name, field, f"parkedRecords/({UUID_PATTERN})", "parkedRecords/{parked_record}")
    return UUID(record)


def parent_of(name: str, field: str) -> tuple[str | None, str | None]:
    """Returns the body's ID or the servant's, the other None; Malformed for `field` if the name is neither's."""
    body, servant = ids_in(
        name, field, f"stateBodies/({BODY_ID})|servants/({SERVANT_ID})", "stateBodies/{state_body} or servants/{servant}"
    )
    return body, servant
