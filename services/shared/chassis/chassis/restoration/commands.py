"""The command of every service for what came back from a backup: `python -m registry restored database`."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from kernel.faults import Unavailable

from chassis import operators
from chassis.brokers import Brokers
from chassis.commands import Errand, NothingDone
from chassis.database import Database
from chassis.restoration.topics_lost import Forget, forget_places, nothing_more
from chassis.settings import Settings
from chassis.supervision import closing

if TYPE_CHECKING:
    from chassis.restoration.ahead import Ahead
    from chassis.restoration.restoring import Restoration, Restored

S = TypeVar("S", bound=Settings)

DATABASE, TOPICS = "database", "topics"
NUMBERS, NAMES = "numbers", "names"


def restoring(service: str, settings: type[S], restoration: "Callable[[S], Restoration]", forget: Forget = nothing_more) -> Errand[Any]:
    """The command that brings database and topics together again when one of them came back older than the other, or was lost.

    `restoration` makes what does it for the database; `forget` forgets what else of the service's own speaks of places in topics.
    """

    def arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("what", choices=(DATABASE, TOPICS), help="what came back from a backup, or was born anew")
        says = "tell where the topics are ahead of the database, in numbers or by names, people's among them; and change nothing"
        parser.add_argument("--look", nargs="?", choices=(NUMBERS, NAMES), const=NUMBERS, help=says)
        operators.arguments(parser)

    async def once(told: S, given: argparse.Namespace) -> str:
        with operators.operating(given, looks=bool(given.look)):
            if given.what == DATABASE:
                return await _restored(restoration(told), look=given.look)
            if given.look:
                raise NothingDone("there is nothing to look at in topics that were born anew: nothing was changed; leave --look away")
            return await _forgotten(service, told, forget)

    says = "bring database and topics together again after one of them was lost"
    return Errand("restored", says, settings, ("migrator_database_url", "kafka"), once, arguments)


async def _forgotten(service: str, told: Settings, forget: Forget) -> str:
    async with closing(database := Database(told.migrator_database_url, name=f"{service} restored", role="worker")):
        with kafka_asked(told.brokers):
            await forget_places(database, told.brokers, service, forget)
    return (
        "all places in topics are forgotten: what the topics hold is read from their beginnings; publish again what is stored (republish)"
    )


async def _restored(restoration: "Restoration", *, look: str | None) -> str:
    with kafka_asked(restoration.brokers):
        return listed(await restoration.look(), names=look == NAMES) if look else _said(await restoration())


@contextmanager
def kafka_asked(brokers: Brokers) -> Iterator[None]:
    """Says of Kafka what it lacks."""
    from aiokafka.errors import KafkaConnectionError

    from chassis.survey import NoSuchTopic

    try:
        yield
    except (KafkaConnectionError, NoSuchTopic) as error:
        what = f"no topic {error}" if isinstance(error, NoSuchTopic) else "no broker answers"
        raise Unavailable(kafka=f"{brokers.servers}: {what}") from error


def listed(found: "Sequence[Ahead]", *, names: bool) -> str:
    """How much topics tell of that is not stored so; with `names` every key, a line each: most are people's, for which a log is no place."""
    lines = list[str]()
    for ahead in found:
        lines.append(_counted(ahead))
        if names:
            lines += [f"  newer    {key}" for key in sorted(ahead.newer)]
            lines += [f"  unknown  {key}" for key in sorted(ahead.unknown)]
            lines += [f"  erased   {key}" for key in sorted(ahead.erased)]
        lines += [f"  {each}" for each in ahead.carried]
    return "\n".join(lines)


def _said(done: "Restored") -> str:
    lines = [_counted(ahead) for ahead in done.ahead]
    lines.append(
        f"era {done.era} has begun; {done.told} states are told again as they are stored, {done.rewound.again} messages read again"
    )
    if done.rewound.gone:
        lines.append(f"{done.rewound.gone} messages that were to be read again are in Kafka no more")
    lines += [each for ahead in done.ahead for each in ahead.carried]
    return "\n".join(lines)


def _counted(ahead: "Ahead") -> str:
    newer, unknown, erased = len(ahead.newer), len(ahead.unknown), len(ahead.erased)
    return f"{ahead.topic.topic}: {newer} were published in newer states, {unknown} are not stored, {erased} were erased"
