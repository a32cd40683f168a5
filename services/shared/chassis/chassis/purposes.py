"""What a caller says a call is for: a personal file is read for a purpose, and its access record says which (Order 15, point 4).

The Personal Data Law allows data for purposes that are set beforehand (art. 7); so the words are few and fixed, and no name
or number of a person can stand among them.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from kernel.faults import Malformed

HEADER: Final = "tartip-purpose"


class Purpose(StrEnum):
    """Why a record of a person is read or changed."""

    PERSONNEL_RECORDS = "personnel-records"
    APPOINTMENT = "appointment"
    WORKING_TIME = "working-time"
    EVALUATION = "evaluation"
    DISCIPLINE = "discipline"
    STATE_INSPECTION = "state-inspection"
    INTERNAL_AUDIT = "internal-audit"
    REQUEST_OF_THE_PERSON = "request-of-the-person"
    REQUEST_OF_A_COURT = "request-of-a-court"


KNOWN: Final = ", ".join(Purpose)


def purpose_of(metadata: Mapping[str, str]) -> Purpose | None:
    """The purpose that a call's metadata say, None where they say nothing; Malformed where they say another word."""
    said = metadata.get(HEADER, "")
    if not said:
        return None
    try:
        return Purpose(said)
    except ValueError:
        raise Malformed({HEADER: f"one of {KNOWN}"}) from None


def unsaid() -> Malformed:
    """What a caller is told who must say a purpose and did not."""
    return Malformed({HEADER: f"why records of another person are asked for, in the call's metadata: one of {KNOWN}"})
