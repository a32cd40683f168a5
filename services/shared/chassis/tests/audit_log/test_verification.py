"""Whoever touches the audit past its roles is found, and the first record they touched is named: by any superuser, anywhere in it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from chassis.audit_log.chain import BEGINNING, Seal, link
from chassis.audit_log.restorations import begun
from chassis.audit_log.sealing import Sealing
from chassis.audit_log.texts import doubts, limits, statement
from chassis.audit_log.verification import Found, Verdict, VerifyAuditLog
from chassis.calls import Call, working_for
from chassis.testing.fixtures import FreshDatabase, MakeDatabase
from chassis.testing.postgres import Postgres
from chassis.urls import plain_url
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url

RECORDS, A_TRANSACTION = 12, 3
PIECE = 5  # several pieces, and borders between them

# What may be changed in a record, and to what; of what is no text, by SQL.
CHANGES = {
    "recorded_at": "recorded_at + interval '1 microsecond'",
    "subject": "subject || 'x'",
    "client": "client || ' '",
    "grants": "grants || '{/nation/inspector}'",
    "method": "'/other'",
    "action": "upper(action)",
    "resource": "resource || '0'",
    "rule": "CASE WHEN rule IS NULL THEN '' END",
    "outcome": "'FORBIDDEN'",
    "before_digest": "coalesce(before_digest, '') || '\\x00'",
    "after_digest": "CASE WHEN after_digest IS NULL THEN ''::bytea END",
    "request_id": "'another'",
    "trace_id": "'0'",
    "body": "CASE WHEN body = 'KGD' THEN 'MF' ELSE 'KGD' END",
    "region": "CASE WHEN region IS NULL THEN '75' END",
    "purpose": "CASE WHEN purpose IS NULL THEN 'evaluation' END",
    "xid": "(xid::text::bigint + 1)::text::xid8",
}
CONTENT = ", ".join(name for name in CHANGES if name != "xid")


@dataclass(frozen=True)
class Thing:
    name: str


@dataclass
class Audit:
    """A sealed audit, a superuser's connection to it, and what verification says."""

    fresh: FreshDatabase
    owner: Any

    async def record(self, count: int, start: int = 0) -> None:
        """Writes records, some to a transaction."""
        for first in range(start, start + count, A_TRANSACTION):
            async with self.fresh.app.transaction() as transaction:
                for number in range(first, min(first + A_TRANSACTION, start + count)):
                    after = Thing(str(number)) if number % 2 else None
                    rule = f"o15-p{number}" if number % 3 else None
                    with working_for(Call("job:record", "", purpose="evaluation" if number % 4 else None)):
                        transaction.record(f"thing.{number}", f"stateBodies/B{number}/things/ә{number}", rule, after=after)

    async def seal(self) -> None:
        """Seals everything."""
        sealing = Sealing("bare", self.fresh.worker, 0.0)
        while await self.owner.fetchval("SELECT count(*) FROM audit_records") > await self.owner.fetchval(
            "SELECT count(*) FROM audit_seals"
        ):
            await sealing.seal()

    async def checkpoint(self, place: int) -> Seal:
        return Seal(place, await self.owner.fetchval("SELECT hash FROM audit_seals WHERE place = $1", place))

    async def verified(self, *checkpoints: Seal, **more: Any) -> Found:
        return await VerifyAuditLog(self.fresh.app, PIECE)(checkpoints, **more)

    async def record_at(self, place: int) -> int:
        return int(await self.owner.fetchval("SELECT record FROM audit_seals WHERE place = $1", place))


@pytest.fixture
async def audit(postgres: Postgres, database: MakeDatabase) -> AsyncIterator[Audit]:
    fresh = await database("chassis.testing.bare")
    owner = await asyncpg.connect(plain_url(make_url(postgres.url).set(database=fresh.name)))
    made = Audit(fresh, owner)
    await made.record(RECORDS)
    await made.seal()
    yield made
    await owner.close()


