"""What comes out of Kafka: messages of other services, of the gateway, and what was parked."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from chassis.delivery import Delivery, Subscription
from chassis.parking import Origin, Rejected
from chassis.read_positions import Record
from google.protobuf.message import Message
from hypothesis import strategies as st
from kernel.faults import Fault
from regimes.people import consumer as regimes_people
from tartip.regimes.v1.events_pb2 import MonthPlanChanged, OrderChanged
from tartip.registry.v1.events_pb2 import ServantChanged, StateBodyChanged
from tartip.timetracking.v1.events_pb2 import PassageBatch
from timetracking.accounts.consumer import received
from timetracking.devices.domain import DeviceDirection, Role, Settings, instant_of
from timetracking.parking.consumer import LOTS, told_parked
from timetracking.parking.messages import content_of
from timetracking.passages.consumer import told_passage
from timetracking.people import consumer as people
from timetracking.plans import consumer as plans

from .calls import DAY
from .devices import PASSAGE
from .drawn import messages, octets, texts
from .target import UNREADABLE, Target

ZONE, NOW = ZoneInfo("Asia/Almaty"), datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
AS_SENT = Settings(Role.PERIMETER, DeviceDirection.AS_SENT, "HQ")
BODY = {
    "eventId": "e", "revision": "3", "body": "KGD", "kind": "STATE_BODY_KIND_TERRITORIAL", "region": "75", "zone": "Asia/Almaty",
    "units": [{"unit": "audit", "heads": [{"servant": "s-1", "since": DAY}]}, {"unit": "below", "parentUnit": "audit"}],
    "holds": [{"hold": "01934e5c-7a00-7000-8000-000000000001", "since": DAY, "until": DAY}],
}  # fmt: skip
APPOINTED = {
    "appointment": "a-1", "since": DAY, "until": DAY, "body": "KGD", "unit": "audit", "position": "p-1", "kind": "APPOINTMENT_KIND_MAIN", "keepsTime": True,
}  # fmt: skip
SERVANT = {"eventId": "e", "revision": "3", "servant": "s-1", "displayName": "А. Б.", "appointments": [APPOINTED]}
AT, UNTIL = "2026-11-24T04:00:00Z", "2026-11-24T13:30:00Z"
PLAN_DAY = {
    "date": DAY, "kind": "PLAN_KIND_OFFICE", "intervals": [{"start": AT, "end": UNTIL, "place": "PLACE_OFFICE", "premises": "HQ"}],
    "breaks": [{"start": "2026-11-24T08:00:00Z", "end": "2026-11-24T09:30:00Z"}], "core": {"start": AT, "end": UNTIL}, "norm": "28800s",
    "excused": [{"start": AT, "end": UNTIL, "reason": "leave"}], "grace": "300s", "act": "№ 1", "zone": "Asia/Almaty", "body": "KGD", "unit": "audit",
}  # fmt: skip
MONTH = {"eventId": "e", "revision": "3", "servant": "s-1", "year": 2026, "month": 11, "days": [PLAN_DAY], "edition": "x"}
ORDER = {
    "eventId": "e", "revision": "3", "order": "o-1", "servant": "s-1", "kind": "ORDER_KIND_OVERTIME", "date": DAY,
    "interval": {"start": AT, "end": UNTIL}, "status": "ORDER_STATUS_IN_FORCE",
}  # fmt: skip
BATCH = {"eventId": "e", "occurredAt": AT, "passages": [{**PASSAGE, "receivedAt": AT, "live": True}]}


def of_topic(name: str, modules: str, kind: type[Message], told: Callable[[Any], object], example: Mapping[str, Any]) -> Target:
    """What a consumer makes of a message: it is told, or parked for what it says."""
    return Target(name, modules, messages(kind, example), lambda raw: told(kind.FromString(raw)), (Fault, *UNREADABLE))


def passages(raw: bytes) -> None:
    batch = PassageBatch.FromString(raw)
    for sent in batch.passages:
        passage = told_passage(sent)
        instant_of(AS_SENT, passage.wall_time, passage.utc_offset, "Asia/Almaty")


def accounts(raw: bytes) -> None:
    received([Record("timetracking.passages.v1", 0, 7, None, raw, {}, 24)], ZONE)


async def _nothing(*_: object) -> None:
    return None


def delivered(raw: bytes) -> None:
    subscription = Subscription("timetracking.passages.v1", PassageBatch, _nothing, weight=lambda batch: len(batch.passages))
    place: Any = type("Received", (), {"value": raw, "topic": "t", "partition": 0, "offset": 7})
    assert Delivery(subscription, _nothing).read(place).weight >= 1


def parked(given: tuple[str, bytes, bytes | None, dict[str, str]]) -> None:
    topic, value, key, headers = given
    record = told_parked(Record(topic, 3, 7, key, value, headers, 24), ZONE)
    texts_kept = (record.topic, record.key, record.device, record.reason, record.error, record.origin)
    assert not any("\0" in each for each in texts_kept), "a zero byte, which no database keeps"
    assert all(number is None or -(2**31) <= number < 2**31 for number in (record.partition, record.attempts, (record.lay or (0, 0))[0]))
    for clear in (True, False):
        content_of(record, clear=clear).encode()


def parked_again(headers: dict[str, str]) -> None:
    rejected = Rejected(Origin("t", 0, 7), None, b"", headers, "bug", "error", NOW, NOW, 1)
    assert int(rejected.parking_headers["attempts"]) > 0


def an_origin(text: str) -> None:
    origin = Origin.parse(text)
    assert origin is None or Origin.parse(str(origin)) == origin


_TOLD = {
    "content-type": ("text/plain; charset=utf-8", "application/x-protobuf"), "reason": ("malformed", "IMPOSSIBLE_TIME"), "error": ("line: PIN",),
    "origin": ("gateway:gate-1/-1/-1/0", "registry.bodies.v1/3/7/0"), "first_failed_at": ("2026-11-24T14:00:00+00:00", "0001-01-01T00:00:00+14:00"),
    "parked_at": ("2026-11-24T14:00:00+00:00", "9999-12-31T23:59:59-14:00"), "attempts": ("1",), "event_id": ("e",),
    "parked_record": ("01934e5c-7a00-7000-8000-000000000001",),
}  # fmt: skip
HEADERS = st.fixed_dictionaries({}, optional={name: texts(*examples) for name, examples in _TOLD.items()})
TARGETS = (
    of_topic("timetracking-body", "timetracking.people.consumer chassis.heads chassis.personal_data.holds chassis.wire", StateBodyChanged, people.body_told, BODY),
    of_topic("timetracking-servant", "timetracking.people.consumer", ServantChanged, people.servant_told, SERVANT),
    of_topic("regimes-body", "regimes.people.consumer", StateBodyChanged, regimes_people.body_told, BODY),
    of_topic("regimes-servant", "regimes.people.consumer", ServantChanged, regimes_people.servant_told, SERVANT),
    of_topic("month", "timetracking.plans.consumer", MonthPlanChanged, plans.month_told, MONTH),
    of_topic("order", "timetracking.plans.consumer", OrderChanged, plans.order_told, ORDER),
    Target("passages", "timetracking.passages.consumer timetracking.devices.domain", messages(PassageBatch, BATCH), passages, (Fault, *UNREADABLE)),
    Target("accounts", "timetracking.accounts.consumer timetracking.accounts.messages", messages(PassageBatch, BATCH), accounts),
    Target("delivery", "chassis.delivery", messages(PassageBatch, BATCH), delivered),
    Target(
        "parked", "timetracking.parking.consumer timetracking.parking.messages",
        st.tuples(st.sampled_from(LOTS), st.one_of(messages(PassageBatch, BATCH), octets(b"25\t2026-11-24")), st.none() | octets(b"hq:25"), HEADERS),
        parked,
    ),
    Target("parked-again", "chassis.parking", HEADERS, parked_again),
    Target("origin", "chassis.parking", texts("registry.bodies.v1/3/7/0"), an_origin),
)  # fmt: skip
