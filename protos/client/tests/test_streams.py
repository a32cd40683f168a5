"""Streams that break: changes are followed from the last cursor on, passages are sent again from the first that was not acknowledged."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import chassis.errors
import grpc
import pytest
import tartip_client
from chassis.errors import status_of
from chassis.testing.tokens import Tokens
from hypothesis import given
from hypothesis import strategies as st
from kernel.faults import Fault, Malformed, TooMuch, Unauthenticated, Unavailable, WrongState
from tartip.timetracking.v1.error_reason_pb2 import ERROR_REASON_DEVICE_NOT_ENROLLED, ErrorReason
from tartip.timetracking.v1.passage_service_pb2 import Passage, RecordPassagesRequest, RecordPassagesResponse, RefusedPassage
from tartip.timetracking.v1.workday_service_pb2 import WatchWorkdaysRequest, WatchWorkdaysResponse
from tartip_client import ONCE, Policy, Refusal, SignInAway, SignInRefused, SignInUntrusted
from tartip_client import RefusedPassage as Answered
from tartip_client.passages import PASSAGES_MOST, Waiting, broken

from .conftest import GRANTS, Client, Stage, sign_in

WATCHED = WatchWorkdaysRequest(parent="stateBodies/KGD", cursor="start", tell_left=True)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform lets nobody wait for long here."""
    monkeypatch.setattr(chassis.errors, "RETRY_UNAVAILABLE_S", 0.001)


class Changes:
    """Kept changes 1 to `last`; after so many of a stream it ends in one of the given ways, the last one for ever."""

    def __init__(self, last: int, *ends: tuple[int, Exception | None], begins: str = "") -> None:
        self.last, self.ends, self.begins = last, list(ends), begins
        self.asked: list[str] = []

    async def __call__(self, request: Any, context: Any) -> AsyncIterator[WatchWorkdaysResponse]:
        self.asked.append(request.cursor)
        if self.begins:
            await context.send_initial_metadata((("tartip-cursor", request.cursor or self.begins),))
        first = 0 if request.cursor in ("", "start") else int(request.cursor)
        many, how = self.ends.pop(0) if self.ends else (self.last, None)
        for number in range(first + 1, min(self.last, first + many) + 1):
            yield WatchWorkdaysResponse(cursor=str(number))
        if how is not None:
            raise how
        if not self.ends and first + many >= self.last:
            await asyncio.Event().wait()


async def test_changes_are_followed_over_every_kind_of_break(stage: Stage, token: str, client: Client) -> None:
    stage.streams.follow = changes = Changes(7, (2, Unavailable()), (0, Unavailable()), (1, None), (3, Unauthenticated()))
    async with stage.timetracking() as address:
        seen = [each.cursor for each in await client.watched(address, token, WATCHED, 7)]
    assert seen == ["1", "2", "3", "4", "5", "6", "7"]
    assert changes.asked == ["start", "2", "2", "3", "6"]
    assert all(each.tell_left for each in stage.told.asked), "whatever it asks for, it asks for each time"


@pytest.mark.parametrize("code", ["INTERNAL", "UNKNOWN", "CANCELLED", "DEADLINE_EXCEEDED"])
async def test_a_stream_that_ends_without_a_reason_was_cut(stage: Stage, token: str, client: Client, code: str) -> None:
    class Line(Changes):
        """Ends its first stream as a line does that breaks: with a code, and no reason."""

        async def __call__(self, request: Any, context: Any) -> AsyncIterator[WatchWorkdaysResponse]:
            try:
                async for change in super().__call__(request, context):
                    yield change
            except Unavailable:
                await context.abort(grpc.StatusCode[code], "the line broke")

    stage.streams.follow = changes = Line(3, (2, Unavailable()))
    async with stage.timetracking() as address:
        seen = [each.cursor for each in await client.watched(address, token, WATCHED, 3)]
    assert (seen, changes.asked) == (["1", "2", "3"], ["start", "2"])


def test_what_ended_a_stream_is_a_cut_only_where_no_reason_came() -> None:
    assert broken(Refusal("INTERNAL", "RST_STREAM")) == Refusal("UNAVAILABLE", "the stream was cut: INTERNAL RST_STREAM")
    for ended in (Refusal("INTERNAL", "m", "INTERNAL"), Refusal("NOT_FOUND", "m"), Refusal("UNAUTHENTICATED", "m")):
        assert broken(ended) is ended


