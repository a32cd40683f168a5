"""What the registry owns, for when its database came back from a backup."""

from collections.abc import Mapping, Sequence
from functools import partial

from chassis.calls import current_call
from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.personal_data.holds import holds_told
from chassis.restoration.ahead import OwnTopic
from kernel.holds import Hold as Standing
from sqlalchemy import select
from tartip.registry.v1 import events_pb2

from registry.bodies import events as body_events
from registry.bodies.tables import StateBodyRow
from registry.erasure.use_cases import EraseServant
from registry.holds.carrying import CarryHolds
from registry.republish import tell_states_again
from registry.servants import events as servant_events
from registry.servants.tables import ServantRow
from registry.unit_of_work import begin


def own_topics(clock: Clock) -> Sequence[OwnTopic]:
    """Bodies and servants; who was erased is erased once more, and the legal holds that others know of are taken over."""

    async def erase(database: Database, servant: str) -> None:
        call = current_call()
        await EraseServant(begin(database, clock)).again(call.caller if call else None, servant)

    async def carry(database: Database, newest: Mapping[str, events_pb2.StateBodyChanged], look: bool) -> Sequence[str]:
        call = current_call()
        return await CarryHolds(begin(database, clock))(call.caller if call else None, _told(newest), look=look)

    bodies = OwnTopic(
        body_events.TOPIC, events_pb2.StateBodyChanged, _revisions_of_bodies, partial(_tell, clock, body_events.TOPIC), carry=carry
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


def _told(newest: Mapping[str, events_pb2.StateBodyChanged]) -> Mapping[str, Sequence[Standing]]:
    return {body: holds_told(state.holds) for body, state in newest.items()}
