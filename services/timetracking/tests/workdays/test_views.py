"""Days and findings as they are asked for: filtered by reach in SQL, page by page, explained."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import pytest
from chassis.access import Caller
from chassis.testing.tokens import caller
from kernel.faults import NotFound
from timetracking.findings.domain import Claim, Finding
from timetracking.workdays.domain import PlanKind
from timetracking.workdays.domain.kept import KeptDay
from timetracking.workdays.views import Wanted, WorkdayViews, day_key, finding_key, read_key

from ..platform import Platform
from ..samples import MONDAY, TUESDAY, WEDNESDAY, appointment, at, four, month_of, office, order, passage, remote, servant

HR = caller("hr", ["/state-bodies/KGD/hr-officer"])
MF = caller("hr", ["/state-bodies/MF/hr-officer"])
REGION = caller("inspector", ["/regions/75/inspector"])
OTHER_REGION = caller("inspector", ["/regions/10/inspector"])
NATION = caller("inspector", ["/nation/inspector"])
OWN, ANOTHER, NOBODY = caller("s", servant="S1"), caller("s", servant="S2"), caller("nobody")
EVER = (date(2026, 1, 1), date(2026, 12, 31))
KGD = Wanted("KGD", None, *EVER)
S1 = Wanted(None, "S1", *EVER)
ALMATY = "Asia/Almaty"


@pytest.fixture
async def ministry(told: Platform) -> Platform:
    """S1 and S2 of KGD and M1 of MF from Monday to Wednesday; S1 is seconded to MF on Wednesday, late on Tuesday."""
    told.now = at("2026-11-26T12:00")
    seconded = appointment(WEDNESDAY, WEDNESDAY, body="MF", kind="secondment")
    persons = [servant("S1", appointment(), seconded), servant("S2"), servant("M1", appointment(body="MF"))]
    await told.take_servants([each for each in persons if each.servant != "S1"] + [servant("S1", appointment(), seconded, revision=2)])
    for id, number in (("S1", "17"), ("S2", "18"), ("M1", "19")):
        await told.badge(number, id)
    await told.take_plans([month_of("S1", since=23, plan=_seconded), month_of("S2", since=23), month_of("M1", since=23, plan=_at_mf)])
    late = [passage("2026-11-24T09:12:40"), *four(TUESDAY)[1:]]
    await told.record([*four(MONDAY), *late, *four(WEDNESDAY), *four(TUESDAY, "18"), *four(TUESDAY, "19")])
    return told


def _seconded(day: date) -> Any:
    return office(day, body="MF") if day == WEDNESDAY else office(day)


def _at_mf(day: date) -> Any:
    return office(day, body="MF")


@asynccontextmanager
async def views(platform: Platform, of: Caller) -> AsyncIterator[WorkdayViews]:
    async with platform.database.app.transaction(of) as transaction:
        yield WorkdayViews(transaction, of)


async def days(platform: Platform, of: Caller, wanted: Wanted, after: str = "", limit: int = 100) -> list[KeptDay]:
    async with views(platform, of) as shown:
        return await shown.days(wanted, after, limit)


async def findings(
    platform: Platform, of: Caller, wanted: Wanted, *kinds: str, withdrawn: bool = False, after: str = "", limit: int = 100
) -> list[Finding]:
    async with views(platform, of) as shown:
        return await shown.findings(wanted, kinds, withdrawn, after, limit)


def names(found: list[KeptDay]) -> list[str]:
    return [f"{each.servant} {each.content.date.day}" for each in found]


async def test_days_are_listed_by_servant_and_date_page_by_page(ministry: Platform) -> None:
    everything = names(await days(ministry, HR, KGD))
    assert everything == ["S1 23", "S1 24", "S2 23", "S2 24", "S2 25"]
    pages, after = list[str](), ""
    while found := await days(ministry, HR, KGD, after, 2):
        pages, after = [*pages, *names(found)], day_key(found[-1])
    assert pages == everything
    assert names(await days(ministry, HR, Wanted("KGD", None, TUESDAY, TUESDAY))) == ["S1 24", "S2 24"]
    assert names(await days(ministry, HR, Wanted(None, "S2", TUESDAY, WEDNESDAY))) == ["S2 24", "S2 25"]


@pytest.mark.parametrize(
    ("of", "body", "own"),
    [
        (HR, 5, 2),
        (REGION, 5, 2),
        (NATION, 5, 3),
        (MF, 0, 1),
        (OTHER_REGION, 0, 1),
        (OWN, 2, 3),
        (ANOTHER, 3, 0),
        (NOBODY, 0, 0),
    ],
    ids=["hr", "region", "nation", "another body", "another region", "own", "another", "nobody"],
)
async def test_only_what_is_within_reach_is_listed(ministry: Platform, of: Caller, body: int, own: int) -> None:
    """A day is its body's: the day on secondment is MF's and the servant's own."""
    assert (len(await days(ministry, of, KGD)), len(await days(ministry, of, S1))) == (body, own)
    assert len(await findings(ministry, of, S1)) == (0 if of in (MF, OTHER_REGION, ANOTHER, NOBODY) else 1)


