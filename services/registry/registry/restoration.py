"""What the registry owns, for when its database came back from a backup."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import partial

from chassis.calls import current_call
from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.personal_data.holds import AROUND_A_DAY
from chassis.restoration.ahead import OwnTopic
from chassis.wire import day
from sqlalchemy import select
from tartip.registry.v1 import events_pb2

from registry.bodies import events as body_events
from registry.bodies.tables import StateBodyRow
from registry.erasure.use_cases import EraseServant
from registry.holds.tables import LegalHoldRow
from registry.republish import tell_states_again
from registry.servants import events as servant_events
from registry.servants.tables import ServantRow
from registry.unit_of_work import begin


def own_topics(clock: Clock) -> Sequence[OwnTopic]:
    """Bodies and servants; who was erased is erased once more, and no state takes away a legal hold that others know of."""

    async def erase(database: Database, servant: str) -> None:
        call = current_call()
        await EraseServant(begin(database, clock)).again(call.caller if call else None, servant)

    async def held(database: Database, newer: Mapping[str, events_pb2.StateBodyChanged]) -> Mapping[str, str]:
        today = (clock() - AROUND_A_DAY).date()
        async with database.transaction() as transaction:
            stored = await _holds(transaction, newer)
        missing = {
            body: [
                f"{one.hold} until {until}"
                for one in state.holds
                if one.hold not in stored.get(body, ()) and (until := _until(one)) >= today
            ]
            for body, state in newer.items()
        }
        return {
            body: f"a legal hold is not stored ({', '.join(holds)}); place it again before the process `work` is started"
            for body, holds in missing.items()
            if holds
        }

    bodies = OwnTopic(
        body_events.TOPIC, events_pb2.StateBodyChanged, _revisions_of_bodies, partial(_tell, clock, body_events.TOPIC), withheld=held
    )
    servants = OwnTopic(
        servant_events.TOPIC, events_pb2.ServantChanged, _revisions_of_servants, partial(_tell, clock, servant_events.TOPIC), erase=erase
    )
    return bodies, servants


async def _tell(clock: Clock, topic: str, database: Database, keys: Sequence[str]) -> int:
    return await tell_states_again(database, clock, topic, keys)


async def _revisions_of_bodies(transaction: Transaction, keys: Sequence[str]) -> Mapping[str, int]:
    rows = await transaction.session.execute(select(StateBodyRow.id, StateBodyRow.revision).where(StateBodyRow.id.in_(keys)))
    return {row.id: row.revision for row in rows}


async def _revisions_of_servants(transaction: Transaction, keys: Sequence[str]) -> Mapping[str, int]:
    rows = await transaction.session.execute(select(ServantRow.id, ServantRow.revision).where(ServantRow.id.in_(keys)))
    return {row.id: row.revision for row in rows}


async def _holds(transaction: Transaction, bodies: Collection[str]) -> Mapping[str, Collection[str]]:
    """The holds that are stored of these bodies, released ones too, by body."""
    found: dict[str, set[str]] = {}
    query = select(LegalHoldRow.body, LegalHoldRow.id).where(LegalHoldRow.body.in_(sorted(bodies)))
    for row in await transaction.session.execute(query):
        found.setdefault(row.body, set()).add(row.id)
    return found


def _until(hold: events_pb2.LegalHold) -> date:
    return day(hold.until, "until")
