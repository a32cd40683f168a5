"""The parking lot as operators and HR officers see it: masked or in clear, page by page, and who may."""

import json
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from tartip.registry.v1.events_pb2 import ServantChanged
from tartip.timetracking.v1 import parking_service_pb2 as pb

from ..samples import passage
from ..serving import GATE, HR, Timekeeping, outcome, refused
from ..test_access import INSIDE, OUTSIDE
from .lots import AT
from .test_use_cases import Desk

OPERATOR = (INSIDE["operator"],)
REQUEST = "0192f0c1-2d3e-7a4b-8c5d-6e7f8091a2b3"
LINE = "0017\t2026-11-24 8:55\t0\tАсель Нурланова"
KEPT = pb.ParkedRecordFilter(reason="malformed")


def name(record: UUID) -> str:
    return f"parkedRecords/{record}"


def named(record: UUID) -> pb.GetParkedRecordRequest:
    return pb.GetParkedRecordRequest(name=name(record))


@pytest.fixture
async def records(served: Timekeeping) -> dict[str, UUID]:
    """A line and a passage of KGD's gate, a passage of no device that is enrolled, a servant's state, and bytes."""
    desk = Desk(served.platform)
    (line,) = await desk.read(await desk.lot.malformed(LINE))
    (read,) = await desk.read(await desk.lot.refused(passage("2026-11-24T08:55:00", number="0017"), 7))
    (nobodys,) = await desk.refused(8, device="unknown")
    told = ServantChanged(event_id="e", servant="S1", display_name="Асель Нурланова", revision=3).SerializeToString()
    (state,) = await desk.read(await desk.lot.put_away("registry.servants.v1", 9, told, {"event_id": "e"}, "bug", key=b"S1"))
    (unreadable,) = await desk.read(await desk.lot.put_away("timetracking.passages.v1", 10, b"\xff0017", {}, "unreadable"))
    return {"line": line, "read": read, "nobodys": nobodys, "state": state, "unreadable": unreadable}


async def test_an_operator_sees_what_is_wrong_and_nobody_it_is_about(served: Timekeeping, records: dict[str, UUID]) -> None:
    operator = await served.portal(OPERATOR)
    shown = {kind: await operator.parking.GetParkedRecord(named(record)) for kind, record in records.items()}
    assert all(each.content_masked for each in shown.values())
    assert shown["line"].content == "0000\t0000-00-00 0:00\t0\tXxxxx Xxxxxxxxx"
    (read,) = json.loads(shown["read"].content)["passages"]
    assert (read["device"], read["wallTime"], read["badgeSystem"], read["badgeNumber"]) == ("gate", "2026-11-24T08:55:00", "hq", "0000")
    assert read["eventKey"] == "0000|0000-00-00X00:00:00|xx"
    assert (shown["state"].content, shown["state"].event_id, shown["state"].size > 0) == ("", "e", True)
    assert (shown["unreadable"].content, shown["unreadable"].size) == ("", 5)
    everything = "".join(str(each) for each in shown.values()).replace("2026-11-24", "")
    for secret in ("0017", "Асель", "Нурланова", "S1"):
        assert secret not in everything, secret
    assert await served.platform.sql("SELECT FROM audit_records WHERE action = 'parking.read'") == []


async def test_an_hr_officer_reads_the_bodys_own_records_in_clear_and_leaves_a_trace(served: Timekeeping, records: dict[str, UUID]) -> None:
    hr = await served.portal(HR)
    line, read = [await hr.parking.GetParkedRecord(named(records[kind])) for kind in ("line", "read")]
    assert (line.content, line.content_masked, line.device) == (LINE, False, GATE)
    assert json.loads(read.content)["passages"][0]["badgeNumber"] == "0017"
    audited = await served.platform.sql("SELECT resource, rule FROM audit_records WHERE action = 'parking.read' ORDER BY id")
    assert [tuple(row) for row in audited] == [(name(records["line"]), "o15-p4-5"), (name(records["read"]), "o15-p4-5")]
    for kind in ("nobodys", "state", "unreadable"):
        assert await outcome(hr.parking.GetParkedRecord(named(records[kind]))) == "NOT_FOUND"


async def test_a_record_says_where_it_lay_and_what_became_of_it(served: Timekeeping, records: dict[str, UUID]) -> None:
    operator = await served.portal(OPERATOR)
    record = await operator.parking.GetParkedRecord(named(records["read"]))
    assert (record.name, record.topic, record.state) == (name(records["read"]), "timetracking.passages.v1", pb.PARKED_RECORD_STATE_PARKED)
    assert (record.reason, record.error, record.origin) == ("bug", "bug at apply:1", "timetracking.passages.v1/3/7/0")
    assert (record.device, record.date.day, record.attempts, record.sendable) == (GATE, 24, 1, True)
    assert record.parked_at == Timestamp(seconds=int(AT.timestamp()))
    assert (record.event_id, record.schema) == (str(UUID(int=7)), "PassageBatch")
    assert (await operator.parking.RedriveParkedRecords(pb.RedriveParkedRecordsRequest(names=[record.name]))).sent == 1
    assert (await operator.parking.GetParkedRecord(named(records["read"]))).state == pb.PARKED_RECORD_STATE_SENT_AGAIN
    unreadable = await operator.parking.GetParkedRecord(named(records["unreadable"]))
    assert not unreadable.HasField("date")


