"""One group from its bytes to its acknowledgements, without a broker."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime

import pytest
from chassis.bug_limit import BugLimit, TooManyBugs
from chassis.delivery import Delivery, Letter, Received, Subscription, TombstoneNotApplied
from chassis.sources import sources
from google.protobuf.struct_pb2 import ListValue, Value
from kernel.faults import Fault, Malformed, Unavailable, WrongState
from opentelemetry import trace

TOPIC = "tests.batches.v1"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
Apply = Callable[[Sequence[ListValue]], Awaitable[None]]


def batch(*words: str) -> ListValue:
    return ListValue(values=[Value(string_value=word) for word in words])


def words_of(messages: Sequence[ListValue]) -> list[str]:
    return [value.string_value for message in messages for value in message.values]


class Desk:
    """A use case that keeps what it was given, and a parking lot; each does what it is told first."""

    def __init__(self, trouble: Callable[[list[str]], Exception | None] = lambda _: None) -> None:
        self.trouble = trouble
        self.applied: list[list[str]] = []
        self.parked: list[tuple[str, bytes | None, bytes, Mapping[str, str]]] = []
        self.acknowledged: list[int] = []
        self.paused: list[float] = []
        self.tries = 0

    async def apply(self, messages: Sequence[ListValue]) -> None:
        self.tries += 1
        words = words_of(messages)
        if (error := self.trouble(words)) is not None:
            raise error
        self.applied.append(words)

    async def park(self, topic: str, key: bytes | None, value: bytes, headers: Mapping[str, str]) -> None:
        self.parked.append((topic, key, value, headers))

    async def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        await asyncio.sleep(0)

    def delivery(self, limit: BugLimit | None = None, split: bool = True) -> Delivery[ListValue]:
        subscription = Subscription(
            TOPIC,
            ListValue,
            self.apply,
            weight=lambda message: len(message.values),
            split=(lambda message: [ListValue(values=[value]) for value in message.values]) if split else None,
        )
        return Delivery(subscription, self.park, limit, self.pause, lambda: NOW)

    def received(self, offset: int, value: bytes | None, headers: Mapping[str, str] | None = None) -> Received:
        return Received(TOPIC, 3, offset, b"key", value, headers or {}, lambda: True, lambda: self.acknowledged.append(offset))

    def letters(self, delivery: Delivery[ListValue], *messages: ListValue | bytes | None) -> list[Letter[ListValue]]:
        return [
            delivery.read(self.received(offset, message.SerializeToString() if isinstance(message, ListValue) else message))
            for offset, message in enumerate(messages)
        ]

    @property
    def parked_words(self) -> list[str]:
        return [word for _, _, value, _ in self.parked for word in words_of([ListValue.FromString(value)])]


def refusing(*bad: str) -> Callable[[list[str]], Exception | None]:
    return lambda words: WrongState("DAY_CLOSED") if set(bad) & set(words) else None


def stumbling(*bad: str) -> Callable[[list[str]], Exception | None]:
    return lambda words: KeyError("a name") if set(bad) & set(words) else None


async def test_a_group_is_applied_at_once_and_acknowledged_in_its_order() -> None:
    desk = Desk()
    delivery = desk.delivery()
    await delivery.deliver(desk.letters(delivery, batch("a", "b"), batch("c"), batch("d")))
    assert desk.applied == [["a", "b", "c", "d"]]
    assert desk.acknowledged == [0, 1, 2]
    assert desk.parked == []


async def test_an_unreadable_message_is_parked_as_it_came_and_the_rest_goes_on() -> None:
    desk = Desk()
    delivery = desk.delivery()
    await delivery.deliver(desk.letters(delivery, batch("a"), b"\xff\xff", None, batch("b")))
    assert desk.applied == [["a", "b"]]
    assert [(topic, key, value, headers["reason"], headers["origin"]) for topic, key, value, headers in desk.parked] == [
        (f"{TOPIC}.parked", b"key", b"\xff\xff", "unreadable", f"{TOPIC}/3/1/0"),
        (f"{TOPIC}.parked", b"key", b"", "unreadable", f"{TOPIC}/3/2/0"),
    ]
    assert desk.acknowledged == [0, 1, 2, 3]


async def test_one_refused_piece_of_many_is_parked_alone() -> None:
    desk = Desk(refusing("c3"))
    delivery = desk.delivery()
    messages = [batch(*(f"{letter}{number}" for number in range(5))) for letter in "abcde"]
    await delivery.deliver(desk.letters(delivery, *messages))
    assert sorted(word for words in desk.applied for word in words) == sorted(set(words_of(messages)) - {"c3"})
    [(topic, key, value, headers)] = desk.parked
    assert (topic, key, ListValue.FromString(value)) == (f"{TOPIC}.parked", b"key", batch("c3"))
    assert headers["reason"] == "DAY_CLOSED"
    assert headers["error"] == "DAY_CLOSED"
    assert headers["origin"] == f"{TOPIC}/3/2/3"
    assert headers["first_failed_at"] == NOW.isoformat()
    assert desk.acknowledged == [0, 1, 2, 3, 4]
    assert desk.paused == []


async def test_pieces_that_are_not_bad_keep_their_order_around_the_bad_ones() -> None:
    desk = Desk(refusing("c", "f"))
    delivery = desk.delivery()
    await delivery.deliver(desk.letters(delivery, batch("a", "b", "c"), batch("d"), batch("e", "f", "g")))
    assert [word for words in desk.applied for word in words] == ["a", "b", "d", "e", "g"]
    assert desk.parked_words == ["c", "f"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 40])
async def test_neither_the_grouping_nor_the_order_of_delivery_changes_what_is_applied_and_parked(size: int) -> None:
    desk = Desk(refusing("3b", "11a", "29b"))
    delivery = desk.delivery()
    messages = [batch(f"{number}a", f"{number}b") for number in range(40)]
    random.Random(size).shuffle(messages)
    letters = desk.letters(delivery, *messages)
    for first in range(0, 40, size):
        await delivery.deliver(letters[first : first + size])
    applied = [word for words in desk.applied for word in words]
    assert sorted(applied) == sorted(set(words_of(messages)) - {"3b", "11a", "29b"})
    assert sorted(desk.parked_words) == ["11a", "29b", "3b"]
    assert desk.acknowledged == list(range(40))


async def test_a_message_that_cannot_be_split_is_parked_as_the_bytes_it_came_in() -> None:
    desk = Desk(refusing("b"))
    delivery = desk.delivery(split=False)
    await delivery.deliver(desk.letters(delivery, batch("a", "b"), batch("c")))
    assert [words_of([ListValue.FromString(value)]) for _, _, value, _ in desk.parked] == [["a", "b"]]
    assert desk.applied == [["c"]]


async def test_what_is_away_is_waited_for_in_place_and_nothing_is_acknowledged_meanwhile() -> None:
    away = 40
    seen: list[tuple[list[int], bool]] = []
    desk = Desk()
    delivery = desk.delivery()

    def trouble(_: list[str]) -> Exception | None:
        seen.append((list(desk.acknowledged), delivery.holding))
        return ConnectionRefusedError() if desk.tries <= away else None

    desk.trouble = trouble
    await delivery.deliver(desk.letters(delivery, batch("a"), batch("b")))
    assert all(acknowledged == [] for acknowledged, _ in seen)
    assert [holding for _, holding in seen] == [False] + [True] * away
    assert desk.applied == [["a", "b"]]
    assert desk.parked == []
    assert desk.acknowledged == [0, 1]
    assert not delivery.holding
    assert max(desk.paused) == 5.0


@pytest.mark.parametrize("error", [Unavailable(), TimeoutError(), ConnectionResetError(), OSError(2, "no socket")])
async def test_every_kind_of_absence_is_waited_for(error: Exception) -> None:
    desk = Desk()
    desk.trouble = lambda _: error if desk.tries < 3 else None
    delivery = desk.delivery()
    await delivery.deliver(desk.letters(delivery, batch("a")))
    assert (desk.applied, desk.parked) == ([["a"]], [])


async def test_a_group_that_keeps_running_out_of_time_is_written_in_halves() -> None:
    desk = Desk(lambda words: TimeoutError() if len(words) > 2 else None)
    delivery = desk.delivery()
    await delivery.deliver(desk.letters(delivery, batch("a", "b", "c", "d", "e")))
    assert [word for words in desk.applied for word in words] == ["a", "b", "c", "d", "e"]
    assert desk.parked == []


async def test_a_bug_is_tried_again_for_a_second_in_all_and_then_parked_alone() -> None:
    desk = Desk(stumbling("bad"))
    delivery = desk.delivery()
    await delivery.deliver(desk.letters(delivery, *(batch(f"good{number}") for number in range(30)), batch("bad")))
    assert sum(desk.paused) == pytest.approx(1.0)
    assert desk.parked_words == ["bad"]
    headers = desk.parked[0][3]
    assert headers["reason"] == "bug"
    assert int(headers["attempts"]) > 3
    assert len([word for words in desk.applied for word in words]) == 30


async def test_a_bug_that_is_a_race_goes_by() -> None:
    desk = Desk()
    desk.trouble = lambda _: KeyError("late") if desk.tries < 3 else None
    delivery = desk.delivery()
    await delivery.deliver(desk.letters(delivery, batch("a")))
    assert (desk.applied, desk.parked, desk.acknowledged) == ([["a"]], [], [0])


async def test_an_error_in_the_parking_lot_names_no_person() -> None:
    desk = Desk(lambda words: KeyError("Айгүл Смагулова, 900101400123"))
    delivery = desk.delivery()
    await delivery.deliver(desk.letters(delivery, batch("a")))
    error = desk.parked[0][3]["error"]
    assert error.startswith("KeyError at apply:")
    assert "Смагулова" not in str(desk.parked[0][3])


async def test_a_program_that_fails_at_everything_stops_before_it_parks_anything() -> None:
    desk = Desk(lambda words: AttributeError())
    delivery = desk.delivery(BugLimit(share=0.05, at_least=20))
    with pytest.raises(TooManyBugs):
        await delivery.deliver(desk.letters(delivery, *(batch(f"w{number}") for number in range(100))))
    assert (desk.parked, desk.acknowledged, desk.applied) == ([], [], [])


async def test_bugs_trickling_in_one_by_one_stop_the_consumer_too() -> None:
    desk = Desk(lambda words: AttributeError())
    delivery = desk.delivery(BugLimit(share=0.05, at_least=5))
    for _ in range(4):
        await delivery.deliver(desk.letters(delivery, batch("w")))
    with pytest.raises(TooManyBugs):
        await delivery.deliver(desk.letters(delivery, batch("w")))
    assert len(desk.parked) == len(desk.acknowledged) == 4


async def test_refusals_and_unreadable_messages_never_stop_the_consumer() -> None:
    desk = Desk(lambda words: WrongState("IMPOSSIBLE_TIME"))
    delivery = desk.delivery(BugLimit(share=0.0, at_least=1))
    await delivery.deliver(desk.letters(delivery, *([batch("w")] * 50), *([b"\xff"] * 50)))
    assert len(desk.parked) == len(desk.acknowledged) == 100


def test_bugs_of_long_ago_are_forgotten() -> None:
    now = 0.0
    limit = BugLimit(share=0.05, at_least=2, window_s=60, elapsed=lambda: now)
    limit.came(1)
    limit.bug(1)
    now = 61.0
    limit.came(1)
    limit.bug(1)
    with pytest.raises(TooManyBugs):
        limit.bug(1)


async def test_parking_is_waited_for_before_anything_is_acknowledged() -> None:
    desk = Desk(refusing("a"))
    acknowledged_at_parking: list[list[int]] = []
    failures = 3

    async def park(topic: str, key: bytes | None, value: bytes, headers: Mapping[str, str]) -> None:
        acknowledged_at_parking.append(list(desk.acknowledged))
        if len(acknowledged_at_parking) <= failures:
            raise RuntimeError("the broker is away")
        await desk.park(topic, key, value, headers)

    delivery = Delivery(Subscription(TOPIC, ListValue, desk.apply), park, None, desk.pause)
    await delivery.deliver(desk.letters(delivery, batch("a"), batch("b")))
    assert acknowledged_at_parking == [[]] * (failures + 1)
    assert desk.parked_words == ["a"]
    assert desk.acknowledged == [0, 1]


async def test_a_cancelled_group_has_acknowledged_nothing() -> None:
    desk = Desk()
    started = asyncio.Event()

    async def apply(_: Sequence[ListValue]) -> None:
        started.set()
        await asyncio.Event().wait()

    delivery = Delivery(Subscription(TOPIC, ListValue, apply), desk.park)
    task = asyncio.create_task(delivery.deliver(desk.letters(delivery, batch("a"))))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (desk.acknowledged, desk.parked) == ([], [])


async def test_a_parked_piece_keeps_its_headers_and_the_story_of_its_first_failure() -> None:
    desk = Desk(refusing("a"))
    delivery = desk.delivery()
    sent = {
        "event_id": "0192",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "attempts": "4",
        "first_failed_at": "2026-11-01T00:00:00+00:00",
        "reason": "bug",
    }
    await delivery.deliver([delivery.read(desk.received(9, batch("a").SerializeToString(), sent))])
    headers = desk.parked[0][3]
    now = {"reason": "DAY_CLOSED", "error": "DAY_CLOSED", "origin": f"{TOPIC}/3/9/0", "parked_at": NOW.isoformat(), "attempts": "5"}
    assert headers == {**sent, **now}


async def test_the_use_case_can_tell_where_each_message_and_each_part_of_one_came_from() -> None:
    came: list[tuple[list[str], list[str]]] = []

    async def apply(messages: Sequence[ListValue]) -> None:
        came.append((words_of(messages), [f"{each.origin} {each.headers['event_id']}" + " part" * (not each.whole) for each in sources()]))
        if "b" in words_of(messages):
            raise WrongState("DAY_CLOSED")

    desk = Desk()
    desk.apply = apply  # type: ignore[method-assign]
    delivery = desk.delivery()
    messages = [batch("a", "b"), batch("c")]
    letters = [delivery.read(desk.received(at, each.SerializeToString(), {"event_id": f"e{at}"})) for at, each in enumerate(messages, 7)]
    await delivery.deliver(letters)
    assert came == [
        (["a", "b", "c"], [f"{TOPIC}/3/7/0 e7", f"{TOPIC}/3/8/0 e8"]),
        (["a", "b"], [f"{TOPIC}/3/7/0 e7"]),
        (["a"], [f"{TOPIC}/3/7/0 e7 part"]),
        (["b"], [f"{TOPIC}/3/7/1 e7 part"]),
        (["c"], [f"{TOPIC}/3/8/0 e8"]),
    ]
    assert list(sources()) == []


async def test_the_trace_of_the_message_goes_on_in_the_use_case() -> None:
    seen: list[int] = []

    async def apply(_: Sequence[ListValue]) -> None:
        seen.append(trace.get_current_span().get_span_context().trace_id)

    desk = Desk()
    delivery = Delivery(Subscription(TOPIC, ListValue, apply), desk.park)
    headers = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    value = batch("a").SerializeToString()
    await delivery.deliver([delivery.read(desk.received(offset, value, headers)) for offset in range(3)])
    assert seen == [0x0AF7651916CD43DD8448EB211C80319C]


def test_a_refusal_raised_from_an_absence_is_a_refusal() -> None:
    from chassis.transient import is_transient

    fault: Fault = WrongState("DAY_CLOSED")
    fault.__cause__ = ConnectionResetError()
    assert not is_transient(fault)
    wrapped = RuntimeError()
    wrapped.__cause__ = ConnectionResetError()
    assert is_transient(wrapped)


class Erasing(Desk):
    """A desk that also erases: what it was given in between stands in its order."""

    async def erase(self, keys: Sequence[str]) -> None:
        if (error := self.trouble(list(keys))) is not None:
            raise error
        self.applied.append([f"-{key}" for key in keys])

    def delivery(self, limit: BugLimit | None = None, split: bool = True) -> Delivery[ListValue]:
        return Delivery(Subscription(TOPIC, ListValue, self.apply, erase=self.erase), self.park, limit, self.pause, lambda: NOW)


async def test_tombstones_are_erased_in_their_order_among_the_messages() -> None:
    desk = Erasing()
    delivery = desk.delivery()
    await delivery.deliver(desk.letters(delivery, batch("a"), None, None, batch("b"), None))
    assert desk.applied == [["a"], ["-key", "-key"], ["b"], ["-key"]]
    assert desk.acknowledged == [0, 1, 2, 3, 4]
    assert desk.parked == []


async def test_a_message_that_is_refused_beside_a_tombstone_is_parked_alone() -> None:
    desk = Erasing(refusing("bad"))
    delivery = desk.delivery()
    await delivery.deliver(desk.letters(delivery, batch("bad"), None, batch("b")))
    assert desk.parked_words == ["bad"]
    assert [each for each in desk.applied if each != ["-key"]] == [["b"]]
    assert ["-key"] in desk.applied


@pytest.mark.parametrize("error", [WrongState("DAY_CLOSED"), KeyError("a name"), Unavailable()])
async def test_a_tombstone_that_cannot_be_applied_is_held_until_it_can_be_and_never_parked(error: Exception) -> None:
    seen: list[tuple[list[int], bool]] = []
    desk = Erasing()
    delivery = desk.delivery(BugLimit(share=0.0, at_least=1))

    def trouble(words: list[str]) -> Exception | None:
        if "key" not in words or len(seen) == 40:
            return None
        seen.append((list(desk.acknowledged), delivery.holding))
        return error

    desk.trouble = trouble
    await delivery.deliver(desk.letters(delivery, batch("a"), None, batch("b")))
    assert desk.parked == []
    assert desk.applied[-2:] == [["-key"], ["b"]]
    assert desk.acknowledged == [0, 1, 2]
    assert all(acknowledged == [] for acknowledged, _ in seen)
    assert seen[-1][1], "operators see that the partition is held"
    assert not delivery.holding


@pytest.mark.parametrize("error", [WrongState("DAY_CLOSED"), KeyError("a name")])
async def test_who_does_not_wait_is_told_which_tombstone_cannot_be_applied(error: Exception) -> None:
    """Nothing of the group is parked or acknowledged; what passes by itself is waited for all the same."""
    seen: list[Exception] = []
    desk = Erasing()
    subscription = Subscription(TOPIC, ListValue, desk.apply, erase=desk.erase)
    delivery = Delivery(subscription, desk.park, pause=desk.pause, now=lambda: NOW, waits=False)

    def trouble(words: list[str]) -> Exception | None:
        if "key" not in words or len(seen) == 40:
            return None
        seen.append(error if seen else Unavailable())
        return seen[-1]

    desk.trouble = trouble
    with pytest.raises(TombstoneNotApplied, match=f"^{TOPIC}/3/1/0: (?!.*a name)"):
        await delivery.deliver(desk.letters(delivery, batch("bad"), None, batch("b")))
    assert (desk.parked, desk.acknowledged) == ([], [])


async def test_a_tombstone_whose_key_is_malformed_erases_nothing_and_is_parked() -> None:
    desk = Erasing(lambda words: Malformed({"key": "servant/month"}))
    delivery = desk.delivery()
    await delivery.deliver(desk.letters(delivery, None))
    assert [headers["reason"] for _, _, _, headers in desk.parked] == ["MALFORMED"]
    assert desk.acknowledged == [0]


@pytest.mark.parametrize("key", [None, b"", b"\xff", b"a\0"])
async def test_a_tombstone_without_a_key_is_unreadable(key: bytes | None) -> None:
    desk = Erasing()
    delivery = desk.delivery()
    keyless = Received(TOPIC, 3, 0, key, None, {}, lambda: True, lambda: desk.acknowledged.append(0))
    await delivery.deliver([delivery.read(keyless)])
    assert [headers["reason"] for _, _, _, headers in desk.parked] == ["unreadable"]
