"""The audit as auditors ask for it: records of what they reach alone, without content, and whether anybody touched it."""

import asyncio
from typing import Any

import pytest
from chassis.audit_log.sealing import Sealing
from chassis.purposes import HEADER
from chassis.testing.answers import outcome, refused
from chassis.testing.client import channel
from chassis.testing.fixtures import MakeDatabase
from chassis.testing.matrix import GRANTS
from chassis.testing.tokens import caller
from tartip.audit.v1 import audit_service_pb2 as au
from tartip.audit.v1 import audit_service_pb2_grpc as au_grpc
from tartip.registry.v1 import servant_service_pb2 as sv
from tartip.registry.v1 import state_body_service_pb2 as sb

from .serving import Registry, new_hold, release_of, serving

AUDITOR = "/state-bodies/KGD/auditor"
READ = sv.GetServantRequest(name="servants/serikova")


@pytest.fixture
async def both(emptied: MakeDatabase) -> Any:
    """KGD of region 75 as `fill` records it: read by an inspector of the region, by the person, and refused to an officer of MF."""
    async with serving(await emptied("registry")) as registry:
        await registry.fill()
        await (await registry.portal(("/regions/75/inspector",))).servants.GetServant(READ)
        await (await registry.portal((), "serikova")).servants.GetServant(READ)
        stranger = await registry.portal((GRANTS["hr-officer@body"][1],))
        await outcome(stranger.bodies.GetStateBody(sb.GetStateBodyRequest(name="stateBodies/KGD")))
        await outcome(stranger.servants.GetServant(READ))
        await registry.refusals.write()
        yield registry


async def auditor(registry: Registry, *grants: str, servant: str | None = None) -> Any:
    token = registry.tokens.mint("auditor " + "+".join(grants), grants, servant)
    return au_grpc.AuditServiceStub(await registry.stack.enter_async_context(channel(registry.address, token, "en")))


async def listed(registry: Registry, *grants: str, **wanted: str) -> list[tuple[str, str, str]]:
    answer = await (await auditor(registry, *grants)).ListAuditRecords(au.ListAuditRecordsRequest(page_size=500, **wanted))
    return [(each.action, each.resource, each.outcome) for each in answer.audit_records]


async def test_an_auditor_sees_what_was_done_with_the_body_and_what_its_people_were_refused(both: Registry) -> None:
    own = await listed(both, AUDITOR)
    assert own[:3] == [
        ("call.refuse", "stateBodies/KGD", "NOT_FOUND"),
        ("servant.read", "servants/serikova", "done"),
        ("servant.read", "servants/serikova", "done"),
    ]
    assert {action for action, _, _ in own} == {
        *("call.refuse", "servant.read", "servant.create", "position.create", "unit.create", "state-body.create")
    }
    assert await listed(both, "/state-bodies/MF/auditor") == [("call.refuse", "servants/serikova", "NOT_FOUND")]
    assert await listed(both, "/regions/75/auditor") == own
    assert await listed(both, "/regions/10/auditor") == []
    everything = await listed(both, "/nation/auditor")
    assert len(everything) == len(await both.records()) > len(own)


@pytest.fixture
async def inspected(both: Registry) -> Registry:
    """KGD with two holds: one of the nation, which an inspector of the region could not release, and one of the region, released."""
    nation, region = await both.portal(("/nation/inspector",)), await both.portal(("/regions/75/inspector",))
    of_nation = await nation.holds.PlaceHold(new_hold())
    assert await outcome(region.holds.ReleaseHold(release_of(of_nation))) == "HOLD_OF_NATION"
    await region.holds.ReleaseHold(release_of(await region.holds.PlaceHold(new_hold())))
    await both.refusals.write()
    return both


async def test_of_an_inspection_the_auditors_of_the_region_are_told_and_not_those_of_the_body(inspected: Registry) -> None:
    before = await listed(inspected, AUDITOR)
    found = await listed(inspected, "/regions/75/auditor")
    assert [(each[0], each[2]) for each in found if each not in before] == [
        ("call.refuse", "HOLD_OF_NATION"),
        ("hold.release", "done"),
        ("hold.place", "done"),
        ("hold.place", "done"),
    ]
    assert len(found) == len(before) + 4
    assert not [resource for _, resource, _ in before if "holds" in resource]
    assert await listed(inspected, "/regions/10/auditor") == []
    scopes = await inspected.database.rows("SELECT DISTINCT body, region FROM audit_records WHERE action LIKE 'hold.%'")
    assert [tuple(row) for row in scopes] == [(None, "75")]


async def test_a_record_of_a_hold_that_was_made_for_the_body_is_not_for_its_auditors(inspected: Registry) -> None:
    """As records were before they were made for the region; sealed, they stay as they are."""
    async with inspected.database.worker.transaction() as transaction:
        await (await transaction.driver()).execute(
            "INSERT INTO audit_records (subject, client, grants, method, action, resource, outcome, request_id, trace_id, body) VALUES"
            " ('x', '', '{}', '/tartip.registry.v1.HoldService/PlaceHold', 'hold.place', 'stateBodies/KGD/holds/h', 'done', '', '', 'KGD')"
        )
    own, of_region = [await listed(inspected, grant, resource="stateBodies/KGD/holds/h") for grant in (AUDITOR, "/regions/75/auditor")]
    assert (own, len(of_region)) == ([], 1)


async def test_a_record_says_what_for_where_the_caller_said_it(both: Registry) -> None:
    officer = await both.portal((GRANTS["hr-officer@body"][0],))
    await officer.servants.GetServant(READ, metadata=((HEADER, "evaluation"),))
    stub = await auditor(both, AUDITOR)
    answer = await stub.ListAuditRecords(au.ListAuditRecordsRequest(action="servant.read"))
    assert [record.purpose for record in answer.audit_records] == ["evaluation", "", ""]


