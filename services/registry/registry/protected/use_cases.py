"""What is done with protected facts and the limits that follow, and the ports that it needs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from chassis.access import Caller
from chassis.recording import Recording
from kernel.faults import NotFound, WrongState
from kernel.identifiers import new_id
from kernel.names import servant_name
from lawbook import Lawbook

from registry.names import protected_fact_name
from registry.protected.domain import Content, KeptFact, ProtectedFact, SealedFact, UnreadFact, read
from registry.protected.limits import DatedLimits, dated_limits
from registry.servants.domain import Servant

# Facts that share a transaction while they are encrypted anew: a fraction of the five seconds that one may last.
FACTS_A_TRANSACTION = 200


class Servants(Protocol):
    """The recorded civil servants."""

    async def get(self, servant: str, visible_to: Caller) -> Servant:
        """Returns the servant; NotFound if there is none within the caller's reach."""


class ProtectedFacts(Protocol):
    """The stored protected facts."""

    @property
    def key(self) -> str:
        """The name of the key under which facts are stored now; SENSITIVE_KEYS_ABSENT where the platform was told none."""

    def opened(self, stored: SealedFact) -> KeptFact:
        """Returns a stored fact, or why it cannot be read."""

    async def posts(self, servant: str) -> Sequence[tuple[str, str]]:
        """Returns body and unit of each post in which the servant's time is kept today or will be."""

    async def stored(self, servant: str, fact: str) -> SealedFact:
        """Returns a servant's fact as it is stored; NotFound if there is none."""

    async def page(self, servant: str, after: str, limit: int) -> Sequence[KeptFact]:
        """Returns at most `limit` facts of the servant with an ID above `after`, by ID."""

    async def behind_limits(self, servant: str) -> Sequence[KeptFact]:
        """Returns all facts of the servant, whoever may see them."""

    async def add(self, fact: ProtectedFact) -> SealedFact:
        """Stores a new fact; as what."""

    async def save(self, fact: ProtectedFact) -> SealedFact:
        """Stores a known fact as it is now, under the current key; as what."""

    async def under_other_keys(self, after: str, limit: int) -> Sequence[SealedFact]:
        """Returns at most `limit` facts with an ID above `after`, by ID, that another key than the current sealed."""

    async def counts(self) -> Mapping[str, int]:
        """Returns how many facts are stored under each key that sealed any."""


class Work(Recording, Protocol):
    """One transaction over protected facts."""

    @property
    def servants(self) -> Servants: ...
    @property
    def protected_facts(self) -> ProtectedFacts: ...

    async def lock(self, bodies: Iterable[str] = (), servants: Iterable[str] = ()) -> None:
        """Takes the keys' locks before the first write."""


Begin = Callable[[Caller | None], AbstractAsyncContextManager[Work]]


@dataclass(frozen=True, slots=True)
class RecordProtectedFact:
    """An HR officer records a fact for which the law protects a servant of their body."""

    work: Begin

    async def __call__(self, caller: Caller, servant: str, content: Content) -> ProtectedFact:
        """Returns the fact; refuses NOT_FOUND (servant), SENSITIVE_KEYS_ABSENT."""
        async with self.work(caller) as work:
            body = await _opened_file(work, caller, servant)
            await work.lock(servants=[servant])
            fact = ProtectedFact(new_id(), servant, content)
            stored = await work.protected_facts.add(fact)
            work.record("protected-fact.record", protected_fact_name(servant, fact.id), rule="o15-p4-5", after=stored, body=body)
            return fact


@dataclass(frozen=True, slots=True)
class ListProtectedFacts:
    """Shows the protected facts of a servant to the person, or to an HR officer; the reading is written down."""

    work: Begin

    async def __call__(self, caller: Caller, servant: str, after: str, limit: int) -> Sequence[KeptFact]:
        """Returns at most `limit` facts above `after`, by ID; refuses NOT_FOUND (servant), SENSITIVE_KEYS_ABSENT."""
        async with self.work(caller) as work:
            body = await _opened_file(work, caller, servant)
            found = await work.protected_facts.page(servant, after, limit)
            work.record("protected-fact.list", f"{servant_name(servant)}/protectedFacts", rule="o15-p4-5", body=body)
            return found


