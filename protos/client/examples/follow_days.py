"""Keeps a copy of a body's days, over breaks and restarts: `follow_days.py stateBodies/KGD 2026-12-01 days.db`, from that date on.

These are people's days: nobody else of the machine may read the file. Who was erased, and days whose term is over, are not among what
changes; so the copy is taken anew each day.
"""

import asyncio
import os
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from google.type.date_pb2 import Date
from tartip.timetracking.v1.workday_service_pb2 import ListWorkdaysRequest, WatchWorkdaysRequest, Workday
from tartip.timetracking.v1.workday_service_pb2_grpc import WorkdayServiceStub
from tartip_client import Deployment, Policy, Precondition
from tartip_client.aio import pages, watch

if TYPE_CHECKING:
    from tartip.timetracking.v1.workday_service_pb2_grpc import WorkdayServiceAsyncStub

A_YEAR = timedelta(days=365)
"""A list has 400 days at most; and no day lies further ahead."""
KEPT = timedelta(days=1)
"""So old a copy is taken anew."""
AN_HOUR = Policy(deadline_s=3_600.0)
"""A call of which somebody waits that long, as after a restoration, when the platform reads again what it knew."""


def main(body: str, since: str, file: str) -> None:
    """Prints how many days were copied, then each day that changed or left; a day may come twice, and is then printed twice."""
    asyncio.run(followed(body, date.fromisoformat(since), file))


async def followed(body: str, first: date, file: str) -> None:
    """Takes the copy, and again each day, and keeps it in between."""
    with closing(Copy(file, f"{body} {first}")) as copy:
        async with Deployment.from_environment().aio_channel("timetracking", AN_HOUR) as timetracking:
            workdays = WorkdayServiceStub(timetracking)
            while True:
                if copy.is_due():
                    print(f"{await copy.replace(listed(workdays, body, first))} days copied", flush=True)
                with suppress(TimeoutError):
                    async with asyncio.timeout(copy.left_s()):
                        await changed(workdays, body, first, copy)


async def changed(workdays: "WorkdayServiceAsyncStub", body: str, first: date, copy: "Copy") -> None:
    """Follows what changes; ends where nobody knows what changed."""
    # What changed while the copy was taken comes after the cursor of before; where there is none, among all changes that are kept.
    request = WatchWorkdaysRequest(parent=body, cursor=copy.cursor() or "start", tell_left=True)
    try:
        async for change in watch(workdays, request):
            if change.left:
                copy.take_out(change.left, change.cursor)
                print(f"{change.left}\tleft", flush=True)
            else:
                copy.change([change.workday] if day(change.workday) >= first else [], change.cursor)
                print(f"{change.workday.name}\trevision {change.workday.revision}", flush=True)
    except Precondition as refused:
        if refused.reason != "CURSOR_EXPIRED":
            raise
        # One was away for longer than changes are kept, or the platform came back from a backup: nobody knows what is
        # missing here, or here alone. "start" would not tell either, since it has no more than the changes that are kept.
        copy.forget()


async def listed(workdays: "WorkdayServiceAsyncStub", body: str, since: date) -> AsyncIterator[Workday]:
    """Yields all days as they are now."""
    until = max(since, date.today()) + A_YEAR
    while since <= until:
        last = min(since + A_YEAR, until)
        request = ListWorkdaysRequest(parent=body, since=message(since), until=message(last), page_size=1_000)
        async for page in pages(workdays.ListWorkdays, request):
            for each in page.workdays:
                yield each
        since = last + timedelta(days=1)


class Copy:
    """The days with how far they were followed, stored together: whoever is killed in between finds both as they were.

    `of` says what it is a copy of: with another body or date it is taken anew.
    """

    def __init__(self, file: str, of: str) -> None:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
        os.chmod(file, 0o600)
        self._of, self._file = of, sqlite3.connect(file)
        self._file.execute("CREATE TABLE IF NOT EXISTS days (name TEXT PRIMARY KEY, workday BLOB)")
        self._file.execute("CREATE TABLE IF NOT EXISTS taken (of TEXT, at TEXT, cursor TEXT)")

    def cursor(self) -> str:
        """Returns the cursor of the last change, "" before the first one since the copy was taken."""
        return self._taken()[1]

    def is_due(self) -> bool:
        """Whether it is to be taken: there is none, nobody knows what it lacks, or it is old."""
        return not self.cursor() or self.left_s() <= 0

    def left_s(self) -> float:
        """How many seconds are left until it is old."""
        return (datetime.fromisoformat(self._taken()[0]) + KEPT - datetime.now(UTC)).total_seconds()

    async def replace(self, days: AsyncIterator[Workday]) -> int:
        """Takes these days, and none of before, all at once; returns how many there are."""
        cursor, count = self._taken()[1], 0
        with self._file:
            self._file.execute("DELETE FROM days")
            self._note(datetime.now(UTC).isoformat(), cursor)
            async for each in days:
                self._store(each)
                count += 1
        return count

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

    def _store(self, workday: Workday) -> None:
        self._file.execute("INSERT OR REPLACE INTO days VALUES (?, ?)", (workday.name, workday.SerializeToString()))


def day(workday: Workday) -> date:
    """Reads a day's date."""
    return date(workday.date.year, workday.date.month, workday.date.day)


def message(on: date) -> Date:
    """Writes a date as the contract has it."""
    return Date(year=on.year, month=on.month, day=on.day)


if __name__ == "__main__":
    main(*sys.argv[1:])
