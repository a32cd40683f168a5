"""Positions of a body's staffing table (Order 15, point 3, sub-point 2)."""

from dataclasses import dataclass

from kernel.faults import Malformed
from kernel.identifiers import check_id
from kernel.text import LocalizedText, line

from registry.values import POSITION_ID


@dataclass(frozen=True, slots=True)
class Position:
    """A staff unit with its powers, in one structural unit of one body.

    `supervising_position` is the position of the same body to which it reports by the job description;
    `hours_set_by_regulation` marks working time with special features (Order 120, point 14), `hazardous` heavy,
    harmful or hazardous work (Labour Code, article 69).
    """

    body: str
    id: str
    title: LocalizedText
    unit: str
    category: str = ""
    supervising_position: str | None = None
    hours_set_by_regulation: bool = False
    hazardous: bool = False
    revision: int = 1

    @classmethod
    def set_up(
        cls,
        body: str,
        id: str,
        title: LocalizedText,
        unit: str,
        category: str = "",
        supervising_position: str | None = None,
        hours_set_by_regulation: bool = False,
        hazardous: bool = False,
    ) -> "Position":
        """A position as it is first recorded; Malformed where a value cannot be."""
        check_id(id, "position_id", POSITION_ID)
        if supervising_position == id:
            raise Malformed({"position.supervising_position": "another position than itself"})
        category = line(category, "position.category", 20, empty=True)
        return cls(body, id, title, unit, category, supervising_position, hours_set_by_regulation, hazardous)
