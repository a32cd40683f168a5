"""Keys are replaced one by one: what older ones sealed is encrypted anew, in steps that may be repeated."""

import pytest
from chassis.commands import NotAsItMustBe
from chassis.testing.fixtures import MakeDatabase
from kernel.faults import WrongState
from registry.protected import use_cases
from registry.protected.keys import SensitiveKeys
from registry.reencrypt import reencrypt
from tartip.registry.v1 import protected_fact_service_pb2 as pf

from ..samples import KEYS, key
from ..serving import FOR, HR, NOW, Registry, new_fact, serving

LIST = pf.ListProtectedFactsRequest(parent="servants/serikova")
BOTH = SensitiveKeys.told(f"{key('autumn')},{key('spring')}")
NEW = SensitiveKeys.told(key("autumn"))


async def recorded(registry: Registry, many: int) -> list[pf.ProtectedFact]:
    hr = await registry.portal(HR)
    return [await hr.protected.RecordProtectedFact(new_fact(document=f"№ {number}")) for number in range(many)]


async def listed(registry: Registry) -> list[pf.ProtectedFact]:
    return list((await (await registry.portal(HR)).protected.ListProtectedFacts(LIST, metadata=FOR)).protected_facts)


async def under(registry: Registry, keys: SensitiveKeys) -> tuple[str, list[str]]:
    """Encrypts anew: the last sentence and those on the way."""
    said: list[str] = []
    return await reencrypt(registry.database.worker, lambda: NOW, keys, said.append), said


async def test_an_older_key_may_be_dropped_once_everything_is_encrypted_anew(
    emptied: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(use_cases, "FACTS_A_TRANSACTION", 2)
    database = await emptied("registry")
    async with serving(database) as registry:
        await registry.fill()
        facts = await recorded(registry, 5)
        told, way = await under(registry, BOTH)
        assert told == (
            "5 protected facts under the key autumn, which encrypts\n"
            "0 protected facts under the key spring: it may be taken out of TARTIP_SENSITIVE_KEYS"
        )
        assert way == [f"{done} of 5 encrypted anew" for done in (2, 4, 5)]
        again, nothing = await under(registry, BOTH)
        assert (again, nothing) == (told, [])
        actions = [action for action, _ in await registry.records()]
        assert actions.count("protected-fact.reencrypt") == 5
    async with serving(database, keys=NEW) as registry:
        assert await listed(registry) == facts


async def test_a_fact_whose_key_is_unknown_or_that_was_touched_stays_and_stops_no_other(emptied: MakeDatabase) -> None:
    database = await emptied("registry")
    async with serving(database) as registry:
        await registry.fill()
        lost, touched, sound = (fact.name.rpartition("/")[2] for fact in await recorded(registry, 3))
        await database.rows(f"UPDATE protected_facts SET key = 'winter' WHERE id = '{lost}'")
        await database.rows(f"UPDATE protected_facts SET content = content || 'x' WHERE id = '{touched}'")
        with pytest.raises(NotAsItMustBe) as found:
            await under(registry, BOTH)
        assert str(found.value).splitlines() == [
            "1 protected facts under the key autumn, which encrypts",
            "1 protected facts under the key spring: they are not what was sealed under it, or came meanwhile",
            "1 protected facts under the key winter, which TARTIP_SENSITIVE_KEYS does not name: they stay as they are",
        ]
        rows = {row["id"]: row["key"] for row in await database.rows("SELECT id, key FROM protected_facts")}
        assert rows == {lost: "winter", touched: "spring", sound: "autumn"}


async def test_without_keys_nothing_is_encrypted_anew(emptied: MakeDatabase) -> None:
    async with serving(await emptied("registry")) as registry:
        with pytest.raises(WrongState, match="SENSITIVE_KEYS_ABSENT"):
            await under(registry, SensitiveKeys())
    assert KEYS.current == "spring"
