"""What is generated in charts/: the topics, the names of variables, and what the charts come to with the values that are shown. `make render` writes it anew."""

from collections.abc import Callable, Mapping
from pathlib import Path

from region import topics, variables
from region.helm import EXAMPLE, REGION, rendered

EVERYTHING = REGION / "tests" / "everything.yaml"
_HEAD = "# Written by `make render` from {values}; a test compares them. The dashboards, which stand in files/dashboards, are left out.\n"
_WITHOUT = ("global.telemetry.dashboards=false",)


def _shown(*values: Path) -> str:
    names = " and ".join(each.relative_to(REGION).as_posix() for each in values)
    return _HEAD.format(values=names) + rendered(*values, sets=_WITHOUT).text


# In this order: the topics and the names are read by those that follow.
FILES: Mapping[Path, Callable[[], str]] = {
    topics.FILE: topics.text,
    variables.FILE: variables.text,
    REGION / "rendered" / "region.yaml": lambda: _shown(EXAMPLE),
    REGION / "rendered" / "everything.yaml": lambda: _shown(EXAMPLE, EVERYTHING),
}
