"""Keeps a copy of a body's days for good, over breaks and restarts: `follow_days.py stateBodies/KGD 2026-12-01 days.db`, from that date on."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta

from google.type.date_pb2 import Date
from tartip.timetracking.v1.workday_service_pb2 import ListWorkdaysRequest, WatchWorkdaysRequest, Workday
from tartip.timetracking.v1.workday_service_pb2_grpc import WorkdayServiceStub
from tartip_client import Deployment, Precondition, pages, watch

A_YEAR = timedelta(days=365)
"""A list has 400 days at most; and no day lies further ahead."""


def main(body: str, since: str, file: str) -> None:
    """Prints how many days were copied, then each day that changed; a day may come twice, and is then printed twice."""
    first = date.fromisoformat(since)
    with Deployment.from_environment().channel("timetracking") as timetracking, closing(Copy(file)) as copy:
        workdays = WorkdayServiceStub(timetracking)
        while True:
            if not copy.cursor():
                print(f"{copy.replace(listed(workdays, body, first))} days copied", flush=True)
            try:
                # What changed while the copy was taken stands among all changes that are kept, which come where there is no cursor yet.
                for change in watch(workdays, WatchWorkdaysRequest(parent=body, cursor=copy.cursor() or "start")):
                    copy.change([change.workday] if day(change.workday) >= first else [], change.cursor)
                    print(f"{change.workday.name}\trevision {change.workday.revision}", flush=True)
            except Precondition as refused:
                if refused.reason != "CURSOR_EXPIRED":
                    raise
                # One was away for longer than changes are kept, or the platform came back from a backup: nobody knows what is
                # missing here, or here alone. "start" would not tell either, since it has no more than the changes that are kept.
                copy.forget()


def listed(workdays: WorkdayServiceStub, body: str, since: date) -> Iterator[Workday]:
    """Yields all days as they are now."""
    until = max(since, date.today()) + A_YEAR
    while since <= until:
        last = min(since + A_YEAR, until)
        request = ListWorkdaysRequest(parent=body, since=message(since), until=message(last), page_size=1_000)
        for page in pages(workdays.ListWorkdays, request):
            yield from page.workdays
        since = last + timedelta(days=1)


class Copy:
    """The days with how far they were followed, stored together: whoever is killed in between finds both as they were."""

    def __init__(self, file: str) -> None:
        self._file = sqlite3.connect(file)
        self._file.execute("CREATE TABLE IF NOT EXISTS days (name TEXT PRIMARY KEY, workday BLOB)")
        self._file.execute("CREATE TABLE IF NOT EXISTS followed (cursor TEXT)")

    def cursor(self) -> str:
        """Returns the cursor of the last change, "" before the first one since the copy was taken."""
        found = self._file.execute("SELECT cursor FROM followed").fetchone()
        return str(found[0]) if found else ""

    def replace(self, days: Iterator[Workday]) -> int:
        """Takes these days, and none of before, all at once; returns how many there are."""
        with self._file:
            self._file.execute("DELETE FROM days")
            return sum(self._store(each) for each in days)

    def change(self, days: list[Workday], cursor: str) -> None:
        """Takes days that changed, whatever their revisions, with the cursor of the change."""
        with self._file:
            for each in days:
                self._store(each)
            self._file.execute("DELETE FROM followed")
            self._file.execute("INSERT INTO followed VALUES (?)", (cursor,))

    def forget(self) -> None:
        """Forgets how far it was followed, so that it is taken anew; until then the days stand as they were."""
        with self._file:
            self._file.execute("DELETE FROM followed")

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _store(self, workday: Workday) -> int:
        self._file.execute("INSERT OR REPLACE INTO days VALUES (?, ?)", (workday.name, workday.SerializeToString()))
        return 1


def day(workday: Workday) -> date:
    """Reads a day's date."""
    return date(workday.date.year, workday.date.month, workday.date.day)


def message(on: date) -> Date:
    """Writes a date as the contract has it."""
    return Date(year=on.year, month=on.month, day=on.day)


if __name__ == "__main__":
    main(*sys.argv[1:])