@dataclass(frozen=True, slots=True)
class EndProtectedFact:
    """An HR officer ends a protected fact with its last day."""

    work: Begin

    async def __call__(self, caller: Caller, servant: str, id: str, until: date, seen: str = "") -> ProtectedFact:
        """Returns the ended fact; refuses NOT_FOUND, STALE_ETAG, PROTECTED_FACT_UNREAD, SENSITIVE_KEYS_ABSENT."""
        async with self.work(caller) as work:
            body = await _opened_file(work, caller, servant)
            await work.lock(servants=[servant])
            stored = await work.protected_facts.stored(servant, id)
            fact = read(work.protected_facts.opened(stored))
            ended = fact.ended(until, seen)
            if ended != fact:
                again = await work.protected_facts.save(ended)
                name = protected_fact_name(servant, id)
                work.record("protected-fact.end", name, rule="o15-p4-5", before=stored, after=again, body=body)
            return ended


@dataclass(frozen=True, slots=True)
class ListServantLimits:
    """Shows the limits that follow from a servant's protected facts, to whoever sets the person's time too; the reading is written down."""

    work: Begin
    law: Lawbook

    async def __call__(self, caller: Caller, servant: str, since: date, until: date) -> Sequence[DatedLimits]:
        """Returns the limits of each day of the span, in order.

        Refuses NOT_FOUND, NOT_IN_FORCE, PROTECTED_FACT_UNREAD (who may see the facts), LIMITS_UNREAD (others), SENSITIVE_KEYS_ABSENT.
        Where one fact cannot be read none are given: what it bars would be missing, and nobody would see that.
        """
        async with self.work(caller) as work:
            body = await _opened_file(work, caller, servant)
            kept = await work.protected_facts.behind_limits(servant)
            if any(isinstance(fact, UnreadFact) for fact in kept) and not _sees_facts(caller, servant, body):
                raise WrongState("LIMITS_UNREAD")
            facts = [read(fact).content for fact in kept]
            found = dated_limits(facts, self.law, since, until)
            work.record("servant-limit.list", f"{servant_name(servant)}/limits", rule="o15-p4-5", body=body)
            return found


@dataclass(frozen=True, slots=True)
class Batch:
    """Facts that were looked at in one transaction: the ID of the last, and how many were encrypted anew."""

    last: str
    done: int


@dataclass(frozen=True, slots=True)
class ReencryptFacts:
    """Encrypts protected facts of other keys anew under the current one; what cannot be read stays as it is and stops nothing."""

    work: Begin

    async def __call__(self, after: str) -> Batch | None:
        """Takes the next facts above `after`, by ID; None where there are no more. Refuses SENSITIVE_KEYS_ABSENT."""
        async with self.work(None) as work:
            found = await work.protected_facts.under_other_keys(after, FACTS_A_TRANSACTION)
            if not found:
                return None
            done = 0
            for stored in found:
                fact = work.protected_facts.opened(stored)
                if isinstance(fact, UnreadFact):
                    continue
                again = await work.protected_facts.save(fact)
                work.record("protected-fact.reencrypt", protected_fact_name(fact.servant, fact.id), before=stored, after=again)
                done += 1
            return Batch(found[-1].id, done)

    async def counts(self) -> Mapping[str, int]:
        """Returns how many facts are stored under each key: none under one is not told."""
        async with self.work(None) as work:
            return {work.protected_facts.key: 0, **await work.protected_facts.counts()}


async def _opened_file(work: Work, caller: Caller, servant: str) -> str | None:
    """The body whose auditors see that this servant's file was opened; NotFound unless the caller may open it.

    That may the person; an HR officer of a body that employs them today or will; and who controls their time, where that opens the
    method. A body that the person has left knows nothing of what came since, and needs nothing of what was.
    """
    found = await work.servants.get(servant, visible_to=caller)
    _ = work.protected_facts.key  # refuses before anything is said where nothing can be read
    if caller.reach.servant == servant:
        return found.newest_body
    officer_of = _officer_of(caller)
    for body, unit in await work.protected_facts.posts(servant):
        if body in officer_of or caller.reach.control.holds(body, unit, servant):
            return body
    raise NotFound(servant_name(servant))


def _sees_facts(caller: Caller, servant: str, body: str | None) -> bool:
    """Whether the caller opened the file as the person or as an HR officer, and not as who controls the person's time."""
    return caller.reach.servant == servant or body in _officer_of(caller)


def _officer_of(caller: Caller) -> frozenset[str]:
    """The bodies of which the caller is an HR officer."""
    return frozenset(grant.scope for grant in caller.grants if grant.role == "hr-officer" and grant.scope_kind == "state-body")
