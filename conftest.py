"""What every test of the repository may ask for stands in chassis.testing.fixtures.

Property tests draw the same examples every time, and take the time they need; HYPOTHESIS_PROFILE=wide looks further.
"""

import os

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler.loadfile import LoadFileScheduling

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")  # processes are started while calls are open: gRPC need not follow them

pytest_plugins = ["chassis.testing.fixtures", "chassis.testing.real_stack"]

# Take minutes by themselves, much of them waiting: at the end of all, whoever else works would wait for them.
LONGEST = ("e2e_tests/demo/test_week.py", "e2e_tests/cutoff/", "e2e_tests/restore/")
# Share a server that takes a part of a minute of a processor to start, and something to stand idle: of those that work side by side
# one runs all that share one. A file that is not named here costs a server more.
SHARING = {
    "with Keycloak": ("infra/keycloak/", "infra/local/tests/test_keycloak.py", "e2e_tests/access/"),
    "with Kafka": (
        *("infra/local/tests/test_real_parts.py", "services/regimes/tests/people/test_consumer.py"),
        *("services/timetracking/tests/test_delivery.py", "services/timetracking/tests/parking/test_round.py"),
        *(f"services/shared/chassis/tests/test_{name}.py" for name in ("publisher", "real_stack", "rebuild", "streams", "survey")),
        *(f"services/shared/chassis/tests/test_{name}.py" for name in ("tail", "tls", "transport")),
        "services/shared/chassis/tests/personal_data/test_retention.py",
        "services/shared/chassis/tests/restoration/test_rewinding.py",
    ),
}

settings.register_profile("fixed", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("wide", max_examples=2_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets the longest begin first, in their order; all others keep theirs."""
    places = {item: next((place for place, name in enumerate(LONGEST) if item.nodeid.startswith(name)), len(LONGEST)) for item in items}
    items.sort(key=places.__getitem__)


class ByFilesAndServers(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives each worker whole files, and one of them all that share a server."""

    def _split_scope(self, nodeid: str) -> str:
        shared = (name for name, files in SHARING.items() if nodeid.startswith(files))
        return next(shared, str(super()._split_scope(nodeid)))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFilesAndServers:
    """How tests go to the workers that run them side by side."""
    return ByFilesAndServers(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how large the access matrix is that was tried."""
    from chassis.testing.matrix import matrix  # after all tests: they may be few, and need none of it

    if any("test_every_caller_is_answered_as_the_matrix_says" in report.nodeid for report in terminalreporter.stats.get("passed", ())):
        answers = [answer for answer in matrix().values() if answer]
        rpcs, kinds = len({method for method, _, _ in matrix()}), len({kind for _, _, kind in matrix()})
        terminalreporter.write_line(f"access matrix: {len(answers)} answers of {rpcs} RPCs to {kinds} kinds of callers, inside and outside")
