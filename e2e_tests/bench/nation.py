"""A nation of servants with badges, plans and gates, put past the services into timetracking's tables; and what its gates see of a day.

Every five hundred servants are one body, fewer than a thousand two halves. Most have one terminal that uploads lines; each twentieth has five controllers
that push event by event, since one of them manages four events at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from lawbook import load
from timetracking.plans.domain import PlanDetails, PlannedDay, written
from timetracking.workdays.domain import Place, Plan, PlanKind, PlannedInterval

from ..demo.memory import event, line
from ..demo.world import Device, Direction, Protocol, Record, Role

ZONE = ZoneInfo("Asia/Almaty")
SYSTEM = "hq"
A_BODY, REGIONS, CONTROLLERS = 500, 20, 5
FIRST_BADGE = 10_000_000
CARD, BY_CARD = 0x01, 2
# When people go in and out by turns, in hours, at lunch more than once; two of nine leave out the last walk, and are missed at
# the exit. So 90,000 servants pass 700,000 times.
WALKS = (8.92, 13.04, 13.2, 13.6, 13.7, 14.1, 14.42, 18.55)
JITTER_S = 150
# A day is computed from the plans around it.
BEFORE, AFTER = 3, 4
# All gates stand on the machine of the bench.
BOUND = "INSERT INTO device_proofs (device, former, kind, networks) SELECT serial, false, 'networks', '{127.0.0.0/8}' FROM devices"


@dataclass(frozen=True, slots=True)
class Passing:
    """A servant passes the gate of the body at a second of the day; `place` counts the passings of that day."""

    at: int
    servant: int
    place: int

    @property
    def inwards(self) -> bool:
        """Whether in or out."""
        return self.place % 2 == 0


@dataclass(frozen=True, slots=True)
class Nation:
    """So many servants; `day` is the working day that they live, or the first of `days` that are planned for them."""

    servants: int
    day: date
    days: int = 1

    @property
    def bodies(self) -> int:
        """How many bodies there are: two at least, so that both kinds of gates are there."""
        return max(2, -(-self.servants // A_BODY))

    @property
    def gates(self) -> Mapping[str, Device]:
        """The devices by serial."""
        found: dict[str, Device] = {}
        for number in range(self.bodies):
            for door in range(CONTROLLERS) if _by_controller(number) else (0,):
                kind, zone = (Protocol.ISAPI, None) if _by_controller(number) else (Protocol.ADMS, ZONE.key)
                serial = _serial(number, door)
                found[serial] = Device(serial, kind, SYSTEM, body(number), Role.PERIMETER, Direction.AS_SENT, zone)
        return found

    def body_of(self, servant: int) -> int:
        """Which body a servant is of."""
        return servant // A_BODY if self.servants >= 2 * A_BODY else servant % 2

    def servants_of(self, number: int) -> int:
        """How many servants a body has."""
        return sum(self.body_of(servant) == number for servant in range(self.servants))

    def gate_of(self, servant: int) -> str:
        """Which gate a servant uses."""
        number = self.body_of(servant)
        return _serial(number, servant // 2 % CONTROLLERS if _by_controller(number) else 0)

    def passings(self) -> Sequence[Passing]:
        """All passings of the day, in the order of time; the same every time."""
        random, found = Random(f"nation {self.servants}"), list[Passing]()
        for servant in range(self.servants):
            walks = WALKS if servant % 9 < 7 else WALKS[:-1]
            found += [Passing(int(hour * 3600) + random.randint(-JITTER_S, JITTER_S), servant, place) for place, hour in enumerate(walks)]
        return sorted(found, key=lambda each: each.at)

    def instant(self, at: int) -> datetime:
        """The instant of a second of the day."""
        return datetime.combine(self.day, time(), ZONE) + timedelta(seconds=at)

    def record(self, passing: Passing, number: int) -> Record:
        """What the gate says of a passing; `number` is that of the event, where it numbers them."""
        wall, badge = self.instant(passing.at), str(FIRST_BADGE + passing.servant)
        if not _by_controller(self.body_of(passing.servant)):
            return Record(line(badge, f"{wall:%Y-%m-%d %H:%M:%S}", 0 if passing.inwards else 1, BY_CARD))
        way = "checkIn" if passing.inwards else "checkOut"
        access: Mapping[str, Any] = {"attendanceStatus": way, "serialNo": number, "frontSerialNo": number - 1}
        return Record(event(wall, badge, CARD, access))

    def slices(
        self, passings: Sequence[Passing], seconds: int, numbers: dict[str, int] | None = None
    ) -> Iterator[tuple[datetime, dict[str, list[Record]]]]:
        """What each gate has to send, slice of time after slice, each with the instant of its end.

        `numbers` are those that the gates gave last, where they number their events; they go on from there.
        """
        numbers = {} if numbers is None else numbers
        until, sent = 0, dict[str, list[Record]]()
        for passing in passings:
            if passing.at >= until:
                if sent:
                    yield self.instant(until), sent
                until, sent = (passing.at // seconds + 1) * seconds, {}
            gate = self.gate_of(passing.servant)
            numbers[gate] = numbers.get(gate, 0) + 1
            sent.setdefault(gate, []).append(self.record(passing, numbers[gate]))
        if sent:
            yield self.instant(until), sent

    async def settle(self, owner: Any) -> None:
        """Lets timetracking know all of them, as if registry and regimes had told it."""
        gates, servants = self.gates.values(), range(self.servants)
        await _copied(owner, "body_states", [(body(number), _region(number), ZONE.key, 1) for number in range(self.bodies)])
        await _copied(owner, "servants", [(name(each), 1) for each in servants])
        since = self.day - timedelta(days=400)
        kept = [(name(each), "main", since, None, body(self.body_of(each)), "unit", "main", True) for each in servants]
        await _copied(owner, "appointments", kept)
        await _copied(owner, "devices", [(each.serial, each.premises, _spoken(each), SYSTEM, 1, True) for each in gates])
        await owner.execute(BOUND)
        settings = [(each.serial, 0, None, None, "perimeter", "as_sent", each.premises, each.zone, None) for each in gates]
        await _copied(owner, "device_settings", settings)
        # Copied, the ranges would be written by us; the constraint against two holders is what costs here.
        await owner.execute(
            "INSERT INTO badges SELECT 'b' || n, $1, ($2::bigint + n)::text, 'S' || n, tstzrange($3, NULL) FROM generate_series(0, $4::int) n",
            SYSTEM,
            FIRST_BADGE,
            datetime.combine(since, time(), UTC),
            self.servants - 1,
        )
        dates = [self.day + timedelta(days=offset) for offset in range(-BEFORE, self.days + AFTER)]
        for each in dates:
            await _copied(owner, "plan_days", self._plans(each))
        months = sorted({each.replace(day=1) for each in dates})
        await _copied(owner, "plan_months", [(name(each), month, 1, load().edition) for each in servants for month in months])
        await owner.execute("ANALYZE")

    def _plans(self, day: date) -> list[tuple[object, ...]]:
        """The plan of each servant on a date: those of one body have the same one."""
        end = datetime.combine(day + timedelta(days=1), time(4), ZONE)
        texts = [written(office(day, body(number))) for number in range(self.bodies)]
        found: list[tuple[object, ...]] = []
        for servant in range(self.servants):
            number = self.body_of(servant)
            found.append((name(servant), day, body(number), "unit", ZONE.key, texts[number], [body(number)], end, day < self.day))
        return found


def name(servant: int) -> str:
    """The registry's ID of a servant."""
    return f"S{servant}"


