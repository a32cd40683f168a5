"""Whether the audit is as it was sealed: the chain is made again from the records and compared with seals and checkpoints.

It goes from place to place in small transactions and names the first record that is not as it was. Whoever may write the
database's files may write records and seals anew so that they agree: only a checkpoint that was kept outside shows that.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, NamedTuple

from chassis.access import Caller
from chassis.audit_log.chain import BEGINNING, Seal, link
from chassis.audit_log.restorations import Restored, named
from chassis.database import Database

# A piece is read and reckoned in some hundredths of a second: nobody else on the loop waits longer.
PIECE = 1_000

_RECORD = """
r.id, r.xid::text AS xid, r.recorded_at, r.subject, r.client, r.grants, r.method, r.action, r.resource, r.rule, r.outcome,
r.before_digest, r.after_digest, r.request_id, r.trace_id, r.body, r.region, r.purpose
"""
_SEALED = f"""
SELECT s.place, s.record, s.xid::text AS seal_xid, s.hash, {_RECORD}
FROM audit_seals s LEFT JOIN audit_records r ON r.id = s.record
WHERE s.place > $1 ORDER BY s.place LIMIT $2
"""
_NEWEST = "SELECT coalesce(max(place), 0) FROM audit_seals"
# A record among sealed ones whose own seal there is not.
_STRAY = """
SELECT r.id, r.xid::text AS xid FROM audit_records r
WHERE (r.xid, r.id) > ($1::text::xid8, $2::bigint) AND (r.xid, r.id) < ($3::text::xid8, $4::bigint)
    AND NOT EXISTS (SELECT FROM audit_seals s WHERE s.record = r.id)
ORDER BY r.xid, r.id LIMIT 1
"""
_UNSEALED = """
SELECT count(*) AS unsealed, min(r.id) FILTER (WHERE r.xid >= pg_snapshot_xmax(pg_current_snapshot())) AS of_the_future
FROM audit_records r WHERE (r.xid, r.id) > ($1::text::xid8, $2::bigint)
"""
_RECORDS = f"SELECT {_RECORD} FROM audit_records r WHERE r.id > $1 AND r.id <= $2 ORDER BY r.id LIMIT $3"
_LAST_ID = 2**63 - 1


class Verdict(Enum):
    """What was found of the audit."""

    INTACT = "intact"
    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    SWAPPED = "swapped"
    REWRITTEN = "rewritten"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, and how far was looked.

    `record` is the first that is concerned, `place` its place in the chain, `other` the one with which it was swapped. Up to
    `reached` everything agrees; `confirmed` is the newest checkpoint that does.
    """

    verdict: Verdict
    reached: Seal
    complete: bool = True
    record: int | None = None
    place: int = 0
    other: int | None = None
    confirmed: Seal | None = None
    unsealed: int = 0
    restored: tuple[tuple[Restored, int | None], ...] = ()
    """Restorations that the chain tells of, as far as was looked, with how many records were lost at least; None where it was not named."""


class _Key(NamedTuple):
    """What records are sealed in the order of: the number of the transaction, then their own."""

    xid: int
    record: int


@dataclass(slots=True)
class _Walk:
    """How far a verification is: everything up to `seal`, whose record has the key `at`, agrees."""

    told: Mapping[int, Collection[Seal]]
    seal: Seal
    at: _Key
    eras: Collection[int] = ()
    confirmed: Seal | None = None
    restorations: list[Restored] = field(default_factory=list)
    doubts: list[tuple[Seal, Found]] = field(default_factory=list)
    """Checkpoints that do not agree, and what was found by each: a restoration that comes later in the chain may say why."""

    def found(self, verdict: Verdict, **more: Any) -> Found:
        return Found(verdict, self.seal, confirmed=self.confirmed, **more)

    def unexcused(self) -> Found | None:
        """What the first checkpoint says that does not agree, and was not lost with a restoration that is named."""
        excusing = named(self.restorations, self.eras)
        return next((found for seal, found in self.doubts if not any(each.lost(seal) for each in excusing)), None)

    def ended(self, found: Found) -> Found:
        """What was found, or what is in doubt from before that; with the restorations that were passed."""
        seals = [seal for seal, _ in self.doubts]
        excusing = named(self.restorations, self.eras)
        restored = [(each, each.records_lost(seals) if each in excusing else None) for each in self.restorations]
        return replace(self.unexcused() or found, restored=tuple(restored))


