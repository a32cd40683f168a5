"""Proofs of devices and their revocation, as HR officers ask for them."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from google.protobuf.message import Message
from tartip.timetracking.v1 import device_service_pb2 as pb
from timetracking.devices.domain import Secret

from ..platform import Platform
from ..serving import GATE, HR, KGD, REVOKED, TERMINAL, Timekeeping, bound, new_device, outcome, refused, with_id

ID = "0192f0c1-2d3e-7a4b-8c5d-6e7f8091a2b3"
ADMS = pb.DEVICE_PROTOCOL_ZKTECO_ADMS
SECRET = pb.DeviceProof(secret=pb.DeviceSecret())
ANYWHERE = pb.DeviceProof(networks=pb.DeviceNetworks(cidrs=["10.20.0.0/24"]))
_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND NOT relispartition"


def terminal(proof: pb.DeviceProof | None, **changed: Any) -> pb.EnrolDeviceRequest:
    return new_device(**({"protocol": ADMS, "proof": proof} | changed))


def rotation(name: str = TERMINAL, overlap: int = 0, etag: str = "") -> pb.RotateDeviceSecretRequest:
    request = pb.RotateDeviceSecretRequest(name=name, etag=etag)
    request.overlap.FromSeconds(overlap)
    return request


async def kept(platform: Platform, serial: str, former: bool = False) -> Secret | None:
    """What is kept of the device's secret."""
    query = "SELECT salt, digest FROM device_proofs WHERE device = $1 AND former = $2 AND kind = 'secret'"
    rows = await platform.sql(query, serial, former)
    return Secret(rows[0]["salt"], rows[0]["digest"]) if rows else None


async def everything(platform: Platform) -> str:
    """All that the database holds, as text; bytes as hexadecimal digits."""
    found = ""
    for table in await platform.sql(_TABLES):
        if table["relname"] == "alembic_version":
            continue
        rows = await platform.sql(f"SELECT t::text AS row FROM {table['relname']} t")
        found += "".join(row["row"] for row in rows)
    return found


async def shown(hr: Any, name: str) -> pb.Device:
    device: pb.Device = await hr.devices.GetDevice(pb.GetDeviceRequest(name=name))
    return device


async def test_a_secret_is_shown_when_it_is_made_and_is_kept_nowhere(served: Timekeeping) -> None:
    hr, platform = await served.portal(HR), served.platform
    made = await hr.devices.EnrolDevice(with_id(terminal(SECRET), ID))
    secret = made.proof.secret.value
    assert len(secret) == 43
    held = await kept(platform, "new")
    assert held is not None
    assert held.fits(secret)
    said = await everything(platform)
    assert "new" in said
    assert secret not in said
    assert secret.encode().hex() not in said
    again = await hr.devices.EnrolDevice(with_id(terminal(SECRET), ID))
    assert (again.name, again.etag, again.proof) == (made.name, made.etag, SECRET)
    assert (await shown(hr, made.name)).proof == SECRET
    listed = await hr.devices.ListDevices(pb.ListDevicesRequest(parent=KGD))
    assert secret not in str(listed)


