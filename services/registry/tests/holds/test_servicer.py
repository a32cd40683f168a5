"""Legal holds as inspectors place and release them, and as the other services learn of them."""

from datetime import UTC, date, datetime

import pytest
from chassis.personal_data.holds import held_until
from chassis.testing.answers import outcome, refused
from google.protobuf.message import Message
from kernel.identifiers import new_id
from tartip.registry.v1 import events_pb2
from tartip.registry.v1 import hold_service_pb2 as ho

from ..serving import Registry, day, new_hold, new_unit, with_id

INSPECTOR = ("/regions/75/inspector",)
KGD = "stateBodies/KGD"


async def holds_told(registry: Registry) -> list[events_pb2.LegalHold]:
    """The holds in the newest state of KGD."""
    states = [each for each in await registry.published() if isinstance(each, events_pb2.StateBodyChanged)]
    return list(states[-1].holds)


async def test_a_hold_is_placed_told_audited_and_listed(registry: Registry) -> None:
    inspector = await registry.portal(INSPECTOR)
    placed = await inspector.holds.PlaceHold(new_hold())
    assert placed.name.startswith(f"{KGD}/holds/")
    assert (placed.ground, placed.released) == ("Акт № 7 о назначении проверки", False)
    (told,) = await holds_told(registry)
    assert (told.hold, told.released) == (placed.name.rpartition("/")[2], False)
    assert "№ 7" not in str(told), "others need not know on which ground"
    assert ("hold.place", placed.name) in await registry.records()
    assert list((await inspector.holds.ListHolds(ho.ListHoldsRequest(parent=KGD))).holds) == [placed]


async def test_a_released_hold_stays_with_its_status(registry: Registry) -> None:
    inspector = await registry.portal(INSPECTOR)
    placed = await inspector.holds.PlaceHold(new_hold())
    released = await inspector.holds.ReleaseHold(ho.ReleaseHoldRequest(name=placed.name, etag=placed.etag))
    assert released.released
    assert [each.released for each in await holds_told(registry)] == [True]
    revision = [each.revision for each in await registry.published()]
    assert await inspector.holds.ReleaseHold(ho.ReleaseHoldRequest(name=placed.name)) == released
    assert [each.revision for each in await registry.published()] == revision, "a second release changes nothing"
    stale = await refused(inspector.holds.ReleaseHold(ho.ReleaseHoldRequest(name=placed.name, etag=placed.etag)))
    assert stale.reason == "STALE_ETAG"


async def test_a_repeated_request_places_one_hold(registry: Registry) -> None:
    inspector, request = await registry.portal(INSPECTOR), with_id(new_hold(), new_id())
    assert await inspector.holds.PlaceHold(request) == await inspector.holds.PlaceHold(request)
    assert len(await holds_told(registry)) == 1


async def test_whoever_changes_the_body_tells_of_its_holds_too(registry: Registry) -> None:
    await (await registry.portal(INSPECTOR)).holds.PlaceHold(new_hold())
    officer = await registry.portal(("/state-bodies/KGD/hr-officer",))
    await officer.bodies.CreateUnit(new_unit("new"))
    assert len(await holds_told(registry)) == 1


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (new_hold(until=date(2026, 1, 18)), "SPAN_REVERSED"),
        (ho.PlaceHoldRequest(parent=KGD, hold=ho.Hold(ground="Акт", since=day(date(2026, 1, 19)))), "MALFORMED"),
        (ho.PlaceHoldRequest(parent=KGD, hold=ho.Hold(since=day(date(2026, 1, 19)), until=day(date(2026, 1, 19)))), "MALFORMED"),
        (new_hold("XX"), "NOT_FOUND"),
    ],
)
async def test_what_cannot_be_held_is_refused(registry: Registry, request_: Message, reason: str) -> None:
    assert await outcome((await registry.portal(INSPECTOR)).holds.PlaceHold(request_)) == reason


@pytest.mark.parametrize(
    ("now", "held"),
    [
        (datetime(2026, 1, 18, 9, tzinfo=UTC), False),
        (datetime(2026, 1, 18, 12, tzinfo=UTC), True),
        (datetime(2026, 2, 13, 12, tzinfo=UTC), True),
        (datetime(2026, 2, 14, 10, tzinfo=UTC), True),
        (datetime(2026, 2, 14, 15, tzinfo=UTC), False),
    ],
)
async def test_a_hold_is_in_force_from_its_first_minute_in_the_east_to_its_last_in_the_west(
    registry: Registry, now: datetime, held: bool
) -> None:
    await (await registry.portal(INSPECTOR)).holds.PlaceHold(new_hold())
    async with registry.database.worker.transaction() as transaction:
        assert (await held_until(transaction, now) is not None) is held