async def test_a_body_or_a_servant_out_of_reach_is_not_found(ministry: Platform) -> None:
    reached = {
        "KGD": [HR, REGION, NATION],
        "S1": [HR, REGION, NATION, MF, OTHER_REGION, OWN],
        "S2": [HR, REGION, NATION, ANOTHER],
    }
    for id, by in reached.items():
        wanted = KGD if id == "KGD" else Wanted(None, id, *EVER)
        for of in (HR, REGION, NATION, MF, OTHER_REGION, OWN, ANOTHER, NOBODY):
            async with views(ministry, of) as shown:
                if of in by:
                    await shown.require(wanted)
                else:
                    with pytest.raises(NotFound):
                        await shown.require(wanted)


async def test_one_day_is_shown_to_whom_it_concerns(ministry: Platform) -> None:
    for of, day in ((HR, TUESDAY), (OWN, TUESDAY), (MF, WEDNESDAY)):
        async with views(ministry, of) as shown:
            assert (await shown.day("S1", day)).content.seconds.known > 0
    for of, day in ((MF, TUESDAY), (HR, WEDNESDAY), (ANOTHER, TUESDAY), (NOBODY, TUESDAY), (NATION, date(2026, 1, 5))):
        async with views(ministry, of) as shown:
            with pytest.raises(NotFound):
                await shown.day("S1", day)
            with pytest.raises(NotFound):
                await shown.explanation("S1", day, ALMATY)


async def test_findings_are_filtered_by_kind_and_state_and_span(ministry: Platform) -> None:
    kinds = [(each.servant, each.claim.kind) for each in await findings(ministry, HR, KGD)]
    assert kinds == [("S1", "late"), ("S2", "absent"), ("S2", "absent")]
    assert [each.servant for each in await findings(ministry, HR, KGD, "late")] == ["S1"]
    assert await findings(ministry, HR, KGD, "missing_exit", "early_leave") == []
    withdrawn = await findings(ministry, HR, KGD, "absent", withdrawn=True)
    assert len(withdrawn) > 2
    assert [each.claim.date for each in await findings(ministry, HR, Wanted(None, "S2", MONDAY, MONDAY))] == [MONDAY]
    assert await findings(ministry, HR, Wanted("MF", None, *EVER)) == []


async def test_a_finding_of_a_period_is_listed_for_each_of_its_dates(ministry: Platform) -> None:
    await ministry.take_orders([order("2026-11-23T18:30", "2026-11-23T23:50", servant="S1")])
    await ministry.record([passage("2026-11-23T20:00:00"), passage("2026-11-23T23:50:00", "out")])
    for span in ((MONDAY, MONDAY), (TUESDAY, TUESDAY), (MONDAY, TUESDAY)):
        assert len(await findings(ministry, HR, Wanted("KGD", None, *span), "rest_too_short")) == 1
    assert await findings(ministry, HR, Wanted("KGD", None, WEDNESDAY, WEDNESDAY), "rest_too_short") == []


