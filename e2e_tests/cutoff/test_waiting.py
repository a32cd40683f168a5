"""What waits in a gateway takes the memory that the page says, and a gateway in a cluster has it."""

import inspect
import re
import subprocess
import sys

import yaml
from chassis.testing.artifacts import ROOT
from timetracking.gateway.settings import GatewaySettings

from e2e_tests.cutoff.waiting import WEIGHT

PAGE = ROOT / "docs" / "region-cut-off.md"
# So many that what an interpreter takes at a time counts for nothing.
ENOUGH = 6_000
MEGABYTE, MIB = 1_000_000, 2**20


def told() -> tuple[int, int, int]:
    """What the page says: how many wait at most, and the megabytes of those and of a gateway without them."""
    [said] = re.findall(r"([\d,]+) take (\d+) MB, on top of the\s+(\d+) MB that it has anyway", PAGE.read_text(encoding="utf-8"))
    waiting, theirs, anyway = (int(each.replace(",", "")) for each in said)
    return waiting, theirs, anyway


def test_a_passage_that_waits_takes_what_the_page_says_and_not_twice_as_much() -> None:
    command = [sys.executable, "-m", "e2e_tests.cutoff.waiting", str(ENOUGH)]
    weighed = float(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    assert 0.8 * WEIGHT < weighed < 1.2 * WEIGHT


def test_the_page_and_the_setting_say_the_same_of_as_many_as_may_wait() -> None:
    waiting, theirs, _ = told()
    assert waiting == GatewaySettings.model_fields["gateway_waiting_passages"].default
    assert theirs == waiting * WEIGHT / MEGABYTE
    assert f"Passages taken in and not yet in Kafka, about {theirs} MB:" in inspect.getsource(GatewaySettings)


def test_a_gateway_in_a_cluster_has_room_for_all_that_may_wait() -> None:
    _, theirs, anyway = told()
    values = yaml.safe_load((ROOT / "charts" / "service" / "values.yaml").read_text(encoding="utf-8"))
    limit = int(values["workloads"]["gateway"]["resources"]["limits"]["memory"].removesuffix("Mi")) * MIB
    assert limit > (theirs + anyway) * MEGABYTE
