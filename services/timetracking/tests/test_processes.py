"""The processes as an operator starts them: a day goes from the devices to its explanation, and every process ends when it is asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from chassis.testing.broker import Broker
from chassis.testing.postgres import Postgres
from chassis.testing.processes import WITHIN_S, command
from tartip.timetracking.v1 import device_service_pb2 as devices
from tartip.timetracking.v1 import passage_service_pb2 as passages
from tartip.timetracking.v1 import workday_service_pb2 as workdays
from tartip.timetracking.v1.device_service_pb2_grpc import DeviceServiceStub
from tartip.timetracking.v1.passage_service_pb2_grpc import PassageServiceStub
from tartip.timetracking.v1.workday_service_pb2_grpc import WorkdayServiceStub
from timetracking.__main__ import main

from .processes import Deployment, deployment
from .told import ZONE, at, body_told, day_message, instant, plan_told, servant_told

# Shorter than the 25 s after which a process is cancelled, as Kubernetes would kill it a little later.
ENDED_WITHIN_S = 20.0
DAY = date(2026, 11, 24)
MORNING = datetime(2026, 11, 24, 8, 0, tzinfo=ZONE)
EVENING = datetime(2026, 11, 24, 19, 0, tzinfo=ZONE)
NEXT_MORNING = datetime(2026, 11, 25, 8, 0, tzinfo=ZONE)
# In the evening what was read in the day comes late.
LATE_PASSAGES = "timetracking.late-passages.v1"
SERVANTS = ("S1", "S2", "S3", "S4")


@pytest.fixture
async def platform(postgres: Postgres, quiet_broker: Broker, tmp_path: Path) -> AsyncIterator[Deployment]:
    """A migrated database, and nothing running yet."""
    async with deployment(postgres, quiet_broker, tmp_path, MORNING) as deployed:
        assert await command("timetracking", deployed.environment, "migrate") == (0, "")
        yield deployed


async def enrol(stub: Any, serial: str, protocol: devices.DeviceProtocol.ValueType, badge: str, servant: str) -> None:
    settings = devices.DeviceSettings(
        role=devices.DEVICE_ROLE_PERIMETER, direction=devices.DEVICE_DIRECTION_AS_SENT, premises="HQ", as_sent=True
    )
    device = devices.Device(protocol=protocol, badge_system="hq", settings=[settings])
    if protocol != devices.DEVICE_PROTOCOL_GRPC:
        device.proof.networks.cidrs.append("127.0.0.0/8")
    await stub.EnrolDevice(devices.EnrolDeviceRequest(parent="stateBodies/KGD", device_id=serial, device=device))
    held = devices.Badge(badge_system="hq", badge_number=badge, since=instant(at(date(2026, 11, 1), "00:00")))
    await stub.AssignBadge(devices.AssignBadgeRequest(parent=f"servants/{servant}", badge=held))


async def terminal(platform: Deployment, *lines: str) -> None:
    """A ZKTeco terminal uploads what it read; each line is answered for, one that cannot be read too."""
    url = f"http://{platform.processes['gateway'].devices}/iclock/cdata?SN=gate-1&table=ATTLOG&Stamp=9999"
    async with ClientSession() as session, session.post(url, data="".join(f"{line}\n" for line in lines)) as answer:
        assert (answer.status, await answer.text()) == (200, f"OK: {len(lines)}")


async def camera(platform: Deployment, number: int, wall: str, status: str) -> None:
    """A Hikvision terminal pushes one event."""
    event = {
        "dateTime": f"{DAY}T{wall}+05:00",
        "eventType": "AccessControllerEvent",
        "deviceID": "north-2",
        "AccessControllerEvent": {
            "majorEventType": 5,
            "subEventType": 75,
            "employeeNoString": "18",
            "serialNo": number,
            "frontSerialNo": number - 1,
            "currentEvent": True,
            "attendanceStatus": status,
        },
    }
    url = f"http://{platform.processes['gateway'].devices}/isapi/north-2"
    async with ClientSession() as session, session.post(url, json=event) as answer:
        assert answer.status == 200, await answer.text()


def crossing(number: int, wall: str) -> passages.Passage:
    """The first crossing is an entry, the second an exit, and so on."""
    direction = passages.DIRECTION_IN if number % 2 else passages.DIRECTION_OUT
    return passages.Passage(
        device="stream-3", event_key=str(number), wall_time=f"{DAY}T{wall}", badge_system="hq", badge_number="19", direction=direction
    )


async def sent_by_all_devices(platform: Deployment) -> Any:
    """What three people's devices saw on the day; gives the stream of the third, still open."""
    walls = (("08:55:00", 0), ("13:02:00", 1), ("14:25:00", 0), ("18:33:00", 1))
    await terminal(platform, *(f"17\t{DAY} {wall}\t{status}\t1" for wall, status in walls), "17\tnever\t0\t1")
    await platform.level(EVENING)  # what comes beside it would share its transactions: their spans link to all and are in no one's trace
    for number, (wall, status) in enumerate(
        (("09:30:00", "checkIn"), ("13:00:00", "checkOut"), ("14:30:00", "checkIn"), ("18:40:00", "checkOut"))
    ):
        await camera(platform, number + 1, wall, status)
    stub = await platform.rpc(PassageServiceStub, "gateway", ("/systems/hq/device-gateway",))
    stream = stub.RecordPassages()
    crossings = [crossing(number, wall) for number, wall in enumerate(("08:50:00", "13:00:00", "14:30:00", "17:00:00"), 1)]
    await stream.write(passages.RecordPassagesRequest(first_sequence=1, passages=crossings))
    answer = await stream.read()
    assert (answer.acknowledged_sequence, list(answer.refused)) == (4, [])
    return stream


