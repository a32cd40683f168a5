"""Protected facts in what a person is given of themselves: in clear, and where that cannot be, with why."""

import json
from typing import Any

from registry.protected.export import opening
from registry.protected.keys import SensitiveKeys
from tartip.personal.v1 import personal_data_service_pb2 as pd

from ..serving import HR, Registry, new_fact


async def given(registry: Registry, servant: str) -> list[dict[str, Any]]:
    person = await registry.portal((), servant)
    rows = [each async for each in person.personal.ExportOwnData(pd.ExportOwnDataRequest())]
    return [dict(each.row) for each in rows if each.table == "protected_facts"]


async def test_a_person_is_given_their_facts_in_clear_and_nobody_elses(registry: Registry) -> None:
    await (await registry.portal(HR)).protected.RecordProtectedFact(new_fact())
    (fact,) = await given(registry, "serikova")
    assert (fact["kind"], fact["document"], fact["since"], fact["until"]) == ("pregnancy", "№ 118 анықтама", "2026-01-12", None)
    assert not {"content", "key"} & fact.keys()
    assert await given(registry, "muratova") == []


async def test_a_fact_whose_key_is_lost_is_given_as_such(registry: Registry) -> None:
    await (await registry.portal(HR)).protected.RecordProtectedFact(new_fact())
    (row,) = await registry.database.rows("SELECT to_jsonb(protected_facts.*) AS row FROM protected_facts")
    stored: dict[str, Any] = json.loads(row["row"])
    assert opening(SensitiveKeys())(stored) == {"id": stored["id"], "servant": "serikova", "revision": 1, "unread": "key-absent"}
