"""Imports over real gRPC: each row answered in its place, bad rows among good ones, and fast enough for a ministry."""

import random
from collections.abc import AsyncIterator, Iterable
from datetime import date, timedelta
from typing import Any

import pytest
from chassis.testing.answers import refused
from google.rpc import error_details_pb2
from registry.servants import servicer
from registry.servants.use_cases import ROWS_A_TRANSACTION
from tartip.law.v1 import law_pb2
from tartip.registry.v1 import events_pb2
from tartip.registry.v1 import servant_service_pb2 as sv

from ..samples import iin
from ..serving import HR, MARCH, Portal, Registry, appointment, day, new_servant, row

Row = sv.ImportedRow
SEED = 20260112
PEOPLE = 1_000


async def sent(portal: Portal, rows: Iterable[sv.ImportServantsRequest]) -> list[sv.ImportedRow]:
    async def stream() -> AsyncIterator[sv.ImportServantsRequest]:
        for one in rows:
            yield one

    answer: Any = await portal.servants.ImportServants(stream())
    return list(answer.rows)


def reason(answer: sv.ImportedRow) -> str:
    info = error_details_pb2.ErrorInfo()
    for detail in answer.refusal.details:
        if detail.Unpack(info):
            return str(info.reason)
    return ""


def numbers() -> Iterable[str]:
    """Valid IINs of made-up people, no two alike, and none of those in the samples."""
    for place in range(10_000):
        yield iin(place % 20, date(1960, 1, 1) + timedelta(days=place // 20)).digits


def good(place: int, digits: str) -> sv.ImportServantsRequest:
    request = new_servant(f"p{place:04d}", 0, appointment("18" if place % 50 == 0 else "17"))
    request.servant.iin = digits
    return row(place, request)


def bad_checksum(one: sv.ImportServantsRequest, _: list[sv.ImportServantsRequest]) -> str:
    one.servant.iin = one.servant.iin[:-1] + str((int(one.servant.iin[-1]) + 1) % 10)
    return "IIN_CHECKSUM"


def impossible_birth_date(one: sv.ImportServantsRequest, _: list[sv.ImportServantsRequest]) -> str:
    one.servant.iin = "990231300012"
    return "MALFORMED"


def impossible_day(one: sv.ImportServantsRequest, _: list[sv.ImportServantsRequest]) -> str:
    one.servant.appointments[0].since.day = 32
    return "MALFORMED"


def reversed_span(one: sv.ImportServantsRequest, _: list[sv.ImportServantsRequest]) -> str:
    one.servant.appointments[0].until.CopyFrom(day(date(2025, 12, 31)))
    return "SPAN_REVERSED"


def overlapping(one: sv.ImportServantsRequest, _: list[sv.ImportServantsRequest]) -> str:
    one.servant.appointments.append(appointment("18", MARCH))
    return "APPOINTMENTS_OVERLAP"


def duplicate_iin(one: sv.ImportServantsRequest, taken: list[sv.ImportServantsRequest]) -> str:
    one.servant.iin = taken[len(taken) // 2].servant.iin
    return "ALREADY_EXISTS"


def duplicate_row(one: sv.ImportServantsRequest, taken: list[sv.ImportServantsRequest]) -> str:
    number = one.row
    one.CopyFrom(taken[len(taken) // 3])
    one.row = number
    return ""


def unknown_position(one: sv.ImportServantsRequest, _: list[sv.ImportServantsRequest]) -> str:
    one.servant.appointments[0].position = "stateBodies/KGD/positions/none"
    return "NOT_FOUND"


def position_of_another_body(one: sv.ImportServantsRequest, _: list[sv.ImportServantsRequest]) -> str:
    one.servant.appointments[0].position = "stateBodies/MF/positions/17"
    return "NOT_FOUND"


def nameless(one: sv.ImportServantsRequest, _: list[sv.ImportServantsRequest]) -> str:
    one.servant.display_name = ""
    return "MALFORMED"


def empty(one: sv.ImportServantsRequest, _: list[sv.ImportServantsRequest]) -> str:
    number = one.row
    one.Clear()
    one.row = number
    return "MALFORMED"


PLANTED = (
    bad_checksum,
    impossible_birth_date,
    impossible_day,
    reversed_span,
    overlapping,
    duplicate_iin,
    duplicate_row,
    unknown_position,
    position_of_another_body,
    nameless,
    empty,
)


def planted() -> tuple[list[sv.ImportServantsRequest], dict[int, str]]:
    """A thousand rows, and of each row that was spoilt the reason that it must be refused with ("": it is UNCHANGED)."""
    dice, expected = random.Random(SEED), dict[int, str]()
    made: list[sv.ImportServantsRequest] = []
    taken: list[sv.ImportServantsRequest] = []
    for place, digits in zip(range(PEOPLE), numbers(), strict=False):
        one = good(place, digits)
        if len(taken) > 10 and dice.random() < 0.15:
            expected[place] = dice.choice(PLANTED)(one, taken)
        else:
            taken.append(one)
        made.append(one)
    return made, expected


async def test_a_thousand_rows_with_bad_ones_among_them(registry: Registry) -> None:
    hr, (rows, expected) = await registry.portal(HR, language="en"), planted()
    assert set(expected.values()) >= {
        "",
        "IIN_CHECKSUM",
        "MALFORMED",
        "ALREADY_EXISTS",
        "NOT_FOUND",
        "SPAN_REVERSED",
        "APPOINTMENTS_OVERLAP",
    }
    answers = await sent(hr, rows)
    assert [answer.row for answer in answers] == list(range(PEOPLE))
    for answer in answers:
        wanted = expected.get(answer.row)
        if wanted is None:
            assert (answer.outcome, answer.servant) == (Row.OUTCOME_CREATED, f"servants/p{answer.row:04d}")
        elif wanted == "":
            assert answer.outcome == Row.OUTCOME_UNCHANGED
        else:
            assert (answer.outcome, answer.servant, reason(answer)) == (Row.OUTCOME_REFUSED, "", wanted)
    created = PEOPLE - len(expected)
    assert (await registry.database.rows("SELECT count(*) AS n FROM servants WHERE id LIKE 'p%'"))[0]["n"] == created
    published = [event for event in await registry.published() if isinstance(event, events_pb2.ServantChanged)]
    assert len([event for event in published if event.servant.startswith("p")]) == created


async def test_the_same_import_again_changes_and_publishes_nothing(registry: Registry) -> None:
    hr, (rows, expected) = await registry.portal(HR), planted()
    first = await sent(hr, rows)
    before, records = await registry.published(), await registry.records()
    second = await sent(hr, rows)
    for one, again in zip(first, second, strict=True):
        assert again.outcome == (Row.OUTCOME_REFUSED if one.outcome == Row.OUTCOME_REFUSED else Row.OUTCOME_UNCHANGED)
        assert reason(again) == reason(one) == expected.get(one.row, "")
    assert await registry.published() == before
    assert await registry.records() == records


async def test_a_refusal_speaks_the_callers_language_and_never_shows_the_number(registry: Registry) -> None:
    one = good(1, iin(3).digits)
    bad_checksum(one, [])
    (answer,) = await sent(await registry.portal(HR, language="ru"), [one])
    text = error_details_pb2.LocalizedMessage()
    assert any(detail.Unpack(text) for detail in answer.refusal.details)
    assert (text.locale, text.message) == ("ru", "ИИН неверен: не сходится контрольная цифра.")
    assert one.servant.iin.encode() not in answer.SerializeToString()
    assert not any(detail.Is(law_pb2.LegalBasis.DESCRIPTOR) for detail in answer.refusal.details)


async def test_a_changed_row_updates_and_is_published_as_the_next_revision(registry: Registry) -> None:
    hr = await registry.portal(HR)
    request = new_servant("serikova", 0, appointment("17", until=MARCH), appointment("18", date(2026, 3, 2)))
    (answer,) = await sent(hr, [row(1, request)])
    assert answer.outcome == Row.OUTCOME_UPDATED
    seen = await hr.servants.GetServant(sv.GetServantRequest(name="servants/serikova"))
    assert [one.position.rpartition("/")[2] for one in seen.appointments] == ["17", "18"]
    servant, body = (await registry.published())[-2:]
    assert isinstance(servant, events_pb2.ServantChanged)
    assert isinstance(body, events_pb2.StateBodyChanged)
    assert servant.revision == 2
    assert [(member.servant, member.since) for member in body.hr_members] == [("serikova", day(date(2026, 3, 2)))]


async def test_a_body_is_published_once_a_transaction_with_all_its_hr_members(registry: Registry) -> None:
    rows = [good(place * 50, digits) for place, digits in zip(range(20), numbers(), strict=False)]
    await sent(await registry.portal(HR), rows)
    bodies = [event for event in await registry.published() if isinstance(event, events_pb2.StateBodyChanged)]
    assert len(bodies[-1].hr_members) == 20
    assert bodies[-1].revision == bodies[-2].revision + 1
    assert bodies[-2].hr_members == []


async def test_an_empty_import_is_answered_empty(registry: Registry) -> None:
    assert await sent(await registry.portal(HR), []) == []


async def test_an_import_beyond_the_limit_is_refused_and_may_be_repeated(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servicer, "MOST_ROWS", ROWS_A_TRANSACTION)
    hr, rows = await registry.portal(HR), [good(place, digits) for place, digits in zip(range(201), numbers(), strict=False)]
    assert set((await refused(sent(hr, rows))).violations) == {"row"}
    assert {answer.outcome for answer in await sent(hr, rows[:200])} == {Row.OUTCOME_UNCHANGED}
    assert {answer.outcome for answer in await sent(hr, rows[200:])} == {Row.OUTCOME_CREATED}


async def test_rows_share_transactions(registry: Registry) -> None:
    """A transaction a row would make a ministry's import last minutes."""
    rows = [good(place, digits) for place, digits in zip(range(300), numbers(), strict=False)]
    answers = await sent(await registry.portal(HR), rows)
    assert {answer.outcome for answer in answers} == {Row.OUTCOME_CREATED}
    (made,) = await registry.database.rows("SELECT count(DISTINCT xid) AS transactions FROM outbox WHERE key LIKE 'p%'")
    assert made["transactions"] == 2
