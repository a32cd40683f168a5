"""The story in its smallest size: a gate of each protocol, forward and back once. By `make try-benches`."""

import pytest

from e2e_tests.chaos.department import department
from e2e_tests.demo.world import Protocol
from e2e_tests.upgrade.__main__ import upgrade
from e2e_tests.upgrade.version import PREVIOUS, Version

PEOPLE, GATES, TURNS = 2, (Protocol.ADMS, Protocol.ISAPI, None), 2


async def test_a_region_under_load_is_upgraded_and_rolled_back_and_nothing_is_lost_or_doubled(
    old: Version, capsys: pytest.CaptureFixture[str]
) -> None:
    said = await upgrade(PREVIOUS, 0.0, department(PEOPLE, GATES), TURNS)
    assert "18 processes replaced" in said
    assert f"{old.name} comes in" in capsys.readouterr().out
