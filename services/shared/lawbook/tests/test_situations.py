from datetime import date
from pathlib import Path
from typing import Any

import lawbook
import pytest
from lawbook import NotInForce
from lawbook.reader import read

BOOK = lawbook.load()
SITUATIONS = [situation for path in sorted((Path(__file__).parent / "situations").glob("*.yaml")) for situation in read(path)["situations"]]


def answer(ask: dict[str, Any], on: date) -> Any:
    if "parameter" in ask:
        return BOOK.require(ask["parameter"], on)
    if "rule" in ask:
        return BOOK.rule(ask["rule"], on)
    calendar = BOOK.calendar(on.year, ask["calendar"], ask.get("as_known_on"))
    return calendar if ask.get("whole_year") else calendar.day(on)


def plain(value: Any) -> Any:
    return [plain(each) for each in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation["situation"])
def test_situation(situation: dict[str, Any]) -> None:
    assert situation["because"]
    expected = dict(situation["expect"])
    if "refused" in expected:
        with pytest.raises(NotInForce) as refused:
            answer(situation["ask"], situation["date"])
        assert refused.value.reason == expected["refused"]
        return
    found = answer(situation["ask"], situation["date"])
    assert {name: plain(getattr(found, name)) for name in expected} == expected