async def test_a_stream_that_breaks_before_anything_changed_goes_on_from_where_it_began(stage: Stage, token: str, client: Client) -> None:
    stage.streams.follow = changes = Changes(6, (0, Unavailable()), (0, Unauthenticated()), (0, Unauthenticated()), begins="4")
    async with stage.timetracking() as address:
        seen = await client.watched(address, token, WatchWorkdaysRequest(parent="stateBodies/KGD"), 2)
    assert [each.cursor for each in seen] == ["5", "6"]
    assert changes.asked == ["", "4", "4", "4"]


async def test_a_cursor_that_is_kept_no_more_is_told(stage: Stage, token: str, client: Client) -> None:
    stage.streams.follow = Changes(3, (2, Unavailable()), (0, WrongState("CURSOR_EXPIRED")))
    async with stage.timetracking() as address:
        with pytest.raises(tartip_client.Precondition) as error:
            await client.watched(address, token, WATCHED, 3)
    assert error.value.reason == "CURSOR_EXPIRED"


async def test_who_is_not_patient_is_told_that_the_stream_ended(stage: Stage, token: str, client: Client) -> None:
    stage.streams.follow = Changes(3, (0, None))
    async with stage.timetracking() as address:
        with pytest.raises(tartip_client.Unavailable):
            await client.watched(address, token, WATCHED, 1, ONCE)


async def test_a_stream_whose_token_does_not_count_goes_on_with_another(stage: Stage, tokens: Tokens, client: Client) -> None:
    given: list[str | Exception] = [tokens.mint("anna", GRANTS, claims={"exp": 1}), tokens.mint("anna", GRANTS)]
    stage.streams.follow = Changes(1)
    async with stage.timetracking() as address:
        assert len(await client.watched(address, sign_in(given), WATCHED, 1)) == 1
    assert given == []


async def test_streams_wait_for_a_sign_in_that_is_away(stage: Stage, token: str, client: Client) -> None:
    stage.streams.follow, stage.streams.record = Changes(1), Gateway()
    away = SignInAway("the test says so")
    async with stage.timetracking() as address:
        assert len(await client.watched(address, sign_in([away, away, token]), WATCHED, 1)) == 1
        assert await client.sent(address, sign_in([away, away, token]), [passage(1)]) == []
        with pytest.raises(SignInAway, match="the test says so"):
            await client.watched(address, sign_in([away, token]), WATCHED, 1, ONCE)
        with pytest.raises(SignInAway, match="the test says so"):
            await client.sent(address, sign_in([away, token]), [passage(1)], ONCE)


@pytest.mark.parametrize("why", [SignInRefused("no"), SignInUntrusted("no")], ids=["refused", "untrusted"])
async def test_a_stream_ends_where_the_sign_in_will_never_give_a_token(stage: Stage, token: str, client: Client, why: Exception) -> None:
    async with stage.timetracking() as address:
        with pytest.raises(type(why)):
            await client.watched(address, sign_in([why, token]), WATCHED, 1)
        with pytest.raises(type(why)):
            await client.sent(address, sign_in([why, token]), [passage(1)])


def passage(number: int) -> Passage:
    return Passage(device="stream-3", event_key=str(number))


REFUSED: Mapping[str, Fault] = {
    "7": WrongState("DEVICE_NOT_ENROLLED", device="stream-3"),
    "8": WrongState("DEVICE_REVOKED", device="stream-3"),
    "9": WrongState("IMPOSSIBLE_TIME", device="stream-3"),
    "10": Malformed({"passages[10].badge_number": "printable"}),
}


class Gateway:
    """Takes passages; in the given ways it ends a stream before it takes a request, and some passages it refuses by name."""

    def __init__(self, *ends: Exception | None) -> None:
        self.ends, self.taken = list(ends), list[str]()

    async def __call__(self, request: RecordPassagesRequest) -> AsyncIterator[RecordPassagesResponse]:
        if self.ends and (end := self.ends.pop(0)) is not None:
            raise end
        answer = RecordPassagesResponse(acknowledged_sequence=request.first_sequence + len(request.passages) - 1)
        for place, each in enumerate(request.passages):
            if each.event_key in REFUSED:
                refusal = status_of(REFUSED[each.event_key])
                answer.refused.append(RefusedPassage(sequence=request.first_sequence + place, refusal=refusal))
            else:
                self.taken.append(each.event_key)
        yield answer


