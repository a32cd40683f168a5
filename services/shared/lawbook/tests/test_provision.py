from datetime import date
from typing import Any

import pytest
from kernel.days import DaySpan
from kernel.text import LocalizedText
from lawbook.provision import NotInForce, Parameter, parameter_of
from lawbook.reader import LawUnreadable
from lawbook.source import Act

TEXT = LocalizedText("бір", "один", "one")
TITLE = {"kk": "бір", "ru": "один", "en": "one"}


def act(until: date | None = None) -> Act:
    return Act("kz/act", TEXT, TEXT, "1", date(2015, 1, 1), DaySpan(date(2016, 1, 1), until), None, {})


def parameter(dated: dict[date, Any], source_act: Act, **changed: Any) -> Parameter:
    entries = {since: {"value": value, "source": "kz/act/art-1", "confidence": "high"} for since, value in dated.items()}
    data = {"id": "p", "title": TITLE, "unit": "hours", "values": entries, "checked_on": date(2026, 11, 22), **changed}
    return parameter_of(data, {"kz/act/art-1": source_act}, "p.yaml")


def test_a_value_holds_from_its_date_to_the_day_before_the_next() -> None:
    dated = parameter({date(2016, 1, 1): 12, date(2023, 7, 1): 10}, act())
    assert [dated.on(day).value for day in (date(2016, 1, 1), date(2023, 6, 30), date(2023, 7, 1), date(2099, 1, 1))] == [12, 12, 10, 10]
    first, second = dated.on(date(2020, 1, 1)), dated.on(date(2024, 1, 1))
    assert (first.since, first.until, second.since, second.until) == (date(2016, 1, 1), date(2023, 6, 30), date(2023, 7, 1), None)


def test_the_order_of_the_file_does_not_matter() -> None:
    dated = parameter({date(2023, 7, 1): 10, date(2016, 1, 1): 12}, act())
    assert dated.on(date(2020, 1, 1)).value == 12


def test_before_the_first_date_nothing_is_in_force() -> None:
    with pytest.raises(NotInForce) as refused:
        parameter({date(2016, 1, 1): 12}, act()).on(date(2015, 12, 31))
    assert (refused.value.reason, dict(refused.value.facts)) == ("NOT_IN_FORCE", {"parameter": "p", "on": date(2015, 12, 31)})


def test_after_its_act_ended_the_value_goes_on_one_step_less_certain() -> None:
    dated = parameter({date(2016, 1, 1): 12}, act(until=date(2026, 6, 30)))
    before, after = dated.on(date(2026, 6, 30)), dated.on(date(2026, 7, 1))
    assert (before.value, before.confidence, after.value, after.confidence) == (12, "high", 12, "medium")
    assert (after.since, after.until) == (before.since, before.until) == (date(2016, 1, 1), None)


def test_a_value_that_ended_before_its_act_stays_certain() -> None:
    dated = parameter({date(2016, 1, 1): 12, date(2023, 7, 1): 10}, act(until=date(2026, 6, 30)))
    assert [dated.on(day).confidence for day in (date(2023, 6, 30), date(2023, 7, 1), date(2026, 7, 1))] == ["high", "high", "medium"]


def test_a_value_that_begins_after_its_act_ended_is_never_certain() -> None:
    dated = parameter({date(2027, 1, 1): 12}, act(until=date(2026, 6, 30)))
    assert dated.on(date(2027, 1, 1)).confidence == "medium"


def test_a_list_of_the_file_cannot_be_changed_by_a_reader() -> None:
    assert parameter({date(2016, 1, 1): ["22:00", "06:00"]}, act()).on(date(2026, 1, 1)).value == ("22:00", "06:00")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"values": {}}, "has no value"),
        ({"title": {"kk": "бір", "ru": "один"}}, "needs kk, ru and en"),
        ({"title": {"kk": "бір", "ru": "один", "en": ""}}, "lacks the languages en"),
        ({"note": "more"}, "has unknown note"),
        ({"values": {date(2016, 1, 1): {"value": 1, "source": "kz/act/art-1"}}}, "lacks confidence"),
        ({"values": {date(2016, 1, 1): {"value": 1, "source": "kz/act/art-1", "confidence": "sure"}}}, "must be high, medium or low"),
    ],
)
def test_an_incomplete_parameter_is_refused(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(LawUnreadable, match=why):
        parameter({date(2016, 1, 1): 1}, act(), **changed)
