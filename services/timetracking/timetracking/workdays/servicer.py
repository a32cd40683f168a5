"""WorkdayService: days and findings, explained, listed and followed."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta

import grpc.aio
from chassis.access import Caller, current_caller
from chassis.database import Database
from chassis.pages import PageTokens, filter_digest, page_size
from chassis.projections import require_level
from chassis.supervision import paused
from chassis.wire import day
from google.protobuf.message import Message
from kernel.faults import Malformed, WrongState
from lawbook import Lawbook
from tartip.timetracking.v1 import workday_service_pb2 as pb
from tartip.timetracking.v1 import workday_service_pb2_grpc as pb_grpc

from timetracking.findings.domain import Finding
from timetracking.findings.texts import FindingTexts
from timetracking.names import parent_of, workday_of
from timetracking.workdays.messages import KINDS, explanation_message, finding_message, workday_message
from timetracking.workdays.views import BEGINNING, Cursor, Wanted, WorkdayViews, day_key, finding_key

Context = grpc.aio.ServicerContext[Message, Message]
PAGE, MOST_A_PAGE = 100, 1_000
LONGEST_SPAN = timedelta(days=400)
# Changes are looked for this often while somebody follows them; one more query a second and watcher costs little.
WATCH_EVERY_S = 0.5
WATCH_BATCH = 500
CURSOR = "tartip-cursor"
"""In the first metadata of a stream that follows: from where it does."""
# The era stands before a colon once there was one.
_CURSOR = re.compile(r"(?:([0-9]{1,19}):)?([0-9]{1,19})\.([0-9]{1,19})")
# Who may see what follows from the bodies, and what there is to see from servants and plans.
NEEDED = ("registry.servants.v1", "regimes.plans.v1", "registry.bodies.v1")
# The records of personal data are kept by Order 15; who reads into them leaves a trace on the same ground.
READING = "o15-p4-5"


class WorkdayServicer(pb_grpc.WorkdayServiceServicer):
    """Answers for working days and findings."""

    def __init__(self, database: Database, tokens: PageTokens, law: Lawbook, default_zone: str, stop: asyncio.Event) -> None:
        self._database, self._tokens, self._law, self._default_zone, self._stop = database, tokens, law, default_zone, stop
        self._texts = FindingTexts.load()

    async def ListWorkdays(self, request: pb.ListWorkdaysRequest, context: Context) -> pb.ListWorkdaysResponse:
        """Lists days by servant and date."""
        caller, wanted = current_caller(), _wanted(request)
        digest = filter_digest("workdays", wanted)
        after = self._tokens.read(request.page_token, caller, digest)
        size = page_size(request.page_size, PAGE, MOST_A_PAGE)
        async with self._database.transaction(caller) as transaction:
            await require_level(transaction, *NEEDED)
            views = WorkdayViews(transaction, caller)
            await views.require(wanted)
            found = await views.days(wanted, after, size + 1)
        token = self._tokens.issue(caller, digest, None, day_key(found[size - 1])) if len(found) > size else ""
        return pb.ListWorkdaysResponse(workdays=[workday_message(each) for each in found[:size]], next_page_token=token)

    async def GetWorkday(self, request: pb.GetWorkdayRequest, context: Context) -> pb.Workday:
        """Returns one day."""
        caller, (servant, on) = current_caller(), workday_of(request.name, "name")
        async with self._database.transaction(caller) as transaction:
            kept = await WorkdayViews(transaction, caller).day(servant, on, NEEDED)
        return workday_message(kept)

    async def ExplainWorkday(self, request: pb.ExplainWorkdayRequest, context: Context) -> pb.WorkdayExplanation:
        """Explains one day; reading it is written into the audit."""
        caller, (servant, on) = current_caller(), workday_of(request.name, "name")
        async with self._database.transaction(caller) as transaction:
            await require_level(transaction, *NEEDED)
            views = WorkdayViews(transaction, caller)
            explained = await views.explanation(servant, on, self._default_zone)
            transaction.record("workday.explain", request.name, rule=READING, body=explained.day.placement.body)
        return explanation_message(explained, self._law, self._texts)

    async def ListFindings(self, request: pb.ListFindingsRequest, context: Context) -> pb.ListFindingsResponse:
        """Lists findings by servant or device, first second and kind."""
        caller, wanted = current_caller(), _wanted(request)
        kinds = [_kind(each) for each in request.kinds]
        digest = filter_digest("findings", wanted, sorted(kinds), request.include_withdrawn)
        after = self._tokens.read(request.page_token, caller, digest)
        size = page_size(request.page_size, PAGE, MOST_A_PAGE)
        async with self._database.transaction(caller) as transaction:
            await require_level(transaction, *NEEDED)
            views = WorkdayViews(transaction, caller)
            await views.require(wanted)
            found = await views.findings(wanted, kinds, request.include_withdrawn, after, size + 1)
        token = self._tokens.issue(caller, digest, None, finding_key(found[size - 1])) if len(found) > size else ""
        messages = [finding_message(_as_seen_by(caller, each), self._law, self._texts) for each in found[:size]]
        return pb.ListFindingsResponse(findings=messages, next_page_token=token)

    async def WatchWorkdays(self, request: pb.WatchWorkdaysRequest, context: Context) -> AsyncIterator[pb.WatchWorkdaysResponse]:
        """Follows the changes of a body's days from a cursor on."""
        caller, wanted = current_caller(), _body(request.parent)
        since = _cursor(request.cursor) if request.cursor else None
        async with self._database.transaction(caller) as transaction:
            await require_level(transaction, *NEEDED)
            views = WorkdayViews(transaction, caller)
            await views.require(wanted)
            cursor = since if since is not None else await views.edge()
            if request.cursor not in ("", BEGINNING) and not await views.kept_since(cursor):
                raise WrongState("CURSOR_EXPIRED")
        # Whoever waits for this knows that from here on nothing is missed, also while nothing changes and where the stream breaks before.
        await context.send_initial_metadata(((CURSOR, request.cursor or _cursor_text(cursor)),))
        while not self._stop.is_set():
            async with self._database.transaction(caller) as transaction:
                views = WorkdayViews(transaction, caller)
                edge = await views.edge()
                changes = await views.changes(wanted.body or "", cursor, WATCH_BATCH, left=request.tell_left)
            for change in changes:
                cursor = change.cursor
                if change.day:
                    yield pb.WatchWorkdaysResponse(cursor=_cursor_text(cursor), workday=workday_message(change.day))
                elif change.left:
                    yield pb.WatchWorkdaysResponse(cursor=_cursor_text(cursor), left=change.left)
            if len(changes) < WATCH_BATCH:
                # All up to the edge was seen: what other bodies changed there is not passed over again and again.
                cursor = max(cursor, edge)
                await paused(self._stop, WATCH_EVERY_S)