async def test_passages_are_sent_until_each_is_taken_or_refused_by_name(stage: Stage, token: str, client: Client) -> None:
    stage.streams.record = gateway = Gateway(None, Unavailable(), None, TooMuch("TOO_MUCH", 0.001), None)
    async with stage.timetracking() as address:
        refused = await client.sent(address, token, [passage(number) for number in range(2_500)])
    assert gateway.taken == [str(number) for number in range(2_500) if str(number) not in REFUSED]
    assert [(each.passage.event_key, each.refusal.reason) for each in refused] == [(key, fault.reason) for key, fault in REFUSED.items()]
    assert refused[0].refusal.known == ERROR_REASON_DEVICE_NOT_ENROLLED
    assert [each.final for each in refused] == [False, False, True, True]


FINAL = {"MALFORMED", "IMPOSSIBLE_TIME"}
"""The platform has parked such a passage, and would say the same of it again."""
KEPT = {"DEVICE_NOT_ENROLLED", "DEVICE_REVOKED"}
"""What the platform knows today: the passage is kept, since it may know better later."""
NEVER_OF_A_PASSAGE = {
    "UNSPECIFIED", "NOT_FOUND", "ALREADY_EXISTS", "STALE_ETAG", "REQUEST_ID_REUSED", "FORBIDDEN", "UNAUTHENTICATED", "UNAVAILABLE",
    "PROJECTION_BEHIND", "SPAN_REVERSED", "BADGE_SPANS_OVERLAP", "SESSION_OPEN", "SESSION_ENDED", "CURSOR_EXPIRED", "PAGE_TOKEN", "INTERNAL",
    "RECORD_SENT_AGAIN", "RECORD_KEPT_BACK", "DEVICE_NOT_REVOKED", "TOO_MUCH", "OUT_OF_TIME",
}  # fmt: skip


def test_every_reason_is_known_to_be_final_or_not() -> None:
    """A reason that is added is put into one of the three sets, and into `passages.FINAL` where it is."""
    reasons = [name.removeprefix("ERROR_REASON_") for name in ErrorReason.DESCRIPTOR.values_by_name]
    assert sorted([*FINAL, *KEPT, *NEVER_OF_A_PASSAGE]) == sorted(reasons)
    younger = ["YOUNGER_THAN_THIS_CLIENT", ""]
    answered = {name: Answered(passage(1), Refusal("FAILED_PRECONDITION", "", name, "timetracking.tartip")) for name in reasons + younger}
    assert {name for name, each in answered.items() if each.final} == FINAL


async def test_what_the_gateway_will_never_take_ends_the_sending(stage: Stage, tokens: Tokens, client: Client) -> None:
    async with stage.timetracking() as address:
        with pytest.raises(tartip_client.NotAllowed):
            await client.sent(address, tokens.mint("anna", ["/nation/integrator"]), [passage(1)])
        assert await client.sent(address, "not even looked at", []) == []


async def test_one_whose_patience_ends_is_told_why_and_may_send_all_of_it_again(stage: Stage, token: str, client: Client) -> None:
    stage.streams.record = gateway = Gateway(None, Unavailable(), Unavailable(), Unavailable())
    given = [passage(number) for number in range(1_001)]
    async with stage.timetracking() as address:
        with pytest.raises(tartip_client.Unavailable):
            await client.sent(address, token, given, Policy(attempts=2, first_wait_s=0.001))
        gateway.ends.clear()
        assert len(await client.sent(address, token, given)) == len(REFUSED)
    assert set(gateway.taken) == {str(number) for number in range(1_001)} - set(REFUSED)


async def test_a_gateway_that_answers_and_acknowledges_nothing_is_given_up(stage: Stage, token: str, client: Client) -> None:
    async def nothing(_: RecordPassagesRequest) -> AsyncIterator[RecordPassagesResponse]:
        yield RecordPassagesResponse()

    stage.streams.record = nothing
    async with stage.timetracking() as address:
        with pytest.raises(tartip_client.Unavailable):
            await client.sent(address, token, [passage(1)], Policy(attempts=8, first_wait_s=0.001, longest_wait_s=0.002))


@given(st.integers(0, 5_000), st.lists(st.integers(0, 5_500), max_size=20))
def test_what_is_sent_again_is_what_is_not_acknowledged(many: int, acknowledged: list[int]) -> None:
    waiting, up_to = Waiting([passage(number) for number in range(1, many + 1)]), 0
    for each in [0, *acknowledged]:
        waiting.take(RecordPassagesResponse(acknowledged_sequence=each))
        up_to = max(up_to, each)
        requests = list(waiting.requests())
        assert all(0 < len(request.passages) <= PASSAGES_MOST for request in requests)
        places = [request.first_sequence + place for request in requests for place in range(len(request.passages))]
        assert places == [int(row.event_key) for request in requests for row in request.passages] == list(range(up_to + 1, many + 1))
        assert bool(waiting) == bool(places)
