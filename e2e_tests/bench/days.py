"""Kept days to read: what the fold makes of two weeks of as many servants, put into the tables past the services."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from lawbook import load
from timetracking.workdays.domain import workdays
from timetracking.workdays.domain.kept import text_of
from timetracking.workdays.domain.parameters import law_of

from .fold import HOUR, MONDAY, ZONES, cases, midnight

BODY, REGION = "KGD", "75"
PROJECTED = ("registry.servants.v1", "regimes.plans.v1", "registry.bodies.v1")
COLUMNS = ("servant", "date", "body", "unit", "plan_kind", "state", "content", "marks", "revision", "edition", "computed_at")


async def filled(owner: Any, servants: int, reads_a_day: int = 4) -> Sequence[str]:
    """Keeps days of ten working days; returns their names."""
    law, book = law_of(load()), load()
    now = midnight(ZONES[0], MONDAY) + 100 * 24 * HOUR
    at, rows = datetime(2026, 11, 25, tzinfo=UTC), list[tuple[object, ...]]()
    for number, case in enumerate(cases(reads_a_day, servants)):
        for content in workdays(case.facts, case.dates, lambda _, zone=case.zone: zone, law, now):  # type: ignore[misc]
            kind = case.facts.plans[content.date].kind
            text = text_of(content)
            rows.append((f"S{number}", content.date, BODY, "hr", kind, content.state, text, [], 1, book.edition, at))
    await owner.execute("INSERT INTO body_states VALUES ($1, $2, $3, 1)", BODY, REGION, ZONES[0])
    await owner.copy_records_to_table("workdays", records=rows, columns=COLUMNS)
    places = [(topic, partition, 0, 0) for topic in PROJECTED for partition in range(24)]
    await owner.copy_records_to_table("projection_positions", records=places, columns=("topic", "partition", "start_offset", "applied"))
    await owner.execute("ANALYZE")
    return [f"servants/{row[0]}/workdays/{row[1]}" for row in rows]
