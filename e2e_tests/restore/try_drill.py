"""The drill with a physical backup in its smallest size; with a dump it is among the tests. By `make try-benches`."""

from chassis.testing.artifacts import Say
from chassis.testing.kafka import installed
from chassis.testing.real_stack import had

from e2e_tests.restore.__main__ import lived_through
from e2e_tests.restore.drill import Measured
from e2e_tests.restore.test_drill import SMALLEST

ROWS = 1_000


async def test_a_region_that_lost_its_database_and_was_restored_from_its_files_has_lost_no_change(say: Say) -> None:
    had(lambda: installed(say))
    measured = await lived_through("physical", SMALLEST, ROWS, say=say)
    assert isinstance(measured, Measured)
    assert (measured.missing, measured.lost, measured.waiting > 0) == (0, 0, True)