async def test_a_record_says_who_by_which_grant_through_what_and_nothing_of_what(both: Registry) -> None:
    stub = await auditor(both, AUDITOR)
    answer = await stub.ListAuditRecords(au.ListAuditRecordsRequest(action="servant.create"))
    (record,) = answer.audit_records
    assert (record.subject, record.client, list(record.grants)) == (
        "person /state-bodies/KGD/hr-officer",
        "portal",
        [GRANTS["hr-officer@body"][0]],
    )
    assert (record.method, record.rule) == ("/tartip.registry.v1.ServantService/CreateServant", "o15-p4-4")
    assert (record.resource, record.state_body, record.region) == ("servants/serikova", "stateBodies/KGD", "")
    assert record.request_id
    assert record.HasField("recorded_at")
    assert "Серікова" not in str(answer)
    assert "digest" not in str(au.AuditRecord.DESCRIPTOR.fields_by_name.keys())


async def test_records_are_narrowed_by_action_subject_and_resource_and_come_page_by_page(both: Registry) -> None:
    assert {action for action, _, _ in await listed(both, AUDITOR, action="servant.read")} == {"servant.read"}
    assert len(await listed(both, AUDITOR, resource="servants/serikova")) == 3
    assert len(await listed(both, AUDITOR, subject="person /regions/75/inspector")) == 1
    stub, token, pages = await auditor(both, AUDITOR), "", []
    while True:
        answer = await stub.ListAuditRecords(au.ListAuditRecordsRequest(page_size=2, page_token=token))
        pages += [each.name for each in answer.audit_records]
        token = answer.next_page_token
        if not token:
            break
    numbers = [int(name.removeprefix("auditRecords/")) for name in pages]
    assert numbers == sorted(set(numbers), reverse=True)
    assert len(numbers) == len(await listed(both, AUDITOR))
    assert (await refused(stub.ListAuditRecords(au.ListAuditRecordsRequest(page_token="x")))).reason == "PAGE_TOKEN"


async def test_a_query_without_a_condition_gives_the_records_that_the_caller_reaches(both: Registry) -> None:
    async def seen(who: Any) -> int:
        async with both.database.app.transaction(who) as transaction:
            return int(await (await transaction.driver()).fetchval("SELECT count(*) FROM audit_records"))

    own = len(await listed(both, AUDITOR))
    assert [await seen(who) for who in (None, caller("x"), caller("x", [AUDITOR]), caller("x", ["/regions/75/auditor"]))] == [
        0,
        0,
        own,
        own,
    ]
    file = await both.database.rows("SELECT FROM audit_records WHERE resource = 'servants/serikova' OR resource LIKE 'servants/serikova/%'")
    assert await seen(caller("x", servant="serikova")) == len(file) > 0, "of the own file, and of nothing else"
    assert await seen(caller("x", servant="serikov")) == 0


async def test_an_auditor_learns_which_record_somebody_touched(both: Registry) -> None:
    stub = await auditor(both, AUDITOR)
    await Sealing("registry", both.database.worker, 60).seal()
    sound = await stub.VerifyAuditLog(au.VerifyAuditLogRequest())
    count = len(await both.records())
    assert (sound.verdict, sound.complete, sound.unsealed, sound.record) == (au.AUDIT_VERDICT_INTACT, True, 0, "")
    assert sound.reached.startswith(f"registry:{count}:")
    assert sound.limits.en.startswith("There is no checkpoint that agrees")
    again = await stub.VerifyAuditLog(au.VerifyAuditLogRequest(checkpoints=[sound.reached]))
    assert (again.verdict, again.confirmed) == (au.AUDIT_VERDICT_INTACT, sound.reached)
    assert "cannot be found" in again.limits.en
    assert again.limits.kk != again.limits.en
    await both.database.rows("UPDATE audit_records SET subject = 'somebody' WHERE id = (SELECT record FROM audit_seals WHERE place = 3)")
    touched = await stub.VerifyAuditLog(au.VerifyAuditLogRequest(checkpoints=[sound.reached]))
    (record,) = await both.database.rows("SELECT record FROM audit_seals WHERE place = 3")
    assert (touched.verdict, touched.record, touched.place) == (au.AUDIT_VERDICT_CHANGED, f"auditRecords/{record[0]}", 3)
    assert f"Record {record[0]} " in touched.statement.en


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (au.VerifyAuditLogRequest(start="x"), "start"),
        (au.VerifyAuditLogRequest(checkpoints=["registry:1:" + "0" * 64, "regimes:1:" + "0" * 64]), "checkpoints[1]"),
        (au.VerifyAuditLogRequest(checkpoints=["x"] * 1_001), "checkpoints"),
    ],
)
async def test_what_is_no_checkpoint_of_this_service_is_refused_by_field(both: Registry, request_: Any, field: str) -> None:
    refusal = await refused((await auditor(both, AUDITOR)).VerifyAuditLog(request_))
    assert (refusal.reason, list(refusal.violations)) == ("MALFORMED", [field])


async def test_a_refused_call_leaves_its_record_though_its_transaction_left_nothing(both: Registry) -> None:
    stranger = await both.portal((GRANTS["hr-officer@body"][1],))
    before = len(await both.records())
    refusals = [stranger.servants.GetServant(READ) for _ in range(3)]
    assert await asyncio.gather(*(outcome(call) for call in refusals)) == ["NOT_FOUND"] * 3
    await both.refusals.write()
    assert list((await both.records())[before:]) == [("call.refuse", "servants/serikova")] * 3
