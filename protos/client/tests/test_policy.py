"""How often and after how long: whatever is refused, and whenever."""

import logging
from itertools import pairwise

import pytest
from google.protobuf import message_factory
from hypothesis import given
from hypothesis import strategies as st
from localstack.methods import all_methods
from tartip_client import ONCE, PATIENT, Policy, Refusal
from tartip_client.policy import AWAY, LONGEST_SILENCE_S, TOLD_AGAIN_AFTER_S, Tries, repeatable

CODES = st.sampled_from(["UNAVAILABLE", "RESOURCE_EXHAUSTED", "UNAUTHENTICATED", "NOT_FOUND", "INTERNAL", "DEADLINE_EXCEEDED"])
REFUSALS = st.builds(Refusal, CODES, st.just(""), retry_after_s=st.none() | st.floats(0, 10_000))
POLICIES = st.builds(
    Policy,
    deadline_s=st.floats(0.001, 3_600),
    attempts=st.integers(1, 100),
    first_wait_s=st.floats(0.001, 10),
    longest_wait_s=st.floats(10, 600),
)
DRAWN = st.floats(0, 1, exclude_max=True)


@given(POLICIES, REFUSALS, st.integers(1, 2_000), st.floats(0, 3_600), DRAWN)
def test_a_wait_is_never_shorter_than_was_asked_nor_longer_than_is_left(
    policy: Policy, refusal: Refusal, attempt: int, left_s: float, drawn: float
) -> None:
    wait = policy.wait_s(refusal, attempt, left_s, drawn)
    if refusal.code not in AWAY or attempt >= policy.attempts:
        assert wait is None
    elif wait is not None:
        assert wait < left_s
        assert wait >= (refusal.retry_after_s or 0)
        assert wait <= (refusal.retry_after_s or 0) + policy.longest_wait_s


def test_who_is_told_when_to_come_again_does_so_until_the_deadline() -> None:
    """As while a restored platform reads again what it knew, which takes longer than eight seconds."""
    behind = Refusal("UNAVAILABLE", "", "PROJECTION_BEHIND", retry_after_s=1.0)
    assert Policy().wait_s(behind, 20, 5.0, 0.0) == 1.0
    assert Policy().wait_s(behind, 20, 1.0, 0.0) is None
    assert ONCE.wait_s(behind, 1, 30.0, 0.0) is None


@given(POLICIES, st.integers(1, 98), DRAWN)
def test_waits_grow_up_to_the_longest(policy: Policy, attempt: int, drawn: float) -> None:
    away = Refusal("UNAVAILABLE", "")
    patient = Policy(None, 100, policy.first_wait_s, policy.longest_wait_s)
    one, next_one = (patient.wait_s(away, each, float("inf"), drawn) for each in (attempt, attempt + 1))
    assert one is not None
    assert next_one is not None
    assert policy.first_wait_s / 2 <= one <= next_one <= policy.longest_wait_s


AWAY_NOW = Refusal("UNAVAILABLE", "Ssl handshake failed: CERTIFICATE_VERIFY_FAILED")


class Waiting:
    """One who waits, by a clock of the test; `told` are the instants at which the log said so."""

    def __init__(self, caplog: pytest.LogCaptureFixture, policy: Policy = PATIENT) -> None:
        caplog.set_level(logging.INFO, "tartip_client")
        self.caplog, self.now, self.told = caplog, 0.0, list[float]()
        self.tries = Tries(policy, policy.deadline_s, lambda: self.now, lambda: 0.5)

    def refused(self, refusal: Refusal, times: int) -> None:
        """Waits after each refusal."""
        for _ in range(times):
            self.caplog.clear()
            wait = self.tries.again_s(refusal)
            assert wait is not None
            self.told += [self.now] * len(self.caplog.records)
            self.now += wait


