"""Follows the days of a body for good, and goes on after a break or a restart: `follow_days.py stateBodies/KGD cursor.txt`."""

import sys
from pathlib import Path

from tartip.timetracking.v1.workday_service_pb2 import WatchWorkdaysRequest
from tartip.timetracking.v1.workday_service_pb2_grpc import WorkdayServiceStub
from tartip_client import Deployment, Precondition, watch


def main(body: str, file: str) -> None:
    """Prints each day that changed; a day may come twice, and is then printed twice."""
    kept = Path(file)
    cursor = found(kept)
    with Deployment.from_environment().channel("timetracking") as timetracking:
        workdays = WorkdayServiceStub(timetracking)
        while True:
            try:
                for change in watch(workdays, WatchWorkdaysRequest(parent=body, cursor=cursor)):
                    print(f"{change.workday.name}\trevision {change.workday.revision}", flush=True)  # store the day …
                    keep(kept, change.cursor)  # … and only then how far one is
            except Precondition as refused:
                if refused.reason != "CURSOR_EXPIRED":
                    raise
                cursor = "start"  # one was away for longer than changes are kept


def found(kept: Path) -> str:
    """Returns the cursor that was kept; where there is none, all changes that are kept are followed anew, and none is passed over."""
    return (kept.read_text().strip() if kept.exists() else "") or "start"


def keep(kept: Path, cursor: str) -> None:
    """Replaces the cursor at one stroke: whoever is killed in between finds the one before, never half of one."""
    beside = kept.with_name(f"{kept.name}.new")
    beside.write_text(cursor)
    beside.replace(kept)


if __name__ == "__main__":
    main(*sys.argv[1:])
