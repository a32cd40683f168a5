"""What is older than its term goes, and is never computed again; while a body is inspected nothing goes."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import count as counting
from zoneinfo import ZoneInfo

import pytest
from chassis.personal_data.declarations import WORKING_TIME
from chassis.personal_data.levels import first_kept
from chassis.personal_data.retention import Known, Retention
from chassis.testing.tokens import caller
from kernel.days import DaySpan, months_after
from kernel.holds import Hold
from prometheus_client import REGISTRY
from timetracking import processes
from timetracking.badges.domain import Badge
from timetracking.parking.consumer import told_parked
from timetracking.parking.repository import forget_parked
from timetracking.parking.use_cases import NoteParked
from timetracking.people.domain import Body
from timetracking.personal_data import DATA_CLASSES
from timetracking.processes import CHANGES_KEPT, PARKED_KEPT, forget_changes, forget_contents
from timetracking.workdays.repository import purge_changes

from .parking.lots import AT, Lot
from .platform import LAW, Platform
from .samples import MONDAY, NOVEMBER, TUESDAY, WEDNESDAY, at, four, month_of, order, passage
from .serving import Timekeeping

RESTS_UNTIL = "tartip_retention_rests_until_seconds"
TERM = LAW.require(WORKING_TIME, MONDAY).value
HR = caller("hr", ["/state-bodies/KGD/hr-officer"])


def years_later(day: date, hour: int = 12) -> datetime:
    """The noon at which the days before `day` are older than they are kept."""
    later = date.fromordinal(months_after(day, 12 * TERM).toordinal() + 1)
    return at(f"{later}T{hour:02}:00")


async def all_known() -> bool:
    return True


def retention(platform: Platform, known: Known = all_known) -> Retention:
    return Retention(platform.database.worker, DATA_CLASSES, LAW, platform.clock, known, settled_after_s=0, now=lambda: 1.0)


async def everything(job: Retention) -> int:
    """Works until nothing is due; in how many pieces."""
    pieces = 0
    while await job():
        pieces += 1
    return pieces


async def months(platform: Platform) -> set[str]:
    """The tables of passages; what other tests told of other years may lie in others."""
    return {
        row["name"]
        for row in await platform.sql("SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'passages'::regclass")
    }


async def counted(platform: Platform) -> dict[str, int]:
    tables = [each.table for each in DATA_CLASSES if each.person or each.table == "device_days"]
    return {table: (await platform.sql(f"SELECT count(*) FROM {table}"))[0][0] for table in tables}


async def account_for_all(platform: Platform) -> None:
    """Counts as received what was stored, as the reader beside does."""
    await platform.sql(
        "INSERT INTO device_receipts SELECT device, date, stored + repeated, 0, 0 FROM device_days"
        " ON CONFLICT (device, date) DO UPDATE SET received = device_receipts.received + excluded.received"
    )


async def texts(platform: Platform) -> dict[tuple[str, date], tuple[str, int]]:
    rows = await platform.sql("SELECT servant, date, content, revision FROM workdays")
    return {(row["servant"], row["date"]): (row["content"], row["revision"]) for row in rows}


async def test_the_level_is_the_term_before_today(served: Timekeeping) -> None:
    assert first_kept(WORKING_TIME, LAW, years_later(TUESDAY)) == TUESDAY


async def test_what_is_older_than_its_term_goes_and_the_rest_stays(served: Timekeeping) -> None:
    platform = served.platform
    before = await texts(platform)
    outbox = len(await platform.sql("SELECT FROM outbox"))
    platform.now = years_later(TUESDAY)
    assert await everything(retention(platform)) > 1
    after = await texts(platform)
    assert after == {key: day for key, day in before.items() if key[1] >= TUESDAY}
    assert {key[1] for key in before} > {key[1] for key in after}
    assert len(await platform.sql("SELECT FROM outbox")) == outbox, "nobody is told of days that are old"
    assert await everything(retention(platform)) == 0, "a second run finds nothing to do"


async def test_after_all_terms_nothing_of_the_days_is_left(served: Timekeeping) -> None:
    platform = served.platform
    await account_for_all(platform)
    platform.now = years_later(date(2027, 3, 1))
    await everything(retention(platform))
    left = {table: count for table, count in (await counted(platform)).items() if count}
    assert left.keys() == {"badges", "servants", "appointments"}, "badges are held still, and people serve still"
    assert await months(platform) & {"passages_2026_11", "passages_other"} == {"passages_other"}, "the one for all others is left"


async def test_each_piece_is_audited_with_its_count_and_no_name(served: Timekeeping) -> None:
    platform = served.platform
    platform.now = years_later(TUESDAY)
    await everything(retention(platform))
    rows = await platform.sql("SELECT subject, resource FROM audit_records WHERE action = 'retention.delete' ORDER BY id")
    days = [row["resource"] for row in rows if row["resource"].startswith("dataClasses/workdays/")]
    assert days == [f"dataClasses/workdays/before/{TUESDAY}/rows/3"]
    assert {row["subject"] for row in rows} == {"system"}


async def test_a_day_older_than_what_is_kept_is_never_computed_again(served: Timekeeping) -> None:
    """Also between the raising of the level and the deleting, and whoever asks: plans, orders, badges, passages."""
    platform = served.platform
    platform.now = years_later(WEDNESDAY)
    job = retention(platform)
    assert await job() == 1, "the level is raised"
    raised = await texts(platform)
    for stage in ("raised", "deleted"):
        if stage == "deleted":
            await everything(job)
        before, versions = await texts(platform), await platform.sql("SELECT count(*) FROM workday_versions")
        findings = await platform.sql("SELECT id, state, revision FROM findings ORDER BY id")
        outbox = await platform.sql("SELECT topic, key FROM outbox ORDER BY xid, id")
        change = 2 if stage == "raised" else 4
        await platform.take_plans([month_of("S1", revision=change, since=23), month_of("S2", revision=change, since=23)])
        await platform.take_orders([order("2026-11-23T19:00", "2026-11-23T21:00", id=f"late-{stage}")])
        await platform.take_orders([order("2026-11-17T19:00", "2026-11-17T21:00", id=f"older-{stage}")])
        # Past the bounds of what is believed, which refuse a passage so old before it is stored.
        await platform.sql("INSERT INTO due_reads (lane, late, badge_system, badge_number, date) VALUES (0, true, 'hq', '17', $1)", MONDAY)
        await platform.sql("INSERT INTO due_days (servant, date) VALUES ('S1', $1), ('S2', $1)", MONDAY)
        await platform.assign(HR, Badge(f"b-{stage}", "hq", "99" if stage == "raised" else "98", "S2", at("2026-11-23T00:00"), None))
        await platform.do_what_is_due()
        while await platform.close():
            pass
        old = {key: day for key, day in (await texts(platform)).items() if key[1] < WEDNESDAY}
        assert old == {key: day for key, day in before.items() if key[1] < WEDNESDAY}
        assert (await platform.sql("SELECT id, state, revision FROM findings WHERE date < $1 ORDER BY id", WEDNESDAY)) == [
            row
            for row in findings
            if row["id"] in {each["id"] for each in await platform.sql("SELECT id FROM findings WHERE date < $1", WEDNESDAY)}
        ]
        assert len(await platform.sql("SELECT FROM workday_versions WHERE date < $1", WEDNESDAY)) <= versions[0][0]
        told = [row["key"] for row in (await platform.sql("SELECT topic, key FROM outbox ORDER BY xid, id"))[len(outbox) :]]
        assert [key for key in told if key.endswith((str(MONDAY), str(TUESDAY)))] == []
    assert {key for key in raised if key[1] < WEDNESDAY}
    orders = await platform.sql("SELECT date FROM orders WHERE date < $1", WEDNESDAY)
    assert {row["date"] for row in orders} == {MONDAY}, "an order of the week before is a fact still, an older one is passed over"


async def test_a_finding_that_reaches_over_the_level_is_not_looked_at_again_without_its_first_day(served: Timekeeping) -> None:
    platform = served.platform
    await platform.sql(
        "INSERT INTO findings (id, kind, servant, body, date, until, first, seconds, state, rule, reads, revision, edition)"
        " VALUES (gen_random_uuid(), 'rest_too_short', 'S1', 'KGD', $1, $2, 0, 0, 'raised', 'lc-83', '{}', 1, 'test')",
        MONDAY,
        TUESDAY,
    )
    platform.now = years_later(TUESDAY)
    assert await retention(platform)() == 1
    await platform.sql("DELETE FROM workdays WHERE date < $1", TUESDAY)
    await platform.sql("INSERT INTO due_days (servant, date) VALUES ('S1', $1)", TUESDAY)
    await platform.do_what_is_due()
    (finding,) = [each for each in await platform.findings() if each.claim.kind == "rest_too_short"]
    assert finding.revision == 1


async def test_a_hold_that_comes_between_two_pieces_lets_the_next_one_be(served: Timekeeping) -> None:
    platform = served.platform
    platform.now = years_later(TUESDAY)
    assert await retention(platform)() == 1
    before = await counted(platform)

    async def placed_meanwhile() -> bool:
        span = DaySpan(platform.now.date(), platform.now.date())
        await platform.take_bodies([Body("MF", "10", "Asia/Almaty", 2, holds=(Hold("h1", span),))])
        return True

    assert await retention(platform, placed_meanwhile)() == 0
    assert await counted(platform) == before


def test_what_is_taken_in_at_all_is_younger_than_what_is_deleted() -> None:
    oldest = LAW.require("passages/oldest", MONDAY).value
    assert oldest < 365 * TERM, "what is taken in is younger than what is deleted"


@pytest.mark.parametrize("held", ["before", "in the middle"])
async def test_while_a_body_is_inspected_nothing_is_deleted_anywhere(served: Timekeeping, held: str) -> None:
    platform = served.platform
    platform.now = years_later(TUESDAY)
    today = platform.now.date()
    inspection = Hold("h1", DaySpan(today, date.fromordinal(today.toordinal() + 20)))
    job = retention(platform)
    if held == "in the middle":
        assert await job() == 1
    await platform.take_bodies([Body("MF", "10", "Asia/Almaty", 2, holds=(inspection,))])
    before = await counted(platform)
    assert await everything(job) == 0
    assert await counted(platform) == before
    last = inspection.span.until
    assert last is not None
    assert REGISTRY.get_sample_value(RESTS_UNTIL) == datetime(last.year, last.month, last.day, tzinfo=UTC).timestamp()
    await platform.take_bodies([Body("MF", "10", "Asia/Almaty", 3)])
    assert await everything(retention(platform)) > 0
    assert (await counted(platform))["workdays"] < before["workdays"]
    assert REGISTRY.get_sample_value(RESTS_UNTIL) == 0


async def park(platform: Platform, *moments: str, device: str = "gate", at: datetime = AT) -> None:
    """Parks passages that nobody could apply."""
    lot = Lot()
    records = [await lot.refused(passage(moment, device=device), offset, at=at) for offset, moment in enumerate(moments, 100)]
    await NoteParked(platform.begin)([told_parked(each, ZoneInfo("Asia/Almaty")) for each in records])


async def hold(platform: Platform, revision: int = 2, *, days: int = 20) -> None:
    """Lets the registry tell of an inspection that began today."""
    today = platform.now.date()
    span = DaySpan(today, today + timedelta(days=days))
    await platform.take_bodies([Body("MF", "10", "Asia/Almaty", revision, holds=(Hold("h1", span),))])


async def release(platform: Platform, revision: int = 3) -> None:
    """Lets the registry tell of no inspection any more."""
    await platform.take_bodies([Body("MF", "10", "Asia/Almaty", revision)])


PURGES = (
    pytest.param(forget_contents, "SELECT count(*) FROM parked_records WHERE value IS NOT NULL", id="parked_records"),
    pytest.param(forget_changes, "SELECT count(*) FROM workday_changes", id="workday_changes"),
)


@pytest.mark.parametrize(("purge", "count"), PURGES)
async def test_what_passes_by_itself_stays_too_while_a_body_is_inspected(
    served: Timekeeping, purge: Callable[..., Awaitable[int]], count: str
) -> None:
    platform = served.platform

    async def not_known() -> bool:
        return False

    async def forgotten(known: Known = all_known) -> int:
        return await purge(platform.database.worker, now=platform.clock, known=lambda _: known)

    await park(platform, "2026-11-24T08:00:00")
    await platform.sql("UPDATE workday_changes SET changed_at = changed_at - $1::interval", CHANGES_KEPT + timedelta(days=1))
    platform.now = AT + PARKED_KEPT + timedelta(days=1)
    kept = (await platform.sql(count))[0][0]
    await hold(platform)
    assert await forgotten() == 0
    await release(platform)
    assert await forgotten(not_known) == 0, "a hold may be on its way"
    assert (await platform.sql(count))[0][0] == kept
    assert await forgotten() == kept > 0
    assert (await platform.sql(count))[0][0] == 0


@pytest.mark.parametrize(("purge", "count"), PURGES)
@pytest.mark.parametrize("lasts", [True, False])
async def test_a_purge_that_lasts_asks_again_whether_all_holds_are_known(
    served: Timekeeping, purge: Callable[..., Awaitable[int]], count: str, lasts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look at its watch is a minute after the one before, or the watch stands."""
    platform, asked = served.platform, list[int]()
    monkeypatch.setattr(processes, "forget_parked", partial(forget_parked, most=1))
    monkeypatch.setattr(processes, "purge_changes", partial(purge_changes, most=1))
    await park(platform, "2026-11-24T08:00:00", "2026-11-24T09:00:00", "2026-11-24T10:00:00")
    await platform.sql("UPDATE workday_changes SET changed_at = changed_at - $1::interval", CHANGES_KEPT + timedelta(days=1))
    platform.now = AT + PARKED_KEPT + timedelta(days=1)
    kept, minutes = (await platform.sql(count))[0][0], counting(0, 60)

    async def parked_meanwhile() -> bool:
        asked.append(1)
        return len(asked) < 3

    real = (lambda: float(next(minutes))) if lasts else (lambda: 0.0)
    gone = await purge(platform.database.worker, now=platform.clock, known=lambda _: parked_meanwhile, real=real)
    assert (gone, len(asked)) == ((2, 3) if lasts else (kept, 1))
    assert (await platform.sql(count))[0][0] == kept - gone


