"""Devices as HR officers enrol and change them."""

from typing import Any

from google.protobuf.duration_pb2 import Duration
from tartip.timetracking.v1 import device_service_pb2 as pb

from ..samples import TUESDAY
from ..serving import GATE, HR, KGD, Timekeeping, change, new_device, refused, settings, with_id

ID, OTHER_ID = "0192f0c1-2d3e-7a4b-8c5d-6e7f8091a2b3", "0192f0c1-2d3e-7a4b-8c5d-6e7f8091a2b4"
DATED = [
    settings(),
    settings("2026-11-01T00:00:00", zone="Asia/Oral", as_sent=None),
    settings("2026-11-24T12:00:00", 6 * 3600, direction=pb.DEVICE_DIRECTION_ALTERNATING, premises="Үй 2"),
    settings(17, -3600, role=pb.DEVICE_ROLE_INTERNAL, direction=pb.DEVICE_DIRECTION_OUT),
]


async def test_a_device_is_read_as_it_was_enrolled(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    made = await hr.devices.EnrolDevice(new_device("D.1-x_2", settings=[DATED[0], DATED[3], DATED[2], DATED[1]]))
    proof = pb.DeviceProof(system_token=True)
    fields: dict[str, Any] = {"protocol": pb.DEVICE_PROTOCOL_GRPC, "badge_system": "hq", "settings": DATED}
    expected = pb.Device(name=f"{KGD}/devices/D.1-x_2", etag="1", proof=proof, **fields)
    assert made == expected
    assert await hr.devices.GetDevice(pb.GetDeviceRequest(name=made.name)) == made
    assert [row["action"] for row in await served.platform.sql("SELECT action FROM audit_records ORDER BY id DESC LIMIT 1")] == [
        "device.enrol"
    ]


async def test_settings_added_backwards_move_the_days_of_the_reads(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    worked = [(await served.platform.days())[TUESDAY].content.seconds.late]
    changed = await hr.devices.ChangeDeviceSettings(change(since="2026-11-24T00:00:00", etag="1"))
    assert (changed.etag, len(changed.settings)) == ("2", 2)
    await served.platform.do_what_is_due()
    worked.append((await served.platform.days())[TUESDAY].content.seconds.late)
    assert worked == [760, 0]


async def test_the_same_request_again_is_answered_alike_and_done_once(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    enrol, changing = new_device(request_id=ID), change(request_id=OTHER_ID)
    assert await hr.devices.EnrolDevice(enrol) == await hr.devices.EnrolDevice(enrol)
    assert await hr.devices.ChangeDeviceSettings(changing) == await hr.devices.ChangeDeviceSettings(changing)
    rows = await served.platform.sql("SELECT device, count(*) AS n FROM device_settings GROUP BY device ORDER BY device")
    assert [tuple(row) for row in rows] == [("gate", 2), ("new", 1), ("revoked", 1), ("terminal", 1)]
    refusal = await refused(hr.devices.EnrolDevice(new_device("other", request_id=ID)))
    assert (refusal.code, refusal.reason, refusal.facts["requestId"]) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED", ID)
    assert (await refused(hr.devices.EnrolDevice(with_id(enrol, "no UUID")))).violations.keys() == {"request_id"}


async def test_a_stale_etag_and_a_serial_that_is_taken_are_refused(served: Timekeeping) -> None:
    hr, mf = await served.portal(HR), await served.portal(("/state-bodies/MF/hr-officer",))
    refusal = await refused(hr.devices.ChangeDeviceSettings(change(etag="7")))
    assert (refusal.code, refusal.reason, refusal.facts) == ("ABORTED", "STALE_ETAG", {"resource": GATE})
    refusal = await refused(mf.devices.EnrolDevice(new_device("gate", "MF")))
    assert (refusal.code, refusal.reason) == ("ALREADY_EXISTS", "ALREADY_EXISTS")


async def test_a_refusal_speaks_the_callers_language(served: Timekeeping) -> None:
    texts = {
        "kk": "{} табылмады немесе оны көруге құқығыңыз жоқ.",
        "ru": "{}: не найдено, или у вас нет права это видеть.",
        "en": "{} was not found, or you may not see it.",
    }
    for language, text in texts.items():
        hr = await served.portal(HR, language=language)
        refusal = await refused(hr.devices.GetDevice(pb.GetDeviceRequest(name=f"{KGD}/devices/none")))
        assert (refusal.code, refusal.reason, refusal.domain) == ("NOT_FOUND", "NOT_FOUND", "timetracking.tartip")
        assert (refusal.language, refusal.text) == (language, text.format(f"{KGD}/devices/none"))


MALFORMED = [
    (new_device("no serial!"), "device_id"),
    (new_device("x" * 65), "device_id"),
    (new_device(body="no body"), "parent"),
    (new_device(protocol=0), "device.protocol"),
    (new_device(protocol=99), "device.protocol"),
    (new_device(badge_system=""), "device.badge_system"),
    (new_device(settings=[]), "device.settings"),
    (new_device(settings=[settings("2026-11-24T00:00:00")]), "device.settings"),
    (new_device(settings=[settings(), settings()]), "device.settings"),
    (new_device(settings=[settings(role=0)]), "device.settings[0].role"),
    (new_device(settings=[settings(direction=9)]), "device.settings[0].direction"),
    (new_device(settings=[settings(premises="")]), "device.settings[0].premises"),
    (new_device(settings=[settings(premises="a\nb")]), "device.settings[0].premises"),
    (new_device(settings=[settings(as_sent=False)]), "device.settings[0].time_policy"),
    (new_device(settings=[settings(as_sent=None)]), "device.settings[0].time_policy"),
    (new_device(settings=[settings(as_sent=None, zone="Asia/Astana2")]), "device.settings[0].zone"),
    (new_device(settings=[settings(as_sent=None, offset=None, zone="../x")]), "device.settings[0].zone"),
    (new_device(settings=[settings(offset=19 * 3600)]), "device.settings[0].offset"),
    (new_device(settings=[settings(as_sent=None), settings()]), "device.settings[0].time_policy"),
    (new_device(settings=[settings(), settings("24.11.2026")]), "device.settings[1].since_wall_time"),
    (new_device(settings=[settings(), settings("2026-02-30T00:00:00")]), "device.settings[1].since_wall_time"),
    (new_device(settings=[settings(), settings("2026-11-24T00:00:00+05:00")]), "device.settings[1].since_wall_time"),
    (new_device(settings=[settings(), settings(-1)]), "device.settings[1].since_event_number"),
    (
        new_device(
            protocol=pb.DEVICE_PROTOCOL_ZKTECO_ADMS, settings=[settings(), settings(5)], proof=pb.DeviceProof(secret=pb.DeviceSecret())
        ),
        "settings.since_event_number",
    ),
]


async def test_what_is_malformed_is_refused_by_its_field(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    for request, field in MALFORMED:
        refusal = await refused(hr.devices.EnrolDevice(request))
        assert (refusal.code, list(refusal.violations)) == ("INVALID_ARGUMENT", [field]), request


async def test_settings_that_never_begin_are_refused(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    broken = change(since=None)
    broken.settings.offset.CopyFrom(Duration(seconds=3600, nanos=1))
    assert list((await refused(hr.devices.ChangeDeviceSettings(change(since=None)))).violations) == ["settings.since"]
    assert list((await refused(hr.devices.ChangeDeviceSettings(broken))).violations) == ["settings.offset"]
    assert list((await refused(hr.devices.ChangeDeviceSettings(change("gate")))).violations) == ["name"]


async def test_devices_are_listed_by_name_page_by_page_for_the_caller_alone(served: Timekeeping) -> None:
    hr, inspector = await served.portal(HR), await served.portal(("/regions/75/inspector",))
    for serial in ("b", "B", "10", "9"):
        await hr.devices.EnrolDevice(new_device(serial))

    async def page(token: str = "", size: int = 2, of: Any = hr) -> pb.ListDevicesResponse:
        answer: pb.ListDevicesResponse = await of.devices.ListDevices(pb.ListDevicesRequest(parent=KGD, page_size=size, page_token=token))
        return answer

    names, token = list[str](), ""
    while True:
        answer = await page(token)
        names, token = names + [each.name.rpartition("/")[2] for each in answer.devices], answer.next_page_token
        if not token:
            break
    assert names == ["10", "9", "B", "b", "gate", "revoked", "terminal"]
    assert len((await page(size=10_000)).devices) == 7
    other = (await page()).next_page_token
    assert (await refused(page(other, of=inspector))).reason == "PAGE_TOKEN"
    assert (await refused(page(other + "x"))).reason == "PAGE_TOKEN"
