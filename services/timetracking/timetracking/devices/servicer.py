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
from timetracking.devices.messages import device_from, device_message, settings_from
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

    def __init__(self, begin: use_cases.Begin, badges: BadgeAnswers, accounts: AccountAnswers, listing: Listing) -> None:
        self._badges, self._accounts, self._listing = badges, accounts, listing
        self._enrol = use_cases.EnrolDevice(begin)
        self._get = use_cases.GetDevice(begin)
        self._list = use_cases.ListDevices(begin)
        self._change = use_cases.ChangeDeviceSettings(begin)

    async def EnrolDevice(self, request: pb.EnrolDeviceRequest, context: Context) -> pb.Device:
        """Enrols a device."""
        return device_message(await self._enrol(current_caller(), device_from(request)))

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

    async def AssignBadge(self, request: pb.AssignBadgeRequest, context: Context) -> pb.Badge:
        """Assigns a badge to a servant."""
        return await self._badges.assign(request)

    async def ListBadges(self, request: pb.ListBadgesRequest, context: Context) -> pb.ListBadgesResponse:
        """Lists the badge spans of a servant."""
        return await self._badges.list(request)
