"""What a service does, once, when its database came back from a backup and before any of its processes is started."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from chassis.audit_log.restorations import begun
from chassis.brokers import Brokers
from chassis.commands import NothingDone
from chassis.database import Database, Transaction
from chassis.positions import Partition
from chassis.projections import applied, demand
from chassis.restoration import door
from chassis.restoration.ahead import Ahead, OwnTopic, ahead_of
from chassis.restoration.quiet import require_quiet
from chassis.restoration.rewinding import Rewound, rewind
from chassis.supervision import closing
from chassis.survey import survey

# Rows of a dump keep the numbers of the transactions that wrote them on another server.
_OF_THE_FUTURE = """
SELECT greatest((SELECT max(xid) FROM outbox), (SELECT xid FROM audit_records ORDER BY xid DESC, id DESC LIMIT 1))
    >= pg_snapshot_xmax(pg_current_snapshot())
"""
# Minutes since 1970: a database that came back a second time, from a backup of before the first, takes no number once more.
_BEGIN = """
INSERT INTO eras (era)
SELECT greatest(coalesce(max(era), 0) + 1, (extract(epoch FROM clock_timestamp()) / 60)::bigint) FROM eras RETURNING era
"""
# Nobody seals before the era has begun: so far the chain came back, and what was told of it beyond that is lost.
_SEALED = "SELECT coalesce(max(place), 0) FROM audit_seals"
_TOLD = "UPDATE eras SET told_at = clock_timestamp() WHERE era = $1"


@dataclass(frozen=True, slots=True)
class Followed:
    """The topics that a service's consumer group reads, and up to where their messages are in its database."""

    topics: Collection[str]
    positions: Callable[[Transaction], Awaitable[Mapping[Partition, int]]] = applied


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done: the era that began, what will be read again, and where the topics were ahead."""

    era: int
    rewound: Rewound
    ahead: Sequence[Ahead]
    told: int


@dataclass(frozen=True, slots=True)
class Restoration:
    """Brings a service's database that came back from a backup, and what others know of it, together again.

    Whatever it does may be done again, also after it was cut off in the middle. It enters as the database's owner, since it locks the door
    to all others, and opens it at its end.
    """

    service: str
    url: str
    brokers: Brokers
    topics: Sequence[OwnTopic]
    followed: Followed | None = None

    async def look(self) -> list[Ahead]:
        """Says where the topics are ahead, and changes nothing."""
        async with closing(database := self._database()):
            found = await ahead_of(database, self.brokers, self.topics)
            await carry(database, found, look=True)
            return found

    async def __call__(self) -> Restored:
        """Begins an era, takes the group back, erases again who was erased, and tells again what others knew in newer states.

        NothingDone while a process of the service is at work, or where the server gives out numbers of transactions once more; the door
        stays locked then.
        """
        async with closing(database := self._database()):
            async with database.transaction() as transaction:
                await door.lock(transaction, self.service)
            await self._require_sound(database)
            ahead = await ahead_of(database, self.brokers, self.topics)
            rewound = await self._rewound(database) if self.followed else Rewound(0, 0)
            async with database.transaction() as transaction:
                driver = await transaction.driver()
                era, kept = int(await driver.fetchval(_BEGIN)), int(await driver.fetchval(_SEALED))
                transaction.record("restoration.begin", begun(era, kept))
        async with closing(database := self._database()):  # which finds itself in the new era
            told = await tell_and_erase(database, ahead)
            async with database.transaction() as transaction:
                await (await transaction.driver()).execute(_TOLD, era)
                await door.unlock(transaction, self.service)
        return Restored(era, rewound, ahead, told)

    def _database(self) -> Database:
        return Database(self.url, name=f"{self.service} restored", role="worker")

    async def _require_sound(self, database: Database) -> None:
        async with database.transaction() as transaction:
            await require_quiet(transaction, self.service)
            if await (await transaction.driver()).fetchval(_OF_THE_FUTURE):
                raise NothingDone(
                    "rows carry numbers of transactions that this server has not reached: nothing was changed; what was written would"
                    " neither be published nor sealed; read the dump into a server whose numbers begin above them"
                    " (pg_resetwal --epoch, docs/restore.md)"
                )

    async def _rewound(self, database: Database) -> Rewound:
        assert self.followed is not None
        async with database.transaction() as transaction:
            positions = await self.followed.positions(transaction)
        rewound = await rewind(self.brokers, self.service, self.followed.topics, positions)
        extents = await survey(self.brokers, self.service, self.followed.topics)
        async with database.transaction() as transaction:
            await demand(transaction, extents)
        return rewound


async def carry(database: Database, found: Sequence[Ahead], *, look: bool) -> None:
    """Takes into the database what must not be lost of the newest states; with `look` it is only named."""
    for ahead in found:
        if ahead.topic.carry is not None:
            ahead.carried = await ahead.topic.carry(database, ahead.newest, look)


async def tell_and_erase(database: Database, found: Sequence[Ahead]) -> int:
    """Erases again who was erased, and tells what is stored where others know newer states; how many were told.

    What must not be lost is taken over first: erasing publishes states too.
    """
    await carry(database, found, look=False)
    told = 0
    for ahead in found:
        topic = ahead.topic
        if topic.erase is not None:
            for key in sorted(ahead.erased):
                await topic.erase(database, key)
        told += await topic.tell(database, sorted(ahead.newer))
    return told
