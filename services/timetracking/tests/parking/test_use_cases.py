"""Parked records are listed once, sent again once each, and every sending leaves its trace."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from chassis.read_positions import Record
from chassis.testing.tokens import caller
from kernel.faults import Malformed, NotFound, WrongState
from timetracking.parking.consumer import told_parked
from timetracking.parking.domain import Selection, State
from timetracking.parking.repository import forget_parked
from timetracking.parking.use_cases import ListParked, NoteParked, RedriveParked, Sent

from ..platform import Platform
from ..samples import device, passage
from .lots import AT, PASSAGES, Lot

OPERATOR = caller("operator", ["/regions/75/operator"])
ELSEWHERE = caller("elsewhere", ["/regions/10/operator"])
BUGS = Selection(reason="bug")


class Desk:
    """An operator's desk over a platform, and the lot that is read into it."""

    def __init__(self, platform: Platform) -> None:
        self.platform, self.lot = platform, Lot()
        self.note, self.list, self.redrive = NoteParked(platform.begin), ListParked(platform.begin), RedriveParked(platform.begin)

    async def read(self, *records: Record) -> list[UUID]:
        """What lies in the lot comes into the list; the IDs of the records."""
        told = [told_parked(each, ZoneInfo("Asia/Almaty")) for each in records]
        await self.note(told)
        return [each.id for each in told]

    async def refused(self, *offsets: int, reason: str = "bug", at: Any = AT, device: str = "gate") -> list[UUID]:
        """Consumers could not apply passages that lay there."""
        records = [
            await self.lot.refused(passage(f"2026-11-24T08:{each % 60:02}:00", device=device), each, reason, at=at) for each in offsets
        ]
        return await self.read(*records)

    async def states(self) -> dict[UUID, tuple[State, int]]:
        rows = await self.platform.sql("SELECT id, state, attempts FROM parked_records")
        return {row["id"]: (State(row["state"]), row["attempts"]) for row in rows}

    async def going_out(self) -> Sequence[Any]:
        """What waits for the relay."""
        return await self.platform.sql("SELECT topic, key, payload, headers::text, partition FROM outbox ORDER BY xid, id")

    async def audited(self) -> list[tuple[str, str, str, str]]:
        rows = await self.platform.sql("SELECT subject, action, resource, rule FROM audit_records WHERE action LIKE 'parking%' ORDER BY id")
        return [tuple(row) for row in rows]


@pytest.fixture
def desk(told: Platform) -> Desk:
    return Desk(told)


async def test_a_record_is_listed_once_however_often_it_is_parked(desk: Desk) -> None:
    first, second = await desk.refused(7, 8)
    await desk.refused(7)
    await desk.read(*desk.lot.records)
    found = await desk.list(OPERATOR, Selection(), None, 10)
    assert [(each.record.id, each.record.reason, each.body, each.clear) for each in found] == [
        (second, "bug", "KGD", False),
        (first, "bug", "KGD", False),
    ]
    assert [each.record.id for each in await desk.list(OPERATOR, Selection(), found[0].place, 10)] == [first]


async def test_what_is_sent_again_goes_out_as_it_was_and_says_which_record_it_is(desk: Desk) -> None:
    (record,) = await desk.refused(7)
    told = told_parked(desk.lot.records[0], ZoneInfo("Asia/Almaty"))
    assert await desk.redrive(OPERATOR, BUGS) == Sent(1, 0, more=False)
    ((topic, key, payload, headers, partition),) = await desk.going_out()
    assert (topic, key, payload, partition) == (PASSAGES, "", desk.lot.records[0].value, told.partition)
    assert json.loads(headers) == {
        "event_id": str(UUID(int=7)),
        "content-type": "application/x-protobuf",
        "schema": "PassageBatch",
        "first_failed_at": told.first_failed_at.isoformat(),
        "attempts": "2",
        "parked_record": str(record),
    }
    assert await desk.states() == {record: (State.SENT_AGAIN, 2)}
    assert await desk.audited() == [
        ("operator", "parking.redrive", f"parkedRecords/{record}", "lc-79"),
        ("operator", "parking.redrive", "parkedRecords (reason=bug): 1", "lc-79"),
    ]


