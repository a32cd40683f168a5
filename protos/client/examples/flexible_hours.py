"""Assigns flexible hours for a person, with their token, and shows why not: `flexible_hours.py servants/s-0014 2027-01-01 2027-07-31`.

Only people of an HR service assign regimes: the portal calls in their name, with the token that it was given when they signed in.
"""

import sys
from datetime import date

from google.type.date_pb2 import Date
from google.type.timeofday_pb2 import TimeOfDay
from tartip.regimes.v1.assignment_service_pb2 import Assignment, CreateAssignmentRequest, FlexibleRegime
from tartip.regimes.v1.assignment_service_pb2_grpc import AssignmentServiceStub
from tartip.regimes.v1.error_reason_pb2 import ERROR_REASON_TERM_TOO_LONG
from tartip_client import Deployment, Precondition


def main(servant: str, since: str, until: str) -> int:
    """Prints the assignment, or the article that forbids it."""
    hours = {"start": 7, "end": 20, "core_start": 10, "core_end": 16, "break_start": 13, "break_end": 14}
    flexible = FlexibleRegime(**{name: TimeOfDay(hours=hour) for name, hour in hours.items()})
    assignment = Assignment(since=day(since), until=day(until), act="№ 1", flexible=flexible)
    with Deployment.from_environment().channel("regimes") as regimes:
        assignments = AssignmentServiceStub(regimes)
        try:
            made = assignments.CreateAssignment(CreateAssignmentRequest(parent=servant, assignment=assignment))
        except Precondition as refused:
            print(refused.text)
            if refused.basis is not None:
                print(f"{refused.basis.citation.ru}: {refused.basis.title.ru}")
            if refused.known == ERROR_REASON_TERM_TOO_LONG:
                print(f"limitMonths={refused.facts['limitMonths']}")
            return 1
    print(made.name)
    return 0


def day(text: str) -> Date:
    """Reads 2027-01-01."""
    value = date.fromisoformat(text)
    return Date(year=value.year, month=value.month, day=value.day)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