@dataclass(frozen=True, slots=True)
class VerifyAuditLog:
    """Compares the audit with its seals, and with what was told of them outside."""

    database: Database
    piece: int = PIECE

    async def __call__(
        self,
        checkpoints: Iterable[Seal] = (),
        start: Seal = BEGINNING,
        most: int | None = None,
        caller: Caller | None = None,
        eras: Collection[int] = (),
    ) -> Found:
        """Looks from `start`, up to which everything agreed before, at so many records at most (None: at all of them).

        Checkpoints that were lost with one of the restorations that are named (by their eras) need not agree; all others must.
        """
        told = defaultdict[int, list[Seal]](list)
        for each in checkpoints:
            told[each.place].append(each)
        walk = _Walk(told, BEGINNING, _Key(0, 0), eras)
        return walk.ended(await self._walked(walk, start, most, caller))

    async def _walked(self, walk: _Walk, start: Seal, most: int | None, caller: Caller | None) -> Found:
        newest = await self._newest(caller)
        if start.place and (problem := await self._begun(walk, start, newest, caller)):
            return problem
        end = newest if most is None else min(newest, start.place + most)
        while walk.seal.place < end:
            rows = await self._rows(_SEALED, walk.seal.place, min(self.piece, end - walk.seal.place), caller=caller)
            if problem := await self._looked(walk, rows, most, caller):
                return problem
            if not rows:
                return walk.found(Verdict.REMOVED, place=walk.seal.place + 1)
        if end < newest:
            return walk.found(Verdict.INTACT, complete=False)
        return await self._ended(walk, caller)

    async def _begun(self, walk: _Walk, start: Seal, newest: int, caller: Caller | None) -> Found | None:
        """Goes to the start, which must be a seal that is there."""
        rows = await self._rows(_SEALED, start.place - 1, 1, caller=caller)
        if not rows or rows[0]["place"] != start.place:
            verdict = Verdict.CUT if newest < start.place else Verdict.REMOVED
            return walk.found(verdict, place=min(newest + 1, start.place))
        if rows[0]["hash"] != start.hash:
            return walk.found(Verdict.REWRITTEN, place=1, record=await self._sealed_at(1, caller))
        walk.seal, walk.at = start, _key(rows[0])
        return None

    async def _looked(self, walk: _Walk, rows: Sequence[Any], most: int | None, caller: Caller | None) -> Found | None:
        """Goes over some seals, as far as they agree."""
        began = walk.at
        for row in rows:
            problem = await self._problem(walk, row, most, caller)
            # What stands before a record that was touched comes first, unless it is the very one whose seal is missing.
            until = walk.at if problem is None or problem.verdict is Verdict.REMOVED else _key(row)
            if problem is not None:
                return await self._stray(walk, rows, began, until, caller) or problem
            walk.seal, walk.at = Seal(row["place"], row["hash"]), _key(row)
            if restored := Restored.of(walk.seal.place, row):
                walk.restorations.append(restored)
            await self._compared(walk, caller)
        return await self._stray(walk, rows, began, walk.at, caller)

    async def _compared(self, walk: _Walk, caller: Caller | None) -> None:
        """Compares the seal with what was told of its place."""
        told = walk.told.get(walk.seal.place, ())
        for each in told:
            if each != walk.seal:
                place = walk.confirmed.place + 1 if walk.confirmed else 1
                before = walk.doubts[-1][1] if walk.doubts else None
                record = before.record if before and before.place == place else await self._sealed_at(place, caller)
                walk.doubts.append((each, walk.found(Verdict.REWRITTEN, place=place, record=record)))
        if walk.seal in told:
            walk.confirmed = walk.seal

    async def _problem(self, walk: _Walk, row: Any, most: int | None, caller: Caller | None) -> Found | None:
        """What is wrong with a seal and its record, after all before."""
        place = walk.seal.place + 1
        if row["place"] != place:
            lost = await self._rows(_STRAY, str(walk.at.xid), walk.at.record, row["seal_xid"], row["record"], caller=caller)
            return walk.found(Verdict.REMOVED, place=place, record=lost[0]["id"] if lost else None)
        if row["id"] is None:
            return walk.found(Verdict.REMOVED, place=place, record=row["record"])
        if row["xid"] == row["seal_xid"] and _key(row) > walk.at and link(walk.seal.hash, row) == row["hash"]:
            return None
        other = await self._sealed_there(walk.seal.hash, row, most, caller)
        verdict = Verdict.CHANGED if other is None else Verdict.SWAPPED
        return walk.found(verdict, place=place, record=row["record"], other=other)

    async def _sealed_there(self, before: bytes, row: Any, most: int | None, caller: Caller | None) -> int | None:
        """Which other record was sealed at this place, under its own number or with what it says standing under this one."""
        near = (0, _LAST_ID) if most is None else (row["record"] - most // 2, row["record"] + most // 2)
        after = near[0]
        while some := await self._rows(_RECORDS, after, near[1], self.piece, caller=caller):
            after = some[-1]["id"]
            for each in some:
                as_here = {**each, "id": row["record"], "xid": row["seal_xid"]}
                if each["id"] != row["record"] and row["hash"] in (link(before, each), link(before, as_here)):
                    return int(each["id"])
        return None

    async def _stray(self, walk: _Walk, rows: Sequence[Any], after: _Key, before: _Key, caller: Caller | None) -> Found | None:
        """The first record between two of the rows that was never sealed."""
        found = await self._rows(_STRAY, str(after.xid), after.record, str(before.xid), before.record, caller=caller)
        if not found:
            return None
        record, xid = found[0]["id"], int(found[0]["xid"])
        place = next(row["place"] for row in rows if _key(row) > _Key(xid, record))
        return walk.found(Verdict.INSERTED, place=place, record=record)

    async def _ended(self, walk: _Walk, caller: Caller | None) -> Found:
        """What lies beyond the newest seal: checkpoints that there should be seals for, and records that wait for theirs."""
        cut = walk.found(Verdict.CUT, place=walk.seal.place + 1)
        walk.doubts += [(each, cut) for place, seals in sorted(walk.told.items()) if place > walk.seal.place for each in seals]
        if problem := walk.unexcused():
            return problem
        (waiting,) = await self._rows(_UNSEALED, str(walk.at.xid), walk.at.record, caller=caller)
        if waiting["of_the_future"] is not None:
            return walk.found(Verdict.INSERTED, place=walk.seal.place + 1, record=waiting["of_the_future"])
        return replace(walk.found(Verdict.INTACT), unsealed=waiting["unsealed"])

    async def _newest(self, caller: Caller | None) -> int:
        (row,) = await self._rows(_NEWEST, caller=caller)
        return int(row[0])

    async def _sealed_at(self, place: int, caller: Caller | None) -> int | None:
        rows = await self._rows(_SEALED, place - 1, 1, caller=caller)
        return int(rows[0]["record"]) if rows else None

    async def _rows(self, query: str, *arguments: object, caller: Caller | None) -> Sequence[Any]:
        """What a query gives: the chain goes over records of everybody, of which nothing but numbers is shown."""
        async with self.database.transaction(caller, beyond_reach=True) as transaction:
            rows: Sequence[Any] = await (await transaction.driver()).fetch(query, *arguments)
            return rows


def _key(row: Any) -> _Key:
    return _Key(int(row["seal_xid"]), row["record"])
