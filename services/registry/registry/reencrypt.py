"""Encrypting protected facts anew under the current key, so that an older key may be dropped."""

from collections.abc import Callable, Mapping

from chassis.clock import Clock
from chassis.commands import NotAsItMustBe
from chassis.database import Database
from chassis.settings import variable

from registry.protected.keys import SensitiveKeys
from registry.protected.use_cases import ReencryptFacts
from registry.unit_of_work import begin

SETTING = variable("sensitive_keys")


async def reencrypt(database: Database, clock: Clock, keys: SensitiveKeys, say: Callable[[str], None]) -> str:
    """Encrypts what other keys sealed under the current one, says how far it is, and returns what there is at the end.

    One transaction follows the other; it may be stopped and begun again. Raises NotAsItMustBe, with the same sentences, where some facts stay under another key.
    """
    facts, done, after = ReencryptFacts(begin(database, clock, keys)), 0, ""
    wanted = sum(count for key, count in (await facts.counts()).items() if key != keys.current)
    while (batch := await facts(after)) is not None:
        done, after = done + batch.done, batch.last
        say(f"{done} of {wanted} encrypted anew")
    counts = await facts.counts()
    told = "\n".join(_sentences(keys, counts))
    if set(counts) != {keys.current}:
        raise NotAsItMustBe(told)
    return told


def _sentences(keys: SensitiveKeys, counts: Mapping[str, int]) -> list[str]:
    left = {**dict.fromkeys(keys.keys, 0), **counts}
    return [f"{count} protected facts under the key {name}{_said(name, count, keys)}" for name, count in left.items()]


def _said(name: str, count: int, keys: SensitiveKeys) -> str:
    if name == keys.current:
        return ", which encrypts"
    if not count:
        return f": it may be taken out of {SETTING}"
    return (
        ": they are not what was sealed under it, or came meanwhile"
        if name in keys.keys
        else f", which {SETTING} does not name: they stay as they are"
    )