@asynccontextmanager
async def tampering(audit: Audit) -> AsyncIterator[None]:
    """What is done to the audit inside is undone at the end, so that one database serves all examples."""
    for table in ("audit_records", "audit_seals"):
        await audit.owner.execute(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")
    try:
        yield
    finally:
        for table in ("audit_records", "audit_seals"):
            overriding = "OVERRIDING SYSTEM VALUE" if table == "audit_records" else ""
            await audit.owner.execute(
                f"DELETE FROM {table}; INSERT INTO {table} {overriding} SELECT * FROM kept_{table}; DROP TABLE kept_{table}"
            )


def shown(verdict: Found) -> tuple[Verdict, int | None, int]:
    return verdict.verdict, verdict.record, verdict.place


async def examples(count: int, strategy: st.SearchStrategy[Any], check: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
    """Checks examples of hypothesis beside the loop: the property is a plain function, the work is done here."""
    loop = asyncio.get_running_loop()

    @settings(max_examples=count, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def property_(value: Any) -> None:
        asyncio.run_coroutine_threadsafe(check(value), loop).result(60)

    await asyncio.to_thread(property_)


PLACE = st.integers(1, RECORDS)


async def test_what_nobody_touched_is_intact(audit: Audit) -> None:
    last = await audit.checkpoint(RECORDS)
    found = await audit.verified(await audit.checkpoint(4), last)
    assert found == Found(Verdict.INTACT, last, confirmed=last)
    assert limits(found).en.startswith(f"If records after the checkpoint at place {RECORDS} were cut off")


async def test_any_changed_record_is_found_and_named(audit: Audit) -> None:
    async def check(example: tuple[int, str]) -> None:
        place, column = example
        record = await audit.record_at(place)
        async with tampering(audit):
            await audit.owner.execute(f"UPDATE audit_records SET {column} = {CHANGES[column]} WHERE id = $1", record)
            found = await audit.verified()
        assert shown(found) == (Verdict.CHANGED, record, place)
        assert f"Record {record} " in statement(found).en
        assert found.reached.place == place - 1

    await examples(60, st.tuples(PLACE, st.sampled_from(sorted(CHANGES))), check)


async def test_any_removed_record_is_found_and_named(audit: Audit) -> None:
    async def check(example: tuple[int, set[str]]) -> None:
        place, tables = example
        record = await audit.record_at(place)
        async with tampering(audit):
            if "records" in tables:
                await audit.owner.execute("DELETE FROM audit_records WHERE id = $1", record)
            if "seals" in tables:
                await audit.owner.execute("DELETE FROM audit_seals WHERE record = $1", record)
            found = await audit.verified()
        # Of a record that went with its seal nobody knows any more which it was: its place is named.
        assert shown(found) == (Verdict.REMOVED, None if len(tables) == 2 else record, place)

    some = st.sets(st.sampled_from(["records", "seals"]), min_size=1)
    # The last seal without its record is a tail that was cut; see below.
    await examples(30, st.tuples(st.integers(1, RECORDS - 1), some), check)


async def test_any_inserted_record_is_found_and_named(audit: Audit) -> None:
    async def check(place: int) -> None:
        after = await audit.record_at(place)
        async with tampering(audit):
            record = await audit.owner.fetchval(
                f"""
                INSERT INTO audit_records (id, xid, {CONTENT}) OVERRIDING SYSTEM VALUE
                SELECT 1000, xid, {CONTENT} FROM audit_records WHERE id = $1 RETURNING id
                """,
                after,
            )
            found = await audit.verified()
            following = await audit.owner.fetchval(
                "SELECT min(place) FROM audit_seals WHERE xid > (SELECT xid FROM audit_seals WHERE place = $1)", place
            )
        assert shown(found) == (Verdict.INSERTED, record, following)
        assert f"Record {record} stands before place {following}" in statement(found).en

    # Behind the last transaction it is one that waits for its seal, as any that the application writes.
    await examples(20, st.integers(1, RECORDS - A_TRANSACTION), check)


async def test_a_record_of_a_transaction_that_is_still_to_come_is_named(audit: Audit) -> None:
    async with tampering(audit):
        await audit.owner.execute(
            f"INSERT INTO audit_records (id, xid, {CONTENT}) OVERRIDING SYSTEM VALUE SELECT 1000, '9999999999', {CONTENT} "
            "FROM audit_records ORDER BY id LIMIT 1"
        )
        assert shown(await audit.verified()) == (Verdict.INSERTED, 1000, RECORDS + 1)


async def test_any_swapped_records_are_found_and_named(audit: Audit) -> None:
    async def check(example: tuple[list[int], str]) -> None:
        (first, second), how = example
        one, other = await audit.record_at(min(first, second)), await audit.record_at(max(first, second))
        async with tampering(audit):
            if how == "content":
                names = CONTENT.split(", ")
                await audit.owner.execute(
                    f"UPDATE audit_records AS r SET {', '.join(f'{name} = o.{name}' for name in names)} FROM audit_records o "
                    "WHERE (r.id, o.id) IN (($1, $2), ($2, $1))",
                    one,
                    other,
                )
                named, swapped_with = one, other
            else:
                await audit.owner.execute(
                    "ALTER TABLE audit_seals DROP CONSTRAINT audit_seals_record_key; "
                    f"UPDATE audit_seals s SET record = CASE record WHEN {one} THEN {other} ELSE {one} END WHERE record IN ({one}, {other}); "
                    "ALTER TABLE audit_seals ADD CONSTRAINT audit_seals_record_key UNIQUE (record)"
                )
                named, swapped_with = other, one
            found = await audit.verified()
        assert shown(found) == (Verdict.SWAPPED, named, min(first, second))
        assert found.other == swapped_with
        assert f"instead of record {swapped_with}" in statement(found).en

    await examples(30, st.tuples(st.lists(PLACE, min_size=2, max_size=2, unique=True), st.sampled_from(["content", "seals"])), check)


async def test_of_several_the_first_is_named(audit: Audit) -> None:
    async def check(example: tuple[int, int, str]) -> None:
        changed, other, how = example
        records = [await audit.record_at(place) for place in (changed, other)]
        async with tampering(audit):
            await audit.owner.execute("UPDATE audit_records SET subject = 'x' WHERE id = $1", records[0])
            if how == "removed":
                await audit.owner.execute("DELETE FROM audit_records WHERE id = $1", records[1])
            else:
                await audit.owner.execute(
                    f"INSERT INTO audit_records (id, xid, {CONTENT}) OVERRIDING SYSTEM VALUE "
                    f"SELECT 1000, xid, {CONTENT} FROM audit_records WHERE id = $1",
                    records[1],
                )
            found = await audit.verified()
        behind = -(-other // A_TRANSACTION) * A_TRANSACTION  # what is inserted stands at the end of its transaction
        if how == "removed":
            wanted = (Verdict.REMOVED, records[1]) if other <= changed else (Verdict.CHANGED, records[0])
        else:
            wanted = (Verdict.INSERTED, 1000) if behind < changed else (Verdict.CHANGED, records[0])
        assert (found.verdict, found.record) == wanted

    await examples(40, st.tuples(PLACE, st.integers(1, RECORDS - A_TRANSACTION), st.sampled_from(["removed", "inserted"])), check)


async def test_a_tail_that_was_cut_is_found_up_to_the_last_checkpoint_and_not_behind_it_and_the_answer_says_so(audit: Audit) -> None:
    async def check(example: tuple[int, int]) -> None:
        kept, told = example
        checkpoint = await audit.checkpoint(told)
        async with tampering(audit):
            await cut(audit, kept)
            found = await audit.verified(checkpoint)
        if kept < told:
            assert shown(found) == (Verdict.CUT, None, kept + 1)
            assert f"from place {kept + 1} on" in statement(found).en
            return
        assert found.verdict is Verdict.INTACT
        assert found.confirmed == checkpoint
        for language in ("kk", "ru", "en"):
            assert str(told) in limits(found).get(language)
        assert "cut off or written anew together with their seals, that cannot be found" in limits(found).en

    await examples(30, st.tuples(st.integers(0, RECORDS - 1), PLACE), check)


async def test_records_and_seals_that_were_written_anew_agree_until_a_checkpoint_says_otherwise(audit: Audit) -> None:
    async def check(example: tuple[int, int]) -> None:
        place, told = example
        checkpoint = await audit.checkpoint(told)
        async with tampering(audit):
            await written_anew(audit, place)
            blind, seeing = await audit.verified(), await audit.verified(checkpoint)
        assert blind.verdict is Verdict.INTACT
        assert "There is no checkpoint that agrees" in limits(blind).en
        if told < place:
            assert (seeing.verdict, seeing.confirmed) == (Verdict.INTACT, checkpoint)
            return
        assert shown(seeing) == (Verdict.REWRITTEN, await audit.record_at(1), 1)

    await examples(20, st.tuples(PLACE, PLACE), check)


async def test_what_was_written_anew_lies_behind_the_last_checkpoint_that_agrees(audit: Audit) -> None:
    told = [await audit.checkpoint(place) for place in (3, 6, RECORDS)]
    async with tampering(audit):
        await written_anew(audit, 8)
        found = await audit.verified(*told)
        named = await audit.record_at(7)
    assert shown(found) == (Verdict.REWRITTEN, named, 7)
    assert found.confirmed == told[1]


NOW = datetime.now(UTC)
ERA = int(NOW.timestamp() / 60)
BEFORE, AFTER = NOW - timedelta(minutes=5), NOW + timedelta(minutes=5)


async def begin_era(audit: Audit, kept: int, era: int = ERA) -> None:
    async with audit.fresh.app.transaction() as transaction:
        transaction.record("restoration.begin", begun(era, kept))


async def told(audit: Audit, at: datetime, *places: int) -> list[Seal]:
    return [replace(await audit.checkpoint(place), told_at=at) for place in places]


@pytest.fixture
async def checkpoints(audit: Audit) -> list[Seal]:
    """A database came back with the first records; six more had been told of. Then it went on: its era is at the next place."""
    await audit.record(6, RECORDS)
    await audit.seal()
    before = await told(audit, BEFORE, 4, RECORDS + 2, RECORDS + 6)
    await cut(audit, RECORDS)
    await begin_era(audit, RECORDS)
    await audit.record(3, 100)
    await audit.seal()
    return [*before, *await told(audit, AFTER, RECORDS + 2, RECORDS + 4)]


async def test_what_was_lost_with_a_restoration_that_is_named_need_not_agree_and_is_counted(audit: Audit, checkpoints: list[Seal]) -> None:
    unnamed = await audit.verified(*checkpoints)
    assert (unnamed.verdict, unnamed.place) == (Verdict.REWRITTEN, 5)
    assert [(each.era, each.place, lost) for each, lost in unnamed.restored] == [(ERA, RECORDS + 1, None)]
    assert all(f" {ERA}," in doubts(unnamed).get(language) for language in ("kk", "ru", "en"))
    found = await audit.verified(*checkpoints, eras=[ERA])
    assert (found.verdict, found.confirmed) == (Verdict.INTACT, checkpoints[-1])
    assert [(each.kept, lost) for each, lost in found.restored] == [(RECORDS, 6)]
    assert (await audit.verified(*checkpoints, eras=[ERA + 1])).verdict is Verdict.REWRITTEN
    # Whoever keeps a checkpoint without its time is told of what does not agree, as before.
    assert (await audit.verified(*(replace(each, told_at=None) for each in checkpoints), eras=[ERA])).verdict is Verdict.REWRITTEN


async def test_what_is_touched_on_either_side_of_a_named_restoration_is_found(audit: Audit, checkpoints: list[Seal]) -> None:
    for place in range(1, RECORDS + 5):
        async with tampering(audit):
            record = await audit.record_at(place)
            await audit.owner.execute("UPDATE audit_records SET subject = 'x' WHERE id = $1", record)
            assert shown(await audit.verified(*checkpoints, eras=[ERA])) == (Verdict.CHANGED, record, place)
        async with tampering(audit):
            await written_anew(audit, place)
            assert (await audit.verified(*checkpoints, eras=[ERA])).verdict is Verdict.REWRITTEN, place
        async with tampering(audit):
            await cut(audit, place - 1)
            assert (await audit.verified(*checkpoints, eras=[ERA])).verdict in (Verdict.CUT, Verdict.REWRITTEN), place


async def test_an_era_that_is_begun_to_hide_something_hides_nothing(audit: Audit) -> None:
    """Somebody writes the audit anew from its third record on, and lets an era begin in which that would have been lost."""
    checkpoints = await told(audit, BEFORE, 6, RECORDS)
    async with tampering(audit):
        await written_anew(audit, 3)
        await begin_era(audit, 2)
        await audit.seal()
        found = await audit.verified(*checkpoints, eras=[ERA - 60])
        assert found.verdict is Verdict.REWRITTEN
        assert [(each.era, lost) for each, lost in found.restored] == [(ERA, None)], "it is shown"
        # Nor where it takes the number of one that is known: that one lies in another time, or is told twice.
        await begin_era(audit, 2, ERA - 60)
        await audit.seal()
        assert (await audit.verified(*checkpoints, eras=[ERA - 60])).verdict is Verdict.REWRITTEN
        await begin_era(audit, RECORDS)
        await audit.seal()
        assert (await audit.verified(*checkpoints, eras=[ERA])).verdict is Verdict.REWRITTEN


async def test_a_long_audit_is_verified_in_parts_that_go_on_from_one_another(audit: Audit) -> None:
    first = await audit.verified(most=7)
    assert (first.verdict, first.complete, first.reached) == (Verdict.INTACT, False, await audit.checkpoint(7))
    rest = await audit.verified(start=first.reached, most=7)
    assert (rest.verdict, rest.complete, rest.reached) == (Verdict.INTACT, True, await audit.checkpoint(RECORDS))
    assert (await audit.verified(start=Seal(7, bytes(32)))).verdict is Verdict.REWRITTEN
    assert shown(await audit.verified(start=Seal(RECORDS + 5, bytes(32)))) == (Verdict.CUT, None, RECORDS + 1)
    async with tampering(audit):
        record = await audit.record_at(9)
        await audit.owner.execute("UPDATE audit_records SET subject = 'x' WHERE id = $1", record)
        assert shown(await audit.verified(start=first.reached, most=7)) == (Verdict.CHANGED, record, 9)


async def test_what_is_not_sealed_yet_is_counted(audit: Audit) -> None:
    await audit.record(2, RECORDS)
    assert (await audit.verified()).unsealed == 2
    await audit.seal()
    assert (await audit.verified()).unsealed == 0


async def test_an_audit_without_records_is_intact(database: MakeDatabase) -> None:
    fresh = await database("chassis.testing.bare")
    found = await VerifyAuditLog(fresh.worker)()
    assert found == Found(Verdict.INTACT, BEGINNING)
    assert (await VerifyAuditLog(fresh.worker)([Seal(1, bytes(32))])).verdict is Verdict.CUT


async def cut(audit: Audit, kept: int) -> None:
    """Takes what lies behind a place out of records and seals."""
    await audit.owner.execute("DELETE FROM audit_records WHERE id IN (SELECT record FROM audit_seals WHERE place > $1)", kept)
    await audit.owner.execute("DELETE FROM audit_seals WHERE place > $1", kept)


async def written_anew(audit: Audit, place: int) -> None:
    """Changes a record and makes all seals from there on so that they agree with it."""
    await audit.owner.execute("UPDATE audit_records SET subject = 'x' WHERE id = $1", await audit.record_at(place))
    rows = await audit.owner.fetch(
        "SELECT s.place, r.*, r.xid::text AS xid FROM audit_seals s JOIN audit_records r ON r.id = s.record ORDER BY place"
    )
    before = b""
    for row in rows:
        before = link(before, {**row, "xid": str(row["xid"])})
        await audit.owner.execute("UPDATE audit_seals SET hash = $2 WHERE place = $1", row["place"], before)