async def test_an_older_state_of_a_body_does_not_take_a_hold_away(served: Timekeeping) -> None:
    platform = served.platform
    hold = Hold("h1", DaySpan(MONDAY, WEDNESDAY))
    await platform.take_bodies([Body("MF", "10", "Asia/Almaty", 5, holds=(hold,))])
    await platform.take_bodies([Body("MF", "10", "Asia/Almaty", 4)])
    assert [tuple(row) for row in await platform.sql("SELECT * FROM legal_holds")] == [("MF", "h1", MONDAY, WEDNESDAY, False)]


async def test_a_hold_that_may_be_on_its_way_is_waited_for(served: Timekeeping) -> None:
    platform = served.platform
    platform.now = years_later(TUESDAY)
    before = await counted(platform)

    async def not_yet() -> bool:
        return False

    assert await everything(retention(platform, not_yet)) == 0
    assert await counted(platform) == before


async def test_rows_wait_until_everybody_goes_by_the_new_level(served: Timekeeping) -> None:
    platform = served.platform
    platform.now = years_later(TUESDAY)
    patient = Retention(platform.database.worker, DATA_CLASSES, LAW, platform.clock, all_known, settled_after_s=3_600, now=lambda: 1.0)
    before = await counted(platform)
    assert await everything(patient) == 1, "the level is raised, and nothing is deleted yet"
    assert await counted(platform) == before


