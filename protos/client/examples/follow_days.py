"""Keeps a copy of a body's days, over breaks and restarts: `follow_days.py stateBodies/KGD 2026-12-01 days.db`, from that date on.

These are people's days: nobody else of the machine may read the file. Who was erased, and days whose term is over, are not among what
changes; so the copy is taken anew each day.
"""

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

from google.type.date_pb2 import Date
from tartip.timetracking.v1.workday_service_pb2 import ListWorkdaysRequest, WatchWorkdaysRequest, Workday
from tartip.timetracking.v1.workday_service_pb2_grpc import WorkdayServiceStub
from tartip_client import Deployment, Policy, Precondition, pages, watch

A_YEAR = timedelta(days=365)
"""A list has 400 days at most; and no day lies further ahead."""
KEPT = timedelta(days=1)
"""So old a copy is taken anew."""
AN_HOUR = Policy(deadline_s=3_600.0)
"""A call of which somebody waits that long, as after a restoration, when the platform reads again what it knew."""


def main(body: str, since: str, file: str) -> None:
    """Prints how many days were copied, then each day that changed or left; a day may come twice, and is then printed twice."""
    first = date.fromisoformat(since)
    with Deployment.from_environment().channel("timetracking", AN_HOUR) as timetracking, closing(Copy(file, f"{body} {first}")) as copy:
        workdays = WorkdayServiceStub(timetracking)
        while True:
            if copy.is_due():
                print(f"{copy.replace(listed(workdays, body, first))} days copied", flush=True)
            try:
                # What changed while the copy was taken comes after the cursor of before; where there is none, among all changes that are kept.
                request = WatchWorkdaysRequest(parent=body, cursor=copy.cursor() or "start", tell_left=True)
                for change in watch(workdays, request):
                    if change.left:
                        copy.take_out(change.left, change.cursor)
                        print(f"{change.left}\tleft", flush=True)
                    else:
                        copy.change([change.workday] if day(change.workday) >= first else [], change.cursor)
                        print(f"{change.workday.name}\trevision {change.workday.revision}", flush=True)
                    if copy.is_due():
                        break
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
    """The days with how far they were followed, stored together: whoever is killed in between finds both as they were.

    `of` says what it is a copy of: with another body or date it is taken anew.
    """

    def __init__(self, file: str, of: str) -> None:
        os.umask(0o077)
        self._of, self._file = of, sqlite3.connect(file)
        self._file.execute("CREATE TABLE IF NOT EXISTS days (name TEXT PRIMARY KEY, workday BLOB)")
        self._file.execute("CREATE TABLE IF NOT EXISTS taken (of TEXT, at TEXT, cursor TEXT)")

    def cursor(self) -> str:
        """Returns the cursor of the last change, "" before the first one since the copy was taken."""
        return self._taken()[1]

    def is_due(self) -> bool:
        """Whether it is to be taken: there is none, nobody knows what it lacks, or it is old."""
        at, cursor = self._taken()
        return not (at and cursor) or datetime.now(UTC) - datetime.fromisoformat(at) > KEPT

    def replace(self, days: Iterator[Workday]) -> int:
        """Takes these days, and none of before, all at once; returns how many there are."""
        cursor = self._taken()[1]
        with self._file:
            self._file.execute("DELETE FROM days")
            self._note(datetime.now(UTC).isoformat(), cursor)
            return sum(self._store(each) for each in days)

    def change(self, days: list[Workday], cursor: str) -> None:
        """Takes days that changed, whatever their revisions, with the cursor of the change."""
        with self._file:
            for each in days:
                self._store(each)
            self._note(self._taken()[0], cursor)

    def take_out(self, name: str, cursor: str) -> None:
        """Takes a day out of the copy, with the cursor of the change."""
        with self._file:
            self._file.execute("DELETE FROM days WHERE name = ?", (name,))
            self._note(self._taken()[0], cursor)

    def forget(self) -> None:
        """Forgets how far it was followed, so that it is taken anew; until then the days stand as they were."""
        with self._file:
            self._file.execute("DELETE FROM taken")

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _taken(self) -> tuple[str, str]:
        found = self._file.execute("SELECT at, cursor FROM taken WHERE of = ?", (self._of,)).fetchone()
        return found or ("", "")

    def _note(self, at: str, cursor: str) -> None:
        self._file.execute("DELETE FROM taken")
        self._file.execute("INSERT INTO taken VALUES (?, ?, ?)", (self._of, at, cursor))

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
