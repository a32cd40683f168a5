"""One's own data: all that is kept of the caller, and nothing of anybody else, whatever the statements say."""

from dataclasses import replace
from typing import Any

import pytest
from chassis.personal_data import export
from chassis.personal_data.declarations import of_people
from chassis.purposes import HEADER
from google.protobuf.json_format import MessageToDict
from tartip.personal.v1 import personal_data_service_pb2 as pd
from tartip.timetracking.v1 import workday_service_pb2 as w_pb
from timetracking.personal_data import DATA_CLASSES

from .samples import MONDAY, TUESDAY
from .serving import HR, Timekeeping, refused, serving


async def exported(timekeeping: Timekeeping, servant: str) -> list[tuple[str, dict[str, Any]]]:
    portal = await timekeeping.portal((), servant)
    stream = portal.personal.ExportOwnData(pd.ExportOwnDataRequest())
    return [(each.table, MessageToDict(each.row)) async for each in stream]


async def test_a_servant_is_given_days_versions_plans_and_the_passages_of_own_badges(served: Timekeeping) -> None:
    rows = await exported(served, "S1")
    tables = {table for table, _ in rows}
    assert tables >= {
        "workdays",
        "workday_versions",
        "findings",
        "plan_days",
        "plan_months",
        "passages",
        "badges",
        "appointments",
        "servants",
    }
    assert [row["date"] for table, row in rows if table == "workdays"][:2] == [str(MONDAY), str(TUESDAY)]
    passages = [row for table, row in rows if table == "passages"]
    assert {row["badge_number"] for row in passages} == {"17"}
    assert len(passages) == 12
    assert {row["servant"] for table, row in rows if "servant" in row} == {"S1"}
    order = [each.table for each in DATA_CLASSES]
    assert [table for table, _ in rows] == sorted((table for table, _ in rows), key=order.index), "in the order of the declarations"


async def test_all_that_is_kept_is_given(served: Timekeeping) -> None:
    rows = [table for table, _ in await exported(served, "S1")]
    for each in of_people(DATA_CLASSES):
        if each.exported:
            (kept,) = await served.platform.sql(f"SELECT count(*) FROM {each.table} WHERE {each.person}", "S1")
            assert rows.count(each.table) == kept[0], each.table


@pytest.mark.parametrize("size", [1, 2, 3])
async def test_pages_give_the_same_rows_once_each(served: Timekeeping, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = await exported(served, "S1")
    monkeypatch.setattr(export, "PAGE", size)
    assert await exported(served, "S1") == whole


async def test_a_condition_that_is_forgotten_everywhere_gives_nothing_of_others(
    served: Timekeeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = await exported(served, "S1")
    forgotten = tuple(replace(each, person="$1::text IS NOT NULL") if each.person and each.exported else each for each in DATA_CLASSES)
    monkeypatch.setattr("timetracking.server.DATA_CLASSES", forgotten)
    async with serving(served.platform) as careless:
        assert await exported(careless, "S1") == own
        assert [table for table, _ in await exported(careless, "S9")] == []


async def test_that_it_was_asked_for_is_audited(served: Timekeeping) -> None:
    await exported(served, "S1")
    rows = await served.platform.sql("SELECT resource, method FROM audit_records WHERE action = 'personal-data.export'")
    assert [tuple(row) for row in rows] == [("servants/S1", "/tartip.personal.v1.PersonalDataService/ExportOwnData")]


async def test_nobody_is_given_data_who_is_no_servant(served: Timekeeping) -> None:
    officer = await served.portal(HR)
    assert (await refused(anext(aiter(officer.personal.ExportOwnData(pd.ExportOwnDataRequest()))))).reason == "FORBIDDEN"


async def test_who_read_ones_file_is_listed_by_role_and_body_the_newest_first_and_to_nobody_else(served: Timekeeping) -> None:
    officer, own, other = await served.portal(HR), await served.portal((), "S1"), await served.portal((), "S2")
    name = f"servants/S1/workdays/{TUESDAY}"
    for who, said in ((officer, ((HEADER, "state-inspection"),)), (own, ())):
        await who.workdays.ExplainWorkday(w_pb.ExplainWorkdayRequest(name=name), metadata=said)
    answer = await own.personal.ListOwnReads(pd.ListOwnReadsRequest())
    assert [(each.action, each.resource, list(each.roles)) for each in answer.own_reads] == [
        ("workday.explain", name, ["servant"]),
        ("workday.explain", name, ["hr-officer"]),
    ]
    assert (answer.own_reads[1].state_body, answer.own_reads[1].purpose) == ("stateBodies/KGD", "state-inspection")
    assert "person" not in str(answer), "officials are not named"
    page = await own.personal.ListOwnReads(pd.ListOwnReadsRequest(page_size=1))
    rest = await own.personal.ListOwnReads(pd.ListOwnReadsRequest(page_size=1, page_token=page.next_page_token))
    assert [*page.own_reads, *rest.own_reads] == list(answer.own_reads)
    assert not (await other.personal.ListOwnReads(pd.ListOwnReadsRequest())).own_reads
