"""docs/capacity.md: what people wrote stays, and what stands between marks is written by the command."""

import re
from pathlib import Path

from chassis.testing.artifacts import ROOT

from .costs import Costs
from .report import document, measured
from .sizing import Assumptions

PAGE = ROOT / "docs" / "capacity.md"
# <!-- measured --> … <!-- end -->, or <!-- sizes 90000 20 --> … <!-- end -->
_MARKED = re.compile(r"<!-- (measured|sizes (\d+) (\d+)) -->\n.*?<!-- end -->", re.DOTALL)


def written(text: str, costs: Costs, assumed: Assumptions) -> str:
    """The page with its marked parts as they follow from what was measured."""

    def part(found: re.Match[str]) -> str:
        said = document(costs, assumed, int(found[2]), int(found[3])) if found[2] else measured(costs)
        return f"<!-- {found[1]} -->\n\n{said}\n\n<!-- end -->"

    return _MARKED.sub(part, text)


def write(costs: Costs, assumed: Assumptions, page: Path = PAGE) -> None:
    """Writes the page anew."""
    page.write_text(written(page.read_text(encoding="utf-8"), costs, assumed), encoding="utf-8")
