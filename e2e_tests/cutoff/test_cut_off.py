"""A region is cut off for hours: devices are told that nothing is taken, and keep it; when Kafka is back, what happens now comes first."""

from e2e_tests.chaos.stage import Stage
from e2e_tests.cutoff.conftest import SMALLEST
from e2e_tests.cutoff.gates import ADMS, GRPC, ISAPI
from e2e_tests.cutoff.story import REMEMBERED, lived_through
from e2e_tests.cutoff.waiting import WEIGHT

# Beside what waits, which test_waiting.py weighs: bodies of requests, senders who gave up, and what an interpreter breathes by.
BESIDE = 60_000_000


async def test_a_region_cut_off_for_hours_loses_nothing_and_serves_first_what_happens_now(region: Stage) -> None:
    seen = await lived_through(region, SMALLEST)
    assert {answer for kind, answer in seen.answers if kind == "ADMS"} == {ADMS}
    assert {answer for kind, answer in seen.answers if kind == "ISAPI"} == {ISAPI}
    assert {answer for kind, answer in seen.answers if kind == "gRPC"} == {GRPC}
    # Whoever has had Kafka stays where devices find it; who starts meanwhile lives, and is sent nobody until Kafka is there.
    assert seen.readiness == {(200, 200), (200, 503)}
    assert seen.others["serve"] == (200, 200)
    assert all(live == 200 for live, _ in seen.others.values())
    assert SMALLEST.waiting / 2 < seen.most_waiting <= SMALLEST.waiting
    assert seen.most_resident - seen.resident_before < SMALLEST.waiting * WEIGHT + BESIDE
    assert seen.events_waiting > 0
    assert all(count > at_once for count, at_once in zip(seen.backlog.values(), (500, 4, 1_000), strict=True))
    assert seen.order.passages > 500, "live passages waited for the backlog"
    assert seen.order.days > 0, "live days waited for the backlog"
    assert seen.forgotten > REMEMBERED
    assert seen.missing_found == 1
