"""What every test of the repository may ask for stands in chassis.testing.fixtures.

Property tests draw the same examples every time, and take the time they need; HYPOTHESIS_PROFILE=wide looks further.
"""

import os

import pytest
from hypothesis import settings

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")  # processes are started while calls are open: gRPC need not follow them

pytest_plugins = ["chassis.testing.fixtures", "chassis.testing.real_stack"]

# Takes minutes by itself: at the end of all, whoever else works would wait for it.
LONGEST = "e2e_tests/demo/test_week.py"

settings.register_profile("fixed", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("wide", max_examples=2_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets the longest begin first; all others keep their order."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how large the access matrix is that was tried."""
    from chassis.testing.matrix import matrix  # after all tests: they may be few, and need none of it

    if any("test_every_caller_is_answered_as_the_matrix_says" in report.nodeid for report in terminalreporter.stats.get("passed", ())):
        answers = [answer for answer in matrix().values() if answer]
        rpcs, kinds = len({method for method, _, _ in matrix()}), len({kind for _, _, kind in matrix()})
        terminalreporter.write_line(f"access matrix: {len(answers)} answers of {rpcs} RPCs to {kinds} kinds of callers, inside and outside")
