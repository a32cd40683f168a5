"""The version before, which the history has."""

import subprocess

import pytest
from chassis.testing.artifacts import ROOT
from chassis.testing.real_stack import had

from e2e_tests.upgrade.version import Version, before


@pytest.fixture(scope="package")
def old() -> Version:
    """The version before, ready to run. A clone that was cut off has none: there it is said, and nothing is wrong."""
    asked = ["git", "rev-parse", "--is-shallow-repository"]
    if subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip() == "true":
        pytest.skip("this clone was cut off from its history, in which the version before is")
    return had(before)
