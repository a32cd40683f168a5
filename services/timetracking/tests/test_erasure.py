"""Whoever was erased in the registry is erased here: all rows, for good, whatever is told late or again."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from chassis.personal_data.declarations import of_people
from chassis.personal_data.erasure import erase_people
from chassis.testing.tokens import caller
from chassis.testing.waiting import until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel.faults import NotFound
from tartip.registry.v1.events_pb2 import ServantChanged
from timetracking.badges.domain import Badge
from timetracking.parking.consumer import TOPICS, told_parked
from timetracking.parking.domain import OWN
from timetracking.parking.use_cases import NoteParked
from timetracking.personal_data import DATA_CLASSES

from .parking.lots import Lot
from .platform import Platform
from .samples import MONDAY, NOVEMBER, TUESDAY, at, month_of, order, servant
from .serving import Timekeeping

NEW = count(1)
HR, SELF = caller("hr", ["/state-bodies/KGD/hr-officer"]), caller("person", servant="S1")


async def kept_of(platform: Platform, servant: str) -> dict[str, int]:
    """How many rows of the servant there are in each table, where there are any."""
    rows = {
        each.table: (await platform.sql(f"SELECT count(*) FROM {each.table} WHERE {each.person}", servant))[0][0]
        for each in of_people(DATA_CLASSES)
    }
    return {table: count for table, count in rows.items() if count}


async def test_all_rows_of_the_erased_go_and_those_of_others_stay(served: Timekeeping) -> None:
    platform = served.platform
    await platform.take_orders([order("2026-11-24T19:00", "2026-11-24T21:00")])
    await platform.sql("INSERT INTO remote_sessions VALUES ('r1', 'S1', 1, 2)")
    await platform.sql("INSERT INTO due_days (servant, date) VALUES ('S1', $1)", MONDAY)
    others = {id: await kept_of(platform, id) for id in ("S2", "M1")}
    before = await kept_of(platform, "S1")
    assert before.keys() >= {"workdays", "workday_versions", "passages", "badges", "plan_days", "orders", "remote_sessions", "appointments"}
    await platform.erase_servants(["S1"])
    assert await kept_of(platform, "S1") == {}
    assert {id: await kept_of(platform, id) for id in ("S2", "M1")} == others
    assert not await platform.sql("SELECT FROM passages WHERE badge_number = '17'")
    await platform.erase_servants(["S1", "S1", "never known here"])
    records = await platform.sql("SELECT resource FROM audit_records WHERE action = 'servant.erase'")
    assert [row["resource"] for row in records] == ["servants/S1"], "what erases nothing is not written down"


async def test_much_of_one_person_is_erased_in_pieces_that_each_fit(served: Timekeeping) -> None:
    platform = served.platform
    before, pieces = await kept_of(platform, "S1"), list[dict[str, int]]()
    gone = True
    while gone:
        async with platform.database.worker.transaction() as transaction:
            await transaction.lock("servant", ["S1"])
            gone = bool(await erase_people(transaction, DATA_CLASSES, ["S1"], 2))
        pieces.append(await kept_of(platform, "S1"))
    assert pieces[-1] == {}
    assert max(before.values()) > 2
    for earlier, later in pairwise([before, *pieces]):
        assert all(count - later.get(table, 0) <= 2 for table, count in earlier.items()), "a piece is small"
        assert "passages" not in later or "badges" in later, "whose passages are left is known as long as there are any"


async def test_of_the_erased_a_digest_is_left_that_names_nobody(served: Timekeeping) -> None:
    await served.platform.erase_servants(["S1"])
    (row,) = await served.platform.sql("SELECT * FROM erased_servants")
    assert len(row["digest"]) == 32
    assert b"S1" not in row["digest"]


async def test_a_passage_near_the_handing_over_of_a_badge_is_not_taken_for_the_others(served: Timekeeping) -> None:
    """Whose it is follows from the device's zone; within hours of the border it may be that of the next holder."""
    platform = served.platform
    await platform.sql("UPDATE badges SET span = tstzrange(lower(span), '2026-11-24T16:00+05') WHERE servant = 'S1'")
    await platform.erase_servants(["S1"])
    left = await platform.sql("SELECT DISTINCT wall_time::date AS on_ FROM passages WHERE badge_number = '17' ORDER BY 1")
    assert left[0]["on_"] == TUESDAY


async def test_of_a_parked_state_nothing_is_kept_that_names_the_erased(served: Timekeeping) -> None:
    """Nobody would look for them there: a lot of the registry lies here for years, also while erasing rests."""
    platform, lot = served.platform, Lot()
    told = ServantChanged(event_id="e", servant="S1", display_name="Асель Нурланова").SerializeToString()
    states = [topic for topic in TOPICS if topic not in OWN]
    for offset, topic in enumerate(states):
        record = await lot.put_away(topic, offset, told, {"event_id": "e"}, "bug", key=b"S1/2026-11")
        await NoteParked(platform.begin)([told_parked(record, ZoneInfo("Asia/Almaty"))])
    await platform.erase_servants(["S1"])
    rows = await platform.sql("SELECT parked_records::text AS written FROM parked_records")
    assert len(rows) == len(states)
    for row in rows:
        assert "S1" not in row["written"]
        assert told.hex() not in row["written"]


WRITES = (
    pytest.param(lambda platform: platform.assign(HR, Badge("b", "hq", "99", "S1", at("2026-11-23T00:00"))), id="badge"),
    pytest.param(lambda platform: platform.start_session(SELF, "S1"), id="session"),
)


@pytest.mark.parametrize("write", WRITES)
async def test_who_waits_while_somebody_is_erased_writes_nothing_of_them(
    served: Timekeeping, write: Callable[[Platform], Awaitable[object]]
) -> None:
    platform = served.platform
    async with platform.database.worker.transaction() as transaction:
        await transaction.lock("servant", ["S1"])
        writing = asyncio.ensure_future(write(platform))

        async def waits() -> bool:
            return writing.done() or await platform.somebody_waits()

        await until(waits)
        assert not writing.done()
        await erase_people(transaction, DATA_CLASSES, ["S1"])
    with pytest.raises(NotFound):
        await writing
    assert await kept_of(platform, "S1") == {}


@pytest.fixture
async def empty(told: Platform) -> Platform:
    return told


@given(order_of=st.permutations(["old", "new", "erased", "plan", "order", "erased again"]), repeated=st.booleans())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_in_any_order_and_repetition_nothing_of_the_erased_is_left(empty: Platform, order_of: list[str], repeated: bool) -> None:
    id = f"E{next(NEW)}"
    deeds: dict[str, Any] = {
        "old": lambda: empty.take_servants([servant(id, revision=1)]),
        "new": lambda: empty.take_servants([servant(id, revision=2)]),
        "erased": lambda: empty.erase_servants([id]),
        "erased again": lambda: empty.erase_servants([id]),
        "plan": lambda: empty.take_plans([month_of(id, since=29)]),
        "order": lambda: empty.take_orders([order("2026-11-24T19:00", "2026-11-24T21:00", id=f"o-{id}", servant=id)]),
    }
    for deed in order_of * (2 if repeated else 1):
        await deeds[deed]()
    # What came before the tombstone went with it; what comes after it is passed over.
    assert await kept_of(empty, id) == {}
    await empty.forget_plans([(id, NOVEMBER)])
    assert await kept_of(empty, id) == {}