async def test_each_secret_is_another(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    made = [(await hr.devices.RotateDeviceSecret(rotation())).proof.secret.value for _ in range(5)]
    assert len(set(made)) == 5
    asked = terminal(pb.DeviceProof(secret=pb.DeviceSecret(value="my own")))
    assert (await hr.devices.EnrolDevice(asked)).proof.secret.value != "my own"


async def test_a_former_secret_is_taken_for_the_overlap_that_was_asked_for(served: Timekeeping) -> None:
    hr, platform = await served.portal(HR), served.platform
    first = (await hr.devices.RotateDeviceSecret(rotation())).proof.secret.value
    assert not (await shown(hr, TERMINAL)).HasField("former_proof")
    second = await hr.devices.RotateDeviceSecret(rotation(overlap=3600, etag="2"))
    now, before = await kept(platform, "terminal"), await kept(platform, "terminal", former=True)
    assert now is not None
    assert before is not None
    assert (now.fits(second.proof.secret.value), before.fits(first), now.fits(first)) == (True, True, False)
    assert second.former_proof.proof == SECRET
    assert second.former_proof.until.ToDatetime().isoformat() == (platform.now + timedelta(hours=1)).replace(tzinfo=None).isoformat()
    third = await hr.devices.RotateDeviceSecret(rotation())
    assert (third.HasField("former_proof"), await kept(platform, "terminal", former=True)) == (False, None)


async def test_a_device_that_was_enrolled_before_proofs_is_shown_so_until_it_gets_one(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    listed = await hr.devices.ListDevices(pb.ListDevicesRequest(parent=KGD))
    assert {each.name for each in listed.devices if each.proof.serial_alone} == {TERMINAL, REVOKED}
    made = await hr.devices.BindDevice(bound(TERMINAL, "10.20.0.0/24", "2001:db8::/48", overlap=60))
    assert made.proof.networks.cidrs == ["10.20.0.0/24", "2001:db8::/48"]
    assert made.former_proof.proof.serial_alone
    assert await shown(hr, TERMINAL) == made
    assert (await hr.devices.BindDevice(bound(TERMINAL))).former_proof == pb.FormerDeviceProof()


async def test_a_revoked_device_comes_back_as_it_was(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    secret = (await hr.devices.RotateDeviceSecret(rotation())).proof.secret.value
    revoked = await hr.devices.RevokeDevice(pb.RevokeDeviceRequest(name=TERMINAL, etag="2"))
    assert revoked.revoked_at.ToDatetime(served.platform.now.tzinfo) == served.platform.now
    for call in (
        hr.devices.RevokeDevice(pb.RevokeDeviceRequest(name=TERMINAL)),
        hr.devices.RotateDeviceSecret(rotation()),
        hr.devices.BindDevice(bound(TERMINAL)),
    ):
        refusal = await refused(call)
        assert (refusal.code, refusal.reason, refusal.facts) == ("FAILED_PRECONDITION", "DEVICE_REVOKED", {"device": "terminal"})
    back = await hr.devices.ReinstateDevice(pb.ReinstateDeviceRequest(name=TERMINAL))
    assert (back.HasField("revoked_at"), back.etag) == (False, "4")
    held = await kept(served.platform, "terminal")
    assert held is not None
    assert held.fits(secret)
    assert (await refused(hr.devices.ReinstateDevice(pb.ReinstateDeviceRequest(name=TERMINAL)))).reason == "DEVICE_NOT_REVOKED"


async def test_each_change_is_under_audit_with_what_was_before_and_after(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    await hr.devices.RotateDeviceSecret(rotation())
    await hr.devices.BindDevice(bound(TERMINAL))
    await hr.devices.RevokeDevice(pb.RevokeDeviceRequest(name=TERMINAL))
    await hr.devices.ReinstateDevice(pb.ReinstateDeviceRequest(name=TERMINAL))
    query = "SELECT action, subject, resource, rule, before_digest, after_digest FROM audit_records ORDER BY id DESC LIMIT 4"
    rows = list(reversed(await served.platform.sql(query)))
    assert [row["action"] for row in rows] == ["device.rotate-secret", "device.bind", "device.revoke", "device.reinstate"]
    assert {(row["resource"], row["rule"]) for row in rows} == {(TERMINAL, "lc-79")}
    for row, following in pairwise(rows):
        assert row["before_digest"] != row["after_digest"] == following["before_digest"]


STALE: list[Message] = [
    rotation(etag="7"),
    bound(TERMINAL, etag="7"),
    pb.RevokeDeviceRequest(name=TERMINAL, etag="7"),
    pb.ReinstateDeviceRequest(name=REVOKED, etag="7"),
]


@pytest.mark.parametrize("request_", STALE, ids=lambda each: type(each).__name__)
async def test_a_stale_etag_changes_nothing(served: Timekeeping, request_: Message) -> None:
    hr = await served.portal(HR)
    call = getattr(hr.devices, type(request_).__name__.removesuffix("Request"))
    assert await outcome(call(request_)) == "STALE_ETAG"
    assert [(await shown(hr, each)).etag for each in (TERMINAL, REVOKED)] == ["1", "1"]


def networks(*cidrs: str) -> pb.DeviceProof:
    return pb.DeviceProof(networks=pb.DeviceNetworks(cidrs=cidrs))


MALFORMED = [
    (terminal(None), "device.proof"),
    (terminal(pb.DeviceProof(system_token=True)), "device.proof"),
    (terminal(pb.DeviceProof(system_token=False)), "device.proof"),
    (terminal(pb.DeviceProof(serial_alone=True)), "device.proof"),
    (new_device(proof=SECRET), "device.proof"),
    (new_device(proof=ANYWHERE), "device.proof"),
    (terminal(networks()), "device.proof.networks.cidrs"),
    (terminal(networks(*["10.20.0.0/24"] * 17)), "device.proof.networks.cidrs"),
    (terminal(networks("10.20.0.0/24", "anywhere")), "device.proof.networks.cidrs[1]"),
    (terminal(networks("10.20.0.1/24")), "device.proof.networks.cidrs[0]"),
    (terminal(networks("0.0.0.0/0")), "device.proof.networks.cidrs[0]"),
    (terminal(networks("0.0.0.0/7")), "device.proof.networks.cidrs[0]"),
    (terminal(networks("::/0")), "device.proof.networks.cidrs[0]"),
]


async def test_a_proof_that_is_none_is_refused_by_its_field(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    for request, field in MALFORMED:
        refusal = await refused(hr.devices.EnrolDevice(request))
        assert (refusal.code, list(refusal.violations)) == ("INVALID_ARGUMENT", [field]), request
    assert await outcome(hr.devices.EnrolDevice(new_device(proof=pb.DeviceProof(system_token=True)))) == "OK"


async def test_an_overlap_is_bounded_and_a_stream_has_no_secret(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    for overlap in (-1, 30 * 86_400 + 1, 2**40):
        request = rotation()
        request.overlap.seconds = overlap
        assert list((await refused(hr.devices.RotateDeviceSecret(request))).violations) == ["overlap"]
    assert list((await refused(hr.devices.RotateDeviceSecret(rotation(GATE)))).violations) == ["name"]
    assert list((await refused(hr.devices.BindDevice(bound(GATE)))).violations) == ["name"]
    assert await outcome(hr.devices.RotateDeviceSecret(rotation(overlap=30 * 86_400))) == "OK"