async def know_everyone(platform: Deployment) -> None:
    """Registry and regimes tell of a body, four servants and their plans; three of them get a badge for a device of their own."""
    await platform.tell("registry.bodies.v1", "KGD", body_told())
    for servant in SERVANTS:
        await platform.tell("registry.servants.v1", servant, servant_told(servant))
        await platform.tell("regimes.plans.v1", f"{servant}/2026-11", plan_told(servant))
    await platform.level(MORNING)
    stub = await platform.rpc(DeviceServiceStub)
    await enrol(stub, "gate-1", devices.DEVICE_PROTOCOL_ZKTECO_ADMS, "17", "S1")
    await enrol(stub, "north-2", devices.DEVICE_PROTOCOL_HIKVISION_ISAPI, "18", "S2")
    await enrol(stub, "stream-3", devices.DEVICE_PROTOCOL_GRPC, "19", "S3")


async def followed(stub: Any, cursor: str, enough: Callable[[list[Any]], bool]) -> list[Any]:
    """Follows the body's days from a cursor on until there is enough."""
    call, found = stub.WatchWorkdays(workdays.WatchWorkdaysRequest(parent="stateBodies/KGD", cursor=cursor)), list[Any]()
    async with asyncio.timeout(WITHIN_S):
        async for change in call:
            found.append(change)
            if enough(found):
                break
    call.cancel()
    return found


def of_the_day(changes: Iterable[Any]) -> dict[str, workdays.WorkdayState.ValueType]:
    return {each.workday.name: each.workday.state for each in changes if each.workday.date == day_message(DAY)}


def names(*servants: str) -> set[str]:
    return {f"servants/{each}/workdays/{DAY}" for each in servants}


def traced(platform: Deployment, first: str) -> tuple[str, dict[str, tuple[str, str]]]:
    """The trace that begins with a span of this name, and its spans: the process of each, and which one is above it."""
    spans = [json.loads(line) for line in (platform.folder / "traces.jsonl").read_text(encoding="utf-8").splitlines()]
    (trace,) = {span["context"]["trace_id"] for span in spans if span["name"] == first}
    assert all(span["attributes"]["tartip.passages"] > 0 for span in spans if span["name"] == "publish passages")
    own = {span["context"]["span_id"]: span for span in spans if span["context"]["trace_id"] == trace}
    above = {None: {"name": ""}, **own}
    return trace.removeprefix("0x"), {
        span["name"]: (span["resource"]["attributes"]["service.name"], above[span["parent_id"]]["name"]) for span in own.values()
    }


def traces_of(broker: Broker, topic: str) -> list[str]:
    """The traces that messages of a topic carry on; what a job began by itself is in none."""
    headers = [dict(each.headers()) for each in broker.read(topic)]
    return [each["traceparent"].decode().split("-")[1] for each in headers if "traceparent" in each]


def one_trace_leads_from_the_terminal_to_the_day(platform: Deployment, broker: Broker) -> None:
    """Request, batch, recorded passages, computed day and its event are in one trace, and so is what the log says on the way."""
    trace, spans = traced(platform, "adms POST cdata")
    assert spans == {
        "adms POST cdata": ("timetracking gateway", ""),
        "publish passages": ("timetracking gateway", "adms POST cdata"),
        f"apply {LATE_PASSAGES}": ("timetracking consume", "publish passages"),
        "compute days": ("timetracking consume", f"apply {LATE_PASSAGES}"),
    }
    told = {topic: traces_of(broker, topic) for topic in (LATE_PASSAGES, "timetracking.passages.v1.parked", "timetracking.workdays.v1")}
    assert told[LATE_PASSAGES].count(trace) == 1
    assert told["timetracking.passages.v1.parked"] == [trace]
    assert told["timetracking.workdays.v1"].count(trace) == 1
    (said,) = [line for line in platform.processes["gateway"].said().splitlines() if "records are parked" in line]
    assert json.loads(said)["trace_id"] == trace


