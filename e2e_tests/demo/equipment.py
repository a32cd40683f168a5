"""Turnstiles, gates and badges: three premises, two vendors' access systems, nine readers."""

from collections.abc import Iterable
from datetime import time
from random import Random

from .people import BODY, FIRST
from .plans import ANNEX, CAMPUS, HQ, instant
from .world import Badge, Device, Direction, Premises, Protocol, Role, Servant, Text

PREMISES = (
    Premises(HQ, Text("Бас ғимарат", "Главное здание", "Headquarters")),
    Premises(ANNEX, Text("Азаматтарды қабылдау ғимараты", "Здание приема граждан", "Annex with the citizens' reception")),
    Premises(CAMPUS, Text("Қалашық", "Городок", "Campus behind a gate")),
)

TERMINALS, CONTROLLERS = "zk", "hik"
"""The access systems: each vendor's server knows everybody by numbers of its own, at all premises."""


def _terminal(serial: str, premises: str, direction: Direction) -> Device:
    """A ZKTeco terminal: its clock shows the ministry's time and it sends no offset."""
    return Device(serial, Protocol.ADMS, TERMINALS, premises, Role.PERIMETER, direction, BODY.zone)


def _controller(serial: str, premises: str, role: Role = Role.PERIMETER) -> Device:
    """A Hikvision controller: it sends the offset and what was pressed, and numbers its events."""
    return Device(serial, Protocol.ISAPI, CONTROLLERS, premises, role, Direction.AS_SENT, None)


HQ_IN = _terminal("HQ-IN-1", HQ, Direction.IN)
HQ_OUT = _terminal("HQ-OUT-1", HQ, Direction.OUT)
HQ_LOBBY = _terminal("HQ-LOBBY-1", HQ, Direction.AS_SENT)
HQ_YARD = _terminal("HQ-YARD-1", HQ, Direction.AS_SENT)
ANNEX_FRONT = _controller("ANNEX-FRONT-1", ANNEX)
ANNEX_BACK = _controller("ANNEX-BACK-1", ANNEX)
GATE_OLD = _terminal("CAMPUS-GATE-1", CAMPUS, Direction.ALTERNATING)
GATE_NEW = _controller("CAMPUS-GATE-2", CAMPUS)
HOUSE = _controller("CAMPUS-HOUSE-1", CAMPUS, Role.INTERNAL)

DEVICES = (HQ_IN, HQ_OUT, HQ_LOBBY, HQ_YARD, ANNEX_FRONT, ANNEX_BACK, GATE_OLD, GATE_NEW, HOUSE)

# Through which gates people of the premises come and go; the first of each are met more often.
WAYS_IN = {HQ: (HQ_IN, HQ_LOBBY, HQ_YARD), ANNEX: (ANNEX_FRONT, ANNEX_BACK), CAMPUS: (GATE_OLD, GATE_NEW)}
WAYS_OUT = {HQ: (HQ_OUT, HQ_LOBBY, HQ_YARD), ANNEX: (ANNEX_FRONT, ANNEX_BACK), CAMPUS: (GATE_OLD, GATE_NEW)}


def numbers(random: Random, servants: Iterable[Servant]) -> dict[tuple[str, str], str]:
    """Returns the number of each servant in each access system: {(system, servant): number}. No two are alike in a system."""
    people = list(servants)
    short = random.sample(range(1000, 9999), len(people))
    long = random.sample(range(100_000, 999_999), len(people))
    given = {(TERMINALS, servant.id): str(number) for servant, number in zip(people, short, strict=True)}
    given |= {(CONTROLLERS, servant.id): str(number) for servant, number in zip(people, long, strict=True)}
    return given


def badges(given: dict[tuple[str, str], str]) -> list[Badge]:
    """Returns all badges as they are handed out when the week begins."""
    since = instant(FIRST, time(0))
    return [Badge(system, number, servant, since) for (system, servant), number in given.items()]
