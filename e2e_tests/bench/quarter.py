"""A body's quarter is computed anew: its gate's clock turns out to have been an hour off since the quarter began.

An officer says so in one call; every day of the body's servants, 500 in full, follows from other instants now, is computed
again, stored with another version, and told to the other services; and what the gate shows of itself is looked at again.
"""

import time
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial

import grpc.aio
from google.protobuf.duration_pb2 import Duration
from tartip.timetracking.v1 import device_service_pb2 as pb
from tartip.timetracking.v1 import device_service_pb2_grpc as pb_grpc

from .figures import Figure
from .nation import A_BODY, Nation, body
from .past import lived_through
from .platform import Platform, platform
from .stand import Stand

DAYS = 91
DAY = date(2026, 11, 24)
END = DAY - timedelta(days=4)
OFFSET_S = 6 * 3600  # Almaty's is five hours


async def measure(stand: Stand) -> Sequence[Figure]:
    """Changes the settings of the body's gate and waits until nothing is due any more."""
    nation, since = of_a_body(stand.size(A_BODY, least=20)), END - timedelta(days=stand.size(DAYS, least=5) - 1)
    async with platform(stand, nation, serve=True, past=partial(lived_through, nation=nation, since=since, until=END)) as on:
        stand.say(f"{await on.owner.fetchval('SELECT count(*) FROM passages'):,} passages lie behind")
        before, began = on.cpu(), time.perf_counter()
        await _changed(on, since)
        answered = time.perf_counter() - began
        seconds = await on.all_done(0) - began
        after = on.cpu()
        days = await on.owner.fetchval("SELECT count(*) FROM workdays WHERE revision > 1")
    spent = {name: (after[name] - before[name]) / max(1, days) * 1e6 for name in ("work", "looks", "postgres", "kafka")}
    return [
        Figure("servants of the body", nation.servants_of(0), "servants"),
        Figure("days computed anew", days, "days"),
        Figure("from the call to the last event", seconds, "s"),
        Figure("days a second", days / seconds, "days/s"),
        Figure("until the call was answered", answered * 1000, "ms"),
        *(Figure(f"CPU of a day: {name}", each, "µs") for name, each in spent.items()),
    ]


def of_a_body(servants: int) -> Nation:
    """A nation whose first body has so many servants, 500 at most: another one as large stands beside it."""
    return Nation(2 * servants, DAY)


async def _changed(on: Platform, since: date) -> None:
    """The one call."""
    token = on.tokens.mint("officer", (f"/state-bodies/{body(0)}/hr-officer",))
    gate = next(each for each in on.nation.gates.values() if each.premises == body(0))
    settings = pb.DeviceSettings(
        since_wall_time=datetime(since.year, since.month, since.day).isoformat(),
        role=pb.DEVICE_ROLE_PERIMETER,
        direction=pb.DEVICE_DIRECTION_AS_SENT,
        premises=body(0),
        offset=Duration(seconds=OFFSET_S),
    )
    async with grpc.aio.insecure_channel(on.rpcs) as channel:
        stub = pb_grpc.DeviceServiceStub(channel)
        request = pb.ChangeDeviceSettingsRequest(name=f"stateBodies/{body(0)}/devices/{gate.serial}", settings=settings)
        await stub.ChangeDeviceSettings(request, metadata=(("authorization", f"Bearer {token}"),))