async def test_a_day_goes_from_the_devices_to_its_explanation(platform: Deployment, quiet_broker: Broker) -> None:
    await platform.start("serve", "gateway", "consume", "work")
    await know_everyone(platform)
    await platform.step(EVENING)
    stream = await sent_by_all_devices(platform)
    await platform.level(EVENING)
    stub = await platform.rpc(WorkdayServiceStub)
    day = await stub.GetWorkday(workdays.GetWorkdayRequest(name=f"servants/S1/workdays/{DAY}"))
    assert (day.state, day.seconds.worked) == (workdays.WORKDAY_STATE_IN_PROGRESS, 8 * 3600)
    seen = await followed(stub, "start", lambda found: of_the_day(found).keys() == names("S1", "S2", "S3"))
    assert set(of_the_day(seen).values()) == {workdays.WORKDAY_STATE_IN_PROGRESS}

    await platform.step(NEXT_MORNING)
    later = await followed(stub, seen[-1].cursor, lambda found: of_the_day(found).keys() == names(*SERVANTS))
    assert set(of_the_day(later).values()) == {workdays.WORKDAY_STATE_COMPUTED}
    span = {"parent": "stateBodies/KGD", "since": day_message(DAY), "until": day_message(DAY)}
    first = await stub.ListWorkdays(workdays.ListWorkdaysRequest(**span, page_size=3))
    rest = await stub.ListWorkdays(workdays.ListWorkdaysRequest(**span, page_size=3, page_token=first.next_page_token))
    listed = {each.name.split("/")[1]: each.seconds for each in (*first.workdays, *rest.workdays)}
    assert {servant: (each.late, each.early, each.absent) for servant, each in listed.items()} == {
        "S1": (0, 0, 0),
        "S2": (1800, 0, 0),
        "S3": (0, 5400, 0),
        "S4": (0, 0, 8 * 3600),
    }
    found = (await stub.ListFindings(workdays.ListFindingsRequest(**span))).findings
    assert {(each.servant, each.kind, each.seconds) for each in found} == {
        ("servants/S2", workdays.FINDING_KIND_LATE, 1800),
        ("servants/S3", workdays.FINDING_KIND_EARLY_LEAVE, 5400),
        ("servants/S4", workdays.FINDING_KIND_ABSENT, 8 * 3600),
    }
    explained = await stub.ExplainWorkday(workdays.ExplainWorkdayRequest(name=f"servants/S2/workdays/{DAY}"))
    assert [(each.device, each.event_key, each.outcome) for each in explained.reads] == [
        ("north-2", str(number), workdays.READ_OUTCOME_COUNTED) for number in (1, 2, 3, 4)
    ]
    assert [each.state for each in explained.versions][-1] == workdays.WORKDAY_STATE_COMPUTED
    assert explained.findings[0].message.ru == "Опоздание на работу: 30 мин."
    following = stub.WatchWorkdays(workdays.WatchWorkdaysRequest(parent="stateBodies/KGD"))
    await following.wait_for_connection()
    took = dict(zip(platform.processes, await asyncio.gather(*(each.ended() for each in platform.processes.values())), strict=True))
    assert max(took.values()) < ENDED_WITHIN_S, took
    stream.cancel()
    one_trace_leads_from_the_terminal_to_the_day(platform, quiet_broker)


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (["serve"], "TARTIP_ISSUER"),
        (["gateway"], "TARTIP_GATEWAY_LISTEN"),
        (["consume"], "TARTIP_KAFKA"),
        (["work"], "TARTIP_KAFKA"),
        (["migrate"], "TARTIP_MIGRATOR_DATABASE_URL"),
        (["republish", "--topic", "timetracking.workdays.v1"], "TARTIP_DATABASE_URL"),
        (["rebuild", "plans"], "TARTIP_MIGRATOR_DATABASE_URL"),
    ],
)
def test_a_missing_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], missing: str
) -> None:
    for name in ("DATABASE_URL", "MIGRATOR_DATABASE_URL", "KAFKA", "ISSUER", "LISTEN", "ADMIN_LISTEN", "GATEWAY_LISTEN", "PAGE_KEY"):
        monkeypatch.setenv(f"TARTIP_{name}", "given")
    monkeypatch.delenv(missing)
    assert main(arguments) == 2
    assert f"{missing}: is not set" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["republish", "--topic", "regimes.plans.v1"], ["republish"], ["rebuild", "passages"], []])
def test_what_is_not_ours_is_neither_republished_nor_rebuilt(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
