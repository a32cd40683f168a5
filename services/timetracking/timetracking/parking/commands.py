"""What operators do with parked records at the command line: look through them, and send them again."""

import argparse
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from chassis import operators
from chassis.access import Caller
from chassis.clock import Clock
from chassis.commands import NothingDone, instant
from chassis.messages import Messages
from chassis.parking import BUG, UNREADABLE
from kernel.faults import Malformed

from timetracking.accounts.use_cases import Arrivals
from timetracking.parking.consumer import TOPICS
from timetracking.parking.domain import Selection, State, reason_named
from timetracking.parking.use_cases import Begin, ListParked, RedriveLost, RedriveParked, Seen

# More than a person reads; who wants others narrows.
MOST_SHOWN = 200
_EARLIEST = timedelta.resolution


async def parked(caller: Caller, begin: Begin, given: argparse.Namespace, _: Clock, __: Arrivals) -> str:
    """Lists what waits, the last ones first, without its content."""
    wanted = replace(_selection(given), state=None if given.all else State.PARKED)
    found = await ListParked(begin)(caller, wanted, None, MOST_SHOWN + 1)
    shown = found[:MOST_SHOWN]
    reasons = Counter(f"{each.record.topic} {each.record.reason}" for each in shown)
    summed = [f"{count} × {reason}" for reason, count in reasons.most_common()]
    more = ["there are more: narrow them"] if len(found) > MOST_SHOWN else []
    return "\n".join([*(_line(each) for each in shown), *summed, *more] or ["nothing is parked"])


async def redrive(caller: Caller, begin: Begin, given: argparse.Namespace, clock: Clock, arrivals: Arrivals) -> str:
    """Sends all that match and were parked up to now; what is parked again meanwhile waits for the next one."""
    # A stepped clock stands still at the instant at which the last ones were parked.
    wanted, again, total = replace(_selection(given), until=clock() + _EARLIEST), RedriveParked(begin), 0
    if not wanted.narrows:
        raise Malformed({"which": "one at least of --topic, --reason, --device, --since, --id"})
    if given.lost:
        return await _redrive_lost(caller, RedriveLost(begin, arrivals), _selection(given), only_say=given.dry_run)
    while True:
        told = await again(caller, wanted, only_say=given.dry_run)
        total += told.sent
        if given.dry_run or not told.more:
            break
    words = "would be sent again" if given.dry_run else "will be sent again"
    more = " and more" if told.more else ""
    return f"{total}{more} parked records {words}; {told.kept_back} that match are kept back"


async def _redrive_lost(caller: Caller, again: RedriveLost, wanted: Selection, *, only_say: bool) -> str:
    told, ways = await again(caller, wanted, only_say=only_say)
    if ways:
        places = ", ".join(f"{topic}/{partition}" for topic, partition in ways)
        raise NothingDone(f"they may be on their way: {places} are not recorded, or not noted, up to where they were: nothing was sent")
    if told.kept_back and not told.sent:
        raise NothingDone(
            f"{told.kept_back} of them have not left for Kafka yet, or cannot be sent: nothing was sent; see that the relay is at work"
        )
    words = "would be sent once more" if only_say else "will be sent once more"
    more, kept = (
        " and more" if told.more else "",
        f"; {told.kept_back} have not left for Kafka yet, or cannot be sent" if told.kept_back else "",
    )
    return f"{told.sent}{more} records that were sent again and got lost {words}{kept}"


def _selection(given: argparse.Namespace) -> Selection:
    return Selection(given.topic, given.reason, device=given.device, since=given.since, ids=tuple(given.id))


def _line(seen: Seen) -> str:
    record = seen.record
    kept_back = "" if record.sendable else "  kept back"
    return (
        f"{record.id}  {record.parked_at.isoformat(timespec='seconds')}  {record.state}  {record.topic}  {record.reason}"
        f"  {record.device or '-'}  {record.origin}  {record.attempts}×  {record.error}{kept_back}"
    )


def _reason(text: str) -> str:
    """A reason as it is listed: a refusal's, or that of what nobody could read or apply."""
    reason = reason_named(text)
    known = {BUG, UNREADABLE, *map(reason_named, Messages.load("timetracking").texts)} if reason else {reason}
    if reason not in known:
        raise argparse.ArgumentTypeError(f"nothing is parked for {text!r}, but for one of {', '.join(sorted(known))}")
    return reason


def _narrowing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--topic", default="", choices=sorted(TOPICS), metavar="TOPIC", help="only of this topic")
    says = "only parked for this reason: malformed, impossible-time, bug …"
    parser.add_argument("--reason", default="", type=_reason, help=says)
    parser.add_argument("--device", default="", help="only of the device with this serial")
    parser.add_argument("--since", type=instant, help="only parked at this instant or later (RFC 3339, with an offset)")
    parser.add_argument("--id", type=UUID, action="append", default=[], help="only this one; may be given again")


def parked_arguments(parser: argparse.ArgumentParser) -> None:
    """Which are listed."""
    _narrowing(parser)
    parser.add_argument("--all", action="store_true", help="also what was sent again or taken up")
    parser.set_defaults(dry_run=True, by=None)


def redrive_arguments(parser: argparse.ArgumentParser) -> None:
    """Which are sent again."""
    _narrowing(parser)
    parser.add_argument("--dry-run", action="store_true", help="only say how many it would be")
    parser.add_argument("--lost", action="store_true", help="those that were sent again and never arrived, though all else did")
    operators.arguments(parser)
