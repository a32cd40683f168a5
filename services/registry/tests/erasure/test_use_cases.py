"""Erasing a civil servant: by a decision, or since the term has ended; never while appointed, never while a hold stands."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any

import pytest
from chassis.database import OutOfTime
from chassis.personal_data.declarations import PERSONAL_FILE, of_people
from chassis.testing.answers import outcome
from chassis.testing.tokens import caller
from kernel.days import months_after
from kernel.faults import Fault, Malformed, NotFound, Unavailable
from lawbook import load
from prometheus_client import REGISTRY
from registry.__main__ import main
from registry.erasure.repository import StoredErasure
from registry.erasure.use_cases import EraseServant, EraseWhoLeftLongAgo
from registry.personal_data import DATA_CLASSES
from registry.republish import republish
from registry.servants.events import TOPIC
from registry.unit_of_work import begin
from structlog.testing import capture_logs
from tartip.registry.v1 import servant_service_pb2 as sv
from tartip.registry.v1 import state_body_service_pb2 as sb

from ..serving import MARCH, NOW, Registry, appointment, day, new_body, new_fact, new_hold, new_servant, row

LAW = load()
OPERATOR = caller("operator", ["/nation/operator"])
LEFT = date(2026, 1, 31)
HR = ("/state-bodies/KGD/hr-officer",)
GROUND = "Решение суда № 2-114"


@pytest.fixture
async def left(registry: Registry) -> Registry:
    """A registry that serikova, who headed audit and of whom a protected fact is kept, has left."""
    hr = await registry.portal(HR)
    await hr.bodies.AppointUnitHead(
        sb.AppointUnitHeadRequest(name="stateBodies/KGD/units/audit", head="servants/serikova", since=day(date(2026, 1, 12)))
    )
    await hr.protected.RecordProtectedFact(new_fact())
    await hr.servants.EndAppointment(sv.EndAppointmentRequest(name=registry.held, until=day(LEFT)))
    return registry


def erasing(registry: Registry, now: datetime = NOW) -> EraseServant:
    return EraseServant(begin(registry.database.worker, lambda: now))


def job(registry: Registry, now: datetime) -> EraseWhoLeftLongAgo:
    return EraseWhoLeftLongAgo(begin(registry.database.worker, lambda: now), LAW, lambda: now, now=lambda: 1.0)


async def kept(registry: Registry, servant: str = "serikova") -> dict[str, int]:
    async with registry.database.worker.transaction() as transaction:
        driver = await transaction.driver()
        return {
            each.table: await driver.fetchval(f"SELECT count(*) FROM {each.table} WHERE {each.person}", servant)
            for each in of_people(DATA_CLASSES)
        }


async def tombstones(registry: Registry) -> list[tuple[str, str]]:
    return [(each["topic"], each["key"]) for each in await registry.database.rows("SELECT topic, key FROM outbox WHERE payload IS NULL")]


async def refusal(call: Any) -> Fault:
    with pytest.raises(Fault) as refused:
        await call
    return refused.value


async def test_the_erased_is_nowhere_any_more_and_everybody_is_told(left: Registry) -> None:
    before = await kept(left)
    assert all(before.values())
    assert await erasing(left)(OPERATOR, "serikova", GROUND) == sum(before.values())
    assert not any((await kept(left)).values())
    assert await tombstones(left) == [(TOPIC, "serikova")]
    newest = await left.database.rows("SELECT payload FROM outbox WHERE topic = 'registry.bodies.v1' ORDER BY xid DESC, id DESC LIMIT 1")
    assert b"serikova" not in newest[0]["payload"], "the unit's head is not told any more"
    (record,) = await left.database.rows("SELECT subject, resource, rule, body FROM audit_records WHERE action = 'servant.erase'")
    assert tuple(record) == ("operator", "servants/serikova", GROUND, "KGD")
    assert await republish(left.database.worker, lambda: NOW, TOPIC) == 0


def test_the_command_erases_by_a_decision_and_says_what_was_refused(
    left: Registry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TARTIP_DATABASE_URL", left.database.urls.worker)
    with ThreadPoolExecutor() as apart:  # a command has a loop of its own

        def command(*given: str) -> int:
            return apart.submit(main, ["erase", *given, "--ground", GROUND, "--by", "A. Serikova"]).result()

        assert command("serikova") == 0
        assert "serikova: 4 rows erased" in capsys.readouterr().out
        assert command("serikova") == 3
    assert "NOT_FOUND" in capsys.readouterr().err


async def test_who_was_lost_with_a_restored_database_is_erased_where_they_are_known(left: Registry) -> None:
    assert (await refusal(erasing(left)(OPERATOR, "lost", GROUND))).reason == "NOT_FOUND"
    assert await erasing(left)(OPERATOR, "lost", GROUND, lost=True) == 0
    assert await tombstones(left) == [(TOPIC, "lost")]
    (record,) = await left.database.rows("SELECT resource, rule FROM audit_records WHERE action = 'servant.erase'")
    assert tuple(record) == ("servants/lost", GROUND)
    hr = await left.portal(HR)
    assert await outcome(hr.servants.CreateServant(new_servant("lost", 7, appointment("17", MARCH)))) == "SERVANT_ERASED"


async def test_an_erased_id_is_never_given_again(left: Registry) -> None:
    await erasing(left)(OPERATOR, "serikova", GROUND)
    hr = await left.portal(HR)
    assert await outcome(hr.servants.CreateServant(new_servant("serikova", 0, appointment("17", MARCH)))) == "SERVANT_ERASED"

    async def rows() -> Any:
        yield row(1, new_servant("serikova", 0, appointment("17", MARCH)))

    (imported,) = (await hr.servants.ImportServants(rows())).rows
    assert imported.outcome == sv.ImportedRow.OUTCOME_REFUSED
    assert await outcome(hr.servants.CreateServant(new_servant("serikova-2", 0, appointment("17", MARCH)))) == "OK"


async def test_whoever_is_appointed_is_not_erased(registry: Registry) -> None:
    fault = await refusal(erasing(registry)(OPERATOR, "serikova", GROUND))
    assert (fault.reason, fault.rule, fault.facts["servant"]) == ("STILL_APPOINTED", "pdl-12", "servants/serikova")
    still = await kept(registry)
    assert still["appointments"]
    assert still["servants"]


async def test_on_the_last_day_of_an_appointment_nobody_is_erased(left: Registry) -> None:
    assert (await refusal(erasing(left, datetime(2026, 1, 31, 20, tzinfo=UTC))(OPERATOR, "serikova", GROUND))).reason == "STILL_APPOINTED"


async def test_while_a_hold_stands_over_whichever_body_nobody_is_erased(left: Registry) -> None:
    await (await left.portal(("/nation/inspector",))).holds.PlaceHold(new_hold())
    fault = await refusal(erasing(left)(OPERATOR, "serikova", GROUND))
    assert (fault.reason, fault.rule, fault.facts["until"]) == ("HOLD_IN_FORCE", "csl-58-6", date(2026, 2, 13))
    assert all((await kept(left)).values())


async def test_nobody_is_erased_who_is_not_there_or_without_a_ground(left: Registry) -> None:
    assert isinstance(await refusal(erasing(left)(OPERATOR, "stranger", GROUND)), NotFound)
    assert isinstance(await refusal(erasing(left)(OPERATOR, "serikova", " ")), Malformed)


async def test_who_left_longer_ago_than_the_term_is_erased_by_the_job_and_nobody_else(left: Registry) -> None:
    hr = await left.portal(HR)
    await hr.servants.CreateServant(new_servant("iskakova", 1, appointment("18")))
    term = LAW.require(PERSONAL_FILE, NOW.date()).value
    last = months_after(LEFT, 12 * term)
    too_early = datetime(last.year, last.month, last.day, 12, tzinfo=UTC)
    assert await job(left, too_early)() == 0
    assert all((await kept(left)).values())
    in_time = datetime(last.year, last.month + 1, 3, 12, tzinfo=UTC)
    erase = job(left, in_time)
    assert await erase() == 1
    assert not any((await kept(left)).values())
    assert (await kept(left, "iskakova"))["servants"] == 1
    assert await erase() == 0
    (record,) = await left.database.rows("SELECT subject, rule FROM audit_records WHERE action = 'servant.erase'")
    assert tuple(record) == ("system", PERSONAL_FILE)


async def test_the_job_rests_while_a_hold_stands(left: Registry) -> None:
    await (await left.portal(("/nation/inspector",))).holds.PlaceHold(new_hold(since=date(2101, 1, 1), until=date(2101, 12, 31)))
    assert await job(left, datetime(2101, 6, 1, tzinfo=UTC))() == 0
    assert all((await kept(left)).values())


ADVISORY = """
SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database
WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted
"""


async def test_a_hold_over_another_body_waits_for_whoever_is_being_erased(left: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    began, go_on, erase = asyncio.Event(), asyncio.Event(), StoredErasure.erase

    async def in_between(self: StoredErasure, servant: str) -> int:
        began.set()
        await go_on.wait()
        return await erase(self, servant)

    monkeypatch.setattr(StoredErasure, "erase", in_between)
    await (await left.portal(("/regions/75/operator",))).bodies.CreateStateBody(new_body("MF"))
    inspector = await left.portal(("/nation/inspector",))
    erased = asyncio.create_task(erasing(left)(OPERATOR, "serikova", GROUND))
    await began.wait()
    placed = asyncio.create_task(outcome(inspector.holds.PlaceHold(new_hold("MF"))))
    while not placed.done() and not await left.database.rows(ADVISORY):
        pass
    assert not placed.done(), "a hold was answered before what it keeps was gone"
    go_on.set()
    assert await erased > 0
    assert await placed == "OK"


def out_of_time() -> Unavailable:
    """As the database ends a transaction that waited too long for the bodies that name somebody."""
    error = Unavailable()
    error.__cause__ = OutOfTime()
    return error


@pytest.mark.parametrize(("error", "kind"), [(RuntimeError("akhmetov"), "RuntimeError"), (out_of_time(), "OutOfTime")])
async def test_whoever_cannot_be_erased_holds_up_nobody_and_is_counted_and_not_named(
    left: Registry, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: str
) -> None:
    hr = await left.portal(HR)
    akhmetov = await hr.servants.CreateServant(new_servant("akhmetov", 1, appointment("18")))
    await hr.servants.EndAppointment(sv.EndAppointmentRequest(name=akhmetov.appointments[0].name, until=day(LEFT)))
    erase, tried = StoredErasure.erase, list[str]()

    async def stumbling(self: StoredErasure, servant: str) -> int:
        tried.append(servant)
        if servant == "akhmetov":
            raise error
        return await erase(self, servant)

    monkeypatch.setattr(StoredErasure, "erase", stumbling)
    monkeypatch.setattr("registry.erasure.use_cases.AT_ONCE", 1)
    failed = REGISTRY.get_sample_value("tartip_jobs_failed_total", {"job_name": "erasure"}) or 0.0
    round_ = job(left, datetime(2110, 1, 1, tzinfo=UTC))
    with capture_logs() as logs:
        assert [await round_() for _ in range(4)] == [1, 1, 0, 0]
    assert tried == ["akhmetov", "serikova"]
    assert not any((await kept(left)).values())
    assert (await kept(left, "akhmetov"))["servants"] == 1
    assert REGISTRY.get_sample_value("tartip_jobs_failed_total", {"job_name": "erasure"}) == failed + 1
    assert [(each["count"], each["errors"]) for each in logs if "count" in each] == [(1, [kind])]
    assert "akhmetov" not in str(logs)
