"""Reads the working days of a body for a month, page by page and by asyncio: `month_of_days.py stateBodies/KGD 2026-12`."""

import asyncio
import calendar
import sys

from google.type.date_pb2 import Date
from tartip.timetracking.v1.workday_service_pb2 import ListWorkdaysRequest
from tartip.timetracking.v1.workday_service_pb2_grpc import WorkdayServiceStub
from tartip_client import Deployment
from tartip_client.aio import pages


async def main(body: str, month: str) -> None:
    """Prints servant and date, worked and late seconds of each day, as CSV."""
    year, number = map(int, month.split("-"))
    last = calendar.monthrange(year, number)[1]
    request = ListWorkdaysRequest(
        parent=body,
        since=Date(year=year, month=number, day=1),
        until=Date(year=year, month=number, day=last),
        page_size=1_000,
    )
    async with Deployment.from_environment().aio_channel("timetracking") as timetracking:
        workdays = WorkdayServiceStub(timetracking)
        print("workday,worked,late")
        async for page in pages(workdays.ListWorkdays, request):
            for day in page.workdays:
                print(f"{day.name},{day.seconds.worked},{day.seconds.late}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
