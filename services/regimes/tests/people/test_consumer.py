"""What the registry tells, from Kafka into the projection: bad messages are parked by name, the others are applied."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest
from chassis.publisher import Publisher
from chassis.streams import Consumer
from chassis.testing.cluster import Cluster
from chassis.testing.contracts import contract
from chassis.testing.fixtures import FreshDatabase, MakeDatabase
from chassis.testing.waiting import until
from chassis.topics import parked
from kernel.days import DaySpan
from kernel.faults import Malformed, WrongState
from lawbook import load
from regimes.people.consumer import body_told, servant_told, subscriptions
from regimes.people.domain import Appointment, AppointmentKind, Body, Servant, Unit
from regimes.projections import BODIES, SERVANTS
from regimes.unit_of_work import units_of_work
from tartip.registry.v1 import events_pb2 as pb

from ..serving import day

LAW = load()
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
# Starting a member of a group takes seconds, on a loaded machine more.
PATIENCE_S = 60.0


def test_a_body_is_taken_over_as_its_contract_tells_it() -> None:
    told = body_told(contract(BODIES, pb.StateBodyChanged))
    assert told == Body("KGD-75", "75", "Asia/Almaty", (Unit("audit", ""), Unit("audit-1", "audit"), Unit("hr", "")), 7)


def test_a_servant_is_taken_over_as_the_contract_tells() -> None:
    told = servant_told(contract(SERVANTS, pb.ServantChanged))
    assert (told.servant, told.revision, len(told.appointments)) == ("serikova", 3, 3)
    assert told.appointments[0] == Appointment(
        appointment="01987d3c-6f00-7a10-8000-000000000001",
        span=DaySpan(date(2024, 9, 2), date(2026, 1, 11)),
        body="KGD-75",
        unit="audit",
        kind=AppointmentKind.MAIN,
        keeps_time=True,
        hours_set_by_regulation=True,
    )
    assert told.appointments[1].span == DaySpan(date(2026, 1, 12))
    assert (told.appointments[2].kind, told.appointments[2].keeps_time) == (AppointmentKind.ACTING, False)


def test_a_kind_of_appointment_that_is_not_known_yet_is_kept_as_other() -> None:
    told = pb.ServantChanged(servant="s", appointments=[pb.DatedAppointment(since=day(date(2026, 1, 1)))])
    told.appointments[0].kind = 77  # type: ignore[assignment]
    assert servant_told(told).appointments[0].kind is AppointmentKind.OTHER


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (pb.StateBodyChanged(zone="Asia/Almaty"), "body"),
        (pb.StateBodyChanged(body="KGD"), "zone"),
        (pb.StateBodyChanged(body="KGD", zone="Asia/Atlantis"), "zone"),
        (pb.StateBodyChanged(body="KGD", zone="../../etc/passwd"), "zone"),
    ],
)
def test_a_body_without_an_id_or_a_zone_is_malformed(message: pb.StateBodyChanged, field: str) -> None:
    with pytest.raises(Malformed) as refused:
        body_told(message)
    assert set(refused.value.violations) == {field}


def test_a_servant_without_an_id_or_with_an_impossible_span_is_refused() -> None:
    with pytest.raises(Malformed):
        servant_told(pb.ServantChanged())
    undated = pb.ServantChanged(servant="s", appointments=[pb.DatedAppointment(body="KGD")])
    with pytest.raises(Malformed) as refused:
        servant_told(undated)
    assert set(refused.value.violations) == {"appointments[0].since"}
    reversed_ = pb.DatedAppointment(since=day(date(2026, 2, 1)), until=day(date(2026, 1, 1)))
    with pytest.raises(WrongState):
        servant_told(pb.ServantChanged(servant="s", appointments=[reversed_]))


@pytest.fixture
async def fresh(emptied: MakeDatabase) -> FreshDatabase:
    return await emptied("regimes")


@pytest.fixture
async def consumer(fresh: FreshDatabase, quiet_cluster: Cluster) -> AsyncIterator[Consumer]:
    """The regimes' consumer at work."""
    quiet_cluster.create([BODIES, SERVANTS, parked(BODIES), parked(SERVANTS)])
    publisher, stop = Publisher(quiet_cluster.brokers), asyncio.Event()
    follows = subscriptions(units_of_work(fresh.worker, lambda: NOW, LAW))
    quick = Consumer("regimes", quiet_cluster.brokers, follows, publisher.send, session_timeout_s=3.0, commit_interval_s=0.2)
    running = asyncio.create_task(quick.run(stop))
    yield quick
    stop.set()
    await running
    await publisher.close()


async def test_bad_messages_are_parked_by_name_and_the_others_become_the_projection(
    fresh: FreshDatabase, quiet_cluster: Cluster, consumer: Consumer
) -> None:
    body, servant = contract(BODIES, pb.StateBodyChanged), contract(SERVANTS, pb.ServantChanged)
    older = pb.ServantChanged(servant="serikova", revision=2)
    publisher = Publisher(quiet_cluster.brokers)
    sent = [
        (SERVANTS, b"serikova", servant.SerializeToString()),
        (SERVANTS, b"", pb.ServantChanged().SerializeToString()),
        (SERVANTS, b"serikova", b"\xff\xff"),
        (SERVANTS, b"serikova", older.SerializeToString()),
        (SERVANTS, b"serikova", servant.SerializeToString()),
        (BODIES, b"KGD", pb.StateBodyChanged(body="KGD").SerializeToString()),
        (BODIES, b"KGD-75", body.SerializeToString()),
    ]
    for topic, key, value in sent:
        await publisher.send(topic, key, value, {})
    await publisher.close()
    await until(lambda: sum(consumer.positions.values()) == len(sent), PATIENCE_S)
    async with units_of_work(fresh.worker, lambda: NOW, LAW)(None) as work:
        assert await work.bodies.find(["KGD", "KGD-75"]) == {"KGD-75": body_told(body)}
        assert await work.servants.find(["", "serikova"]) == {"serikova": servant_told(servant)}
    assert sorted(_reasons(quiet_cluster, SERVANTS)) == ["MALFORMED", "unreadable"]
    assert _reasons(quiet_cluster, BODIES) == ["MALFORMED"]


def _reasons(cluster: Cluster, topic: str) -> list[str]:
    return [dict(message.headers())["reason"].decode() for message in cluster.read(parked(topic))]


def test_a_servant_who_is_nowhere_appointed_is_known_too() -> None:
    assert servant_told(pb.ServantChanged(servant="s", revision=1)) == Servant("s", (), 1)
