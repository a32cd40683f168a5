"""Each part of the measurement runs in its smallest size; what it finds there says nothing. By `make try-benches`."""

import pytest
from chassis.testing.artifacts import fetched, java
from chassis.testing.real_stack import had

from e2e_tests.bench.stand import stand
from e2e_tests.capacity.founded import founded
from e2e_tests.capacity.measure import Sizes, backlog, called, lived, paces, region

SMALLEST = Sizes(servants=(8, 8), rest_s=1.0, paced_s=2.0, paces=(4,), calls=3)


async def test_what_servants_take_once_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    had(lambda: (java(), fetched("kafka")))
    once = await founded(8, print)
    assert min(once.octets.values()) > 0
    assert once.months > 1
    assert once.topics["regimes.plans.v1"] > once.topics["registry.servants.v1"] > 0
    assert {"registry serve", "regimes work"} <= once.cpu.keys()
    assert "recorded and planned" in capsys.readouterr().out


async def test_a_region_is_measured_in_its_smallest_size(capsys: pytest.CaptureFixture[str]) -> None:
    had(lambda: (java(), fetched("kafka")))
    async with stand(0.001, print) as on, region(on, SMALLEST.servants[1], print) as small:
        days = await lived(small)
        cores, syncs, at_rest = await paces(small, SMALLEST)
        late = await backlog(small)
        calls, audited = await called(small, SMALLEST.calls, at_rest)
    assert days.counts["passages"] > 7 * 8
    assert days.counts["versions"] > days.counts["days"] == 8
    assert days.wal > 0
    assert days.topics["timetracking.passages.v1"] > 0
    assert len(cores["consume"].points) == len(syncs.points) == 2
    assert late.keys() == at_rest.keys()
    assert calls.keys() == {"ListWorkdays", "GetWorkday", "ExplainWorkday"}
    assert audited >= 0
    assert "passages/s" in capsys.readouterr().out