def _as_seen_by(caller: Caller, finding: Finding) -> Finding:
    """The finding without the number of the badge, unless the caller is an HR officer of its body."""
    officer = any(grant.role == "hr-officer" and grant.scope == finding.body for grant in caller.grants)
    return finding if officer else replace(finding, badge=None)


def _wanted(request: pb.ListWorkdaysRequest | pb.ListFindingsRequest) -> Wanted:
    body, servant = parent_of(request.parent, "parent")
    since, until = day(request.since, "since"), day(request.until, "until")
    if until < since:
        raise WrongState("SPAN_REVERSED", since=since, until=until)
    if until - since > LONGEST_SPAN:
        raise Malformed({"until": f"at most {LONGEST_SPAN.days} days after since"})
    return Wanted(body, servant, since, until)


def _body(parent: str) -> Wanted:
    body, servant = parent_of(parent, "parent")
    if servant is not None:
        raise Malformed({"parent": "a name like stateBodies/{state_body}"})
    return Wanted(body, None, date.min, date.max)


def _kind(value: int) -> str:
    if not 0 < value <= len(KINDS):
        raise Malformed({"kinds": "kinds of findings"})
    return KINDS[value - 1]


def _cursor(text: str) -> Cursor:
    if text == BEGINNING:
        return 0, 0, 0
    if found := _CURSOR.fullmatch(text):
        era, xid, change = (int(each or 0) for each in found.groups())
        if max(era, xid, change) < 2**63:  # larger numbers than a transaction's or a row's are nobody's cursor
            return era, xid, change
    raise Malformed({"cursor": f'the cursor of an answer, "{BEGINNING}", or empty'})


def _cursor_text(cursor: Cursor) -> str:
    era, xid, change = cursor
    return f"{era}:{xid}.{change}" if era else f"{xid}.{change}"
