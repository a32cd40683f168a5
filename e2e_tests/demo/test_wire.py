"""What the devices really send agrees with the truth: read back from the line it is the same reads, and shows the same of the devices."""

from dataclasses import replace
from datetime import datetime
from functools import cache

import pytest

from .generate import world
from .wire import findings_of_devices, holders, reads_of
from .world import ExpectedFinding, State, World

SEEDS = (1, 2026)
lived = cache(world)
shown = cache(lambda seed, until: findings_of_devices(lived(seed), until))


def planted_on_devices(of: World) -> set[ExpectedFinding]:
    return {_plain(each) for each in of.truth.findings if each.device and each.state is State.RAISED}


def _plain(found: ExpectedFinding) -> ExpectedFinding:
    """Without what only the demo's conduct looks at."""
    return replace(found, state=State.RAISED, seen_by=None, seconds=None if found.kind == "device_silent" else found.seconds)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_reads_of_the_truth_are_those_on_the_line(seed: int) -> None:
    of = lived(seed)
    known = holders(of, of.end)
    on_the_line = sorted(
        (known[each.badge], each.device, each.key, each.at, each.direction) for each in reads_of(of, of.end) if each.badge in known
    )
    in_the_truth = sorted(
        (servant["servant"], each["device"], each["event_key"], datetime.fromisoformat(each["at"]), each["direction"])
        for servant in of.truth.document["servants"]
        for each in servant["reads"]
    )
    assert on_the_line == in_the_truth


@pytest.mark.parametrize("seed", SEEDS)
def test_at_the_end_the_devices_show_what_was_planted_and_nothing_else(seed: int) -> None:
    of = lived(seed)
    found, planted = shown(seed, of.end), planted_on_devices(of)
    assert found - planted == set()
    assert planted - found == set()
    assert {each.kind for each in planted} == {"device_clock", "device_missing_numbers", "unknown_badge", "event_number_reused"}


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_withdrawn_in_the_end_stood_when_it_was_to_be_seen(seed: int) -> None:
    of = lived(seed)
    passing = [each for each in of.truth.findings if each.device and each.state is State.WITHDRAWN]
    assert {each.kind for each in passing} == {"device_clock", "device_silent", "unknown_badge"}
    for each in passing:
        assert each.seen_by is not None
        standing = {(found.kind, found.date, found.device, found.badge, found.first) for found in shown(seed, each.seen_by)}
        assert (each.kind, each.date, each.device, each.badge, each.first) in standing