async def test_plans_that_were_forgotten_where_they_are_made_stay_as_long_as_their_days(served: Timekeeping) -> None:
    platform = served.platform
    await platform.forget_plans([("S1", NOVEMBER)])
    assert await platform.sql("SELECT FROM plan_days WHERE servant = 'S1'")
    platform.now = years_later(date(2026, 12, 7))
    assert await retention(platform)() == 1
    await platform.forget_plans([("S1", NOVEMBER)])
    assert await platform.sql("SELECT FROM plan_days WHERE servant = 'S1'"), "the week before the first day is looked at by it"
    platform.now = years_later(date(2026, 12, 8))
    assert await retention(platform)() == 1
    await hold(platform)
    await platform.forget_plans([("S1", NOVEMBER)])
    assert await platform.sql("SELECT FROM plan_days WHERE servant = 'S1'"), "what a hold keeps stays"
    await release(platform)
    await platform.forget_plans([("S1", NOVEMBER)])
    assert not await platform.sql("SELECT FROM plan_days WHERE servant = 'S1'")
    assert not await platform.sql("SELECT FROM plan_months WHERE servant = 'S1'")
    await platform.take_plans([month_of("S1", revision=9)])
    assert not await platform.sql("SELECT FROM plan_days WHERE servant = 'S1'"), "told again it is passed over"