async def test_findings_are_listed_by_subject_first_second_and_kind_page_by_page(ministry: Platform) -> None:
    """Also those of one second, of devices, and of a badge at its device."""
    insert = """
    INSERT INTO findings (id, kind, servant, device, badge, body, date, first, seconds, state, rule, reads, revision, edition)
    VALUES ($1, $2, NULL, $3, $4, 'KGD', $5, $6, 1, 'raised', 'lc-79', '{}', 1, 'e')
    """
    rows = [
        ("unknown_badge", "gate", "hq:9", 7),
        ("unknown_badge", "gate", "hq:8", 7),
        ("device_clock", "gate", None, 7),
        ("device_clock", "A", None, 9),
    ]
    for kind, device, badge, first in rows:
        claim = Claim(f"{device}/{badge}" if badge else device, kind, TUESDAY, first, 1, "lc-79")
        await ministry.sql(insert, claim.id, kind, device, badge, TUESDAY, first)
    everything = await findings(ministry, HR, KGD)
    order_of = [(each.servant or each.device, each.claim.first, each.claim.kind, str(each.claim.id)) for each in everything]
    assert order_of == sorted(order_of)
    assert len(everything) == 7
    pages, after = list[Finding](), ""
    while found := await findings(ministry, HR, KGD, after=after, limit=2):
        pages, after = [*pages, *found], finding_key(found[-1])
    assert pages == everything
    assert [each for each in await findings(ministry, OWN, KGD) if each.device] == []


async def test_an_explanation_shows_everything_that_a_day_follows_from(ministry: Platform) -> None:
    await ministry.device("mf", body="MF", premises="MF house")
    await ministry.record([passage("2026-11-24T13:30:00", device="mf"), passage("2026-11-24T13:40:00", "out", device="mf")])
    before = (await ministry.days())[TUESDAY]
    await ministry.take_plans([month_of("S1", since=23, plan=lambda day: remote(day) if day == TUESDAY else office(day), revision=2)])
    async with views(ministry, HR) as shown:
        explained = await shown.explanation("S1", TUESDAY, ALMATY)
    assert explained.day == (await ministry.days())[TUESDAY]
    assert explained.plan is not None
    assert (explained.plan.plan.kind, explained.plan.details.act, explained.plan.body) == (PlanKind.REMOTE, "№ 1", "KGD")
    assert [each.revision for each in explained.versions] == list(range(1, explained.day.revision + 1))
    assert explained.versions[-2].seconds == before.content.seconds
    assert explained.versions[-1].seconds == explained.day.content.seconds
    places = {key[:2]: (context.body, context.premises) for key, context in explained.contexts.items()}
    assert places["mf", "17|2026-11-24T13:30:00|in"] == ("MF", "MF house")
    assert set(explained.contexts) == {read_key(read) for read, _ in explained.day.content.reads}
    assert {context.received_at for context in explained.contexts.values()} >= {at("2026-11-24T13:30:02")}
    kinds = [each.claim.kind for each in explained.findings]
    assert kinds == [each.kind.value for each in explained.day.content.findings]


async def test_a_day_that_waits_is_explained_without_a_plan(ministry: Platform) -> None:
    await ministry.badge("20", "S9")
    await ministry.record(four(TUESDAY, "20"))
    async with views(ministry, NATION) as shown:
        explained = await shown.explanation("S9", TUESDAY, ALMATY)
    assert (explained.plan, len(explained.contexts), explained.findings) == (None, 4, [])


async def test_each_read_of_an_event_key_that_was_used_twice_is_explained_by_its_own_receipt(ministry: Platform) -> None:
    """Also where another person's passage bears the key; and where the wall time has no offset."""
    walls = [("2026-11-24T19:00:00", "in", "17"), ("2026-11-24T19:10:00", "out", "17"), ("2026-11-24T19:00:00", "in", "18")]
    received = [at("2026-11-24T19:00:05"), at("2026-11-24T19:20"), at("2026-11-24T19:40")]
    for (wall, way, number), when in zip(walls, received, strict=True):
        await ministry.record([passage(wall, way, number, key="7", received=when, offset=None)])
    async with views(ministry, HR) as shown:
        explained = await shown.explanation("S1", TUESDAY, ALMATY)
    reads = [read for read, _ in explained.day.content.reads if read.event_key == "7"]
    assert [explained.contexts[read_key(each)].received_at for each in reads] == received[:2]