async def test_a_second_redrive_sends_nothing_unless_it_was_parked_once_more(desk: Desk) -> None:
    (record,) = await desk.refused(7)
    assert (await desk.redrive(OPERATOR, BUGS)).sent == 1
    assert (await desk.redrive(OPERATOR, BUGS)).sent == 0
    with pytest.raises(WrongState, match="RECORD_SENT_AGAIN"):
        await desk.redrive(OPERATOR, Selection(ids=(record,)))
    assert len(await desk.going_out()) == 1
    # What the list was made of is read a second time: that is no new failure.
    await desk.read(*desk.lot.records)
    assert (await desk.redrive(OPERATOR, BUGS)).sent == 0
    ((_, _, _, headers, _),) = await desk.going_out()
    await desk.read(await desk.lot.refused(passage("2026-11-24T08:07:00"), 99, headers=json.loads(headers)))
    assert await desk.states() == {record: (State.PARKED, 3)}
    assert (await desk.redrive(OPERATOR, Selection(ids=(record,)))).sent == 1
    assert await desk.states() == {record: (State.SENT_AGAIN, 4)}


async def test_what_was_taken_up_is_never_parked_again(desk: Desk) -> None:
    (record,) = await desk.refused(7)
    await desk.redrive(OPERATOR, BUGS)
    ((_, _, _, headers, _),) = await desk.going_out()
    await desk.platform.sql("UPDATE parked_records SET state = 'taken_up'")
    await desk.read(await desk.lot.refused(passage("2026-11-24T08:07:00"), 99, headers=json.loads(headers)))
    assert (await desk.states())[record][0] is State.TAKEN_UP


async def test_each_part_of_a_selection_narrows(desk: Desk) -> None:
    await desk.platform.enrol(caller("hr", ["/state-bodies/KGD/hr-officer"]), device("door"))
    old, new = await desk.refused(1, reason="bug"), await desk.refused(2, at=AT + timedelta(hours=1))
    other, door = await desk.refused(3, reason="MALFORMED"), await desk.refused(4, device="door")
    for selection, expected in (
        (Selection(reason="malformed"), other),
        (Selection(device="door", body="KGD"), door),
        (Selection(device="door", body="MF"), []),
        (Selection(since=AT + timedelta(hours=1)), new),
        (Selection(since=AT, until=AT + timedelta(hours=1), reason="bug"), [*door, *old]),
        (Selection(topic=PASSAGES), [*door, *other, *new, *old]),
        (Selection(topic="registry.bodies.v1"), []),
    ):
        assert [each.record.id for each in await desk.list(OPERATOR, selection, None, 10)] == expected, selection
        assert (await desk.redrive(OPERATOR, selection, only_say=True)).sent == len(expected), selection
    assert await desk.going_out() == []
    assert await desk.audited() == []


async def test_what_cannot_be_sent_is_kept_back_and_counted(desk: Desk) -> None:
    line = (await desk.read(await desk.lot.malformed("25\tyesterday")))[0]
    state = (await desk.read(await desk.lot.put_away("registry.bodies.v1", 7, b"", {}, "malformed", key=b"KGD")))[0]
    await desk.refused(7, reason="malformed")
    assert await desk.redrive(OPERATOR, Selection(reason="malformed")) == Sent(1, 2, more=False)
    for record in (line, state):
        with pytest.raises(WrongState, match="RECORD_KEPT_BACK"):
            await desk.redrive(OPERATOR, Selection(ids=(record,)))


