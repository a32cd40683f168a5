"""DeviceService: messages in, use cases, messages out. It answers for badges too, which devices read, and for their accounts."""

from functools import partial
from typing import Protocol

import grpc.aio
from chassis.access import current_caller
from chassis.listing import Listing
from google.protobuf.message import Message
from kernel.names import body_of
from tartip.timetracking.v1 import device_service_pb2 as pb
from tartip.timetracking.v1 import device_service_pb2_grpc as pb_grpc

from timetracking.devices import use_cases
from timetracking.devices.messages import device_from, device_message, networks_from, overlap_from, settings_from, wants_secret
from timetracking.names import device_of

Context = grpc.aio.ServicerContext[Message, Message]


class BadgeAnswers(Protocol):
    """Who answers for badges."""

    async def assign(self, request: pb.AssignBadgeRequest) -> pb.Badge: ...
    async def list(self, request: pb.ListBadgesRequest) -> pb.ListBadgesResponse: ...


class AccountAnswers(Protocol):
    """Who answers for accounts."""

    async def get(self, request: pb.GetDeviceAccountRequest) -> pb.DeviceAccount: ...


class DeviceServicer(pb_grpc.DeviceServiceServicer):
    """Answers for devices, badges and accounts."""

    def __init__(
        self, begin: use_cases.Begin, badges: BadgeAnswers, accounts: AccountAnswers, listing: Listing, clock: use_cases.Clock
    ) -> None:
        self._badges, self._accounts, self._listing = badges, accounts, listing
        self._enrol = use_cases.EnrolDevice(begin)
        self._get = use_cases.GetDevice(begin)
        self._list = use_cases.ListDevices(begin)
        self._change = use_cases.ChangeDeviceSettings(begin)
        self._rotate = use_cases.RotateDeviceSecret(begin, clock)
        self._bind = use_cases.BindDevice(begin, clock)
        self._revoke = use_cases.RevokeDevice(begin, clock)
        self._reinstate = use_cases.ReinstateDevice(begin)

    async def EnrolDevice(self, request: pb.EnrolDeviceRequest, context: Context) -> pb.Device:
        """Enrols a device."""
        made = await self._enrol(current_caller(), device_from(request), with_secret=wants_secret(request))
        return device_message(made.device, made.secret)

    async def GetDevice(self, request: pb.GetDeviceRequest, context: Context) -> pb.Device:
        """Returns a device."""
        body, serial = device_of(request.name, "name")
        return device_message(await self._get(current_caller(), body, serial))

    async def ListDevices(self, request: pb.ListDevicesRequest, context: Context) -> pb.ListDevicesResponse:
        """Lists the devices of a body."""
        caller, body = current_caller(), body_of(request.parent, "parent")
        fetch = partial(self._list, caller, body)
        found, token = await self._listing.page(caller, request, f"devices/{body}", lambda each: each.serial, fetch)
        return pb.ListDevicesResponse(devices=[device_message(each) for each in found], next_page_token=token)

    async def GetDeviceAccount(self, request: pb.GetDeviceAccountRequest, context: Context) -> pb.DeviceAccount:
        """Returns what became of every record that a device sent."""
        return await self._accounts.get(request)

    async def ChangeDeviceSettings(self, request: pb.ChangeDeviceSettingsRequest, context: Context) -> pb.Device:
        """Adds dated settings to a device."""
        body, serial = device_of(request.name, "name")
        settings = settings_from(request.settings, "settings")
        return device_message(await self._change(current_caller(), body, serial, settings, request.etag))

    async def RotateDeviceSecret(self, request: pb.RotateDeviceSecretRequest, context: Context) -> pb.Device:
        """Gives a device a new secret."""
        body, serial = device_of(request.name, "name")
        made = await self._rotate(current_caller(), body, serial, overlap_from(request.overlap), request.etag)
        return device_message(made.device, made.secret)

    async def BindDevice(self, request: pb.BindDeviceRequest, context: Context) -> pb.Device:
        """Binds a device to networks."""
        body, serial = device_of(request.name, "name")
        networks, overlap = networks_from(request.networks, "networks"), overlap_from(request.overlap)
        return device_message(await self._bind(current_caller(), body, serial, networks, overlap, request.etag))

    async def RevokeDevice(self, request: pb.RevokeDeviceRequest, context: Context) -> pb.Device:
        """Takes a device off the list."""
        body, serial = device_of(request.name, "name")
        return device_message(await self._revoke(current_caller(), body, serial, request.etag))

    async def ReinstateDevice(self, request: pb.ReinstateDeviceRequest, context: Context) -> pb.Device:
        """Puts a revoked device back."""
        body, serial = device_of(request.name, "name")
        return device_message(await self._reinstate(current_caller(), body, serial, request.etag))

    async def AssignBadge(self, request: pb.AssignBadgeRequest, context: Context) -> pb.Badge:
        """Assigns a badge to a servant."""
        return await self._badges.assign(request)

    async def ListBadges(self, request: pb.ListBadgesRequest, context: Context) -> pb.ListBadgesResponse:
        """Lists the badge spans of a servant."""
        return await self._badges.list(request)
