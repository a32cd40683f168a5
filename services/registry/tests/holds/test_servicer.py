"""Legal holds as inspectors place and release them, and as the other services learn of them."""

from datetime import UTC, date, datetime

import pytest
from chassis.personal_data.holds import held_until
from chassis.testing.answers import outcome, refused
from google.protobuf.message import Message
from kernel.identifiers import new_id
from tartip.registry.v1 import events_pb2
from tartip.registry.v1 import hold_service_pb2 as ho

from ..serving import Registry, day, new_hold, new_unit, release_of, with_id

INSPECTOR = ("/regions/75/inspector",)
KGD = "stateBodies/KGD"


async def holds_told(registry: Registry) -> list[events_pb2.LegalHold]:
    """The holds in the newest state of KGD."""
    states = [each for each in await registry.published() if isinstance(each, events_pb2.StateBodyChanged)]
    return list(states[-1].holds)


async def grounds(registry: Registry) -> list[tuple[str, str, str]]:
    """Action, resource and ground of what was done with holds."""
    rows = await registry.database.rows("SELECT action, resource, rule FROM audit_records WHERE action LIKE 'hold.%' ORDER BY id")
    return [tuple(row) for row in rows]


async def test_a_hold_is_placed_told_audited_and_listed(registry: Registry) -> None:
    inspector = await registry.portal(INSPECTOR)
    placed = await inspector.holds.PlaceHold(new_hold())
    assert placed.name.startswith(f"{KGD}/holds/")
    assert (placed.ground, placed.released) == ("Акт № 7 о назначении проверки", False)
    (told,) = await holds_told(registry)
    assert told.hold == placed.name.rpartition("/")[2]
    assert "№ 7" not in str(told), "others need not know on which ground"
    assert await grounds(registry) == [("hold.place", placed.name, "csl-58-6")]
    assert list((await inspector.holds.ListHolds(ho.ListHoldsRequest(parent=KGD))).holds) == [placed]


async def test_a_released_hold_stays_with_its_status_and_is_not_told_any_more(registry: Registry) -> None:
    inspector = await registry.portal(INSPECTOR)
    placed = await inspector.holds.PlaceHold(new_hold())
    released = await inspector.holds.ReleaseHold(release_of(placed, etag=placed.etag))
    assert released.released
    assert await holds_told(registry) == []
    assert (await grounds(registry))[1:] == [("hold.release", placed.name, "Акт № 8 о завершении проверки")]
    assert list((await inspector.holds.ListHolds(ho.ListHoldsRequest(parent=KGD))).holds) == [released]
    revision = [each.revision for each in await registry.published()]
    assert await inspector.holds.ReleaseHold(release_of(placed)) == released
    assert [each.revision for each in await registry.published()] == revision, "a second release changes nothing"
    stale = await refused(inspector.holds.ReleaseHold(release_of(placed, etag=placed.etag)))
    assert stale.reason == "STALE_ETAG"


async def test_a_hold_is_not_released_without_a_ground(registry: Registry) -> None:
    inspector = await registry.portal(INSPECTOR)
    refusal = await refused(inspector.holds.ReleaseHold(release_of(await inspector.holds.PlaceHold(new_hold()), ground=" ")))
    assert (refusal.reason, list(refusal.violations)) == ("MALFORMED", ["ground"])
    assert len(await holds_told(registry)) == 1


async def test_what_the_nation_holds_no_region_releases(registry: Registry) -> None:
    region, nation = await registry.portal(INSPECTOR), await registry.portal(("/nation/inspector",))
    of_nation, of_region = await nation.holds.PlaceHold(new_hold()), await region.holds.PlaceHold(new_hold())
    assert (of_nation.of_nation, of_region.of_nation) == (True, False)
    refusal = await refused(region.holds.ReleaseHold(release_of(of_nation)))
    assert (refusal.code, refusal.reason, refusal.facts) == ("PERMISSION_DENIED", "HOLD_OF_NATION", {"resource": of_nation.name})
    assert of_nation.name in refusal.text
    assert len(await holds_told(registry)) == 2
    assert await outcome(nation.holds.ReleaseHold(release_of(of_nation))) == "OK"
    assert await outcome(nation.holds.ReleaseHold(release_of(of_region))) == "OK"


async def test_as_many_holds_stand_over_a_body_as_its_state_can_tell(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.holds.domain.MOST_STANDING", 2)
    inspector = await registry.portal(INSPECTOR)
    over = await inspector.holds.PlaceHold(new_hold(since=date(2025, 1, 13), until=date(2025, 2, 7)))
    first, second = [await inspector.holds.PlaceHold(new_hold()) for _ in range(2)]
    refusal = await refused(inspector.holds.PlaceHold(new_hold()))
    assert (refusal.code, refusal.reason, refusal.facts) == ("FAILED_PRECONDITION", "TOO_MANY_HOLDS", {"most": "2"})
    assert {each.hold for each in await holds_told(registry)} == {each.name.rpartition("/")[2] for each in (first, second)}
    assert over in (await inspector.holds.ListHolds(ho.ListHoldsRequest(parent=KGD))).holds
    await inspector.holds.ReleaseHold(release_of(first))
    assert await outcome(inspector.holds.PlaceHold(new_hold())) == "OK"


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