async def test_named_records_are_sent_all_or_none(desk: Desk) -> None:
    good, *_ = await desk.refused(7)
    (line,) = await desk.read(await desk.lot.malformed("25\tyesterday"))
    for names in ((good, line), (good, UUID(int=1))):
        with pytest.raises((WrongState, NotFound)):
            await desk.redrive(OPERATOR, Selection(ids=names))
    assert await desk.going_out() == []


async def test_everything_at_once_is_not_a_selection(desk: Desk) -> None:
    with pytest.raises(Malformed):
        await desk.redrive(OPERATOR, Selection())


async def test_much_is_sent_in_pieces_and_says_that_there_is_more(desk: Desk) -> None:
    first, second, third = await desk.refused(1, 2, 3)
    assert await desk.redrive(OPERATOR, BUGS, most=2) == Sent(2, 0, more=True)
    assert {record for record, (state, _) in (await desk.states()).items() if state is State.SENT_AGAIN} == {first, second}
    assert await desk.redrive(OPERATOR, BUGS, most=2) == Sent(1, 0, more=False)
    assert (await desk.states())[third][0] is State.SENT_AGAIN


async def test_an_operator_of_another_region_has_what_belongs_to_no_device_alone(desk: Desk) -> None:
    (ours,) = await desk.refused(7)
    (nobodys,) = await desk.refused(8, device="unknown")
    assert [each.record.id for each in await desk.list(ELSEWHERE, Selection(), None, 10)] == [nobodys]
    with pytest.raises(NotFound):
        await desk.redrive(ELSEWHERE, Selection(ids=(ours,)))
    assert (await desk.redrive(ELSEWHERE, BUGS)).sent == 1
    assert (await desk.states())[ours][0] is State.PARKED


async def test_what_the_gateway_parked_is_received_and_the_same_once_more_is_repeated(desk: Desk) -> None:
    await desk.read(await desk.lot.malformed("25\tx"), await desk.lot.malformed("25\tx"), await desk.lot.malformed("25\ty"))
    await desk.read(await desk.lot.malformed("25\ty"))
    await desk.refused(7)
    rows = await desk.platform.sql("SELECT device, received, repeated FROM device_receipts")
    assert [tuple(row) for row in rows] == [("gate", 4, 2)]


async def test_contents_are_forgotten_after_their_time_and_their_records_stay(desk: Desk) -> None:
    old, *_ = await desk.refused(7)
    new, *_ = await desk.refused(8, at=AT + timedelta(days=1))
    async with desk.platform.database.worker.transaction() as transaction:
        assert await forget_parked(transaction, AT + timedelta(hours=1)) == 1
        assert await forget_parked(transaction, AT + timedelta(hours=1)) == 0
    kept = {each.record.id: each.record for each in await desk.list(OPERATOR, Selection(), None, 10)}
    assert (kept[old].value, kept[old].sendable, kept[old].headers, kept[old].size > 0) == (None, False, {}, True)
    assert kept[new].value is not None
    assert await desk.redrive(OPERATOR, BUGS) == Sent(1, 1, more=False)


async def test_what_an_older_version_kept_of_people_is_forgotten_whatever_its_age(desk: Desk) -> None:
    """It kept states with their keys, and the keys of all when their contents had gone."""
    passed = await desk.refused(7, 8)
    await desk.read(await desk.lot.put_away("registry.servants.v1", 9, b"", {}, "bug", key=b"S1"))
    await desk.platform.sql("UPDATE parked_records SET key = 'S1', value = 'S1', headers = '{\"a\": \"b\"}' WHERE topic LIKE 'registry.%'")
    await desk.platform.sql("UPDATE parked_records SET key = 'hq:17', value = NULL WHERE id = $1", passed[0])
    async with desk.platform.database.worker.transaction() as transaction:
        assert await forget_parked(transaction, AT - timedelta(days=1)) == 1
        assert await forget_parked(transaction, AT + timedelta(hours=1)) == 2
    rows = await desk.platform.sql("SELECT key, value, headers FROM parked_records")
    assert [tuple(row) for row in rows] == [("", None, "{}")] * 3
