"""What DeviceService answers for badges: messages in, use cases, messages out."""

from collections.abc import Sequence
from datetime import UTC, datetime

from chassis.access import current_caller
from chassis.listing import Listing
from chassis.wire import instant, instant_message
from google.protobuf.timestamp_pb2 import Timestamp
from kernel.faults import Malformed
from kernel.identifiers import check_id, new_id
from kernel.names import servant_of
from tartip.timetracking.v1 import device_service_pb2 as pb

from timetracking.badges import use_cases
from timetracking.badges.domain import Badge
from timetracking.names import badge_name

SYSTEM = "[A-Za-z0-9._-]{1,64}"
_NUMBER_MOST = 64
# The days around an instant are looked at too, and must exist.
_EARLIEST, _BEFORE = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


class BadgeAnswers:
    """The answers for badges; the contract puts them into one service with devices."""

    def __init__(self, begin: use_cases.Begin, compute: use_cases.Compute, listing: Listing) -> None:
        self._listing = listing
        self._assign = use_cases.AssignBadge(begin, compute)
        self._list = use_cases.ListBadges(begin)

    async def assign(self, request: pb.AssignBadgeRequest) -> pb.Badge:
        """Assigns a badge to a servant."""
        return _message(await self._assign(current_caller(), _badge(request)))

    async def list(self, request: pb.ListBadgesRequest) -> pb.ListBadgesResponse:
        """Lists the badge spans of a servant."""
        caller, servant = current_caller(), servant_of(request.parent, "parent")

        async def fetch(after: str, limit: int) -> Sequence[Badge]:
            return await self._list(caller, servant, _place(after), limit)

        found, token = await self._listing.page(caller, request, f"badges/{servant}", _key, fetch)
        return pb.ListBadgesResponse(badges=[_message(each) for each in found], next_page_token=token)


def _badge(request: pb.AssignBadgeRequest) -> Badge:
    message = request.badge
    number = message.badge_number
    if not 0 < len(number) <= _NUMBER_MOST or not number.isprintable() or number != number.strip():
        raise Malformed({"badge.badge_number": f"1 to {_NUMBER_MOST} printable characters, no blanks around them"})
    if not message.HasField("since"):
        raise Malformed({"badge.since": "the instant from which it is held"})
    return Badge(
        badge=new_id(),
        system=check_id(message.badge_system, "badge.badge_system", SYSTEM),
        number=number,
        servant=servant_of(request.parent, "parent"),
        since=_instant(message.since, "badge.since"),
        until=_instant(message.until, "badge.until") if message.HasField("until") else None,
    )


def _instant(message: Timestamp, field: str) -> datetime:
    value = instant(message, field)
    if not _EARLIEST <= value < _BEFORE:
        raise Malformed({field: "an instant from 1970 on, before the year 9000"})
    return value


def _message(badge: Badge) -> pb.Badge:
    message = pb.Badge(
        name=badge_name(badge.servant, badge.badge),
        badge_system=badge.system,
        badge_number=badge.number,
        since=instant_message(badge.since),
    )
    if badge.until is not None:
        message.until.CopyFrom(instant_message(badge.until))
    return message


def _key(badge: Badge) -> str:
    return f"{badge.since.isoformat()}|{badge.badge}"


def _place(key: str) -> tuple[datetime, str] | None:
    since, _, badge = key.partition("|")
    return (datetime.fromisoformat(since), badge) if key else None