def body(number: int) -> str:
    """The ID of a body."""
    return f"B{number}"


def office(day: date, premises: str) -> PlannedDay:
    """An office day from 9:00 to 18:30 with its break, or a day off at the weekend."""
    details = PlanDetails((premises,), (), 28_800, "ACCOUNTING_MODE_DAILY", None, None, "№ 1")
    if day.weekday() > 4:
        plan, details = Plan(day, PlanKind.DAY_OFF), PlanDetails((), (), 0, "ACCOUNTING_MODE_DAILY", None, None, "№ 1")
    else:
        at = [int(datetime.combine(day, time(hour, minute), ZONE).timestamp()) for hour, minute in ((9, 0), (13, 0), (14, 30), (18, 30))]
        plan = Plan(day, PlanKind.OFFICE, (PlannedInterval(at[0], at[3], Place.OFFICE),), ((at[1], at[2]),))
    return PlannedDay(plan, premises, "unit", ZONE.key, details)


def _by_controller(number: int) -> bool:
    return number % REGIONS == 1


def _serial(number: int, door: int) -> str:
    return f"gate-{number}-{door}"


def _region(number: int) -> str:
    return f"{number % REGIONS:02d}"


def _spoken(gate: Device) -> str:
    """The protocol's name as it is stored."""
    return {Protocol.ADMS: "zkteco-adms", Protocol.ISAPI: "hikvision-isapi"}[gate.protocol]


async def _copied(owner: Any, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    columns = {
        "appointments": ("servant", "appointment", "since", "until", "body", "unit", "kind", "keeps_time"),
        "devices": ("serial", "body", "protocol", "badge_system", "revision", "proof_asked"),
        "plan_days": ("servant", "date", "body", "unit", "zone", "content", "premises", "window_end", "settled"),
    }
    await owner.copy_records_to_table(table, records=rows, columns=columns.get(table))
