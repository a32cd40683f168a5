"""The example resources, which nobody ran here: those that we have schemas for are held to them."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import yaml
from chassis.testing.artifacts import ROOT
from region.schemas import OWN, faults

EXAMPLES = sorted((ROOT / "infra" / "cluster" / "examples").glob("*.yaml"))
CHECKED = {"ObjectStore", "PodMonitor", "PrometheusRule"}


def resources() -> Iterator[Any]:
    for file in EXAMPLES:
        yield from (each for each in yaml.safe_load_all(file.read_text(encoding="utf-8")) if each["kind"] in CHECKED)


def test_what_has_a_schema_is_as_documented() -> None:
    found = [*resources()]
    assert {each["kind"] for each in found} == CHECKED == {each["kind"] for each in found if any(OWN.glob(f"{each['kind'].lower()}-*"))}
    assert faults(found) == []


@pytest.mark.parametrize("missing", ["endpointURL", "endpointCA", "wal", "data"])
def test_an_archive_that_might_lie_abroad_or_in_clear_is_found(missing: str) -> None:
    """Without an endpoint it would be Amazon's, and without a word about it the store may encrypt or not."""
    for store in (deepcopy(each) for each in resources() if each["kind"] == "ObjectStore"):
        del store["spec"]["configuration"][missing]
        assert any(missing in fault for fault in faults([store]))
