"""The allow-list from the database: a device enrolled just now is let in, and a known one while the database is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address, ip_network

import pytest
from chassis.database import Database, Transaction
from chassis.testing.tokens import caller
from kernel.faults import Unavailable
from timetracking.devices.domain import Doubt, Networks, Presented, Protocol
from timetracking.gateway import repository
from timetracking.gateway.domain import EnrolledDevice
from timetracking.gateway.repository import REMEMBERED_S, StoredAllowList

from ..platform import Platform
from ..samples import device, settings

LOOPBACK = Networks((ip_network("127.0.0.0/8"),))
HR = caller("hr", ["/state-bodies/KGD/hr-officer"])
GATE = EnrolledDevice("gate", Protocol.GRPC, "hq", (settings(),), "Asia/Almaty")


class Line(Database):
    """The way to the database, which may be cut."""

    def __init__(self, there: Database) -> None:
        self.there, self.nowhere = there, Database("postgresql://nobody@127.0.0.1:1/nothing")
        self.cut, self.asked, self.answers = False, 0, asyncio.Event()
        self.answers.set()

    @asynccontextmanager
    async def transaction(self, *given: object, **named: object) -> AsyncIterator[Transaction]:
        self.asked += 1
        await self.answers.wait()
        async with (self.nowhere if self.cut else self.there).transaction() as transaction:
            yield transaction


@pytest.fixture
def line(told: Platform) -> Line:
    return Line(told.database.worker)


async def test_an_enrolled_device_is_found_and_remembered_for_a_moment(line: Line) -> None:
    clock = [0.0]
    allowed = StoredAllowList(line, lambda: clock[0])
    assert [await allowed.find("gate") for _ in range(3)] == [GATE] * 3
    assert line.asked == 1
    clock[0] += REMEMBERED_S
    assert (await allowed.find("gate"), line.asked) == (GATE, 2)


async def test_devices_that_knock_at_once_are_asked_for_together(line: Line) -> None:
    allowed = StoredAllowList(line)
    found = await asyncio.gather(*(allowed.find(each) for each in ("gate", "stranger", "gate")))
    assert found == [GATE, None, GATE]
    assert line.asked == 1


async def test_a_device_that_cannot_be_read_takes_no_other_with_it(told: Platform, line: Line) -> None:
    await told.device("odd")
    await told.sql("UPDATE devices SET protocol = 'telepathy' WHERE serial = 'odd'")
    allowed = StoredAllowList(line)
    found = await asyncio.gather(*(allowed.find(each) for each in ("gate", "odd", "stranger")), return_exceptions=True)
    assert (found[0], type(found[1]), found[2]) == (GATE, ValueError, None)


async def test_while_the_database_says_nothing_a_known_device_is_let_in_before_it_gives_up(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "KNOWN_WAITS_S", 0.01)
    clock = [0.0]
    allowed = StoredAllowList(line, lambda: clock[0])
    assert await allowed.find("gate") == GATE
    clock[0] += 3600
    line.answers.clear()
    assert await allowed.find("gate") == GATE
    line.answers.set()


async def test_who_no_longer_waits_leaves_the_others_their_answer(line: Line) -> None:
    allowed = StoredAllowList(line)
    first, second = (asyncio.create_task(allowed.find("gate")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == GATE


async def test_a_device_enrolled_just_now_is_let_in_a_moment_later(told: Platform, line: Line) -> None:
    clock = [0.0]
    allowed = StoredAllowList(line, lambda: clock[0])
    assert await allowed.find("new") is None
    await told.enrol(HR, device("new"))
    clock[0] += REMEMBERED_S
    assert await allowed.find("new") == replace(GATE, serial="new")


async def test_whoever_is_revoked_is_so_when_the_memory_of_the_gateway_ends(told: Platform, line: Line) -> None:
    clock = [0.0]
    allowed = StoredAllowList(line, lambda: clock[0])
    await told.enrol(HR, device("new", protocol=Protocol.ADMS, proof=LOOPBACK))
    assert await allowed.find("new") == replace(GATE, serial="new", protocol=Protocol.ADMS, proof=LOOPBACK)
    await told.revoke(HR, "KGD", "new", "")
    clock[0] += REMEMBERED_S
    found = await allowed.find("new")
    assert found is not None
    assert found.doubt(Presented(None, ip_address("127.0.0.1")), told.now) is Doubt.REVOKED
    await told.reinstate(HR, "KGD", "new", "")
    clock[0] += REMEMBERED_S
    assert await allowed.find("new") == replace(GATE, serial="new", protocol=Protocol.ADMS, proof=LOOPBACK)


async def test_both_proofs_of_an_overlap_are_known(told: Platform, line: Line) -> None:
    clock = [0.0]
    allowed = StoredAllowList(line, lambda: clock[0])
    enrolled = await told.enrol(HR, device("new", protocol=Protocol.ISAPI), with_secret=True)
    rotated = await told.rotate(HR, "KGD", "new", timedelta(hours=1), "")
    found = await allowed.find("new")
    assert found is not None
    secrets = [each.secret for each in (enrolled, rotated)]
    for passed, expected in ((timedelta(minutes=59), [None, None]), (timedelta(hours=1), [Doubt.WRONG_SECRET, None])):
        assert [found.doubt(Presented(each, None), told.now + passed) for each in secrets] == expected


async def test_a_device_of_before_is_known_by_its_serial_and_one_whose_proof_is_lost_by_nothing(told: Platform, line: Line) -> None:
    await told.sql("INSERT INTO devices (serial, body, protocol, badge_system, revision) VALUES ('old', 'KGD', 'zkteco-adms', 'hq', 1)")
    await told.sql("INSERT INTO device_settings (device, place, role, direction, premises) VALUES ('old', 0, 'perimeter', 'in', 'HQ')")
    await told.enrol(HR, device("new", protocol=Protocol.ADMS, proof=LOOPBACK))
    await told.sql("DELETE FROM device_proofs")
    old, new = [await StoredAllowList(line).find(each) for each in ("old", "new")]
    assert old is not None
    assert new is not None
    here = Presented(None, ip_address("127.0.0.1"))
    assert (old.serial_alone, old.doubt(here, told.now)) == (True, None)
    assert new.doubt(here, told.now) is Doubt.WRONG_NETWORK


async def test_known_of_late_is_who_was_found_and_nobody_else(line: Line) -> None:
    allowed = StoredAllowList(line)
    assert not allowed.knows("gate")
    await allowed.find("gate")
    await allowed.find("stranger")
    assert (allowed.knows("gate"), allowed.knows("stranger")) == (True, False)


async def test_while_the_database_is_away_a_known_device_is_let_in_and_a_stranger_is_not_turned_away(line: Line) -> None:
    clock = [0.0]
    allowed = StoredAllowList(line, lambda: clock[0])
    assert (await allowed.find("gate"), await allowed.find("stranger")) == (GATE, None)
    line.cut = True
    clock[0] += 3600
    assert await allowed.find("gate") == GATE
    for serial in ("stranger", "another"):
        with pytest.raises(Unavailable):
            await allowed.find(serial)
    line.cut = False
    assert await allowed.find("stranger") is None
