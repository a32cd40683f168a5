"""Devices and their settings as messages."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from google.protobuf.duration_pb2 import Duration
from kernel.faults import Malformed
from kernel.identifiers import check_id
from kernel.names import body_of
from tartip.timetracking.v1 import device_service_pb2 as pb

from timetracking.devices.domain import (
    LONGEST_OVERLAP,
    Device,
    DeviceDirection,
    Network,
    Networks,
    Proof,
    Protocol,
    Role,
    Secret,
    SerialAlone,
    Settings,
    SystemToken,
    in_order_of_beginning,
)
from timetracking.names import DEVICE_ID, device_name

PROTOCOLS = {
    pb.DEVICE_PROTOCOL_ZKTECO_ADMS: Protocol.ADMS,
    pb.DEVICE_PROTOCOL_HIKVISION_ISAPI: Protocol.ISAPI,
    pb.DEVICE_PROTOCOL_GRPC: Protocol.GRPC,
}
ROLES = {pb.DEVICE_ROLE_PERIMETER: Role.PERIMETER, pb.DEVICE_ROLE_INTERNAL: Role.INTERNAL}
DIRECTIONS = {
    pb.DEVICE_DIRECTION_IN: DeviceDirection.IN,
    pb.DEVICE_DIRECTION_OUT: DeviceDirection.OUT,
    pb.DEVICE_DIRECTION_AS_SENT: DeviceDirection.AS_SENT,
    pb.DEVICE_DIRECTION_ALTERNATING: DeviceDirection.ALTERNATING,
}
Value = TypeVar("Value", bound=int)
Word = TypeVar("Word")

BADGE_SYSTEM = "[A-Za-z0-9._-]{1,64}"
_PREMISES_MOST = 64
# No place on earth is further from UTC; a day is already a mistake.
_OFFSET_MOST = 18 * 3600
_NETWORKS_MOST = 16
# A wider one is no place any more: a whole provider, or everywhere.
_WIDEST = {4: 8, 6: 32}
_WALL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_HOLDS_FROM = "nothing for the first settings, which hold from the beginning; an event number or a wall time for each other"


def wants_secret(request: pb.EnrolDeviceRequest) -> bool:
    """Whether the device is to get a secret."""
    return request.device.proof.WhichOneof("kind") == "secret"


def device_from(request: pb.EnrolDeviceRequest) -> Device:
    """The device that a request enrols, a secret still to be made; Malformed with each kind of field that is wrong."""
    message = request.device
    settings = [settings_from(each, f"device.settings[{at}]") for at, each in enumerate(message.settings)]
    begins = [each.since_event_number is not None or each.since_wall_time is not None for each in settings]
    if not settings or begins != [False] + [True] * (len(settings) - 1):
        raise Malformed({"device.settings": _HOLDS_FROM})
    return Device(
        serial=check_id(request.device_id, "device_id", DEVICE_ID),
        body=body_of(request.parent, "parent"),
        protocol=_one_of(PROTOCOLS, message.protocol, "device.protocol"),
        badge_system=check_id(message.badge_system, "device.badge_system", BADGE_SYSTEM),
        settings=in_order_of_beginning(settings),
        proof=_proof_from(message.proof),
    )


def networks_from(message: pb.DeviceNetworks, field: str) -> Networks:
    """The networks in which a device stands; Malformed with the field that is wrong."""
    if not 0 < len(message.cidrs) <= _NETWORKS_MOST:
        raise Malformed({f"{field}.cidrs": f"1 to {_NETWORKS_MOST} networks"})
    return Networks(tuple(_network(each, f"{field}.cidrs[{at}]") for at, each in enumerate(message.cidrs)))


def overlap_from(message: Duration) -> timedelta:
    """How long a former proof is taken too; Malformed where that is no span of whole seconds, or too long."""
    overlap = timedelta(seconds=message.seconds) if abs(message.seconds) < 10**9 else LONGEST_OVERLAP * 2
    if message.nanos or not timedelta() <= overlap <= LONGEST_OVERLAP:
        raise Malformed({"overlap": f"whole seconds, from 0 to {LONGEST_OVERLAP.days} days"})
    return overlap


def settings_from(message: pb.DeviceSettings, field: str) -> Settings:
    """Settings of a device; Malformed with the field that is wrong."""
    number = message.since_event_number if message.WhichOneof("since") == "since_event_number" else None
    if number is not None and number < 0:
        raise Malformed({f"{field}.since_event_number": "0 or more"})
    if not 0 < len(message.premises) <= _PREMISES_MOST or not message.premises.isprintable():
        raise Malformed({f"{field}.premises": f"1 to {_PREMISES_MOST} printable characters"})
    zone, offset = _time_policy(message, field)
    return Settings(
        role=_one_of(ROLES, message.role, f"{field}.role"),
        direction=_one_of(DIRECTIONS, message.direction, f"{field}.direction"),
        premises=message.premises,
        zone=zone,
        utc_offset=offset,
        since_event_number=number,
        since_wall_time=_wall_time(message, field),
    )


def device_message(device: Device, secret: str | None = None) -> pb.Device:
    """A device with its settings in the order in which they begin, and with its secret where that has just been made."""
    message = pb.Device(
        name=device_name(device.body, device.serial),
        protocol=_name_of(PROTOCOLS, device.protocol),
        badge_system=device.badge_system,
        settings=[settings_message(each) for each in device.settings],
        etag=device.etag,
        proof=_proof_message(device.proof, secret),
    )
    if device.former is not None:
        message.former_proof.proof.CopyFrom(_proof_message(device.former.proof))
        message.former_proof.until.FromDatetime(device.former.until)
    if device.revoked_at is not None:
        message.revoked_at.FromDatetime(device.revoked_at)
    return message


def settings_message(settings: Settings) -> pb.DeviceSettings:
    """Settings of a device."""
    message = pb.DeviceSettings(
        role=_name_of(ROLES, settings.role), direction=_name_of(DIRECTIONS, settings.direction), premises=settings.premises
    )
    if settings.since_event_number is not None:
        message.since_event_number = settings.since_event_number
    elif settings.since_wall_time is not None:
        message.since_wall_time = settings.since_wall_time.isoformat()
    if settings.zone is not None:
        message.zone = settings.zone
    elif settings.utc_offset is not None:
        message.offset.CopyFrom(Duration(seconds=settings.utc_offset))
    else:
        message.as_sent = True
    return message


def _proof_from(message: pb.DeviceProof) -> Proof:
    match message.WhichOneof("kind"):
        case "networks":
            return networks_from(message.networks, "device.proof.networks")
        case "secret":
            return SerialAlone()  # until the secret is made
        case "system_token" | None if message.system_token or message.WhichOneof("kind") is None:
            return SystemToken()
    raise Malformed({"device.proof": "one of secret, networks, system_token (true)"})


def _network(text: str, field: str) -> Network:
    try:
        network = ip_network(text)
    except ValueError:
        raise Malformed({field: "a network such as 10.20.0.0/24, with no bit set beyond its length"}) from None
    if network.prefixlen < _WIDEST[network.version]:
        raise Malformed({field: f"no wider than /{_WIDEST[network.version]}"})
    return network


def _proof_message(proof: Proof, secret: str | None = None) -> pb.DeviceProof:
    match proof:
        case Secret():
            return pb.DeviceProof(secret=pb.DeviceSecret(value=secret or ""))
        case Networks():
            return pb.DeviceProof(networks=pb.DeviceNetworks(cidrs=[str(each) for each in proof.cidrs]))
        case SystemToken():
            return pb.DeviceProof(system_token=True)
    return pb.DeviceProof(serial_alone=True)


def _time_policy(message: pb.DeviceSettings, field: str) -> tuple[str | None, int | None]:
    match message.WhichOneof("time_policy"):
        case "as_sent" if message.as_sent:
            return None, None
        case "zone":
            try:
                ZoneInfo(message.zone)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise Malformed({f"{field}.zone": "an IANA name such as Asia/Almaty"}) from None
            return message.zone, None
        case "offset":
            if message.offset.nanos or abs(message.offset.seconds) > _OFFSET_MOST:
                raise Malformed({f"{field}.offset": "whole seconds, at most 18 hours either way"})
            return None, message.offset.seconds
    raise Malformed({f"{field}.time_policy": "one of as_sent (true), zone, offset"})


def _wall_time(message: pb.DeviceSettings, field: str) -> datetime | None:
    if message.WhichOneof("since") != "since_wall_time":
        return None
    try:
        if _WALL_TIME.fullmatch(message.since_wall_time):
            return datetime.fromisoformat(message.since_wall_time)
    except ValueError:
        pass
    raise Malformed({f"{field}.since_wall_time": "a wall time without an offset, like 2026-11-24T00:00:00"})


def _one_of(known: Mapping[Value, Word], value: Value, field: str) -> Word:
    if value not in known:
        raise Malformed({field: "one of the named values, and not the unspecified one"})
    return known[value]


def _name_of(known: Mapping[Value, Word], word: Word) -> Value:
    return next(value for value, each in known.items() if each is word)