async def test_a_list_goes_page_by_page_without_contents(served: Timekeeping, records: dict[str, UUID]) -> None:
    operator, found, token = await served.portal(OPERATOR), [], ""
    while True:
        request = pb.ListParkedRecordsRequest(page_size=2, page_token=token, state=pb.PARKED_RECORD_STATE_PARKED)
        page = await operator.parking.ListParkedRecords(request)
        found += list(page.parked_records)
        token = page.next_page_token
        if not token:
            break
    assert [each.name for each in found] == [name(record) for record in reversed(records.values())]
    assert {(each.content, each.content_masked) for each in found} == {("", False)}
    narrowed = pb.ListParkedRecordsRequest(filter=pb.ParkedRecordFilter(device=GATE), page_size=1)
    page = await operator.parking.ListParkedRecords(narrowed)
    assert [each.name for each in page.parked_records] == [name(records["read"])]
    narrowed.page_token, narrowed.filter.reason = page.next_page_token, "bug"
    assert await outcome(operator.parking.ListParkedRecords(narrowed)) == "PAGE_TOKEN"


async def test_the_same_request_again_is_answered_alike_and_sends_once(served: Timekeeping, records: dict[str, UUID]) -> None:
    operator = await served.portal(OPERATOR)
    request = pb.RedriveParkedRecordsRequest(filter=pb.ParkedRecordFilter(reason="BUG"), request_id=REQUEST)
    dry = pb.RedriveParkedRecordsRequest(filter=request.filter, validate_only=True)
    for asked in (dry, request, request):
        answer = await operator.parking.RedriveParkedRecords(asked)
        assert (answer.sent, answer.kept_back, answer.more) == (2, 1, False)
    assert (await operator.parking.RedriveParkedRecords(dry)).sent == 0
    assert len(await served.platform.sql("SELECT FROM outbox WHERE topic LIKE '%passages%'")) == 2


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.RedriveParkedRecordsRequest(), "filter"),
        (pb.RedriveParkedRecordsRequest(names=["parkedRecords/x"]), "names[0]"),
        (pb.RedriveParkedRecordsRequest(filter=pb.ParkedRecordFilter(device="gate")), "filter.device"),
        (pb.RedriveParkedRecordsRequest(filter=pb.ParkedRecordFilter(since=Timestamp(nanos=1))), "filter.since"),
    ],
)
async def test_a_malformed_redrive_is_refused_by_its_field(served: Timekeeping, request_: Any, field: str) -> None:
    operator = await served.portal(OPERATOR)
    assert (await refused(operator.parking.RedriveParkedRecords(request_))).violations.keys() == {field}


async def test_what_cannot_be_sent_is_refused_by_name_in_the_callers_language(served: Timekeeping, records: dict[str, UUID]) -> None:
    operator = await served.portal(OPERATOR, language="ru")
    refusal = await refused(operator.parking.RedriveParkedRecords(pb.RedriveParkedRecordsRequest(names=[name(records["line"])])))
    assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "RECORD_KEPT_BACK")
    assert refusal.text.startswith(f"Запись {name(records['line'])} нельзя отправить повторно")
    again = pb.RedriveParkedRecordsRequest(names=[name(records["read"])])
    await operator.parking.RedriveParkedRecords(again)
    assert (await refused(operator.parking.RedriveParkedRecords(again))).reason == "RECORD_SENT_AGAIN"


async def test_a_list_shows_nothing_outside_of_the_scope(served: Timekeeping, records: dict[str, UUID]) -> None:
    async def listed(grant: str) -> set[str]:
        page = await (await served.portal((grant,))).parking.ListParkedRecords(pb.ListParkedRecordsRequest())
        return {each.name for each in page.parked_records}

    of_nobody = {name(records[kind]) for kind in ("nobodys", "state", "unreadable")}
    assert await listed(OUTSIDE["hr-officer"]) == set()
    assert await listed(OUTSIDE["operator"]) == of_nobody
    assert await listed(INSIDE["hr-officer"]) == {name(records["line"]), name(records["read"])}
    assert await listed("/state-bodies/KGD/operator") == {name(records["line"]), name(records["read"])}, "an operator of one body alone"


async def test_while_the_bodies_are_not_known_it_says_so(served: Timekeeping, records: dict[str, UUID]) -> None:
    await served.platform.sql("DELETE FROM projection_positions")
    operator = await served.portal(OPERATOR)
    calls = (
        operator.parking.ListParkedRecords(pb.ListParkedRecordsRequest()),
        operator.parking.GetParkedRecord(named(records["read"])),
        operator.parking.RedriveParkedRecords(pb.RedriveParkedRecordsRequest(names=[name(records["read"])], validate_only=True)),
    )
    for call in calls:
        refusal = await refused(call)
        assert (refusal.reason, refusal.facts) == ("PROJECTION_BEHIND", {"topic": "registry.bodies.v1"})
