"""Plausible people and bodies for the registry's tests; no real person among them."""

import base64
from datetime import date

from kernel.days import DaySpan
from kernel.text import LocalizedText
from registry.bodies.domain import StateBody, StateBodyKind, Unit
from registry.positions.domain import Position
from registry.protected.keys import SensitiveKeys
from registry.servants.domain import AppointmentKind, AppointmentTerms, NewServant
from registry.servants.iin import Iin, check_digit


def key(name: str) -> str:
    """A key of that name as the environment names it: 32 bytes that follow from the name."""
    return f"{name}:{base64.b64encode(name.encode().ljust(32, b'.')).decode()}"


KEYS = SensitiveKeys.told(key("spring"))


def title(word: str = "Сынақ") -> LocalizedText:
    return LocalizedText(word, word, word)


def iin(number: int = 0, born: date = date(1985, 3, 14)) -> Iin:
    """The number-th valid IIN of people born on that day."""
    century = {1900: "3", 2000: "5"}[born.year // 100 * 100]
    found = -1
    for serial in range(10_000):
        digits = f"{born:%y%m%d}{century}{serial:04d}"
        last = check_digit(digits)
        found += last is not None
        if found == number:
            return Iin.read(f"{digits}{last}")
    raise AssertionError("no such IIN")


def body(id: str = "KGD", region: str = "75", **rest: str | None) -> StateBody:
    return StateBody.founded(id, title(id), StateBodyKind.CENTRAL, region, "Asia/Almaty", **rest)


def unit(id: str = "hr", body: str = "KGD", parent_unit: str | None = None, hr_service: bool = False) -> Unit:
    return Unit.set_up(body, id, title(id), parent_unit, hr_service)


def position(id: str = "17", unit: str = "audit", body: str = "KGD", above: str | None = None, hazardous: bool = False) -> Position:
    return Position.set_up(body, id, title(id), unit, "C-4", above, hazardous=hazardous)


def terms(
    since: date = date(2026, 1, 12),
    until: date | None = None,
    position: str = "17",
    body: str = "KGD",
    kind: AppointmentKind = AppointmentKind.MAIN,
    rate_percent: int = 100,
) -> AppointmentTerms:
    return AppointmentTerms(body, position, kind, DaySpan(since, until), rate_percent, "№ 14-л/с")


def person(id: str = "serikova", number: int = 0, *of: AppointmentTerms) -> NewServant:
    return NewServant.recorded(id, iin(number), "Серікова А.", of or (terms(),))
