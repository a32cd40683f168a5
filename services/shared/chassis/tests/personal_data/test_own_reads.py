"""Who read one's own file is found along the index of resources, however long the audit is."""

from typing import Any

import asyncpg
from chassis.personal_data import export
from chassis.personal_data.export import READINGS, ListOwnReads
from chassis.testing.fixtures import MakeDatabase
from chassis.testing.tokens import caller
from chassis.urls import plain_url

OTHERS = 20_000
FILL = f"""
INSERT INTO audit_records (subject, client, grants, method, action, resource, outcome, request_id, trace_id)
SELECT 'a', 'portal', '{{}}', '/m', 'servant.read', 'servants/s-' || i, 'done', '', '' FROM generate_series(1, {OTHERS}) i;
INSERT INTO audit_records (subject, client, grants, method, action, resource, outcome, request_id, trace_id) VALUES
    ('a', 'portal', '{{}}', '/m', 'servant.read', 'servants/s-7', 'done', '', ''),
    ('a', 'portal', '{{}}', '/m', 'workday.explain', 'servants/s-7/workdays/2026-11-24', 'done', '', ''),
    ('a', 'portal', '{{}}', '/m', 'servant.create', 'servants/s-7', 'done', '', ''),
    ('a', 'portal', '{{}}', '/m', 'servant.read', 'servants/s-7', 'FORBIDDEN', '', '');
"""


async def test_own_reads_are_found_without_reading_the_audit(database: MakeDatabase) -> None:
    fresh = await database("chassis.testing.bare")
    owner = await asyncpg.connect(plain_url(fresh.urls.migrator))
    await owner.execute(FILL)
    await owner.execute("ANALYZE audit_records")
    await owner.close()
    person = caller("person", servant="s-7")
    found = await ListOwnReads(fresh.app)(person, None, 10)
    assert [row["resource"] for row in found] == ["servants/s-7/workdays/2026-11-24", "servants/s-7", "servants/s-7"]
    assert [row["id"] for row in await ListOwnReads(fresh.app)(person, found[0]["id"], 1)] == [found[1]["id"]]
    async with fresh.app.transaction(person) as transaction:
        driver = await transaction.driver()
        plan: list[Any] = await driver.fetch(f"EXPLAIN {export._READS}", "servants/s-7", list(READINGS), None, 10)
    text = "\n".join(row[0] for row in plan)
    assert text.count("audit_records_resource_id_idx") == 2, text
    assert "audit_records_pkey" not in text
    assert "Seq Scan" not in text