def test_who_waits_without_an_end_says_why_at_once_and_then_ever_less_often(caplog: pytest.LogCaptureFixture) -> None:
    waiting = Waiting(caplog)
    waiting.refused(AWAY_NOW, 2)
    assert len(waiting.told) == 1
    assert waiting.told[0] < 1
    assert "CERTIFICATE_VERIFY_FAILED" in caplog.text
    waiting.refused(AWAY_NOW, 4_000)  # a day
    pauses = [later - sooner for sooner, later in pairwise(waiting.told)]
    assert pauses[0] >= TOLD_AGAIN_AFTER_S
    assert all(sooner <= later + PATIENT.longest_wait_s for sooner, later in pairwise(pauses))
    assert max(pauses) <= LONGEST_SILENCE_S + PATIENT.longest_wait_s
    assert len(pauses) < 40


def test_when_the_platform_answers_again_that_is_said_too_and_the_next_break_is_told_anew(caplog: pytest.LogCaptureFixture) -> None:
    waiting = Waiting(caplog)
    for _ in range(2):
        waiting.refused(AWAY_NOW, 5)
        waiting.tries.got_on()
        assert "answers again" in caplog.text
        caplog.clear()
        waiting.tries.got_on()
        assert caplog.text == ""
        waiting.now += 10**6
    assert len(waiting.told) == 2


def test_a_break_that_is_over_at_once_is_not_told_nor_what_has_a_deadline(caplog: pytest.LogCaptureFixture) -> None:
    waiting = Waiting(caplog)
    for _ in range(100):
        waiting.refused(Refusal("UNAUTHENTICATED", ""), 1)
        waiting.refused(AWAY_NOW, 1)
        waiting.tries.got_on()
    ends = Waiting(caplog, Policy())
    ends.refused(AWAY_NOW, 7)
    assert (waiting.told, ends.told, caplog.text) == ([], [], "")


@given(POLICIES, st.lists(REFUSALS, max_size=300))
def test_a_call_ends_within_its_attempts_and_its_deadline_whatever_is_answered(policy: Policy, refusals: list[Refusal]) -> None:
    now, made, renewed = 0.0, 1, 0
    tries = Tries(policy, policy.deadline_s, lambda: now, lambda: 0.5)
    for refusal in refusals:
        wait = tries.again_s(refusal)
        if wait is None:
            break
        renewed += refusal.code == "UNAUTHENTICATED"
        now, made = now + wait, made + 1
    assert policy.deadline_s is not None
    assert now < policy.deadline_s
    assert made <= policy.attempts + renewed
    assert renewed <= 1


def test_what_got_on_begins_anew() -> None:
    tries = Tries(Policy(attempts=2), None)
    away = Refusal("UNAVAILABLE", "")
    assert tries.again_s(away) is not None
    assert tries.again_s(away) is None
    tries.got_on()
    assert tries.again_s(away) is not None


def test_one_who_is_patient_goes_on_however_long_it_takes() -> None:
    tries = Tries(PATIENT, PATIENT.deadline_s)
    assert all(0 < (tries.again_s(Refusal("UNAVAILABLE", "")) or 0) <= 30 for _ in range(5_000))
    assert Tries(ONCE, 30).again_s(Refusal("UNAVAILABLE", "")) is None


def test_every_single_call_of_the_platform_may_be_made_again() -> None:
    """It reads, and says so by its name, or it has a request_id: a method that does neither could be done twice, and fails here."""
    single = [each for each in all_methods() if not each.descriptor.client_streaming and not each.descriptor.server_streaming]
    assert len(single) > 50
    requests = {each.path: message_factory.GetMessageClass(each.descriptor.input_type)() for each in single}
    assert [path for path, request in requests.items() if not repeatable(path, request)] == []
    reads = {each.path for each in single if "request_id" not in each.descriptor.input_type.fields_by_name}
    assert not [path for path in reads if path.rpartition("/")[2].startswith(("Create", "End", "Appoint", "Record", "Place", "Release"))]
    assert not repeatable("/tartip.registry.v1.StateBodyService/CreateStateBody", object())