async def test_a_level_never_falls(served: Timekeeping) -> None:
    platform = served.platform
    platform.now = years_later(TUESDAY)
    await retention(platform)()
    for statement in ("UPDATE retention_levels SET kept_since = kept_since - 1", "DELETE FROM retention_levels"):
        with pytest.raises(Exception, match="only rises"):
            await platform.sql(statement)


async def test_a_hold_by_real_time_alone_keeps_the_passages_and_lets_what_is_behind_them_go(served: Timekeeping) -> None:
    """By the stepped clock, which the job goes by, it is over long since."""
    platform = served.platform
    await account_for_all(platform)
    platform.now = years_later(date(2027, 3, 1))
    await retention(platform)()
    await platform.sql("INSERT INTO legal_holds VALUES ('MF', 'h1', current_date - 1, current_date + 1, false)")
    before = await counted(platform)
    (told,) = await platform.sql("SELECT gone, whole FROM forget_passages($1, 10)", date(2026, 12, 1))
    assert tuple(told) == (0, None)
    assert await everything(retention(platform)) > 0
    after = await counted(platform)
    assert (after["passages"], after["device_days"]) == (before["passages"], 0)
    assert before["passages"] > 0 < before["device_days"]
    await platform.sql("DELETE FROM legal_holds")
    assert await everything(retention(platform)) > 0
    assert (await counted(platform))["passages"] == 0


async def test_the_function_that_drops_months_refuses_those_that_are_kept(served: Timekeeping) -> None:
    with pytest.raises(Exception, match="are kept still"):
        await served.platform.sql("SELECT forget_passages($1, 10)", date(2026, 12, 1))
    assert await served.platform.record([*four(MONDAY), passage("2026-11-24T09:12:40")]) == []
