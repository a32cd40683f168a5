"""promtool, where it is to be had, and the rules of the chart."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from chassis.testing.artifacts import NotToBeHad
from chassis.testing.real_stack import had
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[3]
RULES = ROOT / "charts" / "tartip" / "files" / "rules"
Rule = dict[str, Any]


def read(path: Path) -> Any:
    """A file of YAML."""
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def rules() -> Sequence[Rule]:
    """Every rule of the chart, in the order of files."""
    return [rule for path in sorted(RULES.glob("*.yaml")) for group in read(path)["groups"] for rule in group["rules"]]


def alerts() -> Sequence[Rule]:
    """Every rule that alarms."""
    return [rule for rule in rules() if "alert" in rule]


def _fetched() -> Path:
    told = subprocess.run([ROOT / "infra" / "tools" / "promtool.sh"], capture_output=True, text=True, check=False, timeout=300)
    if told.returncode != 0:
        raise NotToBeHad(told.stderr.strip())
    return Path(told.stdout.strip())


@pytest.fixture(scope="session")
def promtool() -> Path:
    """The tool; where it cannot be had, the test is skipped, or fails where the real stack is required."""
    return had(_fetched)
